"""A next hop that is down, slow, drops the connection, or answers 421, 451, 550: what the queue does and what it says."""

import email
import email.policy
import smtplib

from support import PLAIN_MESSAGE, check, free_port, wait_until

SOON = "retry_initial_seconds = 1\nretry_max_seconds = 2"


def send(relay, key, recipient="someone@example.net", mail_options=(), rcpt_options=()):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("client.example.org")
        client.login("app", key)
        code, text = client.mail("sender@example.org", list(mail_options))
        check(code == 250, f"MAIL: {code} {text}")
        code, text = client.rcpt(recipient, list(rcpt_options))
        check(code == 250, f"RCPT: {code} {text}")
        code, text = client.data(PLAIN_MESSAGE)
        check(code == 250, f"end of data: {code} {text}")
        return text.decode().split()[-1]


def relay_to(context, name, port, extra_route=""):
    relay = context.relay(name, next_hop_port=port, extra=SOON)
    if extra_route:
        # First match wins: the sender's own domain goes to a next hop that works.
        text = relay.config.read_text()
        relay.config.write_text(text.replace("[[route]]", extra_route + "[[route]]", 1))
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    return relay.start(), key


def event_types(relay, message_id):
    return [e["type"] for e in relay.message(message_id)["events"]]


def deferred_then_delivered(context, name, *sink_options):
    """The hop misbehaves, the message is deferred and listed; the hop is mended, the message arrives."""
    port = free_port()
    bad = context.sink(*sink_options, name=f"{name}-bad", port=port)
    if sink_options:
        bad.start()
    relay, key = relay_to(context, name, port)
    message_id = send(relay, key)
    wait_until(lambda: "email.delivery_delayed" in event_types(relay, message_id), f"{name}: a deferral is recorded")
    listed = relay.json("queue", "list")
    check([m["id"] for m in listed] == [message_id], f"{name}: queue list shows {listed}")
    status = relay.message(message_id)["recipients"][0]["status"]
    check(status.startswith("4"), f"{name}: the last status is {status}")
    bad.stop()
    good = context.sink(name=f"{name}-good", port=port).start()
    relay.cli("queue", "retry", "--all")  # a message that went meanwhile is no failure
    wait_until(good.messages, f"{name}: delivered after the next hop came back")
    relay.settled(message_id)
    relay.stop()
    good.stop()
    return status


def bounced_with_dsn(context):
    back = context.sink(name="dsn-back").start()
    refusing = context.sink("-f", "rcpt", name="dsn-refusing").start()
    route = f'[[route]]\nname = "back"\ndomains = ["example.org"]\nhost = "127.0.0.1"\nport = {back.port}\ntls = "none"\n'
    relay, key = relay_to(context, "dsn", refusing.port, route)
    message_id = send(relay, key, mail_options=["RET=HDRS", "ENVID=QQ314159"],
                      rcpt_options=["NOTIFY=FAILURE", "ORCPT=rfc822;someone@example.net"])
    shown = relay.settled(message_id)
    check(shown["recipients"][0]["stage"] == "bounced", f"stage: {shown['recipients']}")
    report = wait_until(back.messages, "the DSN arrives")[0]
    check(report.recipients == [b"sender@example.org"] and report.sender == b"", "the DSN's envelope")
    parsed = email.message_from_bytes(report.content, policy=email.policy.default)
    check(parsed.get_content_type() == "multipart/report" and parsed.get_param("report-type") == "delivery-status",
          f"not a report: {parsed['Content-Type']}")
    human, status, returned = parsed.iter_parts()
    check(human.get_content_type() == "text/plain", "first part")
    fields, recipient = status.get_payload()
    check(fields["Original-Envelope-Id"] == "QQ314159", f"envelope id: {fields.items()}")
    check(fields["Reporting-MTA"] == "dns; relay.postern.test", fields["Reporting-MTA"])
    check(recipient["Action"] == "failed" and recipient["Status"].startswith("5."), str(recipient.items()))
    check(recipient["Final-Recipient"] == "rfc822;someone@example.net", recipient["Final-Recipient"])
    check(recipient["Original-Recipient"] == "rfc822;someone@example.net", str(recipient.items()))
    check(returned.get_content_type() == "text/rfc822-headers", returned.get_content_type())
    relay.stop()


def pause_then_accept(context):
    slow = context.sink("-w", "4", name="slow").start()
    relay, key = relay_to(context, "slow-relay", slow.port)
    message_id = send(relay, key)
    shown = relay.settled(message_id)
    check(shown["recipients"][0]["stage"] == "delivered", str(shown["recipients"]))
    check(len(slow.messages()) == 1, "delivered exactly once after the pause")
    relay.stop()


def run(context):
    statuses = {"down": deferred_then_delivered(context, "down")}
    statuses["drops the connection at DATA"] = deferred_then_delivered(context, "drop-data", "-q", "data")
    statuses["drops it at the final dot"] = deferred_then_delivered(context, "drop-dot", "-q", ".")
    statuses["answers 421"] = deferred_then_delivered(context, "say-421", "-r", "mail", "-b", "421 4.3.2 going down")
    statuses["answers 451"] = deferred_then_delivered(context, "say-451", "-r", "rcpt", "-b", "451 4.3.0 try later")
    for what, status in statuses.items():
        print(f"    next hop {what}: deferred with {status}, then delivered")
    bounced_with_dsn(context)
    pause_then_accept(context)
