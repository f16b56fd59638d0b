"""Three nodes share one directory through PostgreSQL: what is made on one works on all, a revoked key stops everywhere within a
second, and mail goes on while a node is cut off or the database is away."""

import concurrent.futures
import http.server
import json
import smtplib
import subprocess
import threading
import time

from postgres import PATIENCE, Door, Postgres, join, make_node, nodes_of, wait_for_all
from support import PLAIN_MESSAGE, check, wait_until

SECONDS = 30
REVOCATIONS = 20


def login(node, key):
    """A session, or None where the key is refused."""
    session = smtplib.SMTP("127.0.0.1", node.plain, timeout=PATIENCE)
    try:
        session.login("run-1", key)
    except smtplib.SMTPAuthenticationError:
        session.close()
        return None
    return session


def works(node, key):
    session = login(node, key)
    if session is None:
        return False
    session.close()
    return True


def send(node, key, recipient="someone@example.net"):
    session = login(node, key)
    check(session is not None, "the key is refused")
    session.sendmail("sender@example.org", [recipient], PLAIN_MESSAGE.replace(b"someone@example.net", recipient.encode()))
    session.quit()


def what_is_made_on_one_works_on_all(a, b, c):
    a.account("later")
    made_here = a.key("later", "--test", "--name", "of-a")
    wait_for_all(a)
    for node in (a, b, c):
        send(node, made_here)
    made_there = c.key("later", "--test", "--name", "of-c")
    wait_for_all(c)
    for node in (a, b, c):
        send(node, made_there)
    b.cli("account", "create", "later", expect=1)  # the name is taken in the whole cluster


def any_node_tells_of_all(a, b):
    a.account("operators")
    a.user("operators", "root@example.org", "correct horse battery", "--operator")
    wait_for_all(a)
    login_data = {"email": "root@example.org", "password": "correct horse battery"}
    token = b.request("POST", "/v1/auth/login", login_data)[1]["token"]
    status, told, _ = b.request("GET", "/v1/nodes", key=token)
    found = {node["name"]: (node["is_this_one"], node["behind"], node["is_silent"]) for node in told["data"]}
    check(status == 200 and found == {name: (name == "b", 0, False) for name in "abc"}, f"the nodes: {told}")


def writers_take_turns(a, b, c):
    a.account("crowd")
    wait_for_all(a)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        keys = list(pool.map(lambda n: (a, b, c)[n % 3].key("crowd", "--test", "--name", f"key-{n}"), range(18)))
    wait_for_all(a)
    listed = [sorted(row["id"] for row in node.json("key", "list", "crowd")) for node in (a, b, c)]
    check(len(listed[0]) == len(keys) and listed[0] == listed[1] == listed[2], f"the nodes disagree: {[len(x) for x in listed]}")


def a_revoked_key_stops_everywhere(a, b, c):
    a.account("team")
    keys = [a.key("team", "--test", "--name", f"key-{n}") for n in range(REVOCATIONS)]
    ids = {row["name"]: row["id"] for row in a.json("key", "list", "team")}
    wait_for_all(a)
    times = []
    for n, key in enumerate(keys):
        session = login(b, key)
        started = time.monotonic()
        said = a.json("key", "revoke", ids[f"key-{n}"])
        times.append(time.monotonic() - started)
        check(sorted(said["in_force_on"]) == ["a", "b", "c"], f"not in force everywhere: {said}")
        check(not works(b, key) and not works(c, key), "what was said to be in force is not")
        code, text = session.mail("sender@example.org")
        check(code == 550 and text.startswith(b"5.7.1 revoked_key"), f"an open session: {code} {text}")
        session.close()
    times.sort()
    print(f"    revoked on one node, in force on three: p50 {times[len(times) // 2] * 1000:.0f} ms, "
          f"worst {times[-1] * 1000:.0f} ms of {len(times)}, with the command's start", flush=True)


def a_node_is_cut_off(a, c, door):
    a.account("apart")
    first, second, third = (a.key("apart", "--test", "--name", name) for name in ("first", "second", "third"))
    ids = {row["name"]: row["id"] for row in a.json("key", "list", "apart")}
    wait_for_all(a)
    door.shut()
    said = a.json("key", "revoke", ids["first"])
    check(said["not_in_force_on"] == ["c"] and sorted(said["in_force_on"]) == ["a", "b"], f"{said}")
    check("node c: not heard of for" in a.cli("key", "revoke", ids["third"]), "it does not say which node takes it still")
    check(works(c, first), "a node that is cut off cannot know")
    send(c, second)  # and serves on
    c.cli("key", "create", "apart", "--test", "--quiet", expect=1)
    c.cli("key", "revoke", "--here", ids["second"])
    check(not works(c, second), "--here is in force at once")
    check(works(a, second), "the others cannot know")
    door.open()
    wait_until(lambda: not works(c, first) and not works(c, third), "the node hears of it", PATIENCE)
    wait_until(lambda: not works(a, second), "the others hear of what was revoked there", PATIENCE)
    wait_for_all(a)


def findings_of(node):
    """What doctor says of the cluster; it may find fault with something else."""
    done = subprocess.run([node.postern, "--config", str(node.config), "doctor", "--json"], capture_output=True, text=True,
                          timeout=PATIENCE)
    return [(row["grade"], row["finding"]) for row in json.loads(done.stdout) if row["check"] == "cluster"]


class Receiver(http.server.BaseHTTPRequestHandler):
    """Notes who was written to in the events that it gets."""

    recipients = set()

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.recipients.update(event["data"]["to"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def a_webhook_hears_of_the_mail_of_every_node(a, b, c):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    a.account("heard")
    key = a.key("heard", "--test", "--name", "key")
    wait_for_all(a)
    for number, node in enumerate((a, b, c)):
        send(node, key, f"before-{number}@example.net")
    status, made, _ = c.request("POST", "/v1/webhooks", key=key, body={
        "endpoint": f"http://127.0.0.1:{server.server_port}/", "environment": "test", "events": ["email.sent"]})
    check(status == 201, f"{status} {made}")
    wait_for_all(a)
    for number, node in enumerate((a, b, c)):
        send(node, key, f"after-{number}@example.net")
    wanted = {f"after-{number}@example.net" for number in range(3)}
    wait_until(lambda: wanted <= Receiver.recipients, "the webhook hears of all", PATIENCE)
    check(Receiver.recipients == wanted, f"of what was before it as well: {Receiver.recipients}")
    server.shutdown()
    server.server_close()


def the_database_is_away(a, b, c, database):
    a.account("going-on", "--mode", "production")
    key = a.key("going-on", "--test", "--name", "key")
    live = a.key("going-on", "--live", "--name", "live")
    wait_for_all(a)
    check(findings_of(a)[-1][0] == "ok" and "3 of 3 nodes" in findings_of(a)[-1][1], f"{findings_of(a)}")
    database.stop()
    for node in (a, b, c):
        send(node, key)
    check(findings_of(a)[0][0] == "warn" and "works here until" in findings_of(a)[0][1], f"{findings_of(a)}")
    send(b, live)  # its next hop does not know the address
    wait_until(lambda: "someone@example.net" in b.cli("suppression", "list", "going-on"), "the bounce suppresses here", PATIENCE)
    b.stop()
    b.start()  # what it knows is on its own disk
    send(b, key)
    a.cli("account", "create", "never", expect=1)
    status, said, _ = a.request("GET", "/readyz")
    check(status == 200, f"mail is taken, and the balancer is told otherwise: {status}")
    status, problem, _ = c.request("POST", "/v1/api-keys", {"name": "never", "environment": "test"}, key=live)
    check(status == 503, f"a change that cannot be made: {status} {problem}")
    check(said["cluster"]["followed"] is False and said["cluster"]["age_seconds"] >= 0, f"{said}")
    database.start()
    wait_until(lambda: a.request("GET", "/readyz")[1]["cluster"]["followed"], "the node follows again", PATIENCE)
    wait_for_all(a)
    a.account("again")
    wait_for_all(a)
    wait_until(lambda: "someone@example.net" in a.cli("suppression", "list", "going-on"), "the others hear of it", PATIENCE)
    wait_for_all(a)
    for node in (a, b, c):
        check("again" in {row["name"] for row in node.json("account", "list")}, "a node did not come back")


def the_database_holds_no_secret(a, database):
    a.cli("domain", "add", "team", "secret.example")
    a.user("team", "ann@secret.example", "a long enough password")
    found = database.ask("SELECT count(*) FROM postern.directory WHERE value IS NOT NULL AND ("
                         "encode(value, 'escape') ~ 'secret.example|argon2|sealed:|PRIVATE|team')")
    check(found == "0", f"{found} values can be read in the database")


def run(context):
    database = Postgres()
    try:
        database.start()
        door = Door(database.port)
        hop = context.sink("-f", "rcpt", "-B", "550 5.1.1 no such user").start()
        hooks = 'webhook_allow_http = true\nwebhook_allowed_networks = ["127.0.0.1"]'
        a = make_node(context, "a", [database.port], extra=hooks)
        b = make_node(context, "b", [database.port], extra=hooks, next_hop_port=hop.port)
        c = make_node(context, "c", [door.port], extra=hooks)
        a.account("before")
        key = a.key("before", "--test", "--name", "key")
        a.cli("cluster", "init")
        b.cli("cluster", "status", expect=1)
        for node in (b, c):
            join(a, node)
        for node in (a, b, c):
            node.start()
        for node in (a, b, c):
            send(node, key)  # made before there was a cluster
        check(sorted(nodes_of(b)) == ["a", "b", "c"], "the nodes are not all listed")
        what_is_made_on_one_works_on_all(a, b, c)
        any_node_tells_of_all(a, b)
        writers_take_turns(a, b, c)
        a_revoked_key_stops_everywhere(a, b, c)
        a_webhook_hears_of_the_mail_of_every_node(a, b, c)
        a_node_is_cut_off(a, c, door)
        the_database_is_away(a, b, c, database)
        the_database_holds_no_secret(a, database)
        c.stop()
        wait_until(lambda: nodes_of(a)["c"]["is_silent"], "a node that is stopped is not heard of", PATIENCE)
        a.cli("node", "remove", "c")
        check(sorted(nodes_of(a)) == ["a", "b"], "the node is still there")
        c.cli("cluster", "leave")
        for node in (a, b):
            node.stop()
    finally:
        database.remove()
