"""Who unsubscribes (RFC 8058) by the link of a message gets no more mail of its stream and all other mail; the fields are made on
request and signed; a look at the link changes nothing, a mail system's POST needs no cookie and no question."""

import http.client
import json
import pathlib
import re
import smtplib
import subprocess
import urllib.parse

from name_server import NameServer
from support import Sink, check, wait_until

SECONDS = 15
HERE = pathlib.Path(__file__).parent
DEBIAN_PYTHON = "/usr/bin/python3"  # which python3-dkim is for
WAIT = 60
DOMAIN = "example.org"
ADA = "ada@example.net"


class World:
    def __init__(self, context, server):
        self.folder = context.folder
        self.sink = Sink(context.folder / "sink").start()
        self.relay = context.relay(next_hop_port=self.sink.port, extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\n')
        text = self.relay.config.read_text()
        self.relay.config.write_text(f'public_url = "http://127.0.0.1:{self.relay.http}"\n' + text)
        self.relay.account("app", "--mode", "production")
        self.relay.cli("domain", "add", "app", DOMAIN)
        self.records = self.relay.cli("domain", "records", DOMAIN).splitlines()
        server.publish(self.records)
        self.relay.cli("domain", "verify", DOMAIN)
        self.relay.start()
        self.key = self.relay.key("app", "--live", "--permission", "full_access")
        self.test_key = self.relay.key("app", "--test", "--permission", "full_access")
        self.number = 0

    def send(self, stream, to=ADA, key=None, more=""):
        """Over SMTP → the message's id."""
        self.number += 1
        asks = f"X-Postern-Unsubscribe: {stream}\r\n" if stream else ""
        head = f"From: Shop <shop@{DOMAIN}>\r\nTo: {to}\r\nSubject: number {self.number}.\r\n"
        content = f"{head}{asks}{more}\r\nhello\r\n".encode()
        with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=WAIT) as client:
            client.login("app", key or self.key)
            client.mail(f"shop@{DOMAIN}")
            for one in to if isinstance(to, list) else [to]:
                client.rcpt(one)
            code, text = client.data(content)
        return code, text.decode()

    def arrived(self):
        """The mail that was sent last, once the next hop has it."""
        subject = f"number {self.number}.".encode()
        wait_until(lambda: [m for m in self.sink.messages() if subject in m.text], "the next hop has it", WAIT)
        return [m for m in self.sink.messages() if subject in m.text][0]

    def was_kept_back(self, answer):
        id = re.search(r"\b[0-9a-v]{26}\b", answer[1])[0]
        return self.relay.settled(id, WAIT)["recipients"][0]["stage"] == "suppressed"

    def post(self, url, body=b"List-Unsubscribe=One-Click", kind="application/x-www-form-urlencoded"):
        """As a mail system does, without a key and a cookie."""
        return self.ask("POST", url, body, {"Content-Type": kind})

    def ask(self, method, url, body=None, fields=None):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=WAIT)
        connection.request(method, parts.path, body, fields or {})
        response = connection.getresponse()
        content = response.read().decode()
        connection.close()
        return response.status, content, response.headers

    def events(self):
        return self.relay.request("GET", "/v1/events?type=email.unsubscribed", key=self.key)[1]["data"]


def link_of(mail):
    fields = re.findall(rb"^List-Unsubscribe: <(http[^>]+)>$", mail.text, re.M)
    posts = re.findall(rb"^List-Unsubscribe-Post: List-Unsubscribe=One-Click$", mail.text, re.M)
    check(len(fields) == 1 and len(posts) == 1, f"one of each field: {mail.text}")
    check(b"X-Postern" not in mail.text, "the request goes no further")
    return fields[0].decode()


def is_signed(world, mail):
    """By somebody else's verifier, and over both fields."""
    signature = re.search(rb"^DKIM-Signature:(?:[^\n]*\n)(?:[ \t][^\n]*\n)*", mail.text, re.M)[0]
    covered = re.sub(rb"\s", b"", re.search(rb"\bh=([^;]*)", signature)[1]).lower().split(b":")
    check(b"list-unsubscribe" in covered and b"list-unsubscribe-post" in covered, f"signed: {covered}")
    records = {}
    for line in world.records:
        found = re.match(r"(\S+)\. \d+ (?:IN )?TXT (.*)", line)
        if found:
            records[found[1]] = "".join(re.findall(r'"([^"]*)"', found[2]))
    (world.folder / "records.json").write_text(json.dumps(records))
    content = mail.text[mail.text.index(b"DKIM-Signature:"):].replace(b"\n", b"\r\n")
    done = subprocess.run([DEBIAN_PYTHON, HERE / "verify_dkim.py", world.folder / "records.json"], input=content,
                          capture_output=True, timeout=WAIT)
    check(done.stdout == b"True\n", f"dkimpy: {done.stdout} {done.stderr[-500:]}")


def unsubscribes(world):
    check(world.send("news")[0] == 250, "a letter of the stream")
    mail = world.arrived()
    url = link_of(mail)
    is_signed(world, mail)
    for _ in range(3):
        status, page, fields = world.ask("GET", url)
        check(status == 200 and '<form method="post">' in page and "Set-Cookie" not in fields, f"a look: {status} {page}")
    check(world.events() == [], "a look changes nothing")
    check(not world.was_kept_back(world.send("news")), "after the look")
    for body, kind in [(b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"), (b"", "text/plain"),
                       (b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
                        "multipart/form-data; boundary=b")]:
        status, page, _ = world.post(url, body, kind)
        check(status == 200 and "unsubscribed" in page, f"{status} {page}")
    events = world.events()
    check([(e["data"]["recipient"], e["data"]["stream"], e["data"]["tags"]) for e in events] == [(ADA, "news", {"stream": "news"})],
          f"once: {events}")
    return url


def holds_for_the_stream(world):
    check(world.was_kept_back(world.send("news")), "the stream is kept back")
    check(world.was_kept_back(world.send("NEWS")), "in any case of letters")
    check(world.was_kept_back(world.send("", more="X-Postern-Tags: stream=news\r\n")), "by its tag alone")
    check(not world.was_kept_back(world.send("receipts")), "another stream")
    check(not world.was_kept_back(world.send("")), "mail of no stream")
    check(not world.was_kept_back(world.send("news", "bob@example.net")), "another recipient")
    listed = world.relay.request("GET", "/v1/suppressions?origin=unsubscribe", key=world.key)[1]["data"]
    check([(one["id"], one["email"], one["stream"]) for one in listed] == [(f"{ADA} news", ADA, "news")], f"{listed}")
    entry = "/v1/suppressions/" + urllib.parse.quote(f"{ADA} news")
    check(world.relay.request("GET", entry, key=world.key)[0] == 200, "shown")
    check(world.relay.request("GET", f"/v1/suppressions/{ADA}", key=world.key)[0] == 404, "not for all")
    check(f"{ADA} news" in world.relay.cli("suppression", "list", "app"), "the command line lists it")
    check(world.relay.request("DELETE", entry, key=world.key)[0] == 200, "lifted")
    check(not world.was_kept_back(world.send("news")), "he gets it again")


def over_http(world):
    """A service's published library has no field for it: a header of the message asks."""
    world.number += 1
    mail = {"from": f"shop@{DOMAIN}", "to": ADA, "subject": f"number {world.number}.", "text": "x",
            "tags": [{"name": "kind", "value": "letter"}], "headers": {"X-Postern-Unsubscribe": "offers"}}
    status, answer, _ = world.relay.request("POST", "/v1/emails", mail, world.key)
    check(status == 200, f"{answer}")
    check(world.post(link_of(world.arrived()))[0] == 200, "unsubscribed")
    check(world.was_kept_back(world.send("offers")), "over SMTP too")
    mail["to"] = [ADA, "bob@example.net"]
    status, answer, _ = world.relay.request("POST", "/v1/emails", mail, world.key)
    check((status, answer["name"]) == (422, "invalid_message"), f"a link for two: {status} {answer}")


def hostile(world, url):
    base, token = url.rsplit("/", 1)
    for wrong in ("0", token[:-1], token + "0", "0" * 700, "%20", token.replace(token[40], "0" if token[40] != "0" else "1")):
        for method in ("GET", "POST"):
            status, content, _ = world.ask(method, f"{base}/{wrong}", b"" if method == "POST" else None)
            check(status == 404, f"{method} {wrong}: {status} {content}")
    code, text = world.send("two words")
    check(code == 554 and "invalid_message" in text, f"{code} {text}")
    code, text = world.send("news", [ADA, "bob@example.net"])
    check(code == 554 and "invalid_message" in text, f"{code} {text}")
    check(world.send("news", more="List-Unsubscribe: <mailto:own@example.org>\r\n")[0] == 250, "ours in the place of his own")
    check(b"mailto:own" not in world.arrived().text, "one only")


def test_mail(world):
    code, text = world.send("news", key=world.test_key)
    id = re.search(r"\b[0-9a-v]{26}\b", text)[0]
    world.relay.settled(id, WAIT)
    raw = world.relay.request("GET", f"/v1/emails/{id}/raw", key=world.test_key)[1].decode()
    check(world.post(re.search(r"List-Unsubscribe: <([^>]+)>", raw)[1])[0] == 200, "a test's link works")
    check(not world.was_kept_back(world.send("news")), "and suppresses nobody")


def run(context):
    server = NameServer(context.folder / "nsd", DOMAIN)
    world = None
    try:
        world = World(context, server)
        url = unsubscribes(world)
        holds_for_the_stream(world)
        over_http(world)
        hostile(world, url)
        test_mail(world)
        world.relay.stop()
    finally:
        if world:
            world.sink.stop()
        server.stop()
