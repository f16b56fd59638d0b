"""People manage an account from both sides: the operator's command line and the HTTP service act on each other at once."""

import subprocess

from support import check


def with_password(relay, password, *arguments, expect=0):
    done = subprocess.run([relay.postern, "--config", str(relay.config), *arguments], input=password + "\n", capture_output=True,
                          text=True)
    check(done.returncode == expect, f"postern {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    check(password not in done.stdout + done.stderr, "the password is printed")


def log_in(relay, password):
    return relay.request("POST", "/v1/auth/login", {"email": "ada@example.org", "password": password})


def users(relay):
    with_password(relay, "correct horse", "user", "create", "team", "ada@example.org")
    with_password(relay, "short", "user", "create", "team", "bob@example.org", expect=2)
    status, session, _ = log_in(relay, "correct horse")
    check(status == 200, f"sign-in: {status} {session}")
    with_password(relay, "battery staple", "user", "password", "ada@example.org")
    check(log_in(relay, "correct horse")[0] == 401, "the old password works")
    status, session, _ = log_in(relay, "battery staple")
    check(status == 200, f"the new password: {status} {session}")
    _, leaving, _ = log_in(relay, "battery staple")
    check(relay.request("POST", "/v1/auth/logout", {}, key=leaving["token"])[0] == 200, "signing out")
    check(relay.request("GET", "/v1/auth/me", key=leaving["token"])[0] == 401, "a token works after its session was signed out")
    check(relay.request("GET", "/v1/auth/me", key=session["token"])[0] == 200, "another session ended too")
    check([u["email"] for u in relay.json("user", "list")] == ["ada@example.org"], "the list of users")
    check(relay.request("POST", "/v1/auth/signup",
                        {"email": "eve@example.org", "password": "correct horse"})[1]["name"] == "signup_closed",
          "sign-up is open by default")
    return session["token"]


def sandbox(relay, token):
    status, key, _ = relay.request("POST", "/v1/api-keys", {"name": "app"}, key=token)
    check(status == 201, f"a key: {status} {key}")
    check(relay.request("POST", "/v1/sandbox/emails", {"email": "friend@example.net"}, key=token)[0] == 201, "the whitelist")
    check([e["email"] for e in relay.json("sandbox", "list", "team")] == ["friend@example.net"], "the command line's whitelist")
    message = {"from": "ada@example.org", "to": "friend@example.net", "subject": "Hello", "text": "Hello"}
    status, sent, _ = relay.request("POST", "/v1/emails", message, key=key["token"])
    check(status == 200, f"a message: {status} {sent}")
    relay.settled(sent["id"])
    status, account, _ = relay.request("GET", "/v1/account", key=token)
    met = {c["name"]: c["met"] for c in account["conditions"]}
    check(met == {"verified_domain": False, "delivered_in_sandbox": True}, f"the conditions: {met}")
    check(relay.request("POST", "/v1/account/production-access", {"use_case": "receipts"}, key=token)[0] == 422,
          "a request too early")
    relay.cli("account", "approve", "team", expect=1)
    relay.cli("account", "set-mode", "team", "production")
    check(relay.request("GET", "/v1/account", key=token)[1]["mode"] == "production", "the mode")
    relay.cli("key", "revoke", key["id"])
    check(relay.request("GET", "/v1/api-keys", key=key["token"])[1]["name"] == "revoked_key", "a key revoked by the operator works")


def run(context):
    sink = context.sink().start()
    relay = context.relay(next_hop_port=sink.port)
    relay.account("team")
    relay.start()
    token = users(relay)
    sandbox(relay, token)
    relay.stop()
    relay.start()
    check(relay.request("GET", "/v1/auth/me", key=token)[0] == 200, "a restart signs people out")
    relay.cli("user", "delete", "ada@example.org")
    check(relay.request("GET", "/v1/auth/me", key=token)[0] == 401, "a deleted user is still signed in")
    relay.stop()
    log = (relay.folder / "log").read_text(errors="replace")
    for secret in ("correct horse", "battery staple", "ada@example.org", token):
        check(secret not in log, f"the log holds {secret!r}")
