#!/usr/bin/env python3
"""What an account's mail feels of its neighbours: one account sends ten messages a second, another attacks in several ways in turn;
the first one's time to 250 and to delivery, before, during and after each attack (p50, p99, worst).

Run: scripts/deps bench && cmake --preset release -DPOSTERN_BENCH=ON && ninja -C build/release && python3 bench/neighbours.py
[ATTACK…]. POSTERN_BENCH_SECONDS (10) of each phase; POSTERN_BENCH_POSTERN (PATH), another build.
"""

import contextlib
import http.client
import json
import os
import pathlib
import smtplib
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

import bench_support as bench

SECONDS = float(os.environ.get("POSTERN_BENCH_SECONDS", "10"))
PER_SECOND = 10
POSTERN = os.environ.get("POSTERN_BENCH_POSTERN", str(bench.POSTERN))


class TimingHop(socketserver.ThreadingTCPServer):
    """A next hop that notes when each of the quiet account's messages came; at recipients of broken.example it hangs up."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 512

    def __init__(self):
        super().__init__(("127.0.0.1", 0), HopSession)
        self.port = self.server_address[1]
        self.came = {}
        self.arrival = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class HopSession(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            self.say("220 hop.example ESMTP")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"EHLO":
                    self.say("250-hop.example\r\n250-PIPELINING\r\n250 8BITMIME")
                elif verb == b"RCPT" and b"broken.example" in line:
                    return
                elif verb == b"DATA":
                    self.say("354 go on")
                    self.take()
                    self.say("250 taken")
                elif verb == b"QUIT":
                    return self.say("221 bye")
                else:
                    self.say("250 ok")

    def take(self):
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            if line.startswith(b"X-Quiet: "):
                with self.server.arrival:
                    self.server.came[int(line[9:])] = time.monotonic()
                    self.server.arrival.notify_all()


class Quiet:
    """The account that wants nothing but its ten messages a second, over one connection."""

    def __init__(self, relay, key, hop):
        self.relay, self.key, self.hop = relay, key, hop
        self.number = 0

    def send_for(self, seconds):
        """→ (seconds to 250, seconds to delivery) of each message; one that was refused or lost is said and counts as infinite."""
        accepted, delivered, first = [], [], self.number
        due = {}
        ends = time.monotonic() + seconds
        client = self.connect()
        next_at = time.monotonic()
        while next_at < ends:
            time.sleep(max(0, next_at - time.monotonic()))  # a rate is what is asked for
            due[self.number] = next_at
            try:
                client.sendmail("quiet@quiet.example", ["someone@fine.example"],
                                f"From: quiet@quiet.example\r\nX-Quiet: {self.number}\r\nSubject: hello\r\n\r\ntext\r\n")
                accepted.append(time.monotonic() - next_at)
            except (smtplib.SMTPException, OSError) as error:
                print(f"the quiet account's message {self.number}: {error}", file=sys.stderr)
                accepted.append(float("inf"))
                client = self.connect()
            self.number += 1
            next_at += 1 / PER_SECOND
        client.quit()
        wanted = range(first, self.number)
        with self.hop.arrival:
            self.hop.arrival.wait_for(lambda: all(number in self.hop.came for number in wanted), timeout=120)
        for number in wanted:
            delivered.append(self.hop.came.get(number, float("inf")) - due[number])
        return accepted, delivered

    def connect(self):
        client = smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=120)
        client.login("quiet", self.key)
        return client


class Attacker:
    def __init__(self, relay, live, test, auth):
        self.relay, self.live, self.test, self.auth = relay, live, test, auth
        self.is_over = threading.Event()
        self.threads, self.processes = [], []

    def repeat(self, action, times=1):
        def loop():
            while not self.is_over.is_set():
                with contextlib.suppress(OSError, smtplib.SMTPException, http.client.HTTPException):
                    action()
        for _ in range(times):
            self.threads.append(threading.Thread(target=loop, daemon=True))
            self.threads[-1].start()

    def load(self, tool, **options):
        command = [str(bench.TOOLS / tool)]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def stop(self):
        self.is_over.set()
        for process in self.processes:
            process.kill()
            process.wait()
        for thread in self.threads:
            thread.join(130)

    # The attacks.
    def flood_over_smtp(self):
        """64 connections as fast as they go."""
        self.load("smtp_load", port=self.relay.plain, connections=64, messages=10_000_000, auth=self.auth)

    def large_messages(self):
        """16 connections with 1 MiB messages as fast as they go."""
        self.load("smtp_load", port=self.relay.plain, connections=16, octets=1 << 20, messages=10_000_000, auth=self.auth)

    def backlog_that_breaks_sessions(self):
        """Mail to recipients at which the same next hop hangs up."""
        def send():
            with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=60) as client:
                client.login("loud", self.live)
                for _ in range(100):
                    client.sendmail("loud@loud.example", ["someone@broken.example"],
                                    "From: loud@loud.example\r\nSubject: x\r\n\r\ntext\r\n")
                    if self.is_over.is_set():
                        return
        self.repeat(send, 4)

    def trickled_messages(self):
        """40 transactions whose content comes an octet at a time."""
        def trickle():
            with socket.create_connection(("127.0.0.1", self.relay.plain), timeout=60) as s:
                s.sendall(b"EHLO loud.example\r\nAUTH PLAIN " + self.auth.encode() +
                          b"\r\nMAIL FROM:<loud@loud.example>\r\nRCPT TO:<a@fine.example>\r\nDATA\r\n")
                s.sendall(b"Subject: x\r\n\r\n" + b"t" * 900 + b"\r\n")
                while not self.is_over.wait(0.2):
                    s.sendall(b"t")
        self.repeat(trickle, 40)

    def test_mail(self):
        """A test key as fast as it goes: nothing of it may cost live mail its place."""
        self.load("smtp_load", port=self.relay.plain, connections=32, messages=10_000_000, auth=self.auth_of_test)

    def lists_over_http(self):
        """Event lists and streams, e-mail lists and the account, over 24 connections."""
        paths = ["/v1/events?limit=100", "/v1/emails?limit=100&subject=nothing-like-it", "/v1/account", "/v1/events/stream"]

        def ask(path):
            connection = http.client.HTTPConnection("127.0.0.1", self.relay.http, timeout=5)
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.live}"})
            connection.getresponse().read(1 << 20)
            connection.close()
        for i in range(24):
            self.repeat(lambda path=paths[i % len(paths)]: ask(path))

    def big_bodies_over_http(self):
        """Batches of a hundred e-mails as fast as 16 connections bring them."""
        email = {"from": "loud@loud.example", "to": "a@fine.example", "subject": "x", "text": "t" * 20_000}
        body = json.dumps([email] * 100).encode()

        def post():
            connection = http.client.HTTPConnection("127.0.0.1", self.relay.http, timeout=60)
            connection.request("POST", "/v1/emails/batch", body,
                               {"Authorization": f"Bearer {self.live}", "Content-Type": "application/json"})
            connection.getresponse().read()
            connection.close()
        self.repeat(post, 16)

    def all_at_once(self):
        for attack in ATTACKS[:-1]:
            getattr(self, attack)()

    def wrong_keys(self):
        """Connections that guess, 32 at once."""
        def guess():
            with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=60) as client:
                client.login("loud", "pk_live_" + "0" * 48)
        self.repeat(guess, 32)


ATTACKS = ["flood_over_smtp", "large_messages", "backlog_that_breaks_sessions", "trickled_messages", "test_mail", "lists_over_http",
           "big_bodies_over_http", "wrong_keys", "all_at_once"]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def row(title, phase, measured):
    cells = []
    for values in measured:
        cells += [f"{percentile(values, 0.5):.1f}", f"{percentile(values, 0.99):.1f}", f"{max(values) * 1000:.1f}"]
    print(f"| {title} | {phase} | {' | '.join(cells)} |", flush=True)


def main():
    print("| attack | phase | 250: p50 ms | p99 | worst | delivered: p50 ms | p99 | worst |\n" + "|---|---|" + "---:|" * 6)
    for attack in sys.argv[1:] or ATTACKS:
        with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=os.environ.get("POSTERN_BENCH_DIR")) as name:
            hop = TimingHop()
            # Both accounts are as new accounts are, but for the attacker's plan: its own quota must not be what protects the other.
            server = bench.Postern(pathlib.Path(name) / "postern", hop.port, POSTERN)
            relay = server.relay
            relay.account("quiet", "--mode", "production")
            relay.account("loud", "--mode", "production", "--plan", "unlimited")
            quiet = Quiet(relay, relay.key("quiet", "--live"), hop)
            live, test = relay.key("loud", "--live"), relay.key("loud", "--test")
            attacker = Attacker(relay, live, test, bench.base64.b64encode(b"\0loud\0" + live.encode()).decode())
            attacker.auth_of_test = bench.base64.b64encode(b"\0loud\0" + test.encode()).decode()
            title = attack.replace("_", " ")
            try:
                row(title, "before", quiet.send_for(SECONDS))
                getattr(attacker, attack)()
                during = quiet.send_for(SECONDS)
                attacker.stop()
                row(title, "during", during)
                row(title, "after", quiet.send_for(SECONDS))
            finally:
                attacker.stop()
                server.relay.kill()
                hop.shutdown()


if __name__ == "__main__":
    main()
