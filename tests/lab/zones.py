"""Certificates and signed zones, made when the laboratory starts and thrown away with it."""

import hashlib
import pathlib
import subprocess

SERVER = "192.0.2.53"  # nsd
MUTE = "192.0.2.99"    # a name server that never answers


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


class Certificates:
    """A CA and what it signs; PEM files in `folder`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self._make("ca", ["Laboratory CA"], signed=False)
        self.made = {}

    def _make(self, stem, names, signed=True, days=30):
        key, request, certificate = (self.folder / f"{stem}.{end}" for end in ("key", "csr", "pem"))
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
        if not signed:
            run("openssl", "req", "-x509", "-new", "-key", str(key), "-out", str(certificate), "-subj", f"/CN={names[0]}",
                "-days", str(days))
            return certificate
        extensions = self.folder / f"{stem}.ext"
        extensions.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names))
        run("openssl", "req", "-new", "-key", str(key), "-out", str(request), "-subj", f"/CN={names[0]}")
        run("openssl", "x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self.folder / "ca.key"),
            "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out", str(certificate))
        certificate.write_text(certificate.read_text() + self.ca.read_text())
        return certificate

    def get(self, kind, names):
        """(chain, key). Kinds: "ca" signed by the CA, "self" by itself, "expired"."""
        stem = f"{kind}-{names[0]}"
        if stem not in self.made:
            self.made[stem] = self._make(stem, names, signed=kind != "self", days=0 if kind == "expired" else 30)
        return self.made[stem], self.folder / f"{stem}.key"


def digest(certificate, selector, matching):
    """The data of a TLSA record for the first certificate of a file (RFC 6698 section 2.1)."""
    command = ["openssl", "x509", "-in", str(certificate), "-outform", "DER"]
    if selector == 1:
        public = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"], capture_output=True, check=True)
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.stdout, capture_output=True,
                             check=True).stdout
    else:
        der = subprocess.run(command, capture_output=True, check=True).stdout
    return {0: der.hex(), 1: hashlib.sha256(der).hexdigest(), 2: hashlib.sha512(der).hexdigest()}[matching]


HEAD = "$ORIGIN {origin}\n$TTL 300\n@ IN SOA ns.lab. hostmaster.lab. 1 3600 600 86400 5\n@ IN NS ns.lab.\n"


def sign(folder, origin, stem):
    """Signs `stem`.zone; the DS record."""
    key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", origin, cwd=folder)
    run("ldns-signzone", "-o", origin, "-f", f"{stem}.signed", f"{stem}.zone", key, cwd=folder)
    return (folder / f"{key}.ds").read_text().strip()


def write_zones(folder, records):
    """`records`: zone ("sec", "ins", "bog") → lines. Returns the zones that nsd serves, and the anchor's file."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ds = []
    for stem, lines in records.items():
        (folder / f"{stem}.zone").write_text(HEAD.format(origin=f"{stem}.") + "\n".join(lines) + "\n")
        if stem != "ins":
            ds.append(sign(folder, f"{stem}.", stem))
    bogus = folder / "bog.signed"
    bogus.write_text(bogus.read_text().replace("198.51.100.66", "198.51.100.67"))  # what was signed is another address
    root = HEAD.format(origin=".") + f"ns.lab. IN A {SERVER}\nns.mute. IN A {MUTE}\n"
    for name in [*records, "fail", "lab"]:
        root += f"{name}. IN NS ns.lab.\n" if name != "lab" else ""
    root += "mute. IN NS ns.mute.\n" + "\n".join(ds) + "\n"
    (folder / "root.zone").write_text(root)
    anchor = folder / "root.anchor"
    anchor.write_text(sign(folder, ".", "root") + "\n")
    # Without a file nsd answers SERVFAIL.
    absent = {"fail.": "absent", "_tcp.mx.tlsafail.sec.": "absent"}
    return {".": "root.signed", **absent, **{f"{z}.": f"{z}.signed" if z != "ins" else "ins.zone" for z in records}}, anchor
