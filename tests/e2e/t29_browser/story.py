"""What a browser gets of a running relay, without a browser: a page, a session, a live stream, statistics, previews, the audit
trail, and what who operates the installation decides."""

import http.client
import subprocess

from support import check, wait_until

PASSWORD = "correct horse battery"


def make_user(relay, account, email, *options):
    done = subprocess.run([relay.postern, "--config", str(relay.config), "user", "create", account, email, *options],
                          input=PASSWORD + "\n", capture_output=True, text=True)
    check(done.returncode == 0, f"user create: {done.stderr}")


class Browser:
    """A cookie, and the fields that a browser sends with it."""

    def __init__(self, relay, email):
        self.relay = relay
        self.origin = f"http://127.0.0.1:{relay.http}"
        self.cookie = None
        status, me, fields = self.ask("POST", "/v1/auth/session", {"email": email, "password": PASSWORD})
        check(status == 201, f"sign-in: {status} {me}")
        cookie = fields["set-cookie"]
        check("HttpOnly" in cookie and "SameSite=Strict" in cookie, f"the cookie: {cookie}")
        self.cookie = cookie.split(";")[0]

    def ask(self, method, path, body=None, **fields):
        fields = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", **fields}
        if self.cookie:
            fields["Cookie"] = self.cookie
        return self.relay.request(method, path, body, headers=fields)

    def get(self, path):
        status, answer, _ = self.ask("GET", path)
        check(status == 200, f"GET {path}: {status} {answer}")
        return answer


def page(relay):
    status, body, fields = relay.request("GET", "/messages/any", headers={"Accept": "text/html"})
    check(status == 200 and b"<!doctype html>" in body.lower(), f"the page: {status}")
    check("unsafe" not in fields["content-security-policy"], "the page's policy")
    check(relay.request("GET", "/messages/any", headers={"Accept": "text/html", "If-None-Match": fields["etag"]})[0] == 304, "ETag")
    check(relay.request("GET", "/", headers={"Accept": "text/html", "Host": "rebind.example"})[0] == 421, "a foreign name")
    check(relay.request("GET", "/")[1]["name"] == "Postern", "a program's root")


def first_event(relay, browser):
    """The stream with the cookie, up to its first event."""
    connection = http.client.HTTPConnection("127.0.0.1", relay.http, timeout=60)
    connection.request("GET", "/v1/events/stream", headers={"Cookie": browser.cookie, "Accept": "text/event-stream"})
    response = connection.getresponse()
    check(response.status == 200, f"the stream: {response.status}")
    return connection, response


def sends_by_a_key(relay, ada, root, key):
    """Who signed in names the key that acts: the answer is that key's, and nobody else's key may be named."""
    question = {"from": "ada@example.org", "to": "bob@example.net"}
    named = f"/v1/explain?api_key_id={key['id']}"
    status, said, _ = ada.ask("POST", named, question)
    check(status == 200 and said["recipients"][0]["verdict"] == "simulate", f"explain: {status} {said}")
    check(ada.ask("POST", "/v1/explain", question)[0] == 403, "without a key")
    check(root.ask("POST", named, question)[0] == 404, "another account's key")
    check(ada.ask("POST", named, question, Origin="http://evil.example")[0] == 403, "a foreign page")
    mail = {"from": "ada@example.org", "to": "bob@example.net", "subject": "By a person", "text": "x"}
    status, sent, _ = ada.ask("POST", f"/v1/emails?api_key_id={key['id']}", mail)
    check(status == 200, f"a message: {status} {sent}")
    check(ada.get(f"/v1/emails/{sent['id']}")["api_key_id"] == key["id"], "whose it is")
    relay.settled(sent["id"])
    places = {(place["tls"], place["port"]) for place in ada.get("/v1/account")["smtp"]}
    check(places == {("none", relay.plain), ("starttls", relay.starttls), ("implicit", relay.implicit)}, f"where SMTP is: {places}")


def remembers_refusals(relay, ada, key):
    """What was refused is listed with the words that the client got, and is there after a restart."""
    live = ada.ask("POST", "/v1/api-keys", {"name": "live"})[1]
    mail = {"from": "ada@example.org", "to": "stranger@example.net", "subject": "x", "text": "x"}
    check(relay.request("POST", "/v1/emails", mail, key=live["token"])[0] == 403, "a stranger")
    check(ada.ask("DELETE", f"/v1/api-keys/{live['id']}")[0] == 200, "revoked")
    check(relay.request("GET", "/v1/emails", key=live["token"])[0] == 401, "a revoked key")
    wanted = [("revoked_key", None), ("recipient_not_whitelisted", "stranger@example.net")]

    def listed():
        return [(one["token"], one["to"]) for one in ada.get(f"/v1/refusals?key={live['id']}")["data"]]
    check(listed() == wanted, f"refusals: {listed()}")
    check(ada.get(f"/v1/refusals?key={key['id']}")["data"] == [], "another key's")
    relay.stop()
    relay.start()
    check(listed() == wanted, f"refusals after a restart: {listed()}")


def run(context):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port)
    relay.account("team")
    relay.account("ops")
    make_user(relay, "team", "ada@example.org")
    make_user(relay, "ops", "root@example.org", "--operator")
    relay.start()
    page(relay)
    ada, root = Browser(relay, "ada@example.org"), Browser(relay, "root@example.org")
    check(ada.get("/v1/auth/me")["user"]["isAdmin"] is False and root.get("/v1/auth/me")["user"]["isAdmin"] is True, "the roles")
    check(ada.ask("POST", "/v1/api-keys", {"name": "x"}, Origin="http://evil.example")[0] == 403, "a foreign page makes a key")
    status, key, _ = ada.ask("POST", "/v1/api-keys", {"name": "app", "environment": "test"})
    check(status == 201, f"a key: {status} {key}")

    connection, stream = first_event(relay, ada)
    mail = {"from": "ada@example.org", "to": "bob@example.net", "subject": "Hello",
            "html": "<script>1</script><img src=http://track.example/p.gif>"}
    status, sent, _ = relay.request("POST", "/v1/emails", mail, key=key["token"])
    check(status == 200, f"a message: {status} {sent}")
    line = b""
    while not line.startswith(b"data:"):
        line = stream.readline()
    check(sent["id"].encode() in line, f"the live event: {line}")
    connection.close()
    relay.settled(sent["id"])
    check(relay.request("POST", "/v1/emails", {**mail, "from": "ada@nowhere@"}, key=key["token"])[0] == 422, "no address")

    status, shown, fields = ada.ask("GET", f"/v1/emails/{sent['id']}/preview")
    check(status == 200 and b"<script" not in shown, "the preview")
    check(fields["content-security-policy"].startswith("sandbox; default-src 'none'; img-src data:;"), "the preview's policy")
    check(root.ask("GET", f"/v1/emails/{sent['id']}/preview")[0] == 404, "another account's mail")

    def counted():
        totals = ada.get("/v1/stats?environment=test")
        return totals if totals["totals"]["delivered"] else None
    stats = wait_until(counted, "the statistics are written")
    check(stats["totals"]["accepted"] == 1 and stats["keys"][0]["api_key_id"] == key["id"], f"the statistics: {stats['totals']}")
    check(stats["delivery"]["count"] == 1, f"delivery times: {stats['delivery']}")

    sends_by_a_key(relay, ada, root, key)
    remembers_refusals(relay, ada, key)
    team = ada.get("/v1/account")["id"]
    check(ada.ask("PATCH", f"/v1/accounts/{team}", {"mode": "production"})[0] == 403, "a member decides for himself")
    check(root.ask("PATCH", f"/v1/accounts/{team}", {"mode": "production"})[1]["mode"] == "production", "the operator's decision")
    check(ada.get("/v1/account")["mode"] == "production", "the mode")
    check(root.get("/v1/queue")["object"] == "queue" and root.get("/v1/destinations")["data"][0]["name"] == "hop", "the queue")
    trail = [(e["action"], e["actor"]["name"]) for e in ada.get("/v1/audit")["data"]]
    for entry in (("account.mode_changed", "root@example.org"), ("key.created", "ada@example.org")):
        check(entry in trail, f"{entry} is not in {trail}")
    check("key.created" in [e["action"] for e in relay.json("audit", "list", "team")], "the command line's trail")

    relay.stop()
    relay.start()
    check(ada.get("/v1/stats?environment=test")["totals"]["accepted"] == 2, "the statistics after a restart")
    check(ada.ask("POST", "/v1/auth/logout", {})[0] == 200, "signing out")
    check(ada.ask("GET", "/v1/auth/me")[0] == 401, "a session that was signed out")
    relay.stop()
    log = (relay.folder / "log").read_text(errors="replace")
    for secret in (PASSWORD, root.cookie.split(".")[1]):
        check(secret not in log, "a secret is in the log")
