"""Mail leaves from sources: addresses with names, in pools with weights, by route, account and tag; one that is not on this
machine, one that a provider refuses, one that warms up over a restart; an operator's order; and what the commands say of it."""

import datetime
import re
import smtplib
import socketserver
import threading

from name_server import NameServer
from support import PLAIN_MESSAGE, check, free_port, wait_until

HOST = "127.0.0.3"  # not one that the relay listens on: that would be mail for itself


class Hop(socketserver.ThreadingTCPServer):
    """A mail host that notes where each message came from and under which name."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__((HOST, free_port()), Dialogue)
        self.port = self.server_address[1]
        self.got = []         # (address, EHLO name, recipient)
        self.refused = set()  # EHLO names
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, domain):
        return [(address, name) for address, name, recipient in list(self.got) if recipient.endswith("@" + domain)]


class Dialogue(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self):
        def say(text):
            self.wfile.write(text.encode() + b"\r\n")

        name, recipients = "", []
        say("220 hop ESMTP")
        try:
            while line := self.rfile.readline().decode().rstrip("\r\n"):
                verb = line[:4].upper()
                if verb in ("EHLO", "HELO"):
                    name = line.split()[1]
                    say("554 5.7.1 your address is listed" if name in self.server.refused else "250 8BITMIME")
                elif verb == "DATA":
                    say("354 go on")
                    while self.rfile.readline() not in (b".\r\n", b""):
                        pass
                    for recipient in recipients:
                        self.server.got.append((self.client_address[0], name, recipient))
                    recipients = []
                    say("250 2.0.0 taken")
                elif verb == "QUIT":
                    return say("221 bye")
                else:
                    if verb == "RCPT":
                        recipients.append(line.split("<")[1].split(">")[0])
                    say("250 ok")
        except OSError:
            pass


def send(relay, key, recipient, count=1):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("client.example.org")
        client.login("app", key)
        for _ in range(count):
            client.sendmail("sender@example.org", [recipient], PLAIN_MESSAGE)


def configuration(hop, folder, account):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    (folder / "shaping.toml").write_text(
        '[[provider]]\nname = "google"\nmx = [".big.story.test"]\n'
        '[[rule]]\nprovider = "google"\nsays = "address is listed"\ndo = "suspend"\nfor = "30m"\n')
    return f'''
[[route]]
name = "world"
domains = ["*"]
deliver = "mx"
port = {hop.port}
tls = "none"
egress_pool = "usual"
[[egress_source]]
name = "out1"
addresses = ["127.0.0.11"]
ehlo_name = "out1.example.org"
[[egress_source]]
name = "out2"
addresses = ["127.0.0.12"]
ehlo_name = "out2.example.org"
[[egress_source]]
name = "gone"
addresses = ["192.0.2.77"]
[[egress_source]]
name = "bulk1"
addresses = ["127.0.0.13"]
ehlo_name = "bulk1.example.org"
[[egress_source]]
name = "fresh"
addresses = ["127.0.0.14"]
ehlo_name = "fresh.example.org"
warm_up_from = "{today}"
warm_up_first_day = 2
[[egress_pool]]
name = "usual"
sources = ["out1", "out2:3", "gone"]
[[egress_pool]]
name = "bulk"
sources = ["bulk1"]
tags = ["kind=bulk"]
[[egress_pool]]
name = "new"
sources = ["fresh"]
overflow = "bulk"
accounts = ["{account}"]
'''


OUT1, OUT2 = ("127.0.0.11", "out1.example.org"), ("127.0.0.12", "out2.example.org")
BULK, FRESH = ("127.0.0.13", "bulk1.example.org"), ("127.0.0.14", "fresh.example.org")


def run(context):
    hop = Hop()
    names = NameServer(context.folder / "nsd", "story.test")
    names.publish([line for domain in ("small", "other", "moved", "fresh", "api")
                   for line in (f"{domain}.story.test. 60 IN MX 10 mx.story.test.",)] +
                  [f"{domain}.story.test. 60 IN MX 10 mx.big.story.test." for domain in ("one", "two")] +
                  [f"mx.story.test. 60 IN A {HOST}", f"mx.big.story.test. 60 IN A {HOST}"])
    relay = context.relay("egress", extra=f'resolver_addresses = ["127.0.0.1@{names.port}"]\nallow_special_destinations = true\n'
                                          'shaping_file = "shaping.toml"\nretry_initial_seconds = 1\nretry_max_seconds = 2')
    relay.account("app", "--mode", "production", "--per-second", "unlimited")
    relay.account("new", "--mode", "production", "--per-second", "unlimited")
    key, new_key = relay.key("app", "--live"), relay.key("new", "--live")
    account = next(one["id"] for one in relay.json("account", "list") if one["name"] == "new")
    relay.config.write_text(relay.config.read_text() + configuration(hop, relay.folder, account))
    relay.start()
    try:
        tell(relay, hop, key, new_key)
    finally:
        relay.stop()
        names.stop()
        hop.shutdown()


def tell(relay, hop, key, new_key):
    # The route's pool: both sources that are here, each with its name; the third is passed over and said so.
    send(relay, key, "user@small.story.test", 40)
    wait_until(lambda: len(hop.of("small.story.test")) == 40, "forty messages arrive")
    by_source = {source: hop.of("small.story.test").count(source) for source in (OUT1, OUT2)}
    check(sum(by_source.values()) == 40 and by_source[OUT2] > by_source[OUT1] > 0, f"weights 1 and 3: {by_source}")
    log = relay.folder / "log"
    missing = "egress_source_missing source=gone address=192.0.2.77"
    wait_until(lambda: missing in log.read_text(), "the log names the one that is gone")

    # By the tag of the message, and by the account.
    status, answer, _ = relay.request("POST", "/v1/emails", {
        "from": "sender@example.org", "to": "user@api.story.test", "subject": "s", "text": "t",
        "tags": [{"name": "kind", "value": "bulk"}]}, key=key)
    check(status in (200, 202), f"send: {status} {answer}")
    wait_until(lambda: hop.of("api.story.test") == [BULK], "the tag's pool")
    send(relay, new_key, "user@fresh.story.test", 2)
    wait_until(lambda: hop.of("fresh.story.test") == [FRESH, FRESH], "the account's pool")

    # A day's share outlives a kill, and another pool steps in.
    wait_until(lambda: warm_up(relay, "fresh.story.test")["sent_today"] == 2, "the count is written down")
    relay.kill()
    relay.start()
    send(relay, new_key, "user@fresh.story.test", 2)
    wait_until(lambda: hop.of("fresh.story.test")[2:] == [BULK, BULK], "who steps in after the restart")

    # A provider refuses one source: it rests there, not elsewhere, and the other one goes on.
    hop.refused.add(OUT2[1])
    send(relay, key, "user@one.story.test", 6)
    send(relay, key, "user@two.story.test", 6)
    wait_until(lambda: len(hop.of("one.story.test") + hop.of("two.story.test")) == 12, "the other source sends all")
    check(set(hop.of("one.story.test") + hop.of("two.story.test")) == {OUT1}, "only the other one")
    rests = "provider_restrained provider=google source=out2 how=suspended"
    wait_until(lambda: rests in log.read_text(), "the log says so")
    hop.refused.clear()
    send(relay, key, "user@other.story.test", 30)
    wait_until(lambda: len(hop.of("other.story.test")) == 30, "another provider's mail")
    check(set(hop.of("other.story.test")) == {OUT1, OUT2}, f"comes from both: {hop.of('other.story.test')}")

    # An operator moves what waits to another pool.
    relay.cli("queue", "suspend", "--domain", "moved.story.test")
    wait_until(lambda: "queue_orders in_force=1" in log.read_text(), "the server has seen the order")
    send(relay, key, "user@moved.story.test", 2)
    relay.cli("queue", "move", "--domain", "moved.story.test", "--to", "@nowhere", expect=2)
    said = relay.cli("queue", "move", "--domain", "moved.story.test", "--to", "@bulk", "--reason", "their listing")
    check("goes by pool bulk" in said, said)
    relay.cli("queue", "resume", "--domain", "moved.story.test")
    wait_until(lambda: hop.of("moved.story.test") == [BULK, BULK], "it leaves from there")

    told = relay.cli("explain", "delivery", "user@small.story.test")
    check("weight 3, 127.0.0.12" in told and "192.0.2.77 (not on this machine)" in told, f"explain: {told}")
    doctor = relay.cli("doctor", expect=1)
    check("egress source out1: 127.0.0.11 is on this machine" in doctor, doctor)
    check("egress source gone: 192.0.2.77 is not on this machine" in doctor, doctor)
    shown = relay.request("GET", "/metrics")[1]
    check(re.search(rb"^postern_egress_source_missing_total [1-9]", shown, re.M), "the metric counts it")


def warm_up(relay, domain):
    sources = relay.json("explain", "delivery", f"user@{domain}", "--pool", "new")["pool"]["sources"]
    return next(one["warm_up"] for one in sources if one["source"] == "fresh")
