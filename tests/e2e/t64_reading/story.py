"""An operator looks things up beside the running relay: mail is found by what people know of it, usage and the day's report tell
what went, and the report arrives by mail without anybody's key."""

import datetime
import smtplib

from support import check, wait_until

SECONDS = 20
MAIL = ("From: Billing <billing@shop.example>\r\nTo: ann@example.net\r\nSubject: Invoice {number}\r\n"
        "Message-ID: <inv-{number}@shop.example>\r\nDate: Tue, 01 Dec 2026 09:30:00 +0000\r\n\r\nPlease pay.\r\n")


def send(relay, key, number, recipient="ann@example.net"):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=60) as client:
        client.login("till", key)
        client.sendmail("bounces@shop.example", [recipient], MAIL.format(number=number))


def subjects(relay, *words):
    return sorted(found["subject"] for found in relay.json("message", "search", *words))


def run(context):
    hop = context.sink()
    hop.start()
    relay = context.relay(next_hop_port=hop.port)
    relay.start()
    relay.account("shop", "--mode", "production", "--domain", "shop.example", "--per-day", "40")
    key = relay.key("shop", "--live", "--name", "till")
    for number in (4711, 4712):
        send(relay, key, number)
    send(relay, key, 4713, "bob@other.example")
    wait_until(lambda: len(hop.messages()) == 3, "all of it is delivered")

    known = relay.json("key", "list", "shop")[0]["id"]
    for words, numbers in ((["--to", "ann@example.net"], (4711, 4712)), (["other.example"], (4713,)),
                           (["--message-id", "<inv-4712@shop.example>"], (4712,)), (["--key", known], (4711, 4712, 4713)),
                           (["--subject", "invoice 4713", "--since", "1h", "--stage", "delivered"], (4713,)),
                           (["--from", "billing@shop.example", "--status", "bounced"], ()), (["--until", "1h"], ())):
        wait_until(lambda: subjects(relay, *words) == [f"Invoice {n}" for n in numbers], f"{words}: {numbers}", 30)

    def used():
        usage = relay.json("usage", "shop")
        return usage if usage["recipients"] == 3 and usage["day"] == {"used": 3, "limit": 40} else None

    wait_until(used, "what was sent is counted", 60)
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    wait_until(lambda: relay.json("report", "daily", "--day", today)["totals"]["delivered"] == 3, "the report counts it", 60)
    text = relay.cli("report", "daily", "--day", today)
    check("shop" in text and "Nothing waits." in text, text)

    relay.cli("report", "daily", "--day", today, "--mail", "ops@example.org")
    mailed = wait_until(lambda: [m for m in hop.messages() if m.recipients == [b"ops@example.org"]], "the report arrives", 60)[0]
    check(mailed.sender == b"" and b"Subject: Mail of " in mailed.content and b"shop " in mailed.content, mailed.text.decode())

    relay.cli("account", "set-blind-copy", "shop", "archive@shop.example")
    for number in range(4714, 4744):  # a server sees the change within some seconds
        before = len(hop.messages())
        send(relay, key, number)
        wait_until(lambda: len(hop.messages()) > before, "the next one is delivered")
        if any(b"archive@shop.example" in message.recipients for message in hop.messages()):
            break
    else:
        check(False, "the archive gets no copy")
    secret = relay.cli("webhook", "create", "shop", "https://hooks.shop.example/mail", "--event", "email.bounced", "--quiet")
    status, listed, _ = relay.request("GET", "/v1/webhooks", key=key)
    check(status == 200 and listed["data"][0]["events"] == ["email.bounced"], f"the server sees it: {status} {listed}")
    _, shown, _ = relay.request("GET", f"/v1/webhooks/{listed['data'][0]['id']}", key=key)
    check(shown["signing_secret"] == secret, "its secret is the one that was printed")
    hop.stop()
