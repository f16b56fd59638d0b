"""A copy is examined, and becomes the store of another installation, which serves from it: its keys, its messages, what was queued.
A damaged copy is told from a sound one, and no store is overwritten."""

import os
import pathlib
import shutil
import smtplib

from support import PLAIN_MESSAGE, check, wait_until

SECONDS = 20


def send(relay, key, recipient, count):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=60) as client:
        client.login("x", key)
        for _ in range(count):
            client.sendmail("a@example.org", [recipient], PLAIN_MESSAGE)


def damaged(copy, folder):
    """The same with a page of its middle overwritten."""
    bad = folder / "damaged"
    shutil.copytree(copy, bad)
    file = bad / "spool" / "data.mdb"
    size = os.path.getsize(file)
    with open(file, "r+b") as pages:
        for page in range(4, size // 4096 - 1, 3):
            pages.seek(page * 4096 + 16)
            pages.write(b"\xff" * 2048)
    return bad


def run(context):
    hop = context.sink()
    first = context.relay(next_hop_port=hop.port)
    first.start()
    first.account("shop", "--mode", "production", "--per-second", "unlimited")
    live, test = (first.key("shop", kind, "--permission", "full_access") for kind in ("--live", "--test"))
    send(first, test, "b@example.net", 40)
    send(first, live, "c@example.net", 3)  # nobody is there yet
    wait_until(lambda: "recipient_deferred" in (first.folder / "log").read_text(), "it waits")
    copy = context.folder / "copy"
    first.cli("backup", str(copy))
    first.kill()

    second = context.relay(name="elsewhere", next_hop_port=hop.port)
    folder = second.folder
    checked = second.json("restore", "--check", str(copy))
    check((checked["messages"], checked["queued"]) == (43, 3), f"what the copy holds: {checked}")
    check(not (folder / "data").exists(), "to look makes nothing")
    bad = damaged(copy, context.folder)
    said = second.cli("restore", "--check", str(bad), expect=1)
    second.cli("restore", str(bad), expect=1)
    check(not (folder / "data" / "spool").exists(), f"what is damaged is not restored: {said}")
    second.cli("restore", str(first.folder / "data"), expect=1)  # a store is no copy
    second.cli("restore", str(copy))
    second.cli("restore", str(copy), expect=1)  # there is one now
    shutil.copy(pathlib.Path(first.folder) / "data" / "dkim-seal.key", folder / "data")
    second.cli("queue", "suspend", "--domain", "*", "--reason", "restored")
    second.start()
    send(second, test, "d@example.net", 1)  # the key of the copy opens the door
    status, listed, _ = second.request("GET", "/v1/emails?limit=100", key=test)
    check(status == 200 and len(listed["data"]) == 41, f"captured mail is there: {status}")
    hop.start()
    second.cli("queue", "retry", "--all")
    check(second.json("queue", "summary")["messages"] == 3 and not hop.messages(), "an order from before the start holds it")
    second.cli("queue", "resume", "--all")
    second.cli("queue", "retry", "--all")
    wait_until(lambda: len(hop.messages()) == 3, "what was queued goes out from there")
    check("every record is sound" in second.cli("doctor"), "doctor finds it sound")
