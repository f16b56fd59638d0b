"""An application receives: a webhook gets what came in with its texts and with links to what is attached. The links need no key,
are good for their attachment and their time alone, and what comes in as mail of all kinds is read, or at least kept."""

import hashlib
import hmac
import http.client
import http.server
import json
import queue
import re
import smtplib
import threading
import urllib.parse

from name_server import NameServer
from support import check, free_port

SECONDS = 30
DOMAIN = "example.org"
WAIT = 60
NESTED = "".join(f'Content-Type: multipart/mixed; boundary="b{i}"\r\n\r\n--b{i}\r\n' for i in range(10_000))


class Receiver:
    """Keeps the bodies that it was sent."""

    def __init__(self):
        bodies = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                octets = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.put((json.loads(octets), self.headers["x-mailkite-signature"], octets))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.bodies, self.secret = bodies, None
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/in"

    def next(self):
        """The event; its signature in MailKite's form is looked at once the secret is known."""
        event, signature, octets = self.bodies.get(timeout=WAIT)
        time, value = re.fullmatch(r"t=(\d{13}),v1=([0-9a-f]{64})", signature).groups()
        wanted = hmac.new(self.secret.encode(), f"{time}.".encode() + octets, hashlib.sha256).hexdigest()
        check(hmac.compare_digest(value, wanted), f"signature: {signature}")
        return event

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    def __init__(self, context, server):
        self.mx = free_port()
        self.receiver = Receiver()
        self.relay = context.relay(extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\nwebhook_allow_http = true\n'
                                         'webhook_allowed_networks = ["127.0.0.1"]\n')
        listener = f'[[listener]]\naddress = "127.0.0.1"\nport = {self.mx}\nrole = "mx"\ntls = "none"\n'
        text = self.relay.config.read_text() + listener
        self.relay.config.write_text(f'public_url = "http://127.0.0.1:{self.relay.http}"\n' + text)
        self.relay.account("app", "--mode", "production")
        self.relay.cli("domain", "add", "app", DOMAIN)
        server.publish(self.relay.cli("domain", "records", DOMAIN).splitlines())
        self.relay.cli("domain", "verify", DOMAIN)
        self.relay.cli("domain", "receive", DOMAIN, "on")
        self.relay.cli("route", "add", DOMAIN, "*", "webhook")
        self.relay.start()
        self.key = self.relay.key("app", "--live", "--permission", "full_access")
        wanted = {"endpoint": self.receiver.url(), "events": ["email.received"]}
        status, answer, _ = self.relay.request("POST", "/v1/webhooks", wanted, self.key)
        check(status == 201, f"webhook: {answer}")
        self.receiver.secret = answer["signing_secret"]

    def bring(self, content):
        with smtplib.SMTP("127.0.0.1", self.mx, timeout=WAIT) as client:
            client.ehlo("mx.example.net")
            client.mail("ann@example.net")
            client.rcpt("sales@" + DOMAIN)
            code, text = client.data(content)
            check(code == 250, f"{code} {text}")
        return self.receiver.next()["data"]

    def fetch(self, url):
        """Without a key: status, octets, fields."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=WAIT)
        connection.request("GET", parts.path + "?" + parts.query)
        response = connection.getresponse()
        octets = response.read()
        connection.close()
        return response.status, octets, response.headers


def attached(world):
    data = world.bring(b"\r\n".join([
        b"From: Ann <ann@example.net>", b"Subject: Two things", b"MIME-Version: 1.0",
        b'Content-Type: multipart/mixed; boundary="outer"', b"", b"--outer",
        b'Content-Type: multipart/alternative; boundary="inner"', b"", b"--inner", b"Content-Type: text/plain; charset=iso-8859-1",
        b"Content-Transfer-Encoding: quoted-printable", b"", b"Gr=FC=DFe",
        b"--inner", b"Content-Type: text/html; charset=utf-8", b"", "<p>Grüße</p>".encode(), b"--inner--",
        b"--outer", b'Content-Type: text/html; name="evil.html"', b'Content-Disposition: attachment; filename="evil.html"', b"",
        b"<script>alert(1)</script>", b"--outer", b"Content-Type: application/octet-stream",
        b"Content-Disposition: attachment; filename*=utf-8''%C3%A4.bin", b"Content-Transfer-Encoding: base64", b"", b"AAEC/w==",
        b"--outer--", b""]))
    check(data["text"].rstrip() == "Grüße" and data["html"].rstrip() == "<p>Grüße</p>" and data["truncated"] is False, f"{data}")
    names = [(one["filename"], one["content_type"]) for one in data["attachments"]]
    check(names == [("evil.html", "text/html"), ("ä.bin", "application/octet-stream")], f"{names}")
    page, octets = data["attachments"]
    check(octets["size"] == 4, f"{octets}")
    status, content, fields = world.fetch(octets["download_url"])
    check((status, content) == (200, b"\x00\x01\x02\xff"), f"{status} {content}")
    status, content, fields = world.fetch(page["download_url"])
    check(status == 200 and b"alert" in content, f"{status} {content}")
    check(fields["Content-Type"] == "application/octet-stream" and fields["Content-Disposition"] == "attachment", f"{fields}")
    path = f"/v1/inbound/{data['email_id']}/attachments"
    listed = world.relay.request("GET", path, key=world.key)[1]["data"]
    check([one["id"] for one in listed] == [page["id"], octets["id"]], f"{listed}")
    check(world.fetch(listed[1]["download_url"])[1] == b"\x00\x01\x02\xff", "by a link of the list")
    check(world.relay.request("GET", path)[0] == 401, "the list needs a key")
    return page, octets


def forged(world, page, octets):
    url = octets["download_url"]
    changes = [url.replace("expires=", "expires=9"), url[:-1] + ("0" if url[-1] != "0" else "1"), url.split("?")[0],
               url.replace(f"/{octets['id']}/content", f"/{page['id']}/content"), url.split("&")[0], url + "0",
               url.replace("/inbound/0", "/inbound/1")]
    for changed in changes:
        check(changed != url, "it was changed")
        status, content, _ = world.fetch(changed)
        check(status == 403 and json.loads(content)["name"] == "link_forged", f"{changed}: {status} {content}")


def all_kinds(world):
    data = world.bring(b"Subject: plain\r\n\r\nno MIME\r\n")
    check(data["text"].rstrip() == "no MIME" and data["html"] is None and data["attachments"] == [], f"{data}")
    data = world.bring(b"Subject: odd\r\nContent-Type: text/plain; charset=koi8-nonsense\r\n\r\n\xff\xfe\r\n")
    check(isinstance(data["text"], str), f"an unknown charset: {data}")
    data = world.bring(b"Subject: big\r\n\r\n" + "ü".encode() * 60 + b"\r\n" + (b"x" * 76 + b"\r\n") * 10_000)
    check(data["truncated"] is True and 200_000 < len(data["text"].encode()) <= 262_144, f"{len(data['text'])}")
    data = world.bring(b"Subject: nested\r\n" + NESTED.encode() + b"\r\ndeep\r\n")
    check(data["subject"] == "nested", f"ten thousand parts in one another: {str(data)[:500]}")
    data = world.bring(b'Subject: broken\r\nContent-Type: multipart/mixed; boundary="gone"\r\n\r\nnothing ends here')
    check(data["subject"] == "broken", f"{data}")
    data = world.bring(b"Subject: calendar\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\n")
    check(data["subject"] == "calendar", f"{data}")
    data = world.bring(b"Subject: sealed\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22\r\n")
    check([one["filename"] for one in data["attachments"]] == ["winmail.dat"], f"{data}")


def run(context):
    server = NameServer(context.folder / "nsd", DOMAIN)
    world = None
    try:
        world = World(context, server)
        page, octets = attached(world)
        forged(world, page, octets)
        all_kinds(world)
        world.relay.stop()
    finally:
        if world:
            world.receiver.stop()
        server.stop()
