"""A sandboxed live key: the whitelisted recipient is reached for real, the others are refused one by one."""

import smtplib

from support import PLAIN_MESSAGE, check, sha256_of, wait_until


def run(context):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port)
    relay.account("box")
    key = relay.key("box", "--live")
    relay.cli("sandbox", "add", "box", "friend@example.net")
    relay.start()

    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("client.example.org")
        client.login("app", key)
        check(client.mail("sender@example.org")[0] == 250, "MAIL was refused")
        replies = [client.rcpt(a) for a in ("friend@example.net", "stranger@example.net", "Friend@example.net")]
        check(replies[0][0] == 250, f"the whitelisted recipient was refused: {replies[0]}")
        for code, text in replies[1:]:
            check(code == 550 and text.startswith(b"5.7.1 recipient_not_whitelisted"), f"{code} {text}")
        code, text = client.data(PLAIN_MESSAGE)
        check(code == 250, f"{code} {text}")

    delivered = wait_until(sink.messages, "the message reaches the next hop")
    check(len(delivered) == 1, f"{len(delivered)} messages arrived, wanted one")
    check(delivered[0].recipients == [b"friend@example.net"], f"recipients: {delivered[0].recipients}")
    check(delivered[0].sha256() == sha256_of(PLAIN_MESSAGE), "content differs below the trace header")

    # The mode change bites the next MAIL of any session: the whitelist no longer applies.
    relay.cli("account", "set-mode", "box", "production")
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("app", key)
        client.mail("sender@example.org")
        code, text = client.rcpt("stranger@example.net")
        check(code == 250, f"production account: {code} {text}")
