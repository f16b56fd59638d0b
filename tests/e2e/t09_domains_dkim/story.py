"""A domain is added, its records are published by a real name server, it is verified, and what is sent from it arrives with
signatures that another implementation of DKIM verifies over the same zone."""

import email
import json
import pathlib
import re
import smtplib
import subprocess

from name_server import NameServer
from support import PLAIN_MESSAGE, Delivered, check, wait_until

HERE = pathlib.Path(__file__).parent
DEBIAN_PYTHON = "/usr/bin/python3"
DOMAIN = "example.org"
RAW = b"\r\n".join([
    b"From: Sender <sender@example.org>", b"To: someone@example.net", b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    b" folded", b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: 8bit", b"MIME-Version: 1.0", b"",
    b".", b"..two dots", b"  blanks  in\tplaces \t", "Grüße".encode(), b"x" * 900, b"", b"", b""])


def send(relay, key, content):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("client.example.org")
        client.login("app", key)
        client.sendmail("sender@example.org", ["someone@example.net"], content, mail_options=["BODY=8BITMIME"])


def as_sent(delivered):
    """The octets behind the sink's own fields, with the relay's trace header among them."""
    text = delivered.text
    begin = text.find(b"DKIM-Signature:")
    if begin < 0:
        begin = text.find(b"Received: from authenticated-client")
    # smtp-sink ends its file with an empty line of its own.
    return text[begin:].removesuffix(b"\n").replace(b"\n", b"\r\n")


def signatures(zone, message):
    done = subprocess.run([DEBIAN_PYTHON, str(HERE / "verify.py"), str(zone)], input=message, capture_output=True)
    check(done.returncode == 0, "verify.py: " + done.stderr.decode())
    return json.loads(done.stdout)


def status_by_purpose(shown):
    return {record["purpose"]: record["status"] for record in shown["records"]}


def arrives_signed(server, sink, send_it):
    known = set(sink.files())
    send_it()
    arrived = wait_until(lambda: [p for p in sink.files() if p not in known], "a signed message arrives")
    message = as_sent(Delivered(arrived[0].read_bytes()))
    found = signatures(server.zone, message)
    check([s["good"] for s in found] == [True, True], f"signatures: {found}\n{message[:2000].decode('utf-8', 'replace')}")
    check(sorted(s["algorithm"] for s in found) == ["ed25519-sha256", "rsa-sha256"], f"algorithms: {found}")
    check(all(s["domain"] == DOMAIN and "from" in s["signed"] and "subject" in s["signed"] for s in found), f"signed: {found}")
    changed = message.replace(b"sender@example.org>", b"forger@example.org>", 1)
    check(not any(s["good"] for s in signatures(server.zone, changed)), "a changed author must not verify")
    return message


def over_http(relay, server):
    """The whole life of a second domain, by the endpoints."""
    key = relay.key("app", "--live", "--permission", "full_access")
    status, domain, _ = relay.request("POST", "/v1/domains", {"name": f"mail.{DOMAIN}"}, key)
    check(status == 201 and domain["status"] == "not_started", f"POST /v1/domains: {status} {domain}")
    lines = relay.cli("domain", "records", domain["name"]).splitlines()
    values = {record["value"] for record in domain["records"]}
    check(len(values) == 5 and relay.json("domain", "show", domain["id"])["status"] == "not_started", f"{domain}")
    server.publish(lines)
    path = f"/v1/domains/{domain['id']}"
    status, verified, _ = relay.request("POST", path + "/verify", key=key)
    check(status == 200 and verified["status"] == "verified", f"verify: {status} {verified}")
    check(relay.request("GET", path, key=key)[1] == verified, "GET shows what verify found")
    check(relay.request("GET", "/v1/domains", key=key)[1]["data"][0]["name"] == domain["name"], "the list")
    check(relay.request("DELETE", path, key=key)[0] == 200 and relay.request("GET", path, key=key)[0] == 404, "DELETE")


def selectors(message):
    return set(re.findall(rb"[; \t]s=([^;\s]+);", message.split(b"\r\n\r\n" if b"\r\n\r\n" in message else b"\n\n")[0]))


def keys_are_changed(relay, server, sink, key, folder):
    """Successors sign once their records are there, what was signed before verifies on; a key of another system is taken."""
    def sent():
        return arrives_signed(server, sink, lambda: send(relay, key, PLAIN_MESSAGE))

    def published():
        server.publish(relay.cli("domain", "records", DOMAIN).splitlines())
        check(relay.json("domain", "verify", DOMAIN)["status"] == "verified", "verified")

    first = sent()
    relay.cli("domain", "rotate-keys", DOMAIN)
    relay.cli("domain", "rotate-keys", DOMAIN, expect=1)
    check(selectors(sent()) == selectors(first), "successors whose records are not there do not sign")
    published()
    second = sent()
    check(not selectors(second) & selectors(first), f"successors: {selectors(first)} {selectors(second)}")
    check(all(s["good"] for s in signatures(server.zone, first)), "what was signed before verifies on")
    pem = folder / "other.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", str(pem)], check=True,
                   capture_output=True)
    relay.cli("domain", "import-key", DOMAIN, "s2026", str(pem))
    published()
    check(b"s2026" in selectors(sent()), "the imported key signs")
    check("BEGIN" not in relay.cli("domain", "show", DOMAIN, "--json"), "no private half is shown")


def run(context):
    server = NameServer(context.folder / "dns", DOMAIN)
    try:
        story(context, server)
    finally:
        server.stop()


def story(context, server):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port,
                          extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_timeout_seconds = 60')
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    relay.start()

    added = relay.json("domain", "add", "app", DOMAIN)
    purposes = {"ownership", "dkim-rsa", "dkim-ed25519", "spf", "dmarc"}
    check(added["status"] == "not_started" and set(status_by_purpose(added)) == purposes, f"added: {added}")
    lines = relay.cli("domain", "records", DOMAIN).splitlines()
    check(len(lines) == len(purposes), f"records: {lines}")

    server.publish([])
    relay.cli("domain", "verify", DOMAIN, expect=1)
    check(relay.json("domain", "show", DOMAIN)["status"] == "pending", "an empty zone verifies nothing")
    send(relay, key, PLAIN_MESSAGE)
    unsigned = wait_until(sink.messages, "a message arrives before the domain is verified")[0]
    check(b"DKIM-Signature" not in unsigned.text, "nothing is signed for a domain that is not verified")

    server.publish(lines)
    # What was not there is remembered for some seconds by a resolver; each command has its own.
    verified = relay.json("domain", "verify", DOMAIN)
    check(verified["status"] == "verified", f"after publishing: {verified}")
    check(set(status_by_purpose(verified).values()) == {"verified"}, f"records: {status_by_purpose(verified)}")

    long_message = RAW + RAW.split(b"\r\n\r\n", 1)[1] * 200
    for content in (PLAIN_MESSAGE, RAW, long_message):
        arrives_signed(server, sink, lambda: send(relay, key, content))
    arrives_signed(server, sink, lambda: check(relay.request("POST", "/v1/emails", {
        "from": "Sender <sender@example.org>", "to": "someone@example.net", "subject": "Grüße", "text": ".\n\nLast line."},
        key)[0] == 200,
        "sent over HTTP"))

    sink.stop()
    sink.options = ("-8",)  # says nothing of 8BITMIME
    sink.start()
    converted = arrives_signed(server, sink, lambda: send(relay, key, RAW))
    check(converted.isascii(), f"8-bit content for a hop that takes none: {converted}")
    decoded = email.message_from_bytes(converted).get_payload(decode=True)
    check(decoded == RAW.split(b"\r\n\r\n", 1)[1], f"decoded: {decoded}")

    keys_are_changed(relay, server, sink, key, context.folder)
    server.publish([line for line in lines if "postern-verification" not in line])
    relay.cli("domain", "verify", DOMAIN, expect=1)
    check(relay.json("domain", "show", DOMAIN)["status"] == "failed", "a verified domain whose token has gone")
    relay.cli("domain", "remove", DOMAIN)
    check(relay.json("domain", "list") == [], "removed")
    over_http(relay, server)
    relay.stop()
