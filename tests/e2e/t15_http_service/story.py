"""What the service says of itself: health, readiness, metrics of both doors, openapi.json; and a drain that loses no request."""

import http.client
import pathlib
import re
import smtplib

from support import check, wait_until


def metrics(relay):
    status, text, fields = relay.request("GET", "/metrics")
    check(status == 200 and fields["content-type"].startswith("text/plain; version=0.0.4"), f"{status} {fields}")
    return {name: float(value) for name, value in re.findall(r"^(\S+) (\S+)$", text.decode(), re.MULTILINE)
            if not name.startswith("#")}


def are_documented(relay):
    """Name, type and labels of every metric, as the table of docs/operations.md has them."""
    text = relay.request("GET", "/metrics")[1].decode()
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    check(all(re.search(rf"^# HELP {name} \S", text, re.MULTILINE) for name in types), "a metric says nothing of itself")
    page = (pathlib.Path(__file__).resolve().parents[3] / "docs/operations.md").read_text()
    page = page.split("## What does each metric say?\n", 1)[1].split("\n## ", 1)[0]
    table = {name: (kind, set(re.findall(r"`(\w+)`", labels)))
             for name, kind, labels in re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", page, re.MULTILINE)}
    check({name: kind for name, (kind, _) in table.items()} == types, f"not the metrics of docs/operations.md: {types}")
    for series, labels in re.findall(r"^(\w+?)(?:_bucket|_sum|_count)?{(.*)} ", text, re.MULTILINE):
        name = series if series in table else next(n for n in table if n.startswith(series))
        wanted = table[name][1] | ({"le"} if table[name][0] == "histogram" else set())
        check(set(re.findall(r'(\w+)="', labels)) <= wanted, f"{name} has labels {labels}")


def send_over_both_doors(relay, key):
    body = {"from": "a@example.org", "to": "delivered@simulator.postern.test", "subject": "s", "text": "t"}
    for _ in range(2):
        check(relay.request("POST", "/v1/emails", body, key=key)[0] == 200, "sent over HTTP")
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("x", key)
        client.sendmail("a@example.org", ["delivered@simulator.postern.test"], "Subject: s\r\n\r\nt\r\n")


def refused_over_smtp(relay, key):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        try:
            client.login("x", "pk_test_wrong")
        except smtplib.SMTPAuthenticationError:
            pass
        client.login("x", key)
        check(client.mail("a@elsewhere.example")[0] == 550, "a sender outside the key's domains")


def one_connection(relay):
    """Every response on one connection; HEAD has no body; the document names what it answers to."""
    client = http.client.HTTPConnection("127.0.0.1", relay.http, timeout=300)
    for method, path, wanted in (("GET", "/healthz", 200), ("HEAD", "/openapi.json", 200), ("GET", "/readyz", 200),
                                 ("DELETE", "/healthz", 405), ("GET", "/v1/nothing", 404), ("GET", "/v1/emails", 401)):
        client.request(method, path)
        response = client.getresponse()
        content = response.read()
        check(response.status == wanted and not response.will_close, f"{method} {path}: {response.status}")
        check((content == b"") == (method == "HEAD"), f"{method} {path}: {content[:100]}")
        caching = "no-cache" if response.getheader("ETag") else "no-store"
        check(response.getheader("X-Request-Id") and response.getheader("Cache-Control") == caching, f"{response.getheaders()}")
    client.close()
    _, document, _ = relay.request("GET", "/openapi.json")
    check(document["openapi"].startswith("3.1") and "/v1/emails/{id}" in document["paths"], f"{list(document['paths'])}")


def has_all(seen, wanted):
    """`seen`, or None where a value is not there yet; one that is beyond comes never down again."""
    for name, value in wanted.items():
        check(seen.get(name, 0) <= value, f"{name}: wanted {value}: {seen.get(name)}")
    return seen if all(seen.get(name) == value for name, value in wanted.items()) else None


def run(context):
    relay = context.relay()
    relay.account("team")
    key = relay.key("team", "--test", "--permission", "full_access")
    relay.start()
    one_connection(relay)
    send_over_both_doors(relay, key)
    refused_over_smtp(relay, relay.key("team", "--test", "--from-domain", "example.org"))
    check(relay.request("GET", "/v1/emails", key="pk_test_wrong")[0] == 401, "a wrong key")
    wanted = {'postern_submissions_total{door="http"}': 2, 'postern_submissions_total{door="smtp"}': 1,
              'postern_auth_failures_total{door="http"}': 1, 'postern_refusals_total{door="http",token="invalid_key"}': 1,
              # The client tries PLAIN, then LOGIN.
              'postern_auth_failures_total{door="smtp"}': 2, 'postern_refusals_total{door="smtp",token="invalid_key"}': 2,
              'postern_refusals_total{door="smtp",token="sender_not_allowed"}': 1, "postern_spool_messages": 3}
    # A request is counted once its answer is out, which another connection may ask before.
    seen = wait_until(lambda: has_all(metrics(relay), wanted), "the metrics count what was asked")
    check(seen["process_start_time_seconds"] > 1.7e9 and seen["postern_spool_used_bytes"] > 0, "the gauges")
    are_documented(relay)
    idle = http.client.HTTPConnection("127.0.0.1", relay.http, timeout=300)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    relay.stop()
    check(idle.sock.recv(1) == b"", "an idle connection outlives the server")
