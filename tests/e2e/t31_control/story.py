"""What operators do with mail that waits, from another process and over HTTP: suspend, hold, release, move, bounce; over kills."""

import re
import shutil
import signal
import smtplib

from support import PLAIN_MESSAGE, ROOT, check, wait_until

PASSWORD = "correct horse battery staple"


def send(relay, key, recipient, user="app"):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("client.example.org")
        client.login(user, key)
        client.mail("sender@example.org")
        client.rcpt(recipient)
        code, text = client.data(PLAIN_MESSAGE)
        check(code == 250, f"end of data: {code} {text}")
        return text.decode().split()[-1]


def stage(relay, message):
    return relay.message(message)["recipients"][0]["stage"]


def arrived(sink):
    return sorted(recipient.decode() for message in sink.messages() for recipient in message.recipients)


def reads_shaping_anew(relay):
    """A shaping file is refused where a rule has no provider; SIGHUP takes a good one over, and for a bad one nothing."""
    shaping = relay.folder / "shaping.toml"
    relay.config.write_text('shaping_file = "shaping.toml"\n' + relay.config.read_text())
    shaping.write_text('[[rule]]\nprovider = "gmail"\nsays = "rate"\ndo = "suspend"\nfor = "1m"\n')
    said = relay.cli("config", "check", expect=1)
    check("shaping.toml:1: rule rate: there is no provider gmail" in said, f"config check: {said}")
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reload_failed" in relay.errors() and "no provider gmail" in relay.errors(), "the reload is refused")
    shutil.copy(ROOT / "conf/shaping.toml", shaping)
    check("shaping" not in relay.cli("config", "check"), "ours is in order")
    relay.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "taken_over=shaping_file" in relay.errors(), "the reload takes it over")


def run(context):
    usual = context.sink(name="usual").start()
    other = context.sink(name="other").start()
    back = f'[[route]]\nname = "other"\ndomains = ["nowhere.example"]\nhost = "127.0.0.1"\nport = {other.port}\ntls = "none"\n'
    relay = context.relay("control", next_hop_port=usual.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 2")
    relay.config.write_text(relay.config.read_text() + back)
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    relay.user("app", "root@example.org", PASSWORD, "--operator")
    relay.start()

    # A domain is suspended; others go at once; a kill changes nothing.
    relay.cli("queue", "suspend", "--domain", "held.example", "--reason", "their incident")
    wait_until(lambda: "queue_orders in_force=1" in relay.errors(), "the server has seen the order")
    held = [send(relay, key, f"user{i}@held.example") for i in range(3)]
    send(relay, key, "user@free.example")
    wait_until(lambda: arrived(usual) == ["user@free.example"], "what is not held arrives")
    relay.kill()
    relay.start()
    send(relay, key, "later@free.example")
    wait_until(lambda: "later@free.example" in arrived(usual), "what is not held arrives after the restart")
    check(all(stage(relay, message) == "pending" for message in held), "what is held is pending")
    told = relay.cli("explain", "delivery", "user@held.example")
    check("suspended" in told and "their incident" in told and "by " in told, f"explain: {told}")

    # One message of them goes by the other route, one bounces, over HTTP; the third when the order ends.
    login = relay.request("POST", "/v1/auth/login", {"email": "root@example.org", "password": PASSWORD})[1]
    token = login["token"]

    def order(**wanted):
        status, answer, _ = relay.request("POST", "/v1/queue/orders", wanted, key=token)
        check(status == 201 and answer["author"] == "root@example.org", f"{wanted}: {status} {answer}")
        return answer["id"]

    order(action="bounce", email_id=held[0], reason="a test")
    wait_until(lambda: stage(relay, held[0]) == "bounced", "a message that is held is given up")
    listed = relay.request("GET", "/v1/queue/orders", key=token)[1]["data"]
    check(sorted(one["action"] for one in listed) == ["bounce", "hold"], f"orders: {listed}")
    check("user0@held.example" not in arrived(usual), "it was sent before it bounced")
    relay.cli("queue", "resume", "--domain", "held.example")
    wait_until(lambda: all(stage(relay, message) == "delivered" for message in held[1:]), "what was held arrives")

    # What waits for a next hop that defers goes by another route at once, and only there.
    usual.stop()
    moved = [send(relay, key, f"moved{i}@world.example") for i in range(2)]
    wait_until(lambda: relay.json("queue", "list"), "they wait")
    order(action="move", domain="world.example", to_route="other")
    wait_until(lambda: arrived(other) == ["moved0@world.example", "moved1@world.example"], "they go by the other route")
    check(all(relay.settled(message)["recipients"][0]["stage"] == "delivered" for message in moved), "and are delivered")

    # A hold on one message, and its release.
    relay.cli("queue", "resume", "--all")
    one = send(relay, key, "one@other.example")
    relay.cli("queue", "hold", one)
    orders = re.compile(r"queue_orders in_force=(\d+)")
    wait_until(lambda: orders.findall((relay.folder / "log").read_text())[-1:] == ["1"], "the server has seen the hold")
    usual.start()
    relay.cli("queue", "retry", "--all")
    send(relay, key, "two@other.example")
    wait_until(lambda: "two@other.example" in arrived(usual), "another message goes")
    check(stage(relay, one) == "pending", "the held one waits")
    relay.cli("queue", "release", one)
    wait_until(lambda: "one@other.example" in arrived(usual), "the released one goes")
    actions = [entry["action"] for entry in relay.json("audit", "list")]
    check(actions.count("order.given") == 4 and "order.ended" in actions, f"audit: {actions}")
    reads_shaping_anew(relay)
    relay.stop()
    other.stop()
    usual.stop()
