"""Mail leaves under a return path of its own; what comes back to it later becomes events and suppressions of its message, and
nothing else does: no forged path, no old one, no report of somebody it was not sent to, no answer of a machine."""

import re
import smtplib

from raw_client import Raw
from support import PLAIN_MESSAGE, check, free_port, wait_until

SECONDS = 30
DOMAIN = "bounce.relay.test"
POSTFIX_REPORT = """From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\r
Subject: Undelivered Mail Returned to Sender\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b/1"\r
\r
--b/1\r
\r
<{who}>: host mx2.example.net[192.0.2.9] said: 550 5.1.1 <{who}>: Recipient address rejected: User unknown\r
    (in reply to RCPT TO command)\r
\r
--b/1\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.net\r
\r
Final-Recipient: rfc822; {who}\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; mx2.example.net\r
Diagnostic-Code: smtp; 550 5.1.1 <{who}>: Recipient address rejected: User unknown\r
\r
--b/1--\r
"""
COMPLAINT = """From: fbl@example.net\r
Subject: FW: hello\r
Content-Type: multipart/report; report-type=feedback-report; boundary=b\r
\r
--b\r
\r
An abuse report.\r
--b\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: abuse\r
Original-Rcpt-To: <{who}>\r
--b--\r
"""


def submit(relay, key, *recipients):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("client.example.org")
        client.login("app", key)
        client.mail("sender@example.org")
        for recipient in recipients:
            check(client.rcpt(recipient)[0] == 250, f"RCPT {recipient}")
        code, text = client.data(PLAIN_MESSAGE)
        check(code == 250, f"end of data: {code} {text}")
        return text.decode().split()[-1]


def bring(port, sender, recipient, content):
    """What an mx listener says to each of RCPT and the end of data."""
    with smtplib.SMTP("127.0.0.1", port, timeout=300) as client:
        client.ehlo("mx.example.net")
        check(client.mail(sender)[0] == 250, "MAIL")
        code, text = client.rcpt(recipient)
        if code != 250:
            return code, text.decode()
        code, text = client.data(content)
        return code, text.decode()


def events(relay, message_id):
    return [e["type"] for e in relay.message(message_id)["events"]]


def suppressed(relay):
    return sorted((s["email"], s["origin"]) for s in relay.json("suppression", "list", "app"))


def start(context):
    sink = context.sink().start()
    mx = free_port()
    relay = context.relay("relay", next_hop_port=sink.port, extra=f'return_path_domain = "{DOMAIN}"')
    relay.config.write_text(relay.config.read_text() +
                            f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "starttls"\n')
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    return relay.start(), sink, mx, key


def sent_paths(sink, count):
    wait_until(lambda: len(sink.messages()) >= count, f"{count} messages arrive")
    return {m.recipients[0].decode(): m.sender.decode() for m in sink.messages()}


def read(relay, count):
    """Until so many of what came back were read."""
    def all_read():
        listed = relay.json("inbound", "list", "app")
        return listed if len(listed) == count and all(m["kind"] for m in listed) else None
    return wait_until(all_read, f"{count} returned mails are read")


def dialogue(mx):
    with smtplib.SMTP("127.0.0.1", mx, timeout=300) as client:
        client.ehlo("mx.example.net")
        check("auth" not in client.esmtp_features, f"EHLO: {client.esmtp_features}")
        for keyword in ("pipelining", "chunking", "smtputf8", "8bitmime", "starttls", "dsn", "size"):
            check(keyword in client.esmtp_features, f"{keyword} is not offered: {client.esmtp_features}")
        check(client.docmd("AUTH", "PLAIN AGEAYg==")[0] == 502, "AUTH is not taken")
        client.starttls()
        client.ehlo("mx.example.net")
        check(client.mail("ann@example.net")[0] == 250, "MAIL without AUTH")
        code, text = client.rcpt("bob@example.com")
        check((code, text[:5]) == (550, b"5.7.1"), f"a stranger's domain: {code} {text}")
        code, text = client.rcpt(f"postmaster@{DOMAIN}")
        check((code, text[:5]) == (550, b"5.1.1"), f"an address that is none: {code} {text}")
    raw = Raw(mx)
    raw.reply()
    raw.send(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.com>\r\nDATA\r\nQUIT\r\n")
    replies = [raw.reply() for _ in range(5)]
    check([r[:3] for r in replies] == [b"250", b"250", b"550", b"554", b"221"], f"pipelined: {replies}")


def run(context):
    relay, sink, mx, key = start(context)
    dialogue(mx)

    one = submit(relay, key, "gone@example.net")
    two = submit(relay, key, "cross@example.net")
    three = submit(relay, key, "away@example.net")
    for message in (one, two, three):
        relay.settled(message)
    paths = sent_paths(sink, 3)
    path = paths["gone@example.net"]
    check(re.fullmatch(r"b\+[0-9a-v]{26}\.[0-9a-v]{16}@" + re.escape(DOMAIN), path), f"the return path: {path}")
    check(one in path, "it names the message")

    forged = path[:-len(DOMAIN) - 2] + ("0" if path[-len(DOMAIN) - 2] != "0" else "1") + "@" + DOMAIN
    code, text = bring(mx, "", forged, POSTFIX_REPORT.format(who="gone@example.net"))
    check(code == 550 and "5.1.1" in text, f"a forged return path: {code} {text}")
    check(events(relay, one)[-1] == "email.delivered" and not suppressed(relay), "a forged bounce changes nothing")

    # Of somebody else, to a path that is right: the message has one recipient, and is about that one only.
    code, text = bring(mx, "", path, POSTFIX_REPORT.format(who="gone@example.net"))
    check(code == 250, f"a bounce: {code} {text}")
    code, text = bring(mx, "", paths["cross@example.net"], COMPLAINT.format(who="cross@example.net"))
    check(code == 250, f"a complaint: {code} {text}")
    code, text = bring(mx, "away@example.net", paths["away@example.net"],
                       "From: away@example.net\r\nSubject: Automatic reply: hello\r\nAuto-Submitted: auto-replied\r\n\r\n"
                       "550 5.1.1 user unknown, says my joke\r\n")
    check(code == 250, f"an answer of a machine: {code} {text}")
    listed = read(relay, 3)
    check([m["kind"] for m in listed] == ["auto_reply", "complaint", "report"], f"kinds: {listed}")
    check([m["email_id"] for m in listed] == [three, two, one], "each is bound to its message")

    check(events(relay, one)[-1] == "email.bounced", f"events: {events(relay, one)}")
    check(relay.message(one)["recipients"][0]["stage"] == "bounced", "the recipient's stage")
    check(events(relay, two)[-1] == "email.complained", f"events: {events(relay, two)}")
    check(events(relay, three)[-1] == "email.delivered", f"events: {events(relay, three)}")
    wait_until(lambda: len(suppressed(relay)) == 2, "two addresses are suppressed")
    check(suppressed(relay) == [("cross@example.net", "complaint"), ("gone@example.net", "bounce")], f"{suppressed(relay)}")
    raw = relay.cli("inbound", "show", listed[2]["id"], "--raw")
    check("Return-Path: <>" in raw and "User unknown" in raw, f"the content is kept: {raw[:200]}")

    again = submit(relay, key, "gone@example.net")
    relay.settled(again)
    check("email.suppressed" in events(relay, again), "the next send says so")

    # The same once more changes nothing twice; of several recipients only one of them is meant, and no other.
    many = submit(relay, key, "ann@example.net", "bob@example.net")
    relay.settled(many)
    path_of_many = wait_until(lambda: [m.sender.decode() for m in sink.messages() if b"ann@example.net" in m.recipients],
                              "it arrives")[0]
    bring(mx, "", path, POSTFIX_REPORT.format(who="gone@example.net"))
    bring(mx, "", path_of_many, POSTFIX_REPORT.format(who="BOB@example.net"))
    bring(mx, "", path_of_many, POSTFIX_REPORT.format(who="nobody@elsewhere.example"))
    bring(mx, "", path_of_many, "Subject: ?\r\n\r\n\x01\x02 what is this\r\n")
    listed = read(relay, 7)
    check(events(relay, one).count("email.bounced") == 1, "a bounce that comes twice is one")
    stages = {r["address"]: r["stage"] for r in relay.message(many)["recipients"]}
    check(stages == {"ann@example.net": "delivered", "bob@example.net": "bounced"}, f"stages: {stages}")
    check(listed[0]["kind"] == "other", "what cannot be understood is kept")

    # A restart keeps the key: paths that left before are still ours.
    relay.stop()
    relay.start()
    check(bring(mx, "", path, "Subject: x\r\n\r\nx\r\n")[0] == 250, "a path of before the restart")
    relay.stop()
    sink.stop()
