"""A domain receives: who is refused at the door, what routes do, what a webhook hears, and that every 250 is there after each of
many kills."""

import os
import random
import smtplib
import threading

from name_server import NameServer
from support import check, free_port, wait_until

SECONDS = 60
KILLS = int(os.environ.get("POSTERN_INBOUND_KILLS", "8"))
DOMAIN = "example.org"


def bring(port, *recipients, content="From: ann@example.net\r\nSubject: hello\r\n\r\nbody\r\n", sender="ann@example.net"):
    """The reply to each RCPT and to the end of data."""
    with smtplib.SMTP("127.0.0.1", port, timeout=300) as client:
        client.ehlo("mx.example.net")
        client.mail(sender)
        replies = [client.rcpt(recipient) for recipient in recipients]
        if any(code == 250 for code, _ in replies):
            replies.append(client.data(content))
        return [f"{code} {text.decode()}" for code, text in replies]


def starts(replies, *wanted):
    check(len(replies) == len(wanted) and all(r.startswith(w) for r, w in zip(replies, wanted)), f"{replies}, wanted {wanted}")


def start(context):
    server = NameServer(context.folder / "nsd", DOMAIN)
    mx = free_port()
    relay = context.relay(extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_trust_anchor_file = ""\n')
    relay.config.write_text(relay.config.read_text() +
                            f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "none"\n')
    for account in ("app", "other"):
        relay.account(account, "--mode", "production")
    names = {"app": DOMAIN, "other": "other." + DOMAIN}
    lines = []
    for account, name in names.items():
        relay.cli("domain", "add", account, name)
        lines += relay.cli("domain", "records", name).splitlines()
    server.publish(lines)
    for name in names.values():
        relay.cli("domain", "verify", name)
    return relay.start(), mx, server


def routes(relay, mx):
    starts(bring(mx, "sales@example.org"), "550 5.7.1 not_hosted")
    relay.cli("route", "add", DOMAIN, "sales", "store")
    starts(bring(mx, "sales@example.org"), "550 5.7.1 not_hosted")
    relay.cli("domain", "receive", DOMAIN, "on")
    relay.cli("domain", "receive", "other." + DOMAIN, "on")
    relay.cli("route", "add", "other." + DOMAIN, "*", "store")
    relay.cli("route", "add", DOMAIN, "Ticket+*", "webhook")
    relay.cli("route", "add", DOMAIN, "noreply", "drop")
    relay.cli("route", "add", DOMAIN, "a*b*", "store", expect=2)
    starts(bring(mx, "bob@example.org", "x@elsewhere.example"), "550 5.1.1 unknown_recipient", "550 5.7.1 not_hosted")
    replies = bring(mx, "SALES@example.org", "ticket+7@Example.ORG", "any@other.example.org")
    starts(replies, "250", "250", "452 4.5.3 another_account", "250 2.0.0 Ok: queued as ")
    starts(bring(mx, "any@other.example.org"), "250", "250")
    starts(bring(mx, "noreply@example.org"), "250", "250")
    starts(bring(mx, "postmaster@example.org"), "250", "250")
    listed = relay.json("inbound", "list", "app")
    check([m["to"] for m in listed] == [["postmaster@example.org"], ["SALES@example.org", "ticket+7@Example.ORG"]], f"{listed}")
    check(all(m["kind"] == "mail" for m in listed), f"kinds: {listed}")
    check(len(relay.json("inbound", "list", "other")) == 1, "the other account's is the other account's")
    raw = relay.cli("inbound", "show", listed[1]["id"], "--raw")
    check("\nReturn-Path: <ann@example.net>\nReceived: from mx.example.net" in raw and raw.endswith("body"),
          f"content: {raw!r}")
    check(relay.json("route", "test", "ticket+1@example.org")["routes"][0]["action"] == "webhook", "route test")
    check(relay.json("route", "test", "nobody@example.org")["reply"] == "550 5.1.1", "route test")
    relay.cli("account", "suspend", "app")
    starts(bring(mx, "sales@example.org"), "550 5.7.1 account_suspended")
    relay.cli("account", "resume", "app")
    relay.cli("domain", "receive", "other." + DOMAIN, "off")
    starts(bring(mx, "any@other.example.org"), "550 5.7.1 not_hosted")


def events(relay):
    key = relay.key("app", "--live", "--permission", "full_access")
    status, page, _ = relay.request("GET", "/v1/events", key=key)
    check(status == 200, f"events: {status}")
    received = [e for e in page["data"] if e["type"] == "email.received"]
    check(len(received) == 1 and received[0]["data"]["recipient"] == "ticket+7@Example.ORG", f"{received}")
    check(received[0]["data"]["subject"] == "hello" and received[0]["data"]["test"] is False, f"{received}")
    status, page, _ = relay.request("GET", "/v1/emails", key=key)
    check(status == 200 and page["data"] == [], f"what came in was not sent: {page}")


def hostile(mx):
    loop = "".join("Received: from a by b\r\n" for _ in range(60)) + "Subject: x\r\n\r\nx\r\n"
    starts(bring(mx, "sales@example.org", content=loop), "250", "554 5.4.6 mail_loop")
    big = "Subject: " + "x" * 900 + "\r\n"
    starts(bring(mx, "sales@example.org", content=big * 400 + "\r\nx\r\n"), "250", "552 5.3.4 header_too_big")
    with smtplib.SMTP("127.0.0.1", mx, timeout=300) as client:
        client.ehlo("x")
        client.mail("")
        codes = [client.rcpt(f"guess{i}@example.org")[0] for i in range(21)]
        check(codes == [550] * 20 + [421], f"who guesses addresses is hung up on: {codes}")


class Strangers:
    """Bring mail until they are told to stop, over kills; know what was answered 250."""

    def __init__(self, mx):
        self.mx, self.is_over, self.acknowledged, self.lock = mx, threading.Event(), set(), threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(4)]
        for thread in self.threads:
            thread.start()

    def work(self, stranger):
        number = 0
        while not self.is_over.is_set():
            number += 1
            token = f"t{stranger}-{number}"
            try:
                replies = bring(self.mx, "sales@example.org", content=f"Subject: {token}\r\n\r\n{token * 2000}\r\n")
            except (OSError, smtplib.SMTPException):
                continue
            if replies[-1].startswith("250 2.0.0"):
                with self.lock:
                    self.acknowledged.add(token)

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def kills(relay, mx):
    strangers = Strangers(mx)
    try:
        for _ in range(KILLS):
            before = len(strangers.acknowledged)
            goal = before + random.randrange(5, 40)
            wait_until(lambda: len(strangers.acknowledged) >= goal, "more mail is taken in")
            relay.kill()
            relay.start()
    finally:
        strangers.stop()
    stored = {m["subject"]: m for m in relay.json("inbound", "list", "app", "--all")}
    missing = strangers.acknowledged - stored.keys()
    check(not missing, f"{len(missing)} of {len(strangers.acknowledged)} that were acknowledged are gone: {sorted(missing)[:5]}")
    token = sorted(strangers.acknowledged)[-1]
    check(relay.cli("inbound", "show", stored[token]["id"], "--raw").endswith(token * 2000), "whole")


def run(context):
    relay, mx, server = start(context)
    routes(relay, mx)
    events(relay)
    hostile(mx)
    kills(relay, mx)
    relay.stop()
    server.stop()
