"""A run's script at each stage, over unmodified SMTP and over HTTP; its clock, moved, with the webhooks, suppressions and keys that
go by it; the same journal for the same seed, here, after a restart and played again from a file."""

import base64
import datetime
import http.server
import json
import smtplib
import threading
import time

from support import check, free_port, wait_until

ANN = "ann@example.org"


class Runs:
    def __init__(self, relay, key):
        self.relay, self.key = relay, key

    def make(self, name, script=None, **given):
        body = {"run": name, **given, **({"script": script} if script else {})}
        status, run, _ = self.relay.request("POST", "/v1/test/runs", body, self.key)
        check(status == 201, f"{name}: {status} {run}")
        return name

    def ask(self, run, question, **body):
        status, answer, _ = self.relay.request("POST", f"/v1/test/runs/{run}/{question}", body, self.key)
        check(status == 200, f"{question}: {status} {answer}")
        return answer

    def journal(self, run):
        return self.relay.request("GET", f"/v1/test/runs/{run}/journal", None, self.key)[1]

    def client(self, run):
        client = smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=60)
        client.ehlo()
        client.login(run, self.key)
        return client

    def send(self, run, to=ANN, subject="Hello", notify=()):
        with self.client(run) as client:
            content = f"From: app@example.com\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello\r\n"
            client.sendmail("app@example.com", [to], content, rcpt_options=notify)


def rules(*of):
    return {"name": "of the story", "rules": list(of)}


def refused(action):
    """The reply that a client got."""
    try:
        action()
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, error.smtp_error.decode()
    except smtplib.SMTPRecipientsRefused as error:
        code, text = list(error.recipients.values())[0]
        return code, text.decode()
    return None


def towards_the_client(runs):
    for stage in ("auth", "mail", "rcpt", "data", "content"):
        times = 2 if stage == "auth" else 1  # smtplib tries LOGIN after PLAIN
        run = runs.make(f"at-{stage}", rules({"stage": stage, "times": times, "reply": f"451 4.7.1 Not at {stage}"}))
        first = refused(lambda: runs.send(run))
        check(first == (451, f"4.7.1 Not at {stage}"), f"{stage}: {first}")
        runs.send(run)
        check(runs.ask(run, "wait", timeout_seconds=30)["count"] == 1, f"{stage}: what was refused was not kept")
        check([m["stage"] for m in runs.journal(run)["matches"]] == [stage] * times, "the journal has the match")
    # The connection ends after the final dot; the message is there, and the client does not know.
    for how in ("fin", "rst"):
        run = runs.make(f"lost-{how}", rules({"stage": "content", "times": 1, "drop": how}))
        try:
            runs.send(run)
            check(False, "the client got an answer")
        except (smtplib.SMTPServerDisconnected, ConnectionResetError):
            pass
        check(runs.ask(run, "wait", timeout_seconds=30)["count"] == 1, f"{how}: the message was kept")
        runs.send(run)
        check(runs.ask(run, "wait", count=2, timeout_seconds=30)["met"], "which is how duplicates come about")
    run = runs.make("slow", rules({"stage": "rcpt", "delay_ms": 700}))
    began = time.monotonic()
    runs.send(run)
    check(time.monotonic() - began >= 0.7, "RCPT took its time")
    run = runs.make("rate", "rate-limit")
    codes = [refused(lambda: runs.send(run)) for _ in range(12)]
    check(codes[:10] == [None] * 10 and codes[10][0] == codes[11][0] == 451, f"the eleventh is too fast: {codes}")
    run = runs.make("greylist", "greylisting-client")
    check(refused(lambda: runs.send(run))[0] == 451 and refused(lambda: runs.send(run)) is None, "greylisted once")
    run = runs.make("over-http", rules({"stage": "rcpt", "to": ANN, "reply": "550 5.1.1 No such user"}))
    status, answer, _ = runs.relay.request("POST", "/v1/emails", {"from": "app@example.com", "to": [ANN], "subject": "x",
                                                                  "text": "x", "run": run}, runs.key)
    check(status == 422 and "No such user" in answer["message"], f"over HTTP: {status} {answer}")
    wrong = {"script": {"rules": [{"stage": "x"}, {"stage": "rcpt", "reply": "250 ok"}]}}
    status, answer, _ = runs.relay.request("POST", "/v1/test/runs", wrong, runs.key)
    check(status == 422 and all(word in answer["message"] for word in ("rules[0].stage", "rules[1].reply")), f"{answer}")


def before_anybody_said_who_he_is(runs, port):
    """On a listener of the run's own: the greeting and EHLO."""
    run = runs.make("front", rules({"stage": "connect", "times": 1, "reply": "421 4.3.2 Not now"},
                                   {"stage": "ehlo", "times": 1, "reply": "421 4.3.2 Not you"},
                                   {"stage": "connect", "times": 3, "drop": "rst"},
                                   {"stage": "delivery", "attempt": 1, "tls": "missing"},
                                   {"stage": "delivery", "attempt": 2, "tls": "bad_certificate"}))

    def send():
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.login(run, runs.key)
            client.sendmail("app@example.com", [ANN], "Subject: Hello\r\n\r\nHello\r\n")

    def greeted():
        try:
            send()
            return None
        except (smtplib.SMTPServerDisconnected, ConnectionResetError):
            return "dropped"
        except smtplib.SMTPResponseException as error:
            return error.smtp_code, error.smtp_error.decode()

    fates = [greeted() for _ in range(4)]
    check(fates == [(421, "4.3.2 Not now"), "dropped", "dropped", "dropped"], f"{fates}")
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        check(client.docmd("EHLO", "story") == (421, b"4.3.2 Not you"), "at EHLO")
    send()
    check(runs.ask(run, "wait", status="delivered", timeout_seconds=60)["met"], "at the third attempt")
    message = runs.journal(run)["messages"][0]
    replies = [event["reply"] for event in message["events"] if event["type"] == "email.delivery_delayed"]
    check(len(replies) == 2 and "STARTTLS" in replies[0] and "certificate" in replies[1], f"as live mail's: {replies}")
    runs.client("elsewhere-" + run).quit()  # other listeners know nothing of it
    mail = runs.ask(run, "wait")["data"][0]
    status, transcript, _ = runs.relay.request("GET", f"/v1/test/runs/{run}/transcripts/{mail['id']}", None, runs.key)
    lines = transcript["lines"]
    check(status == 200 and lines[0].startswith("S: 220 ") and lines[-1].startswith("S: 250 2.0.0"), f"{status} {lines}")
    check("C: (content)" in lines and any(line.lower().startswith("c: rcpt to:<ann@") for line in lines), f"{lines}")
    secret = base64.b64encode(f"\0{run}\0{runs.key}".encode()).decode()
    text = "\n".join(lines)
    check("C: AUTH PLAIN" in lines and runs.key not in text and secret not in text and "Hello" not in text, f"no secret: {lines}")


def as_the_next_hop(runs):
    run = runs.make("greylisting", "greylisting")
    runs.send(run)
    check(runs.ask(run, "wait", to=ANN, status="delivered", timeout_seconds=60)["met"], "delivered at the third attempt")
    events = runs.journal(run)["messages"][0]["events"]
    check([e["type"] for e in events].count("email.delivery_delayed") == 2, f"{events}")
    run = runs.make("full", "full-mailbox")
    runs.send(run)
    check(runs.ask(run, "wait", kind="notice", to="app@example.com", timeout_seconds=60)["met"], "a bounce for the application")


def five_days(runs):
    run = runs.make("days", "outage", clock=True)
    runs.send(run, notify=["NOTIFY=FAILURE,DELAY"])
    check(runs.ask(run, "wait", status="delivery_delayed", timeout_seconds=60)["met"], "the first attempt is made at once")
    began = time.monotonic()
    advance = runs.ask(run, "advance", seconds=5 * 86400 + 3600)
    took = time.monotonic() - began
    print(f"  five days: {advance['steps']} attempts in {1000 * took:.0f} ms")
    types = [e["type"] for e in advance["events"]]
    check(types[-1] != "email.delivery_delayed" and advance["next_due"] is None, f"{advance}")
    times = [e["created_at"] for e in advance["events"]]
    check(times == sorted(times), "in the order of time")
    notices = runs.ask(run, "wait", kind="notice", count=2, timeout_seconds=0)
    check(notices["met"], f"a notice of the delay and one of the failure: {notices}")
    listed = runs.relay.request("GET", f"/v1/emails?run={run}", None, runs.key)[1]["data"]
    check(listed[0]["last_event"] == "failed", f"given up for its age: {listed}")
    step = runs.make("steps", "short-outage", clock=True)
    runs.send(step)
    runs.ask(step, "wait", status="delivery_delayed", timeout_seconds=60)
    steps = 0
    while runs.ask(step, "advance", next=True)["next_due"]:
        steps += 1
        check(steps < 10, "it is delivered at the sixth attempt")
    check(runs.ask(step, "wait", status="delivered", timeout_seconds=0)["met"] and steps == 4, f"{steps}")
    back = runs.relay.request("POST", f"/v1/test/runs/{step}/advance", {"to": "2020-01-01T00:00:00Z"}, runs.key)
    check(back[0] == 422, f"never back: {back}")


def same_again(runs):
    """Two runs with one seed, and one with another."""
    script = rules({"stage": "rcpt", "chance": 0.3, "reply": "450 4.2.0 Busy"}, {"stage": "delivery", "chance": 0.6,
                                                                                "reply": "421 4.3.2 Down"})
    journals = []
    for name, seed in (("one", 11), ("two", 11), ("three", 12)):
        runs.make(name, script, seed=seed, clock=True)
        for number in range(10):
            refused(lambda number=number: runs.send(name, f"user{number}@example.org", f"Mail {number}"))
            runs.ask(name, "advance", seconds=300)
        runs.ask(name, "advance", seconds=86400)
        journal = runs.journal(name)
        check(journal.pop("run") == name, "its own")
        journals.append(journal)
    check(journals[0] == journals[1], "the same journal")
    check(journals[0] != journals[2] and len(journals[0]["matches"]) > 3, "another seed, another course")


class Receiver:
    """Of webhooks: answers as it is told, and keeps what it was asked."""

    def __init__(self):
        self.status, self.asked = 500, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.asked.append((event["type"], event["data"]["email_id"], receiver.status))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


def parsed(time_text):
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00"))


def webhooks_by_the_clock(runs):
    """What a receiver does not take is offered again when the run's clock gets there, and not before."""
    receiver = Receiver()
    status, made, _ = runs.relay.request("POST", "/v1/webhooks", {"endpoint": receiver.url, "environment": "test",
                                                                  "events": ["email.sent", "email.delivered"]}, runs.key)
    check(status == 201, f"{status} {made}")
    run = runs.make("hooks", clock=True)
    runs.send(run)
    wait_until(lambda: receiver.asked, "the first attempt is made at once", 60)
    check(runs.ask(run, "wait", status="delivered", timeout_seconds=60)["met"], "delivery does not wait for the receiver")
    hour = runs.ask(run, "advance", seconds=3600)
    check(len(hour["webhooks"]) >= 4 and all(w["status"] == 500 and w["type"] == "email.sent" for w in hour["webhooks"]),
          f"the first event is offered again and again, the second waits for it: {hour['webhooks']}")
    times = [parsed(w["at"]) for w in hour["webhooks"]]
    gaps = [(after - before).total_seconds() for before, after in zip(times, times[1:])]
    check(times == sorted(times) and gaps == sorted(gaps), f"in the order of time, ever later: {gaps}")
    check(all(low <= gap <= 1.2 * low + 0.01 for gap, low in zip(gaps, (30, 120, 600, 1800))), f"the live schedule: {gaps}")
    check(hour["next_due"] and not hour["has_more"], f"{hour['next_due']}")
    asked = len(receiver.asked)
    runs.relay.stop()  # what waits survives
    runs.relay.start()
    receiver.status = 200
    check(len(receiver.asked) == asked, "the wall clock moves none of it")
    following = runs.ask(run, "advance", next=True)
    check([w["status"] for w in following["webhooks"]] == [200, 200], f"both events are taken: {following['webhooks']}")
    kinds = [kind for kind, _, _ in receiver.asked[-2:]]
    check(parsed(following["now"]) > times[-1] and kinds == ["email.sent", "email.delivered"], f"{following} {kinds}")
    check(runs.ask(run, "advance", seconds=86400)["webhooks"] == [], "and told once")
    status, answer, _ = runs.relay.request("DELETE", f"/v1/webhooks/{made['id']}", None, runs.key)
    check(status in (200, 204), f"{status} {answer}")


def ends_by_the_clock(runs):
    """Suppressions of a run and the end of a key, in the run's time."""
    run = runs.make("ends", clock=True)
    nobody = "bounced@simulator.postern.test"
    runs.send(run, nobody)
    check(runs.ask(run, "wait", status="bounced", timeout_seconds=60)["met"], "the first one bounces")
    runs.send(run, nobody)
    check(runs.ask(run, "wait", status="suppressed", timeout_seconds=60)["met"], "the second one is not attempted")
    check([s["reason"] for s in runs.journal(run)["suppressions"]] == ["bounce"], "the journal says so")
    elsewhere = runs.make("elsewhere", clock=True)
    runs.send(elsewhere, nobody)
    check(runs.ask(elsewhere, "wait", status="bounced", timeout_seconds=60)["met"], "another run has another list")
    ending = runs.relay.key("team", "--test", "--expires", "1d")
    mine = Runs(runs.relay, ending)
    mine.send(run)
    runs.ask(run, "advance", seconds=2 * 86400)
    check(refused(lambda: mine.send(run))[0] == 535, "two days later, in the run's time, the key has ended")
    mine.send(elsewhere)


def played_again(runs):
    """A run as a file, and what this version and this configuration make of it."""
    run = runs.make("exported", rules({"stage": "rcpt", "times": 1, "reply": "450 4.2.0 Busy"},
                                      {"stage": "delivery", "chance": 0.7, "reply": "421 4.3.2 Down"}), seed=5, clock=True)
    refused(lambda: runs.send(run))
    for number in range(4):
        runs.send(run, f"user{number}@example.org", f"Mail {number}")
        runs.ask(run, "advance", seconds=900)
    runs.ask(run, "advance", seconds=6 * 86400)
    before = runs.journal(run)
    runs.relay.stop()
    runs.relay.start()
    check(runs.journal(run) == before and before["match_counts"][0] == 1, "a restart forgets no match")
    status, exported, _ = runs.relay.request("GET", f"/v1/test/runs/{run}/export", None, runs.key)
    check(status == 200 and len(exported["mails"]) == 4, f"{status}")
    file = runs.relay.folder / "exported.json"
    file.write_text(runs.relay.cli("run", "export", run))
    check(json.loads(file.read_text())["journal"] == exported["journal"], "the command line has the same file")
    replayed = runs.relay.json("run", "replay", str(file))
    check(replayed["same"] and replayed["differences"] == [], f"{replayed['differences']}")
    exported["journal"]["messages"][2]["events"][1]["reply"] = "421 4.3.2 Up"
    file.write_text(json.dumps(exported))
    failed = runs.relay.cli("run", "replay", str(file), expect=1)
    check("message 3, event 2" in failed and "421 4.3.2 Up" in failed, f"{failed}")


def run(context):
    front = free_port()
    relay = context.relay(extra=f'''webhook_allow_http = true
webhook_allowed_networks = ["127.0.0.1"]
[[listener]]
address = "127.0.0.1"
port = {front}
tls = "none"
allow_auth_without_tls = true
run = "team/front"''')
    relay.account("team")
    runs = Runs(relay, relay.key("team", "--test", "--permission", "full_access"))
    relay.start()
    towards_the_client(runs)
    before_anybody_said_who_he_is(runs, front)
    as_the_next_hop(runs)
    five_days(runs)
    same_again(runs)
    webhooks_by_the_clock(runs)
    ends_by_the_clock(runs)
    played_again(runs)
    relay.stop()
