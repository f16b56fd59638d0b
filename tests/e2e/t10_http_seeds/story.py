"""The five services' documented requests, with curl, only the host changed: each gets the answer that their pages promise."""

import concurrent.futures
import json
import subprocess

from support import ROOT, check, wait_until


class Curl:
    def __init__(self, relay):
        self.base = f"http://127.0.0.1:{relay.http}"

    def __call__(self, method, path, *options):
        done = subprocess.run(["curl", "-sS", "-X", method, self.base + path, "-o", "-", "-D", "/dev/stderr", *options],
                              capture_output=True, timeout=300)
        check(done.returncode == 0, f"curl {method} {path}: {done.stderr.decode()}")
        head = done.stderr.decode().splitlines()
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if ":" in line)}
        body = json.loads(done.stdout) if done.stdout and "json" in fields.get("content-type", "") else done.stdout
        return int(head[0].split()[1]), body, fields


def bearer(key):
    return ["-H", f"Authorization: Bearer {key}"]


def as_json(value):
    return ["-H", "Content-Type: application/json", "-d", json.dumps(value)]


def expect(answer, status, name=None):
    check(answer[0] == status and (name is None or answer[1].get("name") == name),
          f"wanted {status} {name}: {answer[0]} {answer[1]}")
    return answer[1]


def email(sender="a@example.org", to="someone@example.net"):
    return as_json({"from": sender, "to": to, "subject": "Hello", "text": "Hello"})


def start(context, name, extra=""):
    text = (ROOT / "conf/examples" / f"{name}.toml").read_text()
    relay = context.relay(name, next_hop_port=context.sink_port, extra=text + extra)
    relay.account("team")
    return relay


def credentials_that_fail(relay, curl, key, path="/v1/emails"):
    """401 without a key, with a wrong, an expired and a revoked one."""
    expect(curl("GET", path), 401, "auth_required")
    expect(curl("GET", path, *bearer(key[:-1] + ("a" if key[-1] != "a" else "b"))), 401, "invalid_key")
    expect(curl("GET", path, *bearer("nonsense")), 401, "invalid_key")
    short = relay.key("team", "--live", "--name", "short", "--permission", "full_access")
    ident = next(k["id"] for k in relay.json("key", "list", "team") if k["name"] == "short")
    relay.cli("key", "expire", ident, "2020-01-01T00:00:00Z")
    expect(curl("GET", path, *bearer(short)), 401, "expired_key")
    relay.cli("key", "delete", ident)
    gone = relay.key("team", "--live", "--name", "gone", "--permission", "full_access")
    ident = next(k["id"] for k in relay.json("key", "list", "team") if k["name"] == "gone")
    relay.cli("key", "revoke", ident)
    expect(curl("GET", path, *bearer(gone)), 401, "revoked_key")


def postkit(context):
    relay = start(context, "postkit")
    key = relay.key("team", "--live", "--permission", "full_access")
    test_key = relay.key("team", "--test", "--permission", "full_access")
    relay.start()
    curl = Curl(relay)
    expect(curl("GET", "/v1/emails", *bearer(key)), 200)
    credentials_that_fail(relay, curl, key)
    sent = expect(curl("POST", "/v1/emails", *bearer(test_key), *email()), 200)
    shown = relay.settled(sent["id"])
    check(shown["environment"] == "test", "a test key sent for real")
    listed = expect(curl("GET", "/v1/api-keys", *bearer(key)), 200)
    check(any(row["key_prefix"] == key[:16] for row in listed["data"]) and key not in json.dumps(listed), "the key's prefix")
    relay.stop()


def sendkit(context):
    relay = start(context, "sendkit")
    full = relay.key("team", "--live", "--name", "full", "--permission", "full_access")
    sender = relay.key("team", "--live", "--name", "sender", "--permission", "sending_access", "--from-domain", "example.org")
    relay.start()
    curl = Curl(relay)
    expect(curl("GET", "/v1/emails", *bearer(full)), 200)
    expect(curl("POST", "/v1/api-keys", *bearer(full), *as_json({"permission": "sending_access"})), 422, "validation_error")
    credentials_that_fail(relay, curl, full)
    expect(curl("GET", "/v1/api-keys", *bearer(sender)), 403, "permission_denied")
    expect(curl("POST", "/v1/emails", *bearer(sender), *email("a@elsewhere.example")), 403, "sender_not_allowed")
    made = expect(curl("POST", "/v1/api-keys", *bearer(full), *as_json({"name": "Contractor", "permission": "sending_access",
                                                                       "expires_at": "2030-01-01T00:00:00Z"})), 201)
    check(made["token"].startswith("sk_") and len(made["token"]) == 51, "the key's form")
    # Expired keys stay listed with their last use.
    listed = expect(curl("GET", "/v1/api-keys", *bearer(full)), 200)["data"]
    check(any(row["name"] == "Contractor" for row in listed), "the key is not listed")
    relay.stop()


def postject(context):
    relay = start(context, "postject", '\nsignup = "open"\n')
    relay.start()
    curl = Curl(relay)
    signed = expect(curl("POST", "/v1/auth/signup", *as_json({"email": "dev@example.org", "password": "correct horse battery"})),
                    201)
    jwt = bearer(signed["token"])
    made = expect(curl("POST", "/v1/auth/api-keys", *jwt, *as_json({"name": "Production API", "expiresInDays": 365})), 201)
    check(made["token"].startswith("pt_live_"), "the key's form")
    rows = expect(curl("GET", "/v1/auth/api-keys", *jwt), 200)["data"]
    check(len(rows) == 1 and rows[0]["name"] == "Production API", f"the list: {rows}")
    for number in range(9):
        expect(curl("POST", "/v1/auth/api-keys", *jwt, *as_json({"name": f"key {number}"})), 201)
    expect(curl("POST", "/v1/auth/api-keys", *jwt, *as_json({"name": "the eleventh"})), 422, "limit_exceeded")
    key = made["token"]
    # Sandbox mode: only what is on the whitelist.
    expect(curl("POST", "/v1/emails", *bearer(key), *email(to="stranger@example.net")), 403, "recipient_not_whitelisted")
    expect(curl("POST", "/v1/sandbox/emails", *jwt, *as_json({"email": "friend@example.net"})), 201)
    both = expect(curl("POST", "/v1/emails", *bearer(key), *as_json({
        "from": "a@example.org", "to": ["friend@example.net", "stranger@example.net"], "subject": "x", "text": "y"})), 200)
    verdicts = {r["email"]: r for r in both["recipients"]}
    check(verdicts["friend@example.net"]["status"] == "accepted", f"{verdicts}")
    check(verdicts["stranger@example.net"]["name"] == "recipient_not_whitelisted", f"{verdicts}")
    relay.settled(both["id"])
    refused = curl("POST", "/v1/account/production-access", *jwt, *as_json({"use_case": "receipts"}))
    check(refused[0] == 422 and {c["name"]: c["met"] for c in refused[1]["conditions"]} ==
          {"verified_domain": False, "delivered_in_sandbox": True}, f"production access: {refused}")
    expect(curl("DELETE", f"/v1/auth/api-keys/{made['id']}", *jwt), 200)
    expect(curl("GET", "/v1/emails", *bearer(key)), 401, "revoked_key")
    expect(curl("PATCH", f"/v1/auth/api-keys/{made['id']}", *jwt, *as_json({"expires_at": None})), 409)
    relay.stop()


def burst(relay, key):
    """More messages than the plan has in store, at the same time → the answers that the rate refused."""
    message = {"from": "a@example.org", "to": "someone@example.net", "subject": "Hello", "text": "Hello"}
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: relay.request("POST", "/v1/emails", message, key=key), range(40)))
    check(all(a[0] in (200, 429) for a in answers), f"{[a[0] for a in answers]}")
    return [a for a in answers if a[0] == 429]


def postscale(context):
    relay = start(context, "postscale")
    relay.account("starter", "--plan", "starter", "--mode", "production")
    live = relay.key("starter", "--live", "--permission", "full_access")
    relay.key("team", "--live")
    test_key = relay.key("team", "--test", "--permission", "full_access")
    relay.start()
    curl = Curl(relay)
    expect(curl("GET", "/v1/emails", *bearer(live)), 200)
    expect(curl("GET", "/v1/emails"), 401, "auth_required")
    # Faster than ten a second: all at once, and again where the machine was too slow for that.
    limited = wait_until(lambda: burst(relay, live), "the plan's rate is met")
    check(limited[0][1]["name"] == "rate_limited" and int(limited[0][2]["retry-after"]) >= 1, f"{limited[0]}")
    check(all(curl("POST", "/v1/emails", *bearer(test_key), *email())[0] == 200 for _ in range(15)), "a test key was limited")
    ident = relay.json("key", "list", "starter")[0]["id"]
    relay.cli("key", "revoke", ident)
    expect(curl("GET", "/v1/emails", *bearer(live)), 401, "revoked_key")
    relay.stop()


def mailkite(context):
    relay = start(context, "mailkite", '\nsignup = "open"\n')
    relay.start()
    curl = Curl(relay)
    credentials = {"email": "you@example.com", "password": "a long enough password"}
    signed = expect(curl("POST", "/api/auth/signup", *as_json(credentials)), 201)
    check(signed["token"].startswith("eyJ"), "sign-up returns a session token")
    check(signed["api_key"].startswith("mk_live_"), "an account has its one key from the moment of signing up")
    token = expect(curl("POST", "/api/auth/login", *as_json(credentials)), 200)
    check(token["user"]["email"] == "you@example.com" and token["user"]["isAdmin"] is False, f"{token['user']}")
    expect(curl("POST", "/api/auth/login", *as_json(dict(credentials, password="something else"))), 401, "invalid_credentials")
    jwt = bearer(token["token"])
    expect(curl("GET", "/api/domains", *jwt), 200)
    only = expect(curl("GET", "/v1/api-keys", *jwt), 200)["data"][0]
    expect(curl("POST", "/v1/api-keys", *jwt, *as_json({"name": "a second"})), 422, "limit_exceeded")
    expect(curl("GET", "/api/domains", *bearer(signed["api_key"])), 200)
    expect(curl("POST", "/v1/send", *bearer(signed["api_key"]), *email(to="stranger@example.net")), 403,
           "recipient_not_whitelisted")
    # Rotating invalidates the old key at once.
    successor = expect(curl("POST", f"/v1/api-keys/{only['id']}/rotate", *jwt), 201)
    expect(curl("GET", "/api/domains", *bearer(signed["api_key"])), 401, "revoked_key")
    expect(curl("GET", "/api/domains", *bearer(successor["token"])), 200)
    # Unknown and foreign resources are 404.
    expect(curl("GET", "/v1/domains/dom_0000000000000000", *jwt), 404, "not_found")
    other = expect(curl("POST", "/v1/auth/signup", *as_json(dict(credentials, email="other@example.com"))), 201)
    expect(curl("GET", f"/v1/api-keys/{successor['id']}", *bearer(other["token"])), 404, "not_found")
    relay.stop()


def run(context):
    context.sink_port = context.sink().start().port
    for service in (postkit, sendkit, postject, postscale, mailkite):
        service(context)
