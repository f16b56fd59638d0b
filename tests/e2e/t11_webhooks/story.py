"""Webhooks: a receiver that is slow, then down, then failing, then well again gets every event, signed and per message in order;
another receiver and SMTP do not wait for it. A live stream beside them misses nothing."""

import base64
import collections
import hashlib
import hmac
import http.client
import http.server
import json
import re
import smtplib
import threading
import time

from support import PLAIN_MESSAGE, check, free_port, is_listening, wait_until

ROUND = 15  # messages a phase
PROBED_SECONDS = 1_500  # a receiver that was long down, for the machine was slow, may wait ten minutes for its next probe
ORDER = {"email.sent": 0, "email.delivery_delayed": 1, "email.delivered": 2, "email.bounced": 2}


class Receiver:
    """Checks every signature by itself and keeps what it accepted."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.secret = None
        self.mode = "well"   # well, slow, failing
        self.released = threading.Event()  # what the slow one waits for
        self.accepted, self.refused, self.problems = [], 0, []
        self.lock = threading.Lock()
        self.server = None

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver.take(self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, headers, body):
        skew = abs(time.time() - int(headers["webhook-timestamp"]))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        if self.mode == "slow":
            self.released.wait()
        with self.lock:
            if wanted not in headers["webhook-signature"].split(" "):
                self.problems.append("a signature is wrong")
            if skew > 300:  # what a receiver is told to allow
                self.problems.append("a time stamp is not of now")
            if self.mode == "failing":
                self.refused += 1
                return 500
            self.accepted.append((headers["webhook-id"], json.loads(body)))
            return 200

    def events(self):
        with self.lock:
            return list(self.accepted)

    def finished(self):
        """Messages whose last event is there."""
        return {e["data"]["email_id"] for _, e in self.events() if ORDER.get(e["type"]) == 2}


class Stream(threading.Thread):
    """Reads /v1/events as server-sent events."""

    def __init__(self, relay, key, last_event_id=None):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", relay.http, timeout=300)
        headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self.connection.request("GET", "/v1/events", headers=headers)
        self.response = self.connection.getresponse()
        check(self.response.status == 200 and "event-stream" in self.response.headers["Content-Type"], "the stream opens")
        self.ids, self.types = [], []
        self.start()

    def run(self):
        try:
            for line in self.response:
                if line.startswith(b"id: "):
                    self.ids.append(line[4:].strip().decode())
                if line.startswith(b"data: "):
                    self.types.append(json.loads(line[6:])["type"])
        except (OSError, http.client.HTTPException, ValueError):
            pass


def send(relay, key, count):
    """Over SMTP; → ids."""
    ids = []
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("hooks", key)
        for _ in range(count):
            client.mail("sender@example.org")
            client.rcpt("delivered@simulator.postern.test")
            code, text = client.data(PLAIN_MESSAGE)
            check(code == 250, f"{code} {text}")
            ids.append(text.decode().split()[-1])
    return ids


def check_complete(receiver, ids, name):
    wait_until(lambda: set(ids) <= receiver.finished(), f"{name} has all events", PROBED_SECONDS)
    check(not receiver.problems, f"{name}: {receiver.problems[:3]}")
    of_message = collections.defaultdict(list)
    bodies = {}
    for webhook_id, event in receiver.events():
        check(bodies.setdefault(webhook_id, event) == event, f"{name}: {webhook_id} came with two bodies")
        check(event["data"]["test"] is True, f"{name}: an event of a test key is not marked")
        of_message[event["data"]["email_id"]].append(event["type"])
    for message in ids:
        types = list(dict.fromkeys(of_message[message]))  # a repetition is allowed
        check(types == ["email.sent", "email.delivered"], f"{name}: {message} has {types}")


def refuses_inner_targets(relay, key):
    for endpoint in ("http://10.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]:1/", "ftp://example.org/",
                     "http://user:word@example.org/"):
        status, answer, _ = relay.request("POST", "/v1/webhooks", {"endpoint": endpoint}, key=key)
        check(status == 422 and answer["name"] == "validation_error", f"{endpoint}: {status} {answer}")


def needs_no_http_listener(relay, key, receiver):
    """Webhooks and metrics belong to the daemon, not to a listener."""
    text = re.sub(r"\[\[http_listener\]\]\n(?:\w+ = .*\n)+", "", relay.config.read_text())
    metrics = relay.folder / "postern.prom"
    relay.config.write_text(f'metrics_file = "{metrics}"\n{text}')
    relay.launch()
    wait_until(lambda: is_listening(relay.plain), "the relay listens")
    check(not is_listening(relay.http), "there is an HTTP listener")
    ids = send(relay, key, 1)
    wait_until(lambda: set(ids) <= receiver.finished(), "events come without an HTTP listener")
    wait_until(lambda: re.search(r'^postern_webhook_requests_total{outcome="delivered"} [1-9]', metrics.read_text(), re.M),
               "the file counts them")
    relay.stop()


def run(context):
    relay = context.relay("hooks", extra='webhook_allow_http = true\nwebhook_allowed_networks = ["127.0.0.1"]')
    relay.account("team")
    key, manager = relay.key("team", "--test"), relay.key("team", "--live", "--permission", "full_access")
    relay.start()
    refuses_inner_targets(relay, manager)
    troubled, steady = Receiver().start(), Receiver().start()
    names = {}
    for receiver, events in ((troubled, ["email.sent", "email.delivered"]), (steady, [])):
        status, made, _ = relay.request("POST", "/v1/webhooks", key=manager, body={
            "endpoint": f"http://127.0.0.1:{receiver.port}/in?x=1", "environment": "test", "events": events})
        check(status == 201 and made["object"] == "webhook", f"{status} {made}")
        receiver.secret = made["signing_secret"]
        names[receiver] = made["id"]
    stream = Stream(relay, manager)
    ids = []

    def phase(what):
        ids.extend(send(relay, key, ROUND))
        wait_until(lambda: set(ids) <= steady.finished(), f"{what}: the steady receiver is not held up")

    phase("all is well")
    troubled.mode = "slow"
    phase("slow")  # not one request of the troubled receiver is answered before SMTP and the steady one are through
    troubled.mode = "well"
    troubled.released.set()
    troubled.stop()
    phase("down")
    troubled.start()
    troubled.mode = "failing"
    phase("failing")
    wait_until(lambda: troubled.refused > 0, "the receiver that is back is probed", PROBED_SECONDS)
    relay.stop()  # what waits survives
    relay.start()
    troubled.mode = "well"
    phase("well again")
    check_complete(troubled, ids, "the troubled receiver")
    check_complete(steady, ids, "the steady receiver")

    # The stream ended with the server; another one goes on where it was.
    seen = list(stream.ids)
    resumed = Stream(relay, manager, last_event_id=seen[-1])
    wait_until(lambda: len(seen) + len(resumed.ids) >= 2 * len(ids), "the stream has all events")
    check(len(set(seen + resumed.ids)) == len(seen + resumed.ids), "no event comes twice")

    # One event again, under its old id.
    before = len(troubled.events())
    status, page, _ = relay.request("GET", f"/v1/events?email_id={ids[0]}&type=email.sent", key=manager)
    check(status == 200 and len(page["data"]) == 1, f"{status} {page}")
    relay.cli("webhook", "replay", names[troubled], "--event", page["data"][0]["id"])
    wait_until(lambda: len(troubled.events()) > before, "the replayed event arrives")
    webhook_id = troubled.events()[-1][0]
    check([i for i, _ in troubled.events()].count(webhook_id) >= 2, "a replay has the id of the first delivery")
    shown = relay.json("webhook", "show", names[steady])
    check(shown["status"] == "enabled" and "secret" not in json.dumps(shown), f"{shown}")
    log = (relay.folder / "log").read_text()
    check(troubled.secret.removeprefix("whsec_") not in log, "a secret in the log")
    relay.stop()
    needs_no_http_listener(relay, key, steady)
    troubled.stop()
    steady.stop()
