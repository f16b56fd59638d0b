"""Thousands of made messages and policies, judged by `postern verify` and by mailauth over the same records: the results of SPF, of
each DKIM signature and of DMARC must be the same, or differ for a reason that stands here.

usage: verify.py [--cases N] [--seed N] [--postern BINARY]

Run by Debian's own interpreter, for which python3-dkim and python3-nacl are packaged.
"""

import argparse
import base64
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "e2e/t53_verify")]

import dkim  # noqa: E402

import story  # noqa: E402
from name_server import NameServer  # noqa: E402

ADDRESSES = ["192.0.2.1", "192.0.2.77", "198.51.100.9", "203.0.113.5", "2001:db8::1", "2001:db8:1::25"]
POLICIES = ["none", "quarantine", "reject"]
FIELDS = [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"X-Odd"]


class Zone:
    def __init__(self):
        self.records = {}

    def add(self, name, kind, text):
        self.records.setdefault(name.lower(), {}).setdefault(kind, []).append(text)

    def lines(self):
        for name, kinds in self.records.items():
            for kind, texts in kinds.items():
                for text in texts:
                    if kind == "TXT":
                        yield story.txt(name, text.replace("\\", "\\\\").replace('"', '\\"'))
                    elif kind == "MX":
                        yield f"{name}. 60 IN MX {text}."
                    else:
                        yield f"{name}. 60 IN {kind} {text}"


# No ptr: the name server has no reverse zone.
def spf_term(rng, label):
    domain = rng.choice([label, f"host{rng.randrange(6)}.test", f"d{rng.randrange(40)}.test", "absent.test", "%{d}", "%{l}.%{o}",
                         "%{ir}.%{v}.list.test", "%{h}", "%{d1r}.test"] + ["bad..test", "%{x}.test", "123"] * (rng.random() < 0.1))
    cidr = rng.choice(["", "", "/24", "//64", "/24//32", "/0"] + ["/33", "/08"] * (rng.random() < 0.1))
    term = rng.choice([
        f"ip4:{rng.choice(ADDRESSES[:4])}{rng.choice(['', '/24', '/31', '/0'])}",
        f"ip6:{rng.choice(ADDRESSES[4:])}{rng.choice(['', '/32', '/64', '/0'])}",
        "a" + cidr, f"a:{domain}{cidr}", "mx" + cidr, f"mx:{domain}{cidr}", f"include:{domain}", f"exists:{domain}", "all", "all",
        f"redirect={domain}", f"exp={domain}", "moo=%{d}", f"A:{label}"] +
        ["unknown", "ip4:", "ip6:192.0.2.1", "ip4:192.0.2.0/33", "ip6:2001:db8::/129", "all:x"] * (rng.random() < 0.05))
    return rng.choice(["", "", "-", "~", "?", "+"]) + term if "=" not in term else term


def publish(rng, zone):
    for i in range(6):
        zone.add(f"host{i}.test", rng.choice(["A", "A", "AAAA"]), "")
        kind = next(iter(zone.records[f"host{i}.test"]))
        zone.records[f"host{i}.test"][kind] = rng.sample(ADDRESSES[:4] if kind == "A" else ADDRESSES[4:], rng.randrange(1, 3))
        zone.add(f"host{i}.test", "MX", f"10 host{rng.randrange(6)}.test")
    for i in range(40):
        domain = f"d{i}.test"
        for name in [domain, f"sub.{domain}", f"deep.sub.{domain}"]:
            if rng.random() < 0.8:
                terms = " ".join(spf_term(rng, domain) for _ in range(rng.randrange(1, 5)))
                zone.add(name, "TXT", f"{rng.choice(['v=spf1'] * 9 + ['V=SPF1'])} {terms}")
            if rng.random() < 0.05:
                zone.add(name, "TXT", "v=spf1 -all")
            if rng.random() < 0.7:
                zone.add(name, "A", rng.choice(ADDRESSES[:4]))
            if rng.random() < 0.5:
                zone.add(name, "MX", f"10 host{rng.randrange(6)}.test")
            if rng.random() < 0.6:
                tags = [f"p={rng.choice(POLICIES)}"]
                for tag, values in {"sp": POLICIES, "np": POLICIES, "adkim": "rs", "aspf": "rs", "t": "yn", "psd": "yun"}.items():
                    if rng.random() < 0.25:
                        tags.append(f"{tag}={rng.choice(values)}")
                if rng.random() < 0.1:
                    tags.append("rua=mailto:d@example.org")
                if rng.random() < 0.1:
                    tags[0] = rng.choice(["p=", "p=never", "x=1"])
                rng.shuffle(tags)
                version = rng.choice(["v=DMARC1"] * 9 + ["v=dmarc1", "v = DMARC1"])
                zone.add(f"_dmarc.{name}", "TXT", f"{version}; {'; '.join(tags)}")


def make_message(rng, author):
    lines = [b"From: " + rng.choice([b"%s", b"Ann <%s>", b"\"A, B\" <%s>"]) % f"ann@{author}".encode(), b"To: bob@example.net",
             b"Subject:" + rng.choice([b" x", b"  two  words ", b"\r\n folded", b""]), b"Date: Mon, 30 Nov 2026 09:00:00 +0000",
             b"Message-ID: <1@example.org>", b"X-Odd: \t a\t b"]
    rng.shuffle(lines)
    body = b"".join(rng.choice([b"line\r\n", b" blank  s \r\n", b"\r\n", b"\t\r\n", b"gr\xc3\xbc\r\n", b"." * 70 + b"\r\n"])
                    for _ in range(rng.randrange(5)))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def sign(rng, keys, message, domain):
    kind = rng.choice(["rsa", "rsa", "ed25519"])
    signer = dkim.DKIM(message, signature_algorithm=f"{kind}-sha256".encode(), linesep=b"\r\n")
    names = [b"from"] + [name.lower() for name in rng.sample(FIELDS[1:], rng.randrange(4))]
    names += rng.choice([[], [b"from"], [b"absent"]])
    forms = tuple(rng.choice([b"simple", b"relaxed"]) for _ in range(2))
    field = signer.sign(kind.encode(), domain.encode(), keys[kind], canonicalize=forms, include_headers=names,
                        length=rng.random() < 0.1)
    return field + message


# Hop by hop, each with what it found; dkimpy seals what it takes for whole, and mangling comes after.
def seal(rng, keys, message):
    for hop in range(rng.choice([1, 1, 2, 3])):
        server = f"mx{hop}.relay.test".encode()
        message = b"Authentication-Results: " + server + b"; spf=pass smtp.mailfrom=ann@example.org\r\n" + message
        fields = dkim.arc_sign(message, b"rsa", f"d{rng.randrange(40)}.test".encode(), keys["rsa"], server,
                               include_headers=[b"from", b"to", b"subject", b"date", b"message-id"], linesep=b"\r\n")
        message = b"".join(fields) + message
    return message


def mangle_seal(rng, message):
    changes = [(b"cv=pass", b"cv=fail"), (b"cv=none", b"cv=pass"), (b"; i=1", b"; i=2"), (b"i=1;", b"i=01;"), (b"i=2;", b"i=3;"),
               (b"ARC-Seal:", b"X-Seal:"), (b"ARC-Message-Signature:", b"X-Signature:"), (b"spf=pass", b"spf=fail"),
               (b"ARC-Authentication-Results: i=1", b"ARC-Authentication-Results: i=51")]
    what, other = rng.choice(changes)
    return message.replace(what, other, 1)


def mangle(rng, message):
    changes = [(b"line", b"lime"), (b" s \r\n", b" s\r\n"), (b"bob@", b"rob@"), (b"; d=", b";d=x."),
               (b"a=rsa-sha256", b"a=rsa-sha1"),
               (b"s=rsa", b"s=none"), (b"v=1;", b"v=2;"), (b"c=simple", b"c=relaxed"), (b"; t=", b"; x="), (b"bh=", b"bh=A"),
               (b" b=", b" b=A"), (b"Subject:", b"Subject: x\r\nSubject:"),
               (b"X-Odd: \t a\t b", b"X-Odd: a b"), (b"\r\n\r\n", b"\r\n\r\n\r\n"),
               (b"; i=@", b"; i=@sub."), (b"h=from", b"h=sender")]
    what, other = rng.choice(changes)
    return message.replace(what, other, 1)


def make_case(rng, keys):
    domain = f"d{rng.randrange(40)}.test"
    author = rng.choice(["", "sub.", "deep.sub.", "gone."]) + domain
    message = make_message(rng, author)
    for _ in range(rng.choice([0, 1, 1, 2])):
        message = sign(rng, keys, message, rng.choice([domain, author, f"sub.{domain}", "other.test"]))
    is_sealed = rng.random() < 0.3
    if is_sealed:
        message = seal(rng, keys, message)
    if is_sealed and rng.random() < 0.4:
        message = mangle_seal(rng, message)
    if rng.random() < 0.4:
        message = mangle(rng, message)
    envelope = rng.choice(["", "sub.", "bounce."]) + (domain if rng.random() < 0.7 else f"d{rng.randrange(40)}.test")
    return {"message": base64.b64encode(message).decode(), "ip": rng.choice(ADDRESSES), "helo": f"host{rng.randrange(6)}.test",
            "author": author,
            "sender": rng.choice([f"ann@{envelope}"] * 9 + [f"a.b+c@{envelope}"])}


def ours(postern, config, folder, number, case):
    file = folder / f"{number}.eml"
    file.write_bytes(base64.b64decode(case["message"]))
    done = subprocess.run([postern, "--config", config, "verify", file, "--ip", case["ip"], "--helo", case["helo"], "--from",
                           case["sender"], "--json"], capture_output=True, text=True)
    file.unlink()
    if done.returncode:
        return {"error": done.stderr}
    found = json.loads(done.stdout)
    return {"spf": found["spf"]["result"], "spf_why": found["spf"]["why"], "dkim": [one["result"] for one in found["dkim"]],
            "dkim_why": [one["why"] for one in found["dkim"]], "dmarc": found["dmarc"]["result"],
            "policy": found["dmarc"]["policy"], "testing": found["dmarc"]["testing"], "arc": found["arc"]["result"],
            "arc_why": found["arc"].get("why", "")}


def run_oracle(folder, zone, cases):
    for name in ("package.json", "package-lock.json", "oracle.js"):
        shutil.copy(HERE / "mailauth" / name, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    (folder / "zone.json").write_text(json.dumps(zone.records))
    done = subprocess.run(["node", "oracle.js", "zone.json"], cwd=folder, capture_output=True, text=True,
                          input="".join(json.dumps(case) + "\n" for case in cases))
    if done.returncode:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def passes(result):
    return result == "pass" or (result if result == "temperror" else False)


def differences(mine, theirs):
    """(what, ours, theirs) for all that is not the same for a reason that is known."""
    if "error" in mine or "error" in theirs:
        yield "error", mine.get("error"), theirs.get("error")
        return
    if mine["spf"] != theirs["spf"]:
        yield "spf", f"{mine['spf']}: {mine['spf_why']}", f"{theirs['spf']}: {theirs['spf_why']}"
    if mine["arc"] != theirs["arc"]:
        yield "arc", f"{mine['arc']}: {mine['arc_why']}", f"{theirs['arc']}: {theirs['arc_why']}"
    # A signature that proves nothing is "fail", "neutral" or "permerror" by taste: which ones pass counts.
    # mailauth lets pass what an l= leaves open if nothing was added behind it.
    if [passes(one) for one in mine["dkim"]] != [passes(one) for one in theirs["dkim"]]:
        yield "dkim", f"{mine['dkim']} {mine['dkim_why']}", f"{theirs['dkim']} {theirs['dkim_why']}"
    elif mine["spf"] == theirs["spf"] and mine["dmarc"] != theirs["dmarc"]:
        yield "dmarc", mine["dmarc"], theirs["dmarc"]
    elif mine["dmarc"] in ("pass", "fail") and not mine["testing"] and mine["policy"] != theirs["policy"]:
        yield "policy", mine["policy"], theirs["policy"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postern", default="build/debug/app/postern")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        records = story.make_keys(folder)
        keys = {kind: (folder / f"{kind}.key").read_bytes() for kind in records}
        zone = Zone()
        publish(rng, zone)
        for kind, record in records.items():
            for name in list(zone.records):
                if not name.startswith(("_", "host")):
                    zone.add(f"{kind}._domainkey.{name}", "TXT", record)
            zone.add(f"{kind}._domainkey.other.test", "TXT", record)
        cases = [make_case(rng, keys) for _ in range(options.cases)]
        theirs = run_oracle(folder, zone, cases)
        server = NameServer(folder / "dns", "test")
        server.publish(list(zone.lines()))
        config = folder / "postern.toml"
        config.write_text(f'environment = "development"\nhostname = "mx.receiver.test"\ndata_dir = "{folder}/data"\n'
                          f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_trust_anchor_file = ""\n')
        try:
            with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
                mine = list(pool.map(lambda pair: ours(options.postern, config, folder, *pair), enumerate(cases)))
        finally:
            server.stop()
    found, results = {}, {}
    for case, one, other in zip(cases, mine, theirs):
        for kind in ("spf", "dmarc", "arc"):
            results.setdefault(kind, {}).setdefault(one.get(kind), 0)
            results[kind][one.get(kind)] += 1
        for result in one.get("dkim", []):
            results.setdefault("dkim", {}).setdefault(result, 0)
            results["dkim"][result] += 1
        for what, a, b in differences(one, other):
            found.setdefault(what, []).append((case, a, b))
    print(json.dumps({"cases": len(cases), "results": results, "differences": {what: len(all_) for what, all_ in found.items()}}))
    for what, all_ in found.items():
        for case, a, b in all_[:20]:
            print(f"{what}: {case['sender']} from {case['ip']}, {case['author']}\n  ours   {a}\n  theirs {b}")
            domain = case["author"] if what in ("dmarc", "policy") else case["sender"].rpartition("@")[2]
            for name, kinds in zone.records.items():
                if domain.endswith(name.removeprefix("_dmarc.")) and "TXT" in kinds:
                    print("   ", name, [text for text in kinds["TXT"] if "DKIM1" not in text])
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
