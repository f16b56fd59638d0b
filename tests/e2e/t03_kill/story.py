"""SIGKILL at random under load: nothing acknowledged is lost."""

import collections
import itertools
import os
import queue
import random
import re
import smtplib
import threading
import time

from support import check, wait_until

MESSAGES = int(os.environ.get("POSTERN_KILL_MESSAGES", "10000"))
KILLS = int(os.environ.get("POSTERN_KILLS", "20"))
CONNECTIONS = 50
# Of a client, below the time that it waits for the daemon: a connection on which nobody answers is given up and made anew.
# Beyond the server's own patience with a stranger (preauth_timeout_seconds), so that its log tells one that it has from one that
# died with the process before.
TIMEOUT = 75


class Load:
    def __init__(self, port, key):
        self.port, self.key = port, key
        self.todo = queue.Queue()
        for number in range(MESSAGES):
            self.todo.put(number)
        self.acknowledged = set()
        self.unanswered = 0
        self.unheard = 0
        self.lock = threading.Lock()

    def connect(self):
        def log_in():
            begun = time.monotonic()
            try:
                client = smtplib.SMTP("127.0.0.1", self.port, timeout=TIMEOUT)
                client.login("load", self.key)
                return client
            except (OSError, smtplib.SMTPException):
                with self.lock:
                    self.unheard += time.monotonic() - begun >= TIMEOUT
                return None
        return wait_until(log_in, "the daemon is there again")

    def work(self):
        client = self.connect()
        while True:
            try:
                number = self.todo.get_nowait()
            except queue.Empty:
                return
            for submission in itertools.count():
                try:
                    client.mail("sender@example.org")
                    client.rcpt("someone@example.net")
                    code, _ = client.data("From: sender@example.org\r\n"
                                          f"X-Token: t{number:06d}.{submission}\r\n\r\nbody {number}\r\n")
                    if code == 250:
                        with self.lock:
                            self.acknowledged.add(number)
                        break
                    with self.lock:
                        self.unanswered += 1
                    client.rset()
                except (OSError, smtplib.SMTPException):
                    with self.lock:
                        self.unanswered += 1
                    client = self.connect()


class Arrived:
    """What the next hop took. A token's number is the message's, its fraction tells the client's submissions of it apart."""

    def __init__(self, text):
        copies = collections.Counter(re.findall(rb"^X-Token: t(\d{6})\.(\d+)", text, re.M))
        self.numbers = {int(number) for number, _ in copies}
        self.resubmitted = len(copies) - len(self.numbers)
        self.redelivered = copies.total() - len(copies)


def run(context):
    sink = context.sink("-D", "all", name="sink").start()
    relay = context.relay(next_hop_port=sink.port, extra="retry_initial_seconds = 1")
    relay.account("load", "--mode", "production", "--plan", "unlimited")
    key = relay.key("load", "--live")
    relay.start()

    load = Load(relay.plain, key)
    workers = [threading.Thread(target=load.work, daemon=True) for _ in range(CONNECTIONS)]
    for worker in workers:
        worker.start()

    chance = random.Random()
    thresholds = sorted(chance.sample(range(MESSAGES // 20, MESSAGES - MESSAGES // 50), KILLS))
    for threshold in thresholds:
        wait_until(lambda: len(load.acknowledged) >= threshold, f"{threshold} messages are acknowledged", 900)
        relay.kill()
        relay.start()
    for worker in workers:
        worker.join(900)
    check(len(load.acknowledged) == MESSAGES, f"{len(load.acknowledged)} of {MESSAGES} were acknowledged")

    wait_until(lambda: relay.json("queue", "list", "--limit", "1") == [], "the queue is empty", 900)
    text = b"".join(path.read_bytes() for path in sink.folder.iterdir())
    arrived = Arrived(text)
    lost = load.acknowledged - arrived.numbers
    print(f"    {MESSAGES} acknowledged over {KILLS} kills, {len(lost)} lost\n"
          f"    {arrived.resubmitted} arrived again because the client saw no answer and sent them again "
          f"({load.unanswered} submissions without one)\n"
          f"    {arrived.redelivered} arrived again because the relay died before its record of their delivery was synced\n"
          f"    {load.unheard} log-ins on which nobody answered for {TIMEOUT} s")
    check(not lost, f"acknowledged and lost: {sorted(lost)[:10]}")
    check(arrived.resubmitted <= load.unanswered, "more came of resubmissions than there were")
