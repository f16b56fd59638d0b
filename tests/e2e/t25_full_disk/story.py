"""The spool's file may not grow any more: new mail is refused at both doors, what is queued is delivered, and it is over by
itself. The same for a spool at its cap, which was full once; and for a command that is stopped inside its write."""

import re
import resource
import signal
import smtplib
import subprocess
import sys

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


# Holds the write lock of an environment, as a command does inside its transaction, and stops there.
HOLDER = """
import fcntl, os, signal, sys
lock = open(sys.argv[1], "r+b")
fcntl.lockf(lock, fcntl.LOCK_EX, 1, 1 << 40)
print("inside", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def spool_that_was_full(context):
    """Grown to its cap while the next hop was down, then delivered: mail is taken again, and the file never grew beyond the cap."""
    cap = 16 << 20
    sink = context.sink(name="sink-cap")
    relay = context.relay("cap", next_hop_port=sink.port,
                          extra=f"retry_initial_seconds = 1\nspool_max_octets = {cap}\nmax_message_octets = 1048576")
    relay.account("load", "--mode", "production", "--plan", "unlimited")
    key = relay.key("load", "--live")
    relay.start()
    accepted = 0
    for attempt in range(2):
        refused = None
        for number in range(300):
            refused = refusal(relay, key, f"{attempt} {number}")
            if refused:
                break
            accepted += 1
        check(refused and refused[0] == 452 and refused[1].startswith("4.3.1"), f"{refused} after {accepted}")
        sink.start()
        wait_until(lambda: len(sink.messages()) >= accepted, "what is queued is delivered")
        wait_until(lambda: relay.request("GET", "/readyz")[0] == 200, "there is room again")
        sink.stop()
    check(accepted > 120, f"only {accepted} fitted into {cap} octets, twice")
    size = (relay.folder / "data/spool/data.mdb").stat().st_size
    check(size < cap + (2 << 20), f"the file has {size} octets")
    relay.stop()
    before = size
    relay.cli("store", "compact")
    size = (relay.folder / "data/spool/data.mdb").stat().st_size
    check(size < before / 4, f"compacted from {before} to {size} octets")
    sink.start()  # the doctor looks at the next hop too
    check(all(f["grade"] != "fail" for f in relay.json("doctor") if f["check"] in ("store", "spool")), "the store is sound")
    return accepted


def refusal(relay, key, subject):
    """None where it was accepted; the reply that refused, to MAIL or to the final dot, where not."""
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("load", key)
        try:
            client.sendmail("sender@example.org", "someone@example.net", CONTENT.format(subject))
        except smtplib.SMTPSenderRefused as error:
            return error.smtp_code, error.smtp_error.decode()
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error.decode()
    return None


def stopped_writer(context):
    """New mail is told to come again, /readyz fails, the log names the process; it goes on by itself; SIGTERM and a start end."""
    sink = context.sink(name="sink-stopped")
    sink.start()
    relay = context.relay("stopped", next_hop_port=sink.port)
    relay.account("load", "--mode", "production", "--plan", "unlimited")
    key = relay.key("load", "--live")
    relay.start()
    check(refusal(relay, key, "before") is None, "a message before")
    wait_until(lambda: len(sink.messages()) == 1, "it is delivered")

    holder = hold(relay)
    refused = refusal(relay, key, "meanwhile")
    check(refused and refused[0] == 451, f"{refused}")
    check(relay.request("GET", "/readyz")[0] == 503, "it is not ready")
    status, answer, _ = relay.request("POST", "/v1/emails", email("http"), key=key)
    check(status == 503, f"{status} {answer}")
    line = rf"storage_stalled environment=spool holder_pid={holder.pid} "
    wait_until(lambda: re.search(line, (relay.folder / "log").read_text()), "the log names the process")
    release(holder)
    wait_until(lambda: relay.request("GET", "/readyz")[0] == 200, "it goes on by itself")
    check(refusal(relay, key, "after") is None, "a message after")
    wait_until(lambda: len(sink.messages()) == 2, "exactly what was acknowledged arrives")

    holder = hold(relay)
    relay.stop()
    relay.launch()
    check(relay.process.wait(60) == 1, "a start beside it ends")
    check(f"process {holder.pid} has held the write lock" in relay.errors(), relay.errors())
    release(holder)
    relay.start()
    check(refusal(relay, key, "at last") is None, "and one after that serves")
    wait_until(lambda: len(sink.messages()) == 3, "exactly what was acknowledged arrives")


def hold(relay):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(relay.folder / "data/spool/lock.mdb")],
                              stdout=subprocess.PIPE, text=True)
    check(holder.stdout.readline() == "inside\n", "the write lock is held")
    return holder


def release(holder):
    holder.send_signal(signal.SIGCONT)
    holder.wait()


def run(context):
    full_file(context)
    accepted = spool_that_was_full(context)
    stopped_writer(context)
    print(f"    {accepted} through a spool at its cap, each delivered; a stopped writer held nobody for good")


def full_file(context):
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
