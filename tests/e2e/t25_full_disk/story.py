"""The spool's file may not grow any more: new mail is refused at both doors, what is queued is delivered, and it is over by
itself."""

import resource
import smtplib

from support import check, wait_until

QUEUED = 5
CONTENT = "From: sender@example.org\r\nSubject: {}\r\n\r\n" + ("x" * 76 + "\r\n") * 2000


def submit(relay, key, subject):
    """The reply to end-of-data."""
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("load", key)
        client.mail("sender@example.org")
        client.rcpt("someone@example.net")
        code, text = client.data(CONTENT.format(subject))
        return code, text.decode()


def email(subject):
    return {"from": "sender@example.org", "to": "someone@example.net", "subject": subject, "text": "x" * 300_000}


def run(context):
    sink = context.sink(name="sink")
    relay = context.relay(next_hop_port=sink.port, extra="retry_initial_seconds = 1")
    relay.account("load", "--mode", "production", "--plan", "unlimited")
    key = relay.key("load", "--live")
    relay.start()
    for number in range(QUEUED):
        check(submit(relay, key, f"queued {number}")[0] == 250, "a message before the disk is full")

    size = (relay.folder / "data/spool/data.mdb").stat().st_size
    resource.prlimit(relay.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    accepted = 0
    while (reply := submit(relay, key, f"more {accepted}"))[0] == 250:
        accepted += 1  # into what is free inside the file
        check(accepted < 100, "the file grew beyond its limit")
    check(reply[0] == 452 and reply[1].startswith("4.3.1"), f"{reply}")
    status, answer, _ = relay.request("POST", "/v1/emails", email("http"), key=key, headers={"Idempotency-Key": "k"})
    check(status == 507 and answer["name"] == "storage_full", f"{status} {answer}")
    check(relay.process.poll() is None, "the relay ended")

    sink.start()
    wait_until(lambda: len(sink.messages()) >= QUEUED + accepted, "what is queued is delivered")
    resource.prlimit(relay.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    reply = submit(relay, key, "after")
    check(reply[0] == 250, f"there is room again: {reply}")
    status, answer, _ = relay.request("POST", "/v1/emails", email("http"), key=key, headers={"Idempotency-Key": "k"})
    check(status == 200, f"there is room again: {status} {answer}")
    wait_until(lambda: relay.json("queue", "list", "--limit", "1") == [], "the queue is empty")
    arrived = len(sink.messages())
    check(arrived == QUEUED + accepted + 2, f"{arrived} messages arrived of {QUEUED + accepted + 2} accepted")
    check(all(f["grade"] != "fail" for f in relay.json("doctor") if f["check"] == "store"), "the store is sound")
    print(f"    {QUEUED + accepted} delivered while the disk was full, {arrived} in all, each once; no restart")
