#!/usr/bin/env python3
"""SIGKILL at random moments under mixed load, again and again: SMTP with a test key, SMTP with a live key to a next hop, HTTP
with idempotency keys to both. Reports what was acknowledged, delivered, doubled and lost, and how long each restart took.

usage: kill.py [--cycles N] [--postern BINARY] [--examine-every N] [--seed N]
"""

import argparse
import collections
import http.client
import itertools
import json
import pathlib
import random
import re
import smtplib
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import support  # noqa: E402
from support import Failure, check, wait_until  # noqa: E402

WORKERS = {"smtp_test": 3, "smtp_live": 4, "http_test": 2, "http_live": 3}
PAUSE_SECONDS = 0.08      # at most, between two messages of a worker: a cycle is to see some dozens
UPTIME_SECONDS = 0.7      # at most, from the moment the relay listens to its end
STARTUP_KILL = 0.1        # this share of the kills comes while the relay starts
BIG_OCTETS = 300_000      # several chunks: its content is on disk before its commit
TOKEN = re.compile(rb"^Subject: ((?:smtp|http)_(?:live|test)-\d+-\d+\.\d+)", re.M)


class Load:
    """What the clients know: the id that each token's acknowledgement named, and how often no answer came."""

    def __init__(self):
        self.acknowledged = {}
        self.unanswered = collections.Counter()
        self.refusals = collections.Counter()
        self.is_ending = threading.Event()
        self.lock = threading.Lock()

    def acknowledge(self, token, message_id):
        with self.lock:
            self.acknowledged[token] = message_id

    def miss(self, kind):
        with self.lock:
            self.unanswered[kind] += 1

    def refuse(self, answer):
        with self.lock:
            self.refusals[str(answer)[:200]] += 1


def content_of(token):
    number = int(re.search(r"-(\d+)\.", token)[1])
    return ("x" * 76 + "\r\n") * (BIG_OCTETS // 78 if number % 20 == 0 else number % 50)


class Worker(threading.Thread):
    """One client: message after message until the load ends; what was not answered is sent again."""

    def __init__(self, load, relay, kind, place, key):
        super().__init__(daemon=True)
        self.load, self.relay, self.kind, self.place, self.key = load, relay, kind, place, key
        self.chance = random.Random(f"{kind}-{place}")
        self.recipient = "delivered@simulator.postern.test" if kind.endswith("test") else "someone@example.net"
        self.client = None

    def run(self):
        for number in itertools.count():
            if self.load.is_ending.is_set():
                return
            for submission in itertools.count():
                # Over HTTP the key makes a repetition the same message, over SMTP a repetition is another one.
                token = f"{self.kind}-{self.place}-{number}.{submission if self.kind.startswith('smtp') else 0}"
                try:
                    if message_id := self.submit(token):
                        self.load.acknowledge(token, message_id)
                        break
                except (OSError, smtplib.SMTPException, http.client.HTTPException):
                    self.load.miss(self.kind)
                    self.client = None
                    self.load.is_ending.wait(0.02)  # it is being restarted
            self.load.is_ending.wait(self.chance.random() * PAUSE_SECONDS)

    def submit(self, token):
        return self.submit_smtp(token) if self.kind.startswith("smtp") else self.submit_http(token)

    def submit_smtp(self, token):
        if self.client is None:
            client = smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=60)
            client.login("load", self.key)
            self.client = client
        for code, text in (self.client.mail("sender@example.org"), self.client.rcpt(self.recipient)):
            if code != 250:
                self.load.refuse((code, text))
                self.client.rset()
                return None
        code, text = self.client.data(f"From: sender@example.org\r\nSubject: {token}\r\n\r\n{content_of(token)}")
        if code == 250:
            return text.decode().split()[-1]
        self.load.refuse((code, text))
        return None

    def submit_http(self, token):
        if self.client is None:
            self.client = http.client.HTTPConnection("127.0.0.1", self.relay.http, timeout=60)
        status, answer = post_email(self.client, self.key, token, self.recipient)
        if status == 200:
            return answer["id"]
        self.load.refuse((status, answer))
        return None


def post_email(connection, key, token, recipient):
    body = {"from": "sender@example.org", "to": recipient, "subject": token, "text": "text\r\n" + content_of(token)}
    connection.request("POST", "/v1/emails", json.dumps(body),
                       {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": token})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def stored_messages(relay, key):
    """Token → ids of what the account has."""
    found = collections.defaultdict(list)
    connection = http.client.HTTPConnection("127.0.0.1", relay.http, timeout=60)
    after = ""
    while True:
        connection.request("GET", f"/v1/emails?limit=100{after}", headers={"Authorization": f"Bearer {key}"})
        page = json.loads(connection.getresponse().read())
        for item in page["data"]:
            found[item["subject"]].append((item["id"], item["last_event"]))
        if not page["has_more"]:
            return found
        after = f"&after={page['data'][-1]['id']}"


class Torture:
    def __init__(self, context, arguments):
        self.arguments = arguments
        self.chance = random.Random(arguments.seed)
        self.sink = context.sink("-D", "all", name="sink").start()
        self.relay = context.relay(next_hop_port=self.sink.port, extra="retry_initial_seconds = 1")
        self.relay.account("load", "--mode", "production", "--plan", "unlimited")
        keys = {"live": self.relay.key("load", "--live", "--permission", "full_access"),
                "test": self.relay.key("load", "--test", "--permission", "full_access")}
        self.keys = {kind: keys[kind[-4:]] for kind in WORKERS}
        self.load = Load()
        self.recoveries = []
        self.examinations = 0

    def start_relay(self):
        began = time.monotonic()
        self.relay.start()
        self.recoveries.append(time.monotonic() - began)

    def examine(self):
        """doctor reads every record and compares every index; it fails the run by its exit status."""
        findings = self.relay.json("doctor")
        check(all(f["grade"] != "fail" for f in findings), f"doctor: {findings}")
        self.examinations += 1

    def cycle(self, number):
        time.sleep(self.chance.random() * UPTIME_SECONDS)
        self.relay.kill()
        if self.chance.random() < STARTUP_KILL:
            self.relay.launch()
            time.sleep(self.chance.random() * 0.2)
            self.relay.kill()
        if number % self.arguments.examine_every == 0:
            self.examine()
        self.start_relay()
        if number % 50 == 0:
            print(f"    {number} kills, {len(self.load.acknowledged)} acknowledged", flush=True)

    def run(self):
        self.relay.start()
        workers = [Worker(self.load, self.relay, kind, place, self.keys[kind])
                   for kind, count in WORKERS.items() for place in range(count)]
        for worker in workers:
            worker.start()
        for number in range(1, self.arguments.cycles + 1):
            self.cycle(number)
        self.load.is_ending.set()
        for worker in workers:
            worker.join(120)
            check(not worker.is_alive(), f"{worker.kind} {worker.place} waits for an answer")
        wait_until(lambda: self.relay.json("queue", "list", "--limit", "1") == [], "the queue is empty", 300)
        self.examine()
        return self.judge()

    def judge(self):
        stored = stored_messages(self.relay, self.keys["smtp_live"])
        arrived = collections.Counter()
        for path in self.sink.folder.iterdir():
            arrived.update(token.decode() for token in TOKEN.findall(path.read_bytes()))
        acknowledged = self.load.acknowledged
        lost = [token for token, message_id in acknowledged.items()
                if not any(kept == message_id and event == "delivered" for kept, event in stored[token])
                or ("live" in token and not arrived[token])]
        doubles = [token for token, copies in stored.items() if len(copies) > 1]
        doubles += [token for token in acknowledged if token.startswith("http") and not self.answers_again(token)]
        leaked = [token for token in arrived if "test" in token]
        resubmitted = [token for token in stored if token.startswith("smtp") and token not in acknowledged]
        redelivered = sum(count - 1 for count in arrived.values())
        self.report(lost, doubles, len(resubmitted), redelivered, sum(arrived.values()))
        check(not leaked, f"mail of a test key at the next hop: {leaked[:5]}")
        check(not self.load.refusals, f"refused: {self.load.refusals.most_common(5)}")
        return not lost and not doubles

    def answers_again(self, token):
        """A key that was acknowledged is answered with the same id."""
        kind = token.split("-")[0]
        recipient = "delivered@simulator.postern.test" if kind.endswith("test") else "someone@example.net"
        connection = http.client.HTTPConnection("127.0.0.1", self.relay.http, timeout=60)
        status, answer = post_email(connection, self.keys[kind], token, recipient)
        connection.close()
        return status == 200 and answer["id"] == self.load.acknowledged[token]

    def report(self, lost, doubles, resubmitted, redelivered, delivered):
        kinds = collections.Counter(token.split("-")[0] for token in self.load.acknowledged)
        print(f"kills                       {self.arguments.cycles}")
        print(f"acknowledged                {len(self.load.acknowledged)} "
              f"({', '.join(f'{kind} {kinds[kind]}' for kind in WORKERS)})")
        print(f"delivered to the next hop   {delivered}")
        print(f"doubled by us               {redelivered}  died between the next hop's reply and the sync of our record of it")
        print(f"doubled by the client       {resubmitted}  accepted, the 250 never arrived, sent again "
              f"({self.load.unanswered.total()} attempts without an answer)")
        print(f"lost                        {len(lost)} {lost[:5] or ''}")
        print(f"idempotent doubles          {len(doubles)} {doubles[:5] or ''}")
        print(f"examined, sound             {self.examinations} times")
        ordered = sorted(self.recoveries)
        print(f"recovery, seconds           median {statistics.median(ordered):.2f}, 99 % {ordered[len(ordered) * 99 // 100]:.2f}, "
              f"worst {ordered[-1]:.2f}")


class Context:
    def __init__(self, postern, folder):
        self.postern, self.folder, self.started = postern, pathlib.Path(folder), []

    def relay(self, **options):
        (self.folder / "relay").mkdir()
        self.started.append(support.Relay(self.postern, self.folder / "relay", **options))
        return self.started[-1]

    def sink(self, *options, name):
        self.started.append(support.Sink(self.folder / name, *options))
        return self.started[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=1000)
    parser.add_argument("--postern", default=str(support.ROOT / "build/release/app/postern"))
    parser.add_argument("--examine-every", type=int, default=10, metavar="CYCLES")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    support.install_peers()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="postern-torture-") as folder:
        context = Context(pathlib.Path(arguments.postern).resolve(), folder)
        try:
            return 0 if Torture(context, arguments).run() else 1
        except Failure as failure:
            print(f"failed: {failure}", *(thing.errors() for thing in context.started if isinstance(thing, support.Relay)),
                  sep="\n", file=sys.stderr)
            return 1
        finally:
            for thing in context.started:
                if thing.process and thing.process.poll() is None:
                    thing.process.kill()
                    thing.process.wait()


if __name__ == "__main__":
    sys.exit(main())
