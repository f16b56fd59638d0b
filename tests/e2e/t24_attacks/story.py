"""Attacks that need the whole relay: forged trace fields, a million empty lines, guessing from one address at both doors, slow
clients in every state, a next hop that is hostile. The relay answers as it should, and serves an honest client afterwards."""

import smtplib
import socket
import threading
import time

from raw_client import Raw, auth_plain, greeted, in_data, introduced, logged_in
from support import PLAIN_MESSAGE, check, wait_until

SECONDS = 40


def forged_trace(relay, key, sink):
    """What a client writes into Received, Return-Path and the like stays below our own field, as it came."""
    forged = (b"Received: from bank.example ([192.0.2.1]) by relay.postern.test with ESMTPSA id forged; "
              b"Mon, 1 Jan 2024 00:00:00 +0000\r\n"
              b"Received: this is not even a trace field\r\nReturn-Path: <ceo@bank.example>\r\n"
              b"Authentication-Results: relay.postern.test; dkim=pass\r\n")
    raw = greeted(relay.plain)
    raw.command(b"EHLO bank.example\tby")
    raw.command(b"EHLO [10.0.0.1]")
    check(raw.command(auth_plain(key)).startswith(b"235"), "AUTH")
    raw.command(b"MAIL FROM:<sender@example.org>")
    raw.command(b"RCPT TO:<friend@example.net>")
    raw.command(b"DATA")
    answer = raw.command(forged + b"From: sender@example.org\r\nSubject: forged\r\n\r\nbody\r\n.")
    check(answer.startswith(b"250"), f"the forged fields: {answer}")
    content = wait_until(sink.files, "the message arrives")[0].read_bytes().replace(b"\r\n", b"\n")
    header = content.split(b"\n\n", 1)[0] if b"Received: from bank" in content.split(b"\n\n", 1)[0] else content
    ours = header.find(b"Received: from authenticated-client\n\tby relay.postern.test")
    theirs = header.find(forged.replace(b"\r\n", b"\n"))
    check(0 <= ours < theirs, f"our field stands above theirs, and theirs stay as they came: {header[:1200]}")


def empty_lines(relay, key):
    raw = in_data(relay, key)
    raw.send(b"From: sender@example.org\r\n\r\n" + b"\r\n" * 1_000_000 + b".\r\n")
    answer = raw.reply()
    check(answer.startswith(b"250"), f"a million empty lines: {answer}")
    raw = greeted(relay.plain)
    raw.send(b"\r\n" * 1000)
    answers = []
    while (answer := raw.reply()) != b"":
        answers.append(answer)
    check(answers[-1].startswith(b"421 4.7.0") and len(answers) < 100, f"empty commands: {len(answers)} replies, {answers[-1]}")


def guessing(relay, key):
    """Ten wrong keys from one address, by both doors; then neither looks at a right one, and another address is let in."""
    guess = key[:-1] + ("a" if key[-1] != "a" else "b")
    source = "127.0.0.3"

    def ask_http(with_key, address):
        request = f"GET /v1/emails HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer {with_key}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", relay.http), timeout=300, source_address=(address, 0)) as connection:
            connection.sendall(request.encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        return answer

    def ask_smtp(with_key, address):
        raw = introduced(relay.plain, address)
        return raw.command(auth_plain(with_key))

    for _ in range(5):
        check(ask_smtp(guess, source).startswith(b"535 5.7.8 invalid_key"), "a guess over SMTP")
        check(ask_http(guess, source).startswith(b"HTTP/1.1 401"), "a guess over HTTP")
    check(ask_smtp(guess, source).startswith(b"421 4.7.0 too_many_failures"), "SMTP goes on answering guesses")
    blocked = ask_http(guess, source)
    check(blocked.startswith(b"HTTP/1.1 429") and b"retry-after:" in blocked.lower(), f"HTTP goes on: {blocked[:200]}")
    for address in (source, "127.0.0.4"):  # also behind the guesser's own address: a NAT, a proxy
        check(ask_smtp(key, address).startswith(b"235"), f"the owner of the key is locked out of SMTP at {address}")
        check(not ask_http(key, address).startswith((b"HTTP/1.1 401", b"HTTP/1.1 429")),
              f"the owner of the key is locked out of HTTP at {address}")


def slow_clients(relay, key):
    """An octet each quarter of a second, in every state but mail data (whose rate has a minute of grace), beside an honest client:
    each is ended by its deadline."""
    def before_ehlo():
        raw = greeted(relay.plain)
        return raw, b"EHLO " + b"a" * 1000

    def in_auth():
        raw = greeted(relay.plain)
        raw.command(b"EHLO slow.example")
        raw.command(b"AUTH PLAIN")
        return raw, b"A" * 1000

    def in_command():
        return logged_in(relay, key), b"MAIL FROM:<" + b"a" * 1000

    def in_handshake():
        raw = Raw(relay.implicit)
        return raw, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + b"\x03" * 1000

    ended = {}

    def drip(name, open_one):
        raw, octets = open_one()
        began = time.monotonic()
        raw.socket.settimeout(0.25)
        for octet in octets:
            try:
                raw.socket.send(bytes([octet]))
                if not raw.socket.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        ended[name] = time.monotonic() - began

    states = [before_ehlo, in_auth, in_command, in_handshake]
    threads = [threading.Thread(target=drip, args=(s.__name__, s)) for s in states]
    for thread in threads:
        thread.start()
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("ci", key)
        check(client.sendmail("sender@example.org", ["friend@example.net"], PLAIN_MESSAGE) == {},
              "an honest client beside slow ones")
    for thread in threads:
        thread.join(400)
    check(sorted(ended) == sorted(s.__name__ for s in states), f"not ended: {ended}")


class HostileHop:
    """A next hop of our own: a function says what each connection gets to hear."""

    def __init__(self, behave):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.behave = behave
        self.heard = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        try:
            with connection:
                self.behave(self, connection)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


def endless(hop, connection):
    connection.sendall(b"220 mx\r\n")
    hop.heard.append(connection.recv(65536))
    while True:
        connection.sendall(b"250-x\r\n" * 10_000)


def huge_line(hop, connection):
    while True:
        connection.sendall(b"2" * 65536)
        hop.heard.append(b"")


def forger(hop, connection):
    connection.sendall(b"220 mx\r\n")
    connection.recv(65536)
    connection.sendall(b"250 mx\r\n")
    connection.recv(65536)
    connection.sendall(b"550 5.1.1 no\x1b[2Jlevel=error msg=forged \xff\x00\r\n")
    hop.heard.append(b"")
    connection.recv(65536)


def hostile_next_hop(context):
    for name, behave in [("endless", endless), ("huge_line", huge_line), ("forger", forger)]:
        hop = HostileHop(behave)
        relay = context.relay(name=name, next_hop_port=hop.port)
        relay.account("victim", "--mode", "production")
        key = relay.key("victim", "--live")
        relay.start()
        with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
            client.login("ci", key)
            client.sendmail("sender@example.org", ["friend@example.net"], PLAIN_MESSAGE)
        wait_until(lambda: hop.heard, f"{name}: the next hop is spoken to")
        shown = relay.json("message", "list", "--limit", "10")
        wait_until(lambda: relay.message(shown[0]["id"])["recipients"][0]["attempts"] >= 1, f"{name}: the attempt is over")
        after = relay.message(shown[0]["id"])
        check(after["recipients"][0]["stage"] == "pending", f"{name}: garbage must defer: {after['recipients']}")
        log = (relay.folder / "log").read_bytes()
        check(b"\x1b" not in log and b"\nlevel=error msg=forged" not in log, f"{name}: the hop writes into the log")
        hop.stop()
        relay.stop()


def run(context):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port, extra="command_timeout_seconds = 15\npreauth_timeout_seconds = 15\n")
    relay.account("victim", "--mode", "production")
    key = relay.key("victim", "--live")
    relay.start()
    forged_trace(relay, key, sink)
    empty_lines(relay, key)
    guessing(relay, key)
    slow_clients(relay, key)
    hostile_next_hop(context)
