"""Sending over HTTP: a test key leaves nothing on the network, a sandboxed live key gets a verdict a recipient; 10,000 messages."""

import base64
import email
import email.policy
import http.client
import json
import os
import smtplib
import threading
import time

from support import check, wait_until

CONNECTIONS = 50


def verdicts(context):
    sink = context.sink(name="sink").start()
    relay = context.relay("verdicts", next_hop_port=sink.port)
    relay.account("team")
    live = relay.key("team", "--live", "--permission", "full_access")
    test = relay.key("team", "--test")
    relay.start()
    check(relay.request("POST", "/v1/sandbox/emails", {"email": "friend@example.net"}, key=live)[0] == 201, "the whitelist")
    content = base64.b64encode(bytes(range(256)) * 100).decode()
    status, sent, _ = relay.request("POST", "/v1/emails", key=live, body={
        "from": "Ada Lovelace <ada@example.org>", "to": ["friend@example.net", "stranger@example.net"], "bcc": "nobody@example.net",
        "subject": "Übersicht", "html": "<p>Grüße</p>", "attachments": [{"filename": "a.bin", "content": content}]})
    check(status == 200, f"{status} {sent}")
    by_address = {r["email"]: r for r in sent["recipients"]}
    check([by_address[a]["status"] for a in ("friend@example.net", "stranger@example.net", "nobody@example.net")] ==
          ["accepted", "refused", "refused"], f"{by_address}")
    relay.settled(sent["id"])
    arrived = wait_until(sink.messages, "the message arrives")
    check(len(arrived) == 1 and arrived[0].recipients == [b"friend@example.net"], f"{[a.recipients for a in arrived]}")
    parsed = email.message_from_bytes(arrived[0].content, policy=email.policy.default)
    check(parsed["subject"] == "Übersicht" and "bcc" not in parsed and b"nobody@example.net" not in arrived[0].content,
          "the header")
    files = [p.get_payload(decode=True) for p in parsed.walk() if p.get_filename() == "a.bin"]
    check(files == [bytes(range(256)) * 100], "the attachment's octets")
    status, sent, _ = relay.request("POST", "/v1/emails", key=test, body={
        "from": "ada@example.org", "to": "stranger@example.net", "subject": "s", "text": "t"})
    check(status == 200 and relay.settled(sent["id"])["recipients"][0]["stage"] == "delivered", f"{sent}")
    check(len(sink.messages()) == 1, "a test key reached the next hop")
    explained = relay.request("POST", "/v1/explain", key=live,
                              body={"from": "ada@example.org", "to": ["friend@example.net", "stranger@example.net"]})
    check([r["verdict"] for r in explained[1]["recipients"]] == ["relay", "refuse"], f"{explained}")
    check(explained[1]["recipients"][0]["smtp"]["text"] == "Recipient accepted", f"{explained}")
    relay.stop()


def later(context):
    """A message waits for its time, over both doors; another time and a cancellation hold it or let it go."""
    sink = context.sink(name="later").start()
    relay = context.relay("later", next_hop_port=sink.port)
    relay.account("team", "--mode", "production")
    key = relay.key("team", "--live", "--permission", "full_access")
    relay.start()
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo()
        check(client.has_extn("futurerelease"), f"{client.esmtp_features}")
        client.login("app", key)
        check(client.mail("a@example.org", ["HOLDFOR=99999999"])[0] == 501, "longer than a message is held")
        code, said = client.mail("a@example.org", ["HOLDFOR=3600"])
        check(code == 250, f"{said}")
        client.rcpt("held@example.net")
        code, said = client.data("From: a@example.org\r\nSubject: held\r\n\r\nx\r\n")
        check(code == 250, f"{said}")
        held = said.decode().rsplit(" ", 1)[1]

    def scheduled(to, at):
        status, sent, _ = relay.request("POST", "/v1/emails", key=key, body={
            "from": "a@example.org", "to": to, "subject": "s", "text": "t", "scheduled_at": at})
        check(status == 200, f"{status} {sent}")
        return sent["id"]

    moved = scheduled("moved@example.net", "in 1 hour")
    dropped = scheduled("dropped@example.net", "in 2 days")
    soon = scheduled("soon@example.net", "in 2 seconds")
    relay.settled(soon)
    check([m.recipients for m in sink.messages()] == [[b"soon@example.net"]], "the others wait for their time")
    for message in (held, moved):
        check(relay.request("GET", f"/v1/emails/{message}", key=key)[1]["last_event"] == "scheduled", message)
    check(relay.message(held)["scheduled_at"] is not None, f"{relay.message(held)}")
    status, said, _ = relay.request("PATCH", f"/v1/emails/{moved}", key=key, body={"scheduled_at": "in 1 second"})
    check(status == 200, f"{status} {said}")
    relay.settled(moved)
    check(relay.request("POST", f"/v1/emails/{dropped}/cancel", key=key)[0] == 200, "cancelled")
    check(relay.request("PATCH", f"/v1/emails/{moved}", key=key, body={"scheduled_at": "in 1 hour"})[0] == 409, "it is gone")
    relay.stop()
    relay.start()
    check(relay.request("GET", f"/v1/emails/{held}", key=key)[1]["last_event"] == "scheduled", "after a restart")
    check(sorted(m.recipients[0] for m in sink.messages()) == [b"moved@example.net", b"soon@example.net"], "nothing else went")
    relay.stop()


def many(context):
    total = int(os.environ.get("POSTERN_HTTP_MESSAGES", "2000"))
    relay = context.relay("many")
    relay.account("team")
    key = relay.key("team", "--test")
    relay.start()
    body = json.dumps({"from": "a@example.org", "to": "delivered@simulator.postern.test", "subject": "s", "text": "x" * 4096})
    ids, failures, lock = set(), [], threading.Lock()

    def send(count):
        connection = http.client.HTTPConnection("127.0.0.1", relay.http, timeout=300)
        for _ in range(count):
            connection.request("POST", "/v1/emails", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
            with lock:
                ids.add(answer["id"]) if response.status == 200 else failures.append(answer)
        connection.close()

    began = time.monotonic()
    threads = [threading.Thread(target=send, args=(total // CONNECTIONS,)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    check(not failures and len(ids) == total, f"{len(ids)} of {total}, first failure {failures[:1]}")
    print(f"   {total} messages over {CONNECTIONS} keep-alive connections: {total / took:.0f} a second")
    relay.stop()


def run(context):
    verdicts(context)
    later(context)
    many(context)
