#!/usr/bin/env python3
"""SIGKILL at random moments while strangers bring mail to an mx listener: whatever was answered 250 is there afterwards, with its
content and its event, and `postern doctor` finds the store sound.

usage: arrivals.py [--kills N] [--postern BINARY] [--seed N]
"""

import argparse
import itertools
import pathlib
import random
import smtplib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import support  # noqa: E402
from name_server import NameServer  # noqa: E402
from support import Failure, check, free_port  # noqa: E402

DOMAIN = "example.org"
SENDERS = 8
UPTIME_SECONDS = 0.7      # at most, from the moment the door listens to its end
STARTUP_KILL = 0.1        # this share of the kills comes while the daemon starts
BIG_OCTETS = 300_000      # several chunks: its content is on disk before its commit


class Load:
    def __init__(self):
        self.acknowledged = {}  # the subject → the id that its 250 named
        self.unanswered = 0
        self.refusals = set()
        self.is_ending = threading.Event()
        self.lock = threading.Lock()


class Stranger(threading.Thread):
    """Message after message until the load ends; what was not answered is brought again, as another message."""

    def __init__(self, load, port, place):
        super().__init__(daemon=True)
        self.load, self.port, self.place = load, port, place
        self.client = None

    def run(self):
        for number in itertools.count():
            if self.load.is_ending.is_set():
                return
            try:
                self.bring(f"m{self.place}-{number}", number)
            except (OSError, smtplib.SMTPException):
                self.client = None
                with self.load.lock:
                    self.load.unanswered += 1
                self.load.is_ending.wait(0.02)  # it is being restarted

    def bring(self, subject, number):
        if self.client is None:
            client = smtplib.SMTP("127.0.0.1", self.port, timeout=60)
            client.ehlo("mail.good.org")
            self.client = client
        body = ("x" * 76 + "\r\n") * (BIG_OCTETS // 78 if number % 20 == 0 else number % 50)
        for code, text in (self.client.mail(f"ann{self.place}@good.org"), self.client.rcpt(f"sales{number % 3}@{DOMAIN}"),
                           self.client.data(f"From: ann@good.org\r\nSubject: {subject}\r\n\r\n{body}")):
            if code not in (250, 354):
                with self.load.lock:
                    self.load.refusals.add(f"{code} {text.decode()}")
                self.client.rset()
                return
        with self.load.lock:
            self.load.acknowledged[subject] = text.decode().split()[-1]


def world(postern, folder, server):
    port = free_port()
    relay = support.Relay(postern, folder, extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\n'
                                                 'capture_max_octets = 10_000_000_000\n')
    relay.config.write_text(relay.config.read_text() +
                            f'[[listener]]\naddress = "127.0.0.1"\nport = {port}\nrole = "mx"\ntls = "none"\n')
    relay.account("app", "--mode", "production")
    relay.cli("domain", "add", "app", DOMAIN)
    server.publish(relay.cli("domain", "records", DOMAIN).splitlines())
    relay.cli("domain", "verify", DOMAIN)
    relay.cli("domain", "receive", DOMAIN, "on")
    relay.cli("route", "add", DOMAIN, "sales*", "webhook")
    return relay, port


def listed(relay, key):
    """Subject → ids of what came in."""
    found, after = {}, ""
    while True:
        page = relay.request("GET", f"/v1/inbound?limit=100{after}", key=key)[1]
        for one in page["data"]:
            found.setdefault(one["subject"], []).append(one["id"])
        if not page["has_more"]:
            return found
        after = f"&after={page['next']}"


def told(relay, key):
    """The ids that an event says came in."""
    found, after = set(), ""
    while True:
        page = relay.request("GET", f"/v1/events?type=email.received&limit=100{after}", key=key)[1]
        found.update(event["data"]["email_id"] for event in page["data"])
        if not page["has_more"]:
            return found
        after = f"&after={page['next']}"


def torture(relay, port, arguments):
    chance = random.Random(arguments.seed)
    relay.start()
    key = relay.key("app", "--live", "--permission", "full_access")
    load = Load()
    strangers = [Stranger(load, port, place) for place in range(SENDERS)]
    for stranger in strangers:
        stranger.start()
    for _ in range(arguments.kills):
        time.sleep(chance.random() * UPTIME_SECONDS)
        relay.kill()
        if chance.random() < STARTUP_KILL:
            relay.launch()
            time.sleep(chance.random() * 0.2)
            relay.kill()
        relay.start()
    load.is_ending.set()
    for stranger in strangers:
        stranger.join(120)
        check(not stranger.is_alive(), "a stranger waits for an answer")
    stored, events = listed(relay, key), told(relay, key)
    lost = [subject for subject, id in load.acknowledged.items() if id not in stored.get(subject, [])]
    untold = [subject for subject, id in load.acknowledged.items() if id not in events]
    for subject, id in itertools.islice(reversed(load.acknowledged.items()), 200):
        status, raw, _ = relay.request("GET", f"/v1/inbound/{id}/raw", key=key)
        check(status == 200 and f"Subject: {subject}\r\n".encode() in raw, f"{subject}: {status}")
    findings = relay.json("doctor")
    relay.stop()
    check(all(finding["grade"] != "fail" for finding in findings), f"doctor: {findings}")
    unheard = sum(len(ids) for ids in stored.values()) - len(load.acknowledged) + len(lost)
    print(f"{len(load.acknowledged)} answered 250 over {arguments.kills} kills, {len(lost)} lost, {len(untold)} without an event\n"
          f"{load.unanswered} not answered, {unheard} of them stored; refusals: {sorted(load.refusals) or 'none'}")
    check(not lost and not untold, f"lost {lost[:10]}, untold {untold[:10]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--postern", default=str(support.ROOT / "build/release/app/postern"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="postern-torture-") as folder:
        folder = pathlib.Path(folder)
        (folder / "relay").mkdir()
        server = NameServer(folder / "nsd", DOMAIN)
        relay = None
        try:
            server.publish([])
            relay, port = world(pathlib.Path(arguments.postern).resolve(), folder / "relay", server)
            torture(relay, port, arguments)
            return 0
        except Failure as failure:
            print(f"failed: {failure}", relay.errors() if relay else "", sep="\n", file=sys.stderr)
            return 1
        finally:
            if relay and relay.process and relay.process.poll() is None:
                relay.kill()
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
