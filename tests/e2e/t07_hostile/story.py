"""Hostile and broken clients: a clear reply or a clean close, bounded memory, and the relay serves on."""

import smtplib

from raw_client import Raw, greeted, in_data, introduced, logged_in
from support import PLAIN_MESSAGE, check


def expect(raw, sent, wanted, closes):
    raw.send(sent)
    answer = raw.reply()
    check(answer.startswith(wanted), f"{sent[:60]!r}: wanted {wanted}, got {answer[:120]}")
    if closes:
        check(raw.reply() == b"", f"{sent[:60]!r}: the connection must be closed")


def run(context):
    relay = context.relay(extra="max_connections_per_address = 2000")
    relay.account("victim")
    key = relay.key("victim", "--test")
    relay.start()

    def count():
        return len(relay.json("message", "list", "--limit", "100"))

    for sent, wanted, closes in [
            (b"A" * 70000, b"500 5.5.6", True),                      # no line end at all
            (b"NOOP " + b"x" * 5000 + b"\r\n", b"500 5.5.6", False),  # a whole line: the dialogue goes on behind it
            (b"NOOP\n", b"500 5.5.2", True),
            (b"NO\x00OP\r\n", b"500 5.5.2", True),
            (b"NO\rOP\r\n", b"500 5.5.2", True),
            (b"GET / HTTP/1.1\r\n", b"502 5.5.1", True),
            (b"\x16\x03\x01\x02\x00\r\n", b"50", True),
            (b"XCLIENT ADDR=127.0.0.1\r\n", b"500 5.5.1", False),
            (b"MAIL FROM:<a@example.org>\r\n", b"503 5.5.1", False)]:
        raw = greeted(relay.plain)
        expect(raw, sent, wanted, closes)

    for sent, wanted in [(b"AUTH PLAIN !!!!\r\n", b"501 5.5.2"), (b"AUTH PLAIN AGE=\r\n", b"535 5.7.8 invalid_key"),
                         (b"AUTH NTLM\r\n", b"504 5.5.4"), (b"AUTH PLAIN " + b"A" * 13000 + b"\r\n", b"500 5.5.6")]:
        raw = introduced(relay.plain)
        expect(raw, sent, wanted, False)

    # Smuggling: every known form of a false end of data, with a second message behind it.
    tail = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nsmuggled\r\n.\r\n"
    before = count()
    for end in (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r\n\x2e\n\r\n"):
        raw = in_data(relay, key)
        expect(raw, b"From: a@example.org\r\n\r\ntext" + end + tail, b"550 5.6.11 bare_newline", True)
    raw = in_data(relay, key)
    raw.send(b"From: a@example.org\r\n\r\ntext\r\n\x00.\r\nmore\r\n.\r\n")
    check(raw.reply().startswith(b"554 5.6.0"), "NUL in the content")
    received = b"Received: from a.example by b.example; Sat, 21 Nov 2026 09:30:00 +0000\r\n"
    for header, wanted in [(received * 51, b"554 5.4.6 mail_loop"),
                           (b"X-Endless: " + b"x" * 900 + b"\r\n" + (b" " + b"x" * 900 + b"\r\n") * 300,
                            b"552 5.3.4 header_too_big")]:
        raw = in_data(relay, key)
        expect(raw, header + b"\r\nbody\r\n.\r\n", wanted, False)
        check(raw.command(b"NOOP").startswith(b"250"), f"{wanted}: the dialogue goes on")
    check(count() == before, "a smuggled or refused message was kept")

    # 100,000 recipients: the surplus is refused, then the errors end the session.
    raw = logged_in(relay, key)
    raw.command(b"MAIL FROM:<sender@example.org>")
    replies = []
    for _ in range(100):
        raw.send(b"".join(b"RCPT TO:<r@example.net>\r\n" for _ in range(1000)))
        for _ in range(1000):
            replies.append(raw.reply())
            if replies[-1] == b"":
                break
        if replies[-1] == b"":
            break
    accepted = sum(r.startswith(b"250") for r in replies)
    check(accepted == 1000, f"{accepted} recipients were accepted")
    check(any(r.startswith(b"452 4.5.3 too_many_recipients") for r in replies), "no too_many_recipients")
    check(replies[-1] == b"" and replies[-2].startswith(b"421"), f"last replies: {replies[-2:]}")

    # Half-open and unfinished: connections that stay, commands that never end, data cut off.
    held = [Raw(relay.plain) for _ in range(500)]
    for raw in held[:250]:
        raw.send(b"EHLO unfinished")
    cut = in_data(relay, key)
    cut.send(b"From: a@example.org\r\n\r\nhalf a mess")
    cut.socket.close()

    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("ci", key)
        check(client.sendmail("sender@example.org", ["someone@example.net"], PLAIN_MESSAGE) == {}, "an honest client")
    check(count() == before + 1, "the honest message and nothing else was kept")
    log = (relay.folder / "log").read_text(errors="replace")
    check(key not in log and "smuggled" not in log, "the log holds what it must not")
    for raw in held:
        raw.socket.close()
