"""The mx door behind a proxy, and with greylisting: the client is whom the PROXY header names, for SPF, in the trace and for who is
new here; a newcomer is asked to come again, and is known once it did."""

import contextlib
import re
import socket
import struct

from name_server import NameServer
from support import check, free_port, wait_until

SECONDS = 15
DOMAIN = "example.org"
WAIT = 60
NEWCOMER, OTHER = "192.0.2.7", "198.51.100.9"
LOCAL = b"PROXY UNKNOWN\r\n"
RECORDS = [f'good.org. 60 IN TXT "v=spf1 ip4:{NEWCOMER} -all"']


def v1(client):
    return f"PROXY TCP4 {client} 127.0.0.1 4711 25\r\n".encode()


def v2(client):
    body = socket.inet_aton(client) + socket.inet_aton("127.0.0.1") + struct.pack(">HH", 4711, 25)
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", len(body)) + body


class Session:
    """By hand: a PROXY header goes before the greeting."""

    def __init__(self, port, head):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
        self.socket.sendall(head)
        self.file = self.socket.makefile("rb")

    def reply(self):
        line = self.file.readline()
        while line[3:4] == b"-":
            line = self.file.readline()
        return line.decode().strip()

    def say(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


def bring(port, head, sender="ann@good.org", recipient="sales@" + DOMAIN, subject="x"):
    """The first reply that is no success, or the last one."""
    with contextlib.closing(Session(port, head)) as session:
        greeting = session.reply()
        if not greeting.startswith("220"):
            return greeting
        session.say("EHLO mail.good.org")
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA"):
            reply = session.say(command)
            if reply[0] not in "23":
                return reply
        reply = session.say(f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nhello\r\n.")
        session.say("QUIT")
        return reply


def behind_a_proxy(relay, port):
    for head in (v1, v2):
        for client, spf in ((NEWCOMER, "pass"), (OTHER, "fail")):
            check(bring(port, head(client)).startswith("250"), f"{head.__name__} {client}: it is taken")
            inbound = relay.json("inbound", "list", "app", "--limit", "1")[0]
            check(inbound["auth"]["spf"] == spf, f"SPF is asked for whom the header names: {inbound}")
            raw = relay.cli("inbound", "show", inbound["id"], "--raw")
            trace = re.sub(r"\s+", " ", raw[raw.index("Received:"):].split("\n\n")[0])
            check(f"[{client}]" in trace and "127.0.0.1" not in trace, f"and so is the trace: {trace}")
    check(bring(port, LOCAL).startswith("250"), "the proxy's own check")
    for broken in (b"EHLO client\r\n", b"PROXY TCP4 nonsense\r\n", v2(NEWCOMER)[:-4]):
        with contextlib.closing(Session(port, broken)) as session:
            session.socket.shutdown(socket.SHUT_WR)
            check(session.file.read() == b"", f"no proxy of ours: {broken}")


def newcomers(relay, port):
    reply = bring(port, v1(NEWCOMER))
    check(reply.startswith("450 4.7.1 greylisted") and re.search(r"try again in [12] s", reply), reply)
    check(bring(port, v1(NEWCOMER), sender="other@good.org").startswith("450"), "another sender is new for itself")
    check(bring(port, LOCAL).startswith("250"), "this machine is no newcomer")
    wait_until(lambda: bring(port, v1(NEWCOMER)).startswith("250"), "it came again", WAIT)
    check(bring(port, v2(NEWCOMER), sender="third@good.org").startswith("250"), "who came again is known")
    check(bring(port, v1(OTHER)).startswith("450"), "nobody else is")
    check(bring(port, v1(OTHER), recipient="nobody@elsewhere.example").startswith("550 5.7.1"), "what is not ours is said at once")


def world(context, server, extra):
    port = free_port()
    relay = context.relay(extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\n{extra}')
    text = relay.config.read_text()
    relay.config.write_text(f'{text}[[listener]]\naddress = "127.0.0.1"\nport = {port}\nrole = "mx"\ntls = "none"\n'
                            'proxy_networks = ["127.0.0.0/8"]\n')
    relay.account("app", "--mode", "production")
    relay.cli("domain", "add", "app", DOMAIN)
    server.publish(relay.cli("domain", "records", DOMAIN).splitlines() + RECORDS)
    relay.cli("domain", "verify", DOMAIN)
    relay.cli("domain", "receive", DOMAIN, "on")
    relay.cli("route", "add", DOMAIN, "*", "store")
    return relay.start(), port


def run(context):
    server = NameServer(context.folder / "nsd", "org")
    try:
        relay, port = world(context, server, "")
        behind_a_proxy(relay, port)
        text = relay.config.read_text()
        relay.stop()
        relay.config.write_text("inbound_greylist_seconds = 2\n" + text)
        newcomers(relay.start(), port)
        relay.stop()
    finally:
        server.stop()
