"""Messages that another implementation of DKIM signed are verified over a real name server by `postern verify`: what passes, what
does not when something was changed, and what is said where the DNS is silent."""

import base64
import pathlib
import subprocess

from name_server import NameServer
from support import check

HERE = pathlib.Path(__file__).parent
DEBIAN_PYTHON = "/usr/bin/python3"
MESSAGE = b"\r\n".join([
    b"From: Ann <ann@mail.example.org>", b"To: bob@example.net", b"Subject:  =?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"\t folded \t",
    b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit", b"", b".", b"  blanks  in\tplaces \t",
    "Grüße".encode(), b"", b"x" * 900, b"", b"", b""])
FORMS = [f"{header}/{body}" for header in ("simple", "relaxed") for body in ("simple", "relaxed")]


def make_keys(folder):
    """Private halves in files, as dkimpy takes them; the records that publish the others."""
    rsa = folder / "rsa.key"
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", rsa, "2048"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", rsa, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    pem = folder / "ed25519.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", pem], check=True, capture_output=True)
    seed = subprocess.run(["openssl", "pkey", "-in", pem, "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
    point = subprocess.run(["openssl", "pkey", "-in", pem, "-pubout", "-outform", "DER"], check=True,
                           capture_output=True).stdout[-32:]
    (folder / "ed25519.key").write_bytes(base64.b64encode(seed))
    return {"rsa": "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode(),
            "ed25519": "v=DKIM1; k=ed25519; p=" + base64.b64encode(point).decode()}


def txt(name, value):
    strings = " ".join(f'"{value[i:i + 255]}"' for i in range(0, len(value), 255))
    return f"{name}. 60 IN TXT {strings}"


def sign(folder, kind, forms, message=MESSAGE, domain="example.org"):
    done = subprocess.run([DEBIAN_PYTHON, HERE / "sign.py", folder / f"{kind}.key", kind, domain, f"{kind}-sha256", forms],
                          input=message, capture_output=True)
    check(done.returncode == 0, "sign.py: " + done.stderr.decode())
    return done.stdout


class Verifier:
    def __init__(self, relay, folder):
        self.relay = relay
        self.file = folder / "message.eml"

    def found(self, message, *options):
        self.file.write_bytes(message)
        return self.relay.json("verify", str(self.file), *options)

    def result(self, message, *options):
        found = self.found(message, *options)
        return [one["result"] for one in found["dkim"]], found["dmarc"]["result"], found["dmarc"]["disposition"]


def run(context):
    server = NameServer(context.folder / "dns", "org")
    try:
        story(context, server)
    finally:
        server.stop()


def story(context, server):
    keys = make_keys(context.folder)
    server.publish([txt(f"{kind}._domainkey.example.org", record) for kind, record in keys.items()] +
                   [txt("_dmarc.example.org", "v=DMARC1; p=reject; np=quarantine"), "mail.example.org. 60 IN A 192.0.2.7",
                    txt("bounce.example.org", "v=spf1 a:mail.example.org -all exp=why.example.org"),
                    txt("why.example.org", "%{i} does not send for %{d}"),
                    txt("attack.org", "v=spf1 +all")])
    resolver = f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_trust_anchor_file = ""\n'
    relay = context.relay(extra=resolver)
    verifier = Verifier(relay, context.folder)

    for kind in keys:
        for forms in FORMS:
            signed = sign(context.folder, kind, forms)
            check(verifier.result(signed) == (["pass"], "pass", "none"), f"{kind} {forms}: {verifier.found(signed)}")
            check(verifier.result(signed.replace(b"\r\n", b"\n"))[0] == ["pass"], f"{kind} {forms}, lines ending with LF")
    both = sign(context.folder, "rsa", "simple/relaxed", sign(context.folder, "ed25519", "relaxed/simple"))
    check(verifier.result(both) == (["pass", "pass"], "pass", "none"), "two signatures")

    changes = {b"ann@": b"eve@", "Grüße".encode(): b"Regards", b"To: bob": b"From: eve@example.org\r\nTo: bob"}
    for what, other in changes.items():
        dkim, dmarc, disposition = verifier.result(both.replace(what, other, 1))
        wanted = ("permerror", "quarantine") if other.startswith(b"From") else ("fail", "reject")
        check("pass" not in dkim and (dmarc, disposition) == (wanted[0], wanted[1]), f"{other}: {dkim} {dmarc} {disposition}")
    nobody = MESSAGE.replace(b"@mail.example.org", b"@nobody.example.org")
    check(verifier.result(nobody) == ([], "fail", "quarantine"), f"a domain that is not there: {verifier.found(nobody)}")

    passed = verifier.found(MESSAGE, "--ip", "192.0.2.7", "--helo", "mail.example.org", "--from", "b+1@bounce.example.org")
    check(passed["spf"]["result"] == "pass" and passed["dmarc"]["spf_aligned"], f"SPF: {passed}")
    failed = verifier.found(MESSAGE, "--ip", "2001:db8::7", "--from", "<b+1@bounce.example.org>")
    check(failed["spf"]["result"] == "fail" and failed["dmarc"]["disposition"] == "reject", f"SPF: {failed}")
    check(failed["spf"]["explanation"].endswith("does not send for bounce.example.org"), f"explanation: {failed['spf']}")
    stranger = verifier.found(MESSAGE, "--ip", "203.0.113.1", "--from", "any@attack.org")
    check(stranger["spf"]["result"] == "pass" and stranger["dmarc"]["result"] == "fail", f"a stranger's own pass: {stranger}")

    forged = b"Authentication-Results: Relay.Postern.test; dmarc=pass\r\nAuthentication-Results: other.org; spf=pass\r\n"
    check(verifier.found(forged + MESSAGE)["forged_results"] == [" Relay.Postern.test; dmarc=pass"], "results that bear our name")
    text = relay.cli("verify", str(verifier.file), "--ip", "192.0.2.7", "--from", "b+1@bounce.example.org")
    check("Authentication-Results: relay.postern.test;" in text and "pretends to be ours" in text, text)
    relay.cli("verify", str(context.folder / "absent"), expect=1)
    relay.cli("verify", str(verifier.file), "--ip", "somewhere", expect=2)

    server.stop()
    verifier.relay = context.relay("hasty", extra=resolver + "resolver_timeout_seconds = 1")
    check(verifier.result(both)[:2] == (["temperror", "temperror"], "temperror"), "a name server that is down proves nothing")
