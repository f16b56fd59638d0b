"""A bad network and a hostile next hop: connections that stall, drip, are cut and reset at every stage, replies that are endless,
huge or wrong. Whatever was acknowledged is delivered whole or bounced, nothing hangs, memory stays bounded. Where the kernel has
netem, real loss and delay are added."""

import hashlib
import random
import smtplib
import socket
import struct
import subprocess
import threading
import time

from support import check, wait_until

SECONDS = 140
SEED = 20
MESSAGES = 60
MAX_GROWTH_KIB = 64 * 1024  # of the relay's memory over the story; the messages of one moment fit 8 connections many times over


class Gone(Exception):
    """The connection ended, by us or by the relay."""


class Link:
    """One connection of the hop, with the network's faults on its way."""

    def __init__(self, connection, fault, chance):
        self.connection, self.fault, self.chance = connection, fault, chance
        self.unread = b""
        connection.settimeout(120)
        if fault == "slow reader":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def pause(self):
        if self.fault == "delay":
            time.sleep(0.3)
        if self.fault == "loss" and self.chance.random() < 0.2:
            time.sleep(self.chance.choice((0.2, 0.4, 0.8)))  # what TCP makes of a lost segment

    def say(self, text):
        data = text if isinstance(text, bytes) else text.encode() + b"\r\n"
        self.pause()
        pieces = [data[i:i + 1] for i in range(len(data))] if self.fault == "drip" else [data]
        try:
            for piece in pieces:
                self.connection.sendall(piece)
                if self.fault == "drip":
                    time.sleep(0.2)
        except OSError:
            raise Gone from None

    def octets(self):
        self.pause()
        if self.fault == "slow reader":
            time.sleep(0.05)
        try:
            got = self.connection.recv(4096)
        except OSError:
            raise Gone from None
        if not got:
            raise Gone
        return got

    def line(self):
        while b"\r\n" not in self.unread:
            self.unread += self.octets()
        line, self.unread = self.unread.split(b"\r\n", 1)
        return line

    def content(self, stop_after=None):
        data = self.unread
        while not data.endswith(b"\r\n.\r\n"):
            if stop_after is not None and len(data) >= stop_after:
                return data
            data += self.octets()
        self.unread = b""
        return data[:-3]

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone


# What a connection of the hop does: a fault of the network, or a reply at a stage ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".").
NETWORK = ["delay", "loss", "drip", "slow reader", "cut at connect", "reset at connect", "cut in content", "reset in content",
           "cut before the last reply", "reset before the last reply", "stall in content"]
REPLIES = {
    "endless greeting": ("CONNECT", "endless"), "endless reply to EHLO": ("EHLO", "endless"),
    "endless last reply": (".", "endless"),
    "huge line in the greeting": ("CONNECT", b"220 " + b"x" * 2_000_000), "huge line at MAIL": ("MAIL", b"250 " + b"x" * 2_000_000),
    "no number": ("MAIL", b"all right\r\n"), "number 999": ("RCPT", b"999 what\r\n"), "number 99": ("MAIL", b"99 what\r\n"),
    "bare LF": ("EHLO", b"250 hop\n"), "NUL": ("CONNECT", b"220 \0hop\r\n"), "354 to MAIL": ("MAIL", b"354 go\r\n"),
    "250 to DATA": ("DATA", b"250 done\r\n"), "354 to the content": (".", b"354 more\r\n"),
    "two numbers in one reply": ("EHLO", b"250-hop\r\n550 no\r\n"),
    "replies before their commands": ("CONNECT", b"220 hop\r\n" + b"250 ok\r\n" * 3 + b"354 go\r\n250 taken\r\n"),
    "421 at the greeting": ("CONNECT", b"421 4.3.2 later\r\n"), "421 at RCPT": ("RCPT", b"421 4.3.2 later\r\n"),
    "451 at the end": (".", b"451 4.3.0 later\r\n"), "TLS hello": ("CONNECT", bytes.fromhex("160301002a") + bytes(40)),
    "550 at RCPT": ("RCPT", b"550 5.1.1 nobody\r\n"), "554 at the end": (".", b"554 5.7.1 no\r\n"),
}
PERMANENT = ("550 at RCPT", "554 at the end")


class Hop:
    """A next hop whose connections misbehave one after the other, with good ones between."""

    def __init__(self):
        self.chance = random.Random(SEED)
        faults = NETWORK + list(REPLIES)
        self.chance.shuffle(faults)
        self.deck = [step for fault in faults for step in (fault, None)]
        self.seen, self.taken, self.doubtful, self.refused, self.damaged = [], {}, {}, set(), []
        self.lock = threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with self.lock:
                fault = self.deck.pop(0) if self.deck else None
                self.seen.append(fault)
                chance = random.Random(self.chance.random())
            threading.Thread(target=self.serve, args=(connection, fault, chance), daemon=True).start()

    def is_played(self):
        with self.lock:
            return not self.deck

    def serve(self, connection, fault, chance):
        with connection:
            try:
                self.converse(Link(connection, fault, chance), fault)
            except Gone:
                pass

    def reply(self, link, fault, stage, text):
        at, what = REPLIES.get(fault, (None, None))
        if at != stage:
            return link.say(text)
        if what != "endless":
            return link.say(what)
        while True:  # until the relay has had enough
            link.say(b"250-and so on\r\n" * 100)

    def converse(self, link, fault):
        if fault == "reset at connect":
            link.reset()
        if fault == "cut at connect":
            raise Gone
        self.reply(link, fault, "CONNECT", "220 hop.example.net")
        recipients = 0
        while True:
            verb = link.line()[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                self.reply(link, fault, "EHLO", "250 hop.example.net")
            elif verb == b"MAIL":
                self.reply(link, fault, "MAIL", "250 2.1.0 ok")
            elif verb == b"RCPT":
                recipients += 1
                self.reply(link, fault, "RCPT", "250 2.1.5 ok")
            elif verb == b"DATA" and fault == "550 at RCPT":
                link.say("554 5.5.1 no recipients")
            elif verb == b"DATA":
                self.reply(link, fault, "DATA", "354 go on")
                self.take(link, fault)
            elif verb == b"QUIT":
                link.say("221 2.0.0 bye")
                raise Gone
            else:
                link.say("250 2.0.0 ok")

    def take(self, link, fault):
        if fault in ("cut in content", "reset in content", "stall in content"):
            link.content(stop_after=3000)
            if fault == "stall in content":
                time.sleep(8)
            if fault == "reset in content":
                link.reset()
            raise Gone
        content = link.content()
        number = self.number_of(content)
        is_lost = fault in ("cut before the last reply", "reset before the last reply", "endless last reply", "354 to the content")
        with self.lock:
            if fault == "554 at the end":
                self.refused.add(number)
            elif fault != "451 at the end":
                record = self.doubtful if is_lost else self.taken
                record[number] = record.get(number, 0) + 1
        if fault == "cut before the last reply":
            raise Gone
        if fault == "reset before the last reply":
            link.reset()
        self.reply(link, fault, ".", "250 2.0.0 taken")

    def number_of(self, content):
        """Of the story's message; None for a report of the relay."""
        head, _, body = content.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if line.startswith(b"X-") and b": " in line)
        if b"X-Number" not in fields:
            return None
        plain = b"\r\n".join(line[1:] if line.startswith(b".") else line for line in body.split(b"\r\n"))
        if hashlib.sha256(plain).hexdigest().encode() != fields[b"X-Digest"]:
            self.damaged.append(fields[b"X-Number"])
        return int(fields[b"X-Number"])


def message(number, chance):
    lines = [bytes(chance.choice(b"abc. xyz") for _ in range(chance.randint(0, 70))) for _ in range(chance.choice((3, 300, 3000)))]
    body = b"\r\n".join(lines) + b"\r\n"
    return (f"From: Sender <sender@example.org>\r\nSubject: number {number}\r\nMessage-ID: <{number}@example.org>\r\n"
            f"Date: Sat, 21 Nov 2026 09:30:00 +0000\r\nX-Number: {number}\r\n"
            f"X-Digest: {hashlib.sha256(body).hexdigest()}\r\n\r\n").encode() + body


def memory_kib(relay):
    status = open(f"/proc/{relay.process.pid}/status").read()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def send_all(relay, key):
    chance = random.Random(SEED + 1)
    ids = {}
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("app", key)
        for number in range(MESSAGES):
            wait_until(lambda: client.mail("sender@example.org")[0] == 250, f"MAIL of message {number} is within the rate")
            client.rcpt(f"someone{number}@example.net")
            code, text = client.data(message(number, chance))
            check(code == 250, f"message {number}: {code} {text}")
            ids[number] = text.decode().split()[-1]
    return ids


def stages(relay, ids):
    return {number: relay.message(message_id)["recipients"][0]["stage"] for number, message_id in ids.items()}


def hostile_hop(context):
    hop = Hop()
    relay = context.relay(next_hop_port=hop.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 2",
                          route_extra="max_messages_per_connection = 1\nmax_connections = 8")
    relay.account("app", "--mode", "production")
    key = relay.key("app", "--live")
    relay.start()
    before = memory_kib(relay)
    ids = send_all(relay, key)
    wait_until(hop.is_played, "every fault is played", 900)
    for message_id in ids.values():
        relay.settled(message_id)
    final = stages(relay, ids)
    check(not hop.damaged, f"arrived damaged: {hop.damaged}")
    for number, stage in final.items():
        if stage == "bounced":
            check(number not in hop.taken, f"{number} bounced although it was taken")
        else:
            check(number in hop.taken, f"{number} is {stage} but never arrived")
    twice = {number: count for number, count in hop.taken.items() if count > 1 and number is not None}
    check(not twice, f"delivered twice although the reply was heard: {twice}")
    bounced = [number for number, stage in final.items() if stage == "bounced"]
    growth = memory_kib(relay) - before
    check(growth < MAX_GROWTH_KIB, f"the relay grew by {growth} KiB")
    check(relay.request("GET", "/healthz")[0] == 200, "the relay does not answer any more")
    print(f"    {len(hop.seen)} connections, {sum(f is not None for f in hop.seen)} of them bad "
          f"in {len(NETWORK) + len(REPLIES)} ways; "
          f"{len(ids)} acknowledged, {len(ids) - len(bounced)} delivered, {len(bounced)} bounced, "
          f"{sum(hop.doubtful.values())} taken without the relay hearing so; the relay grew by {growth // 1024} MiB")
    relay.stop()
    hop.server.close()


def silent_hop(context):
    """A hop that accepts and never says a word: the relay serves on, stops in time, and keeps what it has."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        relay = context.relay("silent", next_hop_port=silent.getsockname()[1], extra="shutdown_grace_seconds = 1")
        relay.account("app", "--mode", "production")
        key = relay.key("app", "--live")
        relay.start()
        ids = send_all(relay, key)
        relay.stop()  # which does not wait for the greeting as long as a delivery does
    check(set(stages(relay, ids).values()) == {"pending"}, "a message is neither delivered nor pending")


def has_netem():
    done = subprocess.run(["unshare", "-n", "sh", "-c", "ip link set lo up && tc qdisc add dev lo root netem delay 1ms"],
                          capture_output=True, text=True)
    return done.returncode == 0, (done.stderr.strip().splitlines() or ["no reason given"])[0]


def run(context):
    hostile_hop(context)
    silent_hop(context)
    works, reason = has_netem()
    if not works:
        print(f"    no netem on this machine ({reason}): loss and delay as TCP shows them were played by the hop itself")
