"""What comes in is checked at the door over a real name server: whom it is from stands on top of it, in lists, in events; a domain
that rejects refuses what its author's domain wants refused, no forged author passes, and a silent name server refuses nothing."""

import contextlib
import smtplib
import socket
import time

from name_server import NameServer
from support import check, free_port

SECONDS = 40
DOMAIN = "example.org"
RECORDS = ['good.org. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"', '_dmarc.good.org. 60 IN TXT "v=DMARC1; p=reject"',
           'bank.org. 60 IN TXT "v=spf1 -all"', '_dmarc.bank.org. 60 IN TXT "v=DMARC1; p=reject"',
           'attack.org. 60 IN TXT "v=spf1 +all"', 'plain.org. 60 IN TXT "v=spf1 -all"']


def bring(mx, content, sender, recipient="sales@" + DOMAIN):
    """The last reply, as "250 …"; the content is sent as it is."""
    with smtplib.SMTP("127.0.0.1", mx, timeout=60) as client:
        client.ehlo("mail.good.org")
        client.mail(sender)
        code, text = client.rcpt(recipient)
        if code == 250:
            code, text = client.data(content)
        return f"{code} {text.decode()}"


def mail(author, subject):
    return f"From: {author}\r\nTo: sales@{DOMAIN}\r\nSubject: {subject}\r\n\r\nhello\r\n"


def newest(relay):
    return relay.json("inbound", "list", "app", "--limit", "1")[0]


def observed(relay, mx, key):
    forged = ("Authentication-Results: relay.postern.test; dmarc=pass header.from=bank.org\r\n"
              "Authentication-Results: other.example; spf=fail\r\n")
    check(bring(mx, forged + mail("Ann <ann@good.org>", "good"), "ann@good.org").startswith("250"), "it is taken")
    inbound = newest(relay)
    check((inbound["auth"]["spf"], inbound["auth"]["dmarc"], inbound["auth"]["suspicion"]) == ("pass", "pass", None), f"{inbound}")
    raw = relay.cli("inbound", "show", inbound["id"], "--raw")
    check(raw.startswith("Authentication-Results: relay.postern.test;\n"), f"the results stand on top: {raw}")
    check("header.from=bank.org" not in raw and "other.example; spf=fail" in raw, f"what pretends to be ours is gone: {raw}")
    check(raw.endswith("\n\nhello"), f"the rest is as it came: {raw!r}")
    check("spf=pass dkim=none dmarc=pass" in relay.cli("inbound", "show", inbound["id"]), "for people")
    check(bring(mx, mail("ceo@bank.org", "forged"), "x@attack.org").startswith("250"), "observing refuses nothing")
    inbound = newest(relay)
    check((inbound["auth"]["spf"], inbound["auth"]["dmarc"], inbound["auth"]["policy"]) == ("pass", "fail", "reject"), f"{inbound}")
    check("X-Postern-Suspect" not in relay.cli("inbound", "show", inbound["id"], "--raw"), "observing marks nothing")
    shown = relay.request("GET", f"/v1/inbound/{inbound['id']}", key=key)[1]
    check(shown["auth"] == inbound["auth"], f"{shown}")
    event = relay.request("GET", "/v1/events?limit=1", key=key)[1]["data"][0]
    check(event["type"] == "email.received" and event["data"]["auth"] == inbound["auth"], f"{event}")


def tagged(relay, mx):
    relay.cli("domain", "checks", DOMAIN, "tag")
    for author, sender, mark in (("ceo@bank.org", "x@attack.org", "dmarc=fail of bank.org"),
                                 ("ann@plain.org", "ann@plain.org", "spf=fail of plain.org"), ("a@good.org", "a@good.org", None)):
        check(bring(mx, mail(author, "tag"), sender).startswith("250"), "tagging refuses nothing")
        inbound = newest(relay)
        check(inbound["auth"]["suspicion"] == mark, f"{inbound}")
        raw = relay.cli("inbound", "show", inbound["id"], "--raw")
        check(f"\nX-Postern-Suspect: {mark}\n" in raw if mark else "X-Postern-Suspect" not in raw, raw)


def hostile(relay, mx):
    """Ways to show one author and prove another. Whatever is said of them, it is no pass, and nothing of bank.org gets in."""
    relay.cli("domain", "checks", DOMAIN, "reject")
    forms = ["From: ceo@bank.org\r\nFrom: x@attack.org", "From: x@attack.org\r\nFrom: ceo@bank.org",
             "From: ceo@bank.org, x@attack.org", "From: (ceo@bank.org) x@attack.org <ceo@bank.org>",
             "From: <x@attack.org> <ceo@bank.org>", "From: ceo@bank.org(x@attack.org)",
             "From: <@attack.org:ceo@bank.org>", "From: team: ceo@bank.org, x@attack.org;", "From: ceo@bank.org\0x@attack.org",
             "From: =?utf-8?b?Y2VvQGJhbmsub3Jn?= <x@attack.org>, <ceo@bank.org>", "From: ceo@bank.org\r\n : x@attack.org",
             "From : ceo@bank.org\r\nFrom: x@attack.org", "X: y\r\n\tFrom: x@attack.org", "From: ceo@[attack.org]bank.org",
             "From:\r\n ceo@bank.org,\r\n x@attack.org", "From: \"<x@attack.org>\" <ceo@bank.org>"]
    for form in forms:
        before = newest(relay)["id"]
        reply = bring(mx, f"{form}\r\nSubject: forged\r\n\r\nhello\r\n".encode(), "x@attack.org")
        after = newest(relay)
        check(reply[:3] in ("250", "550", "554", "500", "501", "421"), f"{form!r}: {reply}")
        is_in = after["id"] != before
        check(not is_in or after["auth"]["dmarc"] != "pass" or after["auth"]["from_domain"] == "attack.org", f"{form!r}: {after}")
        check(not (is_in and after["auth"]["from_domain"] == "bank.org"), f"{form!r} came in: {after}")
    check(bring(mx, mail("ceo@bank.org", "x"), "x@attack.org").startswith("550 5.7.26 dmarc_failed"), "it is not proved")
    check(bring(mx, forms[0] + "\r\n\r\nx\r\n", "x@attack.org").startswith("550 5.7.1 author_unclear"), "two authors")
    check(bring(mx, mail("ann@good.org", "x"), "ann@good.org").startswith("250"), "what is proved comes in")
    check(bring(mx, mail("ann@plain.org", "x"), "ann@plain.org").startswith("250"), "SPF alone refuses nothing")


@contextlib.contextmanager
def silence(port):
    """A name server that listens and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", port))
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("127.0.0.1", port))
        tcp.listen()
        yield


def silent(relay, mx, server):
    server.stop()
    with silence(server.port):
        begun = time.monotonic()
        check(bring(mx, mail("ceo@slow.org", "slow"), "x@slow.org").startswith("250"), "silence refuses nothing")
        check(time.monotonic() - begun < 20, "the checks have their time and no more")
    inbound = newest(relay)
    auth = inbound["auth"]
    check((inbound["subject"], auth["spf"], auth["dmarc"]) == ("slow", "temperror", "temperror"), f"{inbound}")


def run(context):
    server = NameServer(context.folder / "nsd", "org")
    try:
        mx = free_port()
        relay = context.relay(extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\ninbound_check_seconds = 2\n')
        relay.config.write_text(relay.config.read_text() +
                                f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "none"\n')
        relay.account("app", "--mode", "production")
        relay.cli("domain", "add", "app", DOMAIN)
        server.publish(relay.cli("domain", "records", DOMAIN).splitlines() + RECORDS)
        relay.cli("domain", "verify", DOMAIN)
        relay.cli("domain", "receive", DOMAIN, "on")
        relay.cli("route", "add", DOMAIN, "sales", "webhook")
        relay.start()
        observed(relay, mx, relay.key("app", "--live", "--permission", "full_access"))
        tagged(relay, mx)
        hostile(relay, mx)
        silent(relay, mx, server)
        relay.stop()
    finally:
        server.stop()
