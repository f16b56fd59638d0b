"""A run's script at each stage, over unmodified SMTP and over HTTP; its clock, moved; the same journal for the same seed."""

import smtplib
import time

from support import check

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


def run(context):
    relay = context.relay()
    relay.account("team")
    runs = Runs(relay, relay.key("team", "--test", "--permission", "full_access"))
    relay.start()
    towards_the_client(runs)
    as_the_next_hop(runs)
    five_days(runs)
    same_again(runs)
    relay.stop()
