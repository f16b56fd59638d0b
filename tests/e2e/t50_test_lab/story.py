"""Test runs: waiting for mail that is not there yet, what is in it, what is expected of it; 200 runs side by side."""

import base64
import concurrent.futures
import json
import smtplib
import threading
import time

from support import check

RUNS = 200
RECIPIENT = "ann@example.org"


def send(relay, run, key, subject, text="Hello", to=RECIPIENT):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo()
        client.login(run, key)
        client.sendmail("app@example.com", [to], f"From: app@example.com\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{text}\r\n")


def ask(relay, key, run, question, body):
    status, answer, _ = relay.request("POST", f"/v1/test/runs/{run}/{question}", body, key)
    check(status == 200, f"{question}: {status} {answer}")
    return answer


def waits(relay, key):
    """Held until the mail comes; and for no longer than asked."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(
        (ask(relay, key, "held", "wait", {"to": RECIPIENT, "subject": "second", "timeout_seconds": 60}), time.monotonic())))
    thread.start()
    send(relay, "held", key, "First")
    thread.join(0.5)
    check(not answers, f"the first mail is not the one: {answers}")
    send(relay, "held", key, "Second")
    sent = time.monotonic()
    thread.join(60)
    check(answers and answers[0][0]["met"] and answers[0][0]["data"][0]["subject"] == "Second", f"{answers}")
    print(f"  wait answered {1000 * (answers[0][1] - sent):.1f} ms after the client had its 250 and had said QUIT")
    before = ask(relay, key, "held", "wait", {"subject": "first", "timeout_seconds": 0})
    check(before["met"], "a wait sees mail of before the call")
    began = time.monotonic()
    missed = ask(relay, key, "held", "wait", {"to": "eve@example.org", "timeout_seconds": 1})
    check(not missed["met"] and time.monotonic() - began >= 1, f"it was held for a second: {missed}")
    check("none is mail, to eve@example.org" in missed["message"] and len(missed["near_misses"]) == 2, f"{missed}")
    delivered = ask(relay, key, "held", "wait", {"to": RECIPIENT, "status": "delivered", "count": 2, "timeout_seconds": 60})
    check(delivered["met"], f"{delivered}")


def bounces(relay, key):
    """The relay's own notices are the run's, too, and no mail of it."""
    send(relay, "bounces", key, "To nobody", to="bounced@simulator.postern.test")
    notice = ask(relay, key, "bounces", "wait", {"kind": "notice", "to": "app@example.com", "timeout_seconds": 60})
    check(notice["met"] and notice["count"] == 1, f"{notice}")
    check(ask(relay, key, "bounces", "wait", {"timeout_seconds": 0})["count"] == 1, "one mail")
    listed = relay.request("GET", "/v1/emails?run=bounces", None, key)[1]["data"]
    check([e["subject"] for e in listed] == ["To nobody"], f"{listed}")


def expectations(relay, key, folder):
    send(relay, "signup", key, "Your code", "Your code is 481516, or open https://app.example.com/confirm?t=abc")
    extracted = ask(relay, key, "signup", "extract", {"subject": "code", "timeout_seconds": 60})
    check(extracted["code"] == "481516" and extracted["links"][0]["url"] == "https://app.example.com/confirm?t=abc", f"{extracted}")
    expected = {"expect": [{"name": "the code", "subject": "your code", "count": 1, "code": True, "sound_lines": True,
                            "link": "https://app.example.com/*", "status": "delivered"},
                           {"name": "no other mail", "to": "eve@example.org", "count": 0}]}
    verdicts = ask(relay, key, "signup", "assert", {**expected, "timeout_seconds": 60})
    check(verdicts["passed"] and verdicts["tap"].startswith("TAP version 14\n1..2\nok 1 - the code\n"), f"{verdicts}")
    file = folder / "expected.json"
    file.write_text(json.dumps(expected))
    check("ok 2 - no other mail" in relay.cli("run", "assert", "signup", str(file)), "by the command line")
    expected["expect"][0]["text"] = "something else"
    file.write_text(json.dumps(expected))
    check("not ok 1 - the code" in relay.cli("run", "assert", "signup", str(file), expect=1), "it does not hold")
    check("481516" in relay.cli("run", "extract", "signup"), "codes by the command line")
    check("Your code" not in relay.cli("run", "wait", "signup", "--subject", "other", "--timeout", "0", expect=1), "none")
    check(len(relay.json("run", "wait", "signup", "--subject", "code", "--status", "delivered")) == 1, "one")


def side_by_side(relay, key):
    """Each of 200 runs waits for its own mail to the one recipient, and sees no other's."""
    def one(number):
        run = f"ci-{number}"
        made = relay.request("POST", "/v1/test/runs", {"run": run, "label": f"job {number}"}, key)
        check(made[0] == 201, f"{made}")
        send(relay, run, key, f"Mail of {number}", f"Your code is {100000 + number}")
        met = ask(relay, key, run, "wait", {"to": RECIPIENT, "timeout_seconds": 60})
        check(met["met"] and met["count"] == 1 and met["data"][0]["codes"][0]["code"] == str(100000 + number), f"{run}: {met}")
        return met["data"][0]["id"]

    with concurrent.futures.ThreadPoolExecutor(RUNS) as pool:
        ids = list(pool.map(one, range(RUNS)))
    check(len(set(ids)) == RUNS, "each has a mail of its own")
    runs = relay.request("GET", "/v1/test/runs", None, key)[1]["data"]
    check(sum(r["run"].startswith("ci-") and r["messages"] == 1 for r in runs) == RUNS, "all are listed")
    check(relay.request("DELETE", "/v1/test/runs/ci-7", None, key)[0] == 200, "one is deleted")
    check(relay.request("GET", "/v1/test/runs/ci-7", None, key)[0] == 404, "and gone")
    check(ask(relay, key, "ci-8", "wait", {"timeout_seconds": 0})["count"] == 1, "the others are not")


def as_mailpit(relay, key):
    """The same run for readers of Mailpit's API, who know no tokens but a user name and a password."""
    basic = {"Authorization": "Basic " + base64.b64encode(f"pit:{key}".encode()).decode()}

    def get(path, method="GET", body=None):
        status, answer, fields = relay.request(method, f"/mailpit/pit/api/v1/{path}", body, None, basic)
        check(status == 200, f"{path}: {status} {answer}")
        return answer, fields

    send(relay, "pit", key, "One", "Your code is 481516")
    send(relay, "pit", key, "Two")
    send(relay, "other-pit", key, "Three")
    listed = get("messages?limit=1")[0]
    check((listed["total"], listed["messages_count"], listed["count"]) == (2, 2, 1), f"{listed}")
    check(listed["messages"][0]["Subject"] == "Two" and listed["messages"][0]["To"][0]["Address"] == RECIPIENT, f"{listed}")
    found = get("search?query=subject%3Aone+481516")[0]["messages"]
    check([m["Subject"] for m in found] == ["One"], f"{found}")
    message = get("message/" + found[0]["ID"])[0]
    check("481516" in message["Text"] and message["From"]["Address"] == "app@example.com", f"{message}")
    check(get("message/latest")[0]["Subject"] == "Two", "the latest")
    check(get(f"message/{found[0]['ID']}/headers")[0]["Subject"] == ["One"], "its header")
    check(b"481516" in get(f"message/{found[0]['ID']}/raw")[0], "its octets")
    check(relay.request("GET", f"/mailpit/other-pit/api/v1/message/{found[0]['ID']}", None, None, basic)[0] == 404, "another run")
    check(relay.request("GET", "/v1/test/runs", None, None, basic)[0] == 401, "a password is for these endpoints only")
    get("messages", "DELETE", {"IDs": [found[0]["ID"]]})
    check(get("messages")[0]["total"] == 1, "one is deleted")
    get("messages", "DELETE")
    check(get("messages")[0]["total"] == 0, "all are")
    check(ask(relay, key, "other-pit", "wait", {"timeout_seconds": 0})["count"] == 1, "and none of another run")


def run(context):
    relay = context.relay()
    relay.account("team")
    key = relay.key("team", "--test", "--permission", "full_access")
    relay.start()
    waits(relay, key)
    bounces(relay, key)
    expectations(relay, key, relay.folder)
    as_mailpit(relay, key)
    side_by_side(relay, key)
    relay.stop()
