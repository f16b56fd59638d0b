"""Mail that comes in, as the clients of other services know it: MailKite's whole way from the domain to the delivery that is sent
again; Resend's and Postmark's forms of the event; Resend's package from npm reads what came in with only its base URL changed."""

import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import queue
import re
import smtplib
import subprocess
import threading
import time
import urllib.parse

from name_server import NameServer
from peers import PEERS
from support import check, free_port, wait_until

SECONDS = 25
DOMAIN = "example.org"
WAIT = 60
HERE = pathlib.Path(__file__).parent
PACKAGES = PEERS / "npm"


class Receiver:
    """Keeps what it was sent, by path."""

    def __init__(self):
        bodies = {}
        self.bodies = bodies

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                octets = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.setdefault(self.path, queue.Queue()).put((octets, self.headers["x-mailkite-signature"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        self.bodies.setdefault(path, queue.Queue())
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def next(self, path, secret=None):
        octets, signature = self.bodies[path].get(timeout=WAIT)
        if secret:
            check(is_signed(signature, octets, secret), f"signature: {signature}")
        return json.loads(octets)

    def has_none(self, path):
        return self.bodies[path].empty()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def is_signed(header, octets, secret):
    """As MailKite's libraries verify."""
    at, value = re.fullmatch(r"t=(\d{13}),v1=([0-9a-f]{64})", header).groups()
    wanted = hmac.new(secret.encode(), f"{at}.".encode() + octets, hashlib.sha256).hexdigest()
    return abs(time.time() * 1000 - int(at)) < 300_000 and hmac.compare_digest(wanted, value)


class World:
    def __init__(self, context, server):
        self.folder = context.folder
        self.mx = free_port()
        self.server = server
        self.receiver = Receiver()
        self.relay = context.relay(extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\nwebhook_allow_http = true\n'
                                         'webhook_allowed_networks = ["127.0.0.1"]\n')
        listener = f'[[listener]]\naddress = "127.0.0.1"\nport = {self.mx}\nrole = "mx"\ntls = "none"\n'
        text = self.relay.config.read_text() + listener
        self.relay.config.write_text(f'public_url = "http://127.0.0.1:{self.relay.http}"\n' + text)
        self.relay.account("app", "--mode", "production")
        self.relay.start()
        self.key = self.relay.key("app", "--live", "--permission", "full_access")

    def ask(self, method, path, body=None, status=200):
        seen, answer, _ = self.relay.request(method, path, body, self.key)
        check(seen == status, f"{method} {path}: {seen} {answer}")
        return answer

    def bring(self, to, subject, head=b"", body=b"hello\r\n"):
        with smtplib.SMTP("127.0.0.1", self.mx, timeout=WAIT) as client:
            client.ehlo("mx.example.net")
            client.mail("ann@example.net")
            client.rcpt(to)
            fields = (b'From: "Ann A." <ann@example.net>\r\nTo: Sales <sales@example.org>\r\nCc: bob@example.net\r\n'
                      b"Message-ID: <1@example.net>\r\nSubject: " + subject + b"\r\n" + head)
            code, text = client.data(fields + b"\r\n" + body)
            check(code == 250, f"{code} {text}")

    def fetch(self, url):
        """Without a key."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=WAIT)
        connection.request("GET", parts.path + "?" + parts.query)
        response = connection.getresponse()
        octets = response.read()
        connection.close()
        return response.status, octets


ATTACHED = (b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nIn-Reply-To: <0@example.org>\r\n",
            b"--b\r\nContent-Type: text/html\r\n\r\n<img src=\"cid:pic\"><p>hi</p>\r\n--b\r\nContent-Type: image/png\r\n"
            b"Content-ID: <pic>\r\nContent-Disposition: inline; filename=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            b"AAECAw==\r\n--b--\r\n")


def domains(world):
    check(world.ask("GET", "/api/health") == {"ok": True}, "health")
    check(world.ask("GET", "/api/domains") == [], "a bare list")
    check(world.ask("POST", "/api/domains", {"domain": "nonsense"}, 422)["error"], "an error's words")
    made = world.ask("POST", "/api/domains", {"domain": DOMAIN}, 201)
    check(made["status"] == "pending" and made["webhook_url"] is None and made["id"].startswith("dom_"), f"{made}")
    check({"MX", "DKIM"} <= {record["record"] for record in made["records"]}, f"what to publish: {made['records']}")
    check(isinstance(made["created_at"], int), "milliseconds")
    world.server.publish(world.relay.cli("domain", "records", DOMAIN).splitlines())
    path = f"/api/domains/{made['id']}"
    check(world.ask("POST", path + "/verify")["status"] == "verified", "verified")
    check(world.ask("GET", "/api/webhooks/secret", status=404)["error"], "none without a webhook")
    check(world.ask("POST", path + "/webhook/test", status=404)["error"], "nothing to test")
    check(world.ask("PUT", path + "/webhook", {"url": "ftp://x"}, 422)["error"], "no URL of ours")
    check(world.ask("GET", "/api/routes") == [], "and no route is left of it")
    url = world.receiver.url("/domain")
    check(world.ask("PUT", path + "/webhook", {"url": world.receiver.url("/wrong")})["webhook_url"].endswith("/wrong"), "set")
    check(world.ask("PUT", path + "/webhook", {"url": url})["webhook"] == {"url": url}, "replaced")
    check([one["webhook_url"] for one in world.ask("GET", "/api/domains")] == [url], "listed")
    check(world.ask("GET", path)["webhook_url"] == url and len(world.ask("GET", "/api/routes")) == 1, "shown, and one catch-all")
    return path


def deliveries(world, path):
    secret = world.ask("GET", "/api/webhooks/secret")["secret"]
    world.bring("sales@example.org", b"invoice", *ATTACHED)
    event = world.receiver.next("/domain", secret)
    check((event["type"], event["from"], event["to"]) ==
          ("email.received", {"address": "ann@example.net"}, [{"address": "sales@example.org"}]), f"{event}")
    check((event["subject"], event["text"], event["threadId"]) == ("invoice", None, "<0@example.org>"), f"{event}")
    check(set(event["auth"]) == {"spf", "dkim", "dmarc", "spam"}, f"{event['auth']}")
    picture, = event["attachments"]
    check((picture["filename"], picture["contentType"], picture["size"]) == ("a.png", "image/png", 4), f"{picture}")
    check(world.fetch(picture["url"]) == (200, b"\x00\x01\x02\x03"), "its link needs no key")
    listed = world.ask("GET", "/api/messages")
    check([(one["id"], one["subject"]) for one in listed] == [(event["id"], "invoice")], f"{listed}")
    check(world.ask("GET", f"/api/messages?before={listed[0]['received_at']}") == [], "before the first one")
    check(len(world.ask("GET", f"/api/messages?before={listed[0]['received_at'] + 1}&limit=1&search=INVOICE")) == 1, "found")
    check(world.ask("GET", "/api/messages?search=nothing") == [], "not found")
    shown = wait_until(lambda: [m for m in [world.ask("GET", f"/api/messages/{event['id']}")]
                                if m["deliveries"][0]["status"] == "delivered"], "the attempt is remembered", WAIT)[0]
    delivery, = shown["deliveries"]
    check(delivery["status_code"] == 200 and delivery["id"].startswith("dlv_"), f"{delivery}")
    check("hi" in shown["html"] and shown["attachments"][0]["id"] == f"{event['id']}:0", f"{shown}")
    check(world.ask("POST", f"/api/deliveries/{delivery['id']}/retry")["ok"], "sent again")
    check(world.receiver.next("/domain", secret)["id"] == event["id"], "the same event")
    for wrong in ("dlv_0_0", delivery["id"] + "0", "x", "dlv_"):
        check(world.ask("POST", f"/api/deliveries/{wrong}/retry", status=404)["error"], wrong)
    check(world.ask("GET", "/api/messages/msg_0", status=404)["error"], "no such message")
    routed = world.ask("POST", path + "/webhook/test", status=202)
    test = world.receiver.next("/domain", secret)
    check((test["id"], test["text"]) == (routed["id"], "It works.\n"), f"{test}")
    rotated = world.ask("POST", "/api/webhooks/secret/rotate")["secret"]
    check(rotated != secret and world.ask("GET", "/api/webhooks/secret")["secret"] == rotated, "a new secret")
    return rotated


def routes(world, path, secret):
    url = world.receiver.url("/tickets")
    made = world.ask("POST", "/api/routes", {"match": "Ticket+*@example.org", "destination": url}, 201)
    check((made["match"], made["action"], made["destination"]) == ("ticket+*@example.org", "webhook", url), f"{made}")
    for wrong in ({"match": "ticket"}, {"match": "a@example.org"}, {"match": "a@example.org", "action": "agent"},
                  {"match": "a@example.org", "action": "forward"}, {"match": "a*b*@example.org", "destination": url}, {}):
        check(world.ask("POST", "/api/routes", wrong, 422)["error"], f"{wrong}")
    check(world.ask("POST", "/api/routes", {"match": "*@other.example", "destination": url}, 404)["error"], "not his domain")
    kept = world.ask("POST", "/api/routes", {"match": "archive@example.org", "action": "store"}, 201)
    check(len(world.ask("GET", "/api/routes")) == 3, "listed")
    world.bring("ticket+17@example.org", b"both")
    check(world.receiver.next("/tickets", secret)["to"] == [{"address": "ticket+17@example.org"}], "the route's webhook")
    check(world.receiver.next("/domain", secret)["subject"] == "both", "and the domain's: every one that matches runs")
    world.bring("sales@example.org", b"one")
    check(world.receiver.next("/domain", secret)["subject"] == "one" and world.receiver.has_none("/tickets"), "not the route's")
    message = {"from": "ops@elsewhere.example", "subject": "Process this", "text": "Please handle."}
    routed = world.ask("POST", "/v1/route", {"routeId": made["id"], **message}, 202)
    event = world.receiver.next("/tickets", secret)
    check((event["id"], event["text"]) == (routed["id"], "Please handle.") and routed["action"] == "webhook", f"{event}")
    world.ask("POST", "/v1/route", {"address": "ticket+9@example.org", **message}, 202)
    check(world.receiver.next("/tickets", secret)["to"] == [{"address": "ticket+9@example.org"}], "by its address")
    check(world.ask("POST", "/v1/route", {"routeId": kept["id"], **message}, 202)["action"] == "store", "kept")
    for wrong, status in (({"routeId": "rte_0", **message}, 404), ({**message}, 422),
                          ({"address": "x@other.example", **message}, 404),
                          ({"routeId": made["id"], **message, "from": "nobody"}, 422),
                          ({"routeId": made["id"], **message, "subject": "a\r\nBcc: eve@example.net"}, 422)):
        check(world.ask("POST", "/v1/route", wrong, status)["error"], f"{wrong}")
    check(world.receiver.has_none("/domain"), "brought to that route alone")


def other_forms(world):
    made = {}
    for form in ("resend", "postmark"):
        wanted = {"endpoint": world.receiver.url("/" + form), "events": ["email.received"], "received_form": form}
        made[form] = world.ask("POST", "/v1/webhooks", wanted, 201)["id"]
        check(world.ask("GET", f"/v1/webhooks/{made[form]}")["received_form"] == form, "shown")
    wrong = {"endpoint": world.receiver.url("/x"), "received_form": "sendgrid"}
    check(world.ask("POST", "/v1/webhooks", wrong, 422)["name"] == "validation_error", "no such form")
    world.bring("sales+42@example.org", b"forms", *ATTACHED)
    event = world.receiver.next("/resend")
    data = event["data"]
    check((event["type"], data["from"], data["to"], data["subject"], data["message_id"]) ==
          ("email.received", '"Ann A." <ann@example.net>', ["sales+42@example.org"], "forms", "<1@example.net>"), f"{event}")
    check([one["filename"] for one in data["attachments"]] == ["a.png"] and "html" not in data, "metadata only")
    inbound = world.receiver.next("/postmark")
    check((inbound["From"], inbound["FromName"], inbound["OriginalRecipient"], inbound["MailboxHash"], inbound["Subject"]) ==
          ("ann@example.net", "Ann A.", "sales+42@example.org", "42", "forms"), f"{inbound}")
    check(inbound["ToFull"] == [{"Email": "sales@example.org", "Name": "Sales", "MailboxHash": ""}], f"{inbound['ToFull']}")
    check({"Name": "In-Reply-To", "Value": "<0@example.org>"} in inbound["Headers"] and "hi" in inbound["HtmlBody"], f"{inbound}")
    attached, = inbound["Attachments"]
    check((attached["Name"], attached["Content"], attached["ContentLength"], attached["ContentID"]) ==
          ("a.png", "AAECAw==", 4, "pic"), f"{attached}")
    world.receiver.next("/domain")
    for webhook in made.values():
        world.ask("DELETE", f"/v1/webhooks/{webhook}")
    return data["email_id"]


def by_resends_package(world, received):
    if not (PACKAGES / "node_modules/resend/package.json").exists():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        trusted = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"}
        done = subprocess.run(["npm", "install", "--prefix", str(PACKAGES), "--no-audit", "--no-fund", "--ignore-scripts",
                               "resend@6"], capture_output=True, text=True, cwd=PACKAGES, env={**trusted, **os.environ},
                              timeout=300)
        check(done.returncode == 0, f"npm cannot install the package: {done.stderr[-1000:]}")
    done = subprocess.run(["node", str(HERE / "receiving.js"), f"http://127.0.0.1:{world.relay.http}", world.key, received],
                          capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, NODE_PATH=str(PACKAGES / "node_modules")))
    check(done.returncode == 0, f"the package's run failed: {done.stdout}{done.stderr}")
    shown = world.ask("GET", f"/v1/emails/receiving/{received}")
    status, raw = world.fetch(shown["raw"]["download_url"])
    check(status == 200 and b"Subject: forms" in raw, "the whole message by its link")
    check(world.fetch(shown["raw"]["download_url"][:-1] + "x")[0] == 403, "and by no other")
    check(world.ask("GET", "/v1/emails/receiving/" + "0" * 26, status=404), "no such message")


def removed(world, path):
    check(world.ask("DELETE", path + "/webhook") == {"ok": True}, "the domain's webhook")
    check(world.ask("DELETE", path + "/webhook", status=404)["error"], "once")
    check(world.ask("DELETE", path) == {"ok": True} and world.ask("GET", "/api/domains") == [], "the domain")
    check(world.ask("GET", path, status=404)["error"], "gone")
    check(world.ask("GET", "/v1/webhooks")["data"] == [], "with the webhooks of its routes")


def run(context):
    server = NameServer(context.folder / "nsd", DOMAIN)
    world = None
    try:
        server.publish([])
        world = World(context, server)
        path = domains(world)
        secret = deliveries(world, path)
        routes(world, path, secret)
        by_resends_package(world, other_forms(world))
        removed(world, path)
        world.relay.stop()
    finally:
        if world:
            world.receiver.stop()
        server.stop()
