"""Revocation from another process bites an open session at its next MAIL; the rotated successor's session goes on."""

import smtplib

from support import PLAIN_MESSAGE, check


def send(client):
    code, text = client.mail("sender@example.org")
    if code != 250:
        return code, text
    client.rcpt("someone@example.net")
    return client.data(PLAIN_MESSAGE)


def run(context):
    relay = context.relay()
    relay.account("team")
    old = relay.key("team", "--test", "--name", "old")
    key_id = relay.json("key", "list", "team")[0]["id"]
    relay.start()

    session = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    session.login("run-1", old)
    check(send(session)[0] == 250, "the key does not work before its revocation")

    successor = relay.cli("key", "rotate", key_id, "--overlap", "1h", "--quiet")
    fresh = smtplib.SMTP("127.0.0.1", relay.plain, timeout=300)
    fresh.login("run-1", successor)
    check(send(session)[0] == 250, "the old key must work during the overlap")
    check(send(fresh)[0] == 250, "the successor does not work")

    relay.cli("key", "revoke", key_id)
    code, text = send(session)
    check(code == 550 and text.startswith(b"5.7.1 revoked_key"), f"{code} {text}")
    try:
        session.noop()
        raise AssertionError("the session went on after revoked_key")
    except smtplib.SMTPServerDisconnected:
        pass
    check(send(fresh)[0] == 250, "the successor's session must go on")
    fresh.quit()
