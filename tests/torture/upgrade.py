#!/usr/bin/env python3
"""An upgrade under load: fifty messages a second come in while the program of one version is stopped and that of another started on
its store, and then that one once more by itself. Where the old one hands its listening sockets on nobody is refused; nothing that
was acknowledged is lost or doubled. What stands in for the service manager is that of e2e/t17_reload.

usage: upgrade.py --from BINARY|PACKAGE [--to BINARY|PACKAGE] [--seconds N] [--rate N]
"""

import argparse
import collections
import importlib
import pathlib
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import support  # noqa: E402
from support import Failure, check, wait_until  # noqa: E402

CLIENTS = 10
TOKEN = re.compile(rb"^Subject: (upgrade-\d+-\d+)\r?$", re.M)


class Load:
    """`rate` messages a second in all: each client keeps its own pace, and sends again what was not answered."""

    def __init__(self, relay, key, rate):
        self.relay, self.key, self.pause = relay, key, CLIENTS / rate
        self.acknowledged, self.refused, self.cut = {}, [], 0
        self.ends, self.lock = threading.Event(), threading.Lock()
        self.clients = [threading.Thread(target=self.client, args=(place,), daemon=True) for place in range(CLIENTS)]

    def start(self):
        for client in self.clients:
            client.start()

    def stop(self):
        self.ends.set()
        for client in self.clients:
            client.join(120)
            check(not client.is_alive(), "a client waits for an answer")

    def client(self, place):
        due, number = time.monotonic(), 0
        while not self.ends.is_set():
            due += self.pause
            number += 1
            while not self.ends.is_set() and not self.send(f"upgrade-{place}-{number}"):
                self.ends.wait(0.05)
            self.ends.wait(max(0, due - time.monotonic()))

    def send(self, token):
        try:
            socket.create_connection(("127.0.0.1", self.relay.plain), 120).close()
        except OSError as error:
            with self.lock:
                self.refused.append((time.monotonic(), error))
            return False
        try:
            with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=120) as client:
                client.login("x", self.key)
                client.mail("sender@example.org")
                client.rcpt("someone@example.net")
                code, text = client.data(f"From: sender@example.org\r\nSubject: {token}\r\n\r\nbody\r\n")
        except (smtplib.SMTPException, OSError):
            with self.lock:
                self.cut += 1  # a session that was told 421, or cut: it comes again
            return False
        if code == 250:
            with self.lock:
                self.acknowledged[token] = text.decode().split()[-1]
        return code == 250


def program(text, folder):
    """The binary, or the one in the package."""
    path = pathlib.Path(text).resolve()
    if path.suffix != ".deb":
        return path
    subprocess.run(["dpkg-deb", "-x", str(path), str(folder)], check=True)
    return folder / "usr/bin/postern"


def replace(relay, manager, load, binary, what):
    """Under the load, as `systemctl restart` does. Says how many were refused."""
    before = len(load.acknowledged)
    wait_until(lambda: len(load.acknowledged) > before + 50, "clients are served before " + what)
    refused = len(load.refused)
    relay.process.send_signal(signal.SIGTERM)
    relay.process.wait(300)
    hands_on = bool(manager.kept)
    relay.postern = str(binary)
    began = time.monotonic()
    manager.launch()
    took = time.monotonic() - began
    before = len(load.acknowledged)
    wait_until(lambda: len(load.acknowledged) > before + 50, "clients are served after " + what)
    refused = len(load.refused) - refused
    print(f"{what}: ready after {took:.2f} s; refused {refused}"
          f"{'' if hands_on else '; the old one handed no socket on, so that some were bound to be'}", flush=True)
    check(refused == 0 or not hands_on, f"refused at {what}: {load.refused[:3]}")


def judge(relay, sink, load):
    wait_until(lambda: relay.json("queue", "list", "--limit", "1") == [], "the queue is empty", 600)
    arrived = collections.Counter()
    for path in sink.folder.iterdir():
        arrived.update(token.decode() for token in TOKEN.findall(path.read_bytes()))
    lost = [token for token in load.acknowledged if not arrived[token]]
    # A client whose 250 was lost with its connection sends again: two messages, each once.
    stored = {message["id"] for message in relay.json("message", "list", "--account", "load", "--all")}
    missing = [one for one in load.acknowledged.values() if one not in stored]
    doubled = sum(arrived.values()) - len(stored)
    print(f"acknowledged {len(load.acknowledged)}, lost {len(lost)}, not in the store {len(missing)}, delivered twice {doubled}, "
          f"sessions cut {load.cut}", flush=True)
    check(not lost and not missing and doubled == 0, f"{lost[:5]} {missing[:5]}")
    check(all(found["grade"] != "fail" for found in relay.json("doctor")), "doctor finds no fault")


def refuses_to_go_back(relay, old, is_one_way):
    done = subprocess.run([str(old), "--config", str(relay.config), "account", "list"], capture_output=True, text=True, timeout=60)
    print(f"the old program on the new store: exit {done.returncode} {done.stderr.strip()}")
    check(not is_one_way or done.returncode != 0 and done.stderr.startswith("postern: "), "a downgrade is refused with a sentence")


def run(arguments, folder):
    Manager = importlib.import_module("t17_reload.story").Manager
    old, new = program(arguments.old, folder / "old"), program(arguments.new, folder / "new")
    (folder / "relay").mkdir()
    sink = support.Sink(folder / "sink", "-D", "all").start()
    relay = support.Relay(old, folder / "relay", next_hop_port=sink.port)
    manager = Manager(relay)
    try:
        manager.launch()
        relay.account("load", "--mode", "production", "--plan", "unlimited")
        load = Load(relay, relay.key("load", "--live"), arguments.rate)
        load.start()
        load.ends.wait(arguments.seconds)
        foretold = subprocess.run([str(new), "--config", str(relay.config), "--json", "upgrade-check"], capture_output=True,
                                  text=True, timeout=60)
        print(f"foretold: {foretold.stdout.strip()}")
        replace(relay, manager, load, new, "the upgrade")
        replace(relay, manager, load, new, "the new one to itself")
        load.stop()
        judge(relay, sink, load)
        refuses_to_go_back(relay, old, '"one_way":true' in foretold.stdout)
        relay.stop()
    finally:
        for thing in (relay, sink):
            if thing.process and thing.process.poll() is None:
                thing.process.kill()
                thing.process.wait()
        manager.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", dest="old", required=True)
    parser.add_argument("--to", dest="new", default=str(support.ROOT / "build/release/app/postern"))
    parser.add_argument("--seconds", type=float, default=20, help="of load before the upgrade")
    parser.add_argument("--rate", type=float, default=50, help="messages a second")
    arguments = parser.parse_args()
    support.install_peers()
    with tempfile.TemporaryDirectory(prefix="postern-upgrade-") as folder:
        try:
            run(arguments, pathlib.Path(folder))
        except Failure as failure:
            print(f"failed: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
