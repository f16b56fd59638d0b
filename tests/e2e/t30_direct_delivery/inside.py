"""The story's other half, within the laboratory's namespace. usage: inside.py POSTERN FOLDER"""

import concurrent.futures
import ctypes
import datetime
import os
import pathlib
import re
import smtplib
import ssl
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "lab")]
from lab import Lab  # noqa: E402
from support import PEERS, Relay, check, postfix_environment, wait_until  # noqa: E402

PAGE = HERE.parents[3] / "docs/delivery.md"
EXAMPLE = r"^\$ postern explain delivery (\S+)\n(.*?)```"


def of_postfix(domain):
    """posttls-finger's verdict on the first session with the domain, and its words."""
    done = subprocess.run([PEERS / "usr/sbin/posttls-finger", "-l", "dane", "-t", "5", "-T", "5", domain],
                          capture_output=True, text=True, env=postfix_environment())
    said = done.stdout + done.stderr
    words = re.sub(r"posttls-finger: |, (pkey_)?fingerprint=\S+", "", said.strip().replace("\n", " | "))
    # "Trusted" is what it calls a verified host behind MX records that are not signed.
    if re.search("(Verified|Trusted) TLS connection established", said):
        return "verified", words
    if "server certificate verification failed" in said:
        return "refused", words
    if "TLS connection established" in said:
        return "encrypted", words
    return "clear" if "< 250" in said else "none", words


class Story:
    def __init__(self, postern, folder):
        self.folder = pathlib.Path(folder)
        self.lab = Lab(self.folder / "lab")
        relay = self.folder / "relay"
        relay.mkdir()
        extra = ('allow_special_destinations = true\nresolver_addresses = ["127.0.0.1"]\nresolver_timeout_seconds = 5\n'
                 f'resolver_trust_anchor_file = "{self.lab.anchor}"\n')
        self.relay = Relay(postern, relay, extra=extra)
        os.environ["SSL_CERT_FILE"] = str(self.lab.certificates.ca)  # what the machine trusts
        text = self.relay.config.read_text().replace("relay.postern.test", "relay.lab.sec")
        self.relay.config.write_text(text + f'\n[[route]]\nname = "world"\ndomains = ["*"]\ndeliver = "mx"\n')
        self.relay.start()
        account = self.relay.account("demo", "--mode", "production", "--per-second", "unlimited")
        self.key = self.relay.key(account, "--name", "k", "--live")

    def send(self, recipient, headers="", options=()):
        with smtplib.SMTP("127.0.0.1", self.relay.starttls) as client:
            client.ehlo("client.test")
            client.starttls(context=ssl._create_unverified_context())
            client.ehlo("client.test")
            client.login("k", self.key)
            code, words = client.mail("sender@plain.ins", list(options))
            check(code == 250, f"MAIL for {recipient}: {code} {words}")
            code, words = client.rcpt(recipient)
            check(code == 250, f"RCPT {recipient}: {code} {words}")
            code, words = client.data(f"From: sender@plain.ins\r\nSubject: lab\r\n{headers}\r\nbody\r\n".encode())
            check(code == 250, f"DATA for {recipient}: {code} {words}")
        return re.search(rb"[0-9A-Za-z]{20,}", words)[0].decode()

    def state(self, message):
        recipient = self.relay.json("message", "show", message)["recipients"][0]
        if recipient["stage"] != "pending":
            return recipient
        return recipient if recipient["attempts"] > 0 else None

    def explain(self, domain):
        return self.relay.json("explain", "delivery", f"user@{domain}")

    def run_examples(self):
        """The examples of docs/delivery.md are what the command prints; with POSTERN_WRITE_EXAMPLES set they are made so."""
        text = PAGE.read_text()
        said = re.findall(EXAMPLE, text, re.M | re.S)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            outputs = list(pool.map(lambda one: self.relay.cli("explain", "delivery", one[0]), said))
        wrong = [(address, words, now) for (address, words), now in zip(said, outputs) if words.strip() != now]
        if os.environ.get("POSTERN_WRITE_EXAMPLES"):
            for address, words, now in wrong:
                command = f"$ postern explain delivery {address}\n"
                text = text.replace(f"{command}{words}```", f"{command}{now}\n```")
            PAGE.write_text(text)
            return []
        return [f"docs/delivery.md: {address}: has\n{words}and it prints\n{now}" for address, words, now in wrong] + (
            [] if len(said) >= 10 else [f"docs/delivery.md has {len(said)} examples"])

    def run(self):
        failures = self.run_examples()
        sent = {f.domain: self.send(f"user@{f.domain}") for f in self.lab.fixtures}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            explained = dict(zip(sent, pool.map(self.explain, sent)))
            postfix = dict(zip(sent, pool.map(of_postfix, sent)))
        for fixture in self.lab.fixtures:
            domain = fixture.domain
            if fixture.sts:
                postfix[domain] = (fixture.postfix, "knows no MTA-STS")
            state = wait_until(lambda: self.state(sent[domain]), f"an attempt at {domain}")
            outcome = {"pending": "deferred"}.get(state["stage"], state["stage"])
            level = next((h["level"] for h in explained[domain].get("hosts", []) if "level" in h), "")
            verdict, words = postfix[domain]
            wanted = (fixture.outcome, fixture.level, fixture.postfix)
            status = str(state["status"])
            print(f"    {domain:22} {outcome:9} {level:13} posttls-finger: {verdict:9} {fixture.differs}", flush=True)
            if (outcome, level, verdict) != wanted or fixture.status not in status:
                failures.append(f"{domain}: {(outcome, level, verdict)}, wanted {wanted}; {status}; Postfix: {words}")
            if not agrees(outcome, level, verdict) and not fixture.differs and not fixture.sts:
                failures.append(f"{domain}: Postfix differs: {(outcome, level, verdict)}: {words}")
            host = self.lab.mail.get(fixture.arrives_at or domain)
            got = [m for m in (host.messages if host else []) if f"<user@{domain}>" in str(m["rcpt"])]
            if [m["tls"] for m in got] != ([verdict != "clear"] if outcome == "delivered" else []):
                failures.append(f"{domain}: the host has {[(m['rcpt'], m['tls']) for m in got]}")
        return failures + self.run_traces() + self.run_demands() + self.run_restart() + self.run_reports() + self.run_told()

    def run_traces(self):
        """`postern trace` has the session that delivery would have, up to RCPT, and leaves nothing behind."""
        before = {name: len(host.messages) for name, host in self.lab.mail.items()}
        failures = []
        for domain, status, parts in (
                ("ee.sec", 0, ["> STARTTLS", "> RCPT TO:<user@ee.sec>", "* this went by TLS", "would take mail"]),
                ("clear.sec", 0, ["> MAIL FROM:<>", "> RCPT TO:<user@clear.sec>", "* this went in the clear", "> QUIT"]),
                ("wrong.sec", 1, ["> STARTTLS", "no mail for user@wrong.sec: 454 4.7.5"]),
                ("null.sec", 1, ["no mail for user@null.sec: 556 5.1.10"])):
            said = self.relay.cli("trace", f"user@{domain}", expect=status)
            if not all(part in said for part in parts) or "DATA" in said or "BDAT" in said:
                failures.append(f"trace {domain}: {said}")
        if before != {name: len(host.messages) for name, host in self.lab.mail.items()}:
            failures.append("a trace delivered something")
        return failures

    def run_reports(self):
        """What a TLS report of the day would say (RFC 8460); written at the relay's end, at the latest."""
        rows = [  # domain, whose policy it was, what the report says of the sessions
            ("ee.sec", "tlsa", None),
            ("wrong.sec", "tlsa", "validation-failure"),
            ("stripped.sec", "tlsa", "starttls-not-supported"),
            ("tlsafail.sec", "tlsa", "dnssec-invalid"),
            ("stsgood.ins", "sts", None),
            ("stsself.ins", "sts", "certificate-not-trusted"),
            ("stsname.ins", "sts", "certificate-host-mismatch"),
            ("stsexpired.ins", "sts", "certificate-expired"),
            ("stsclear.ins", "sts", "starttls-not-supported"),
            ("stsother.ins", "sts", "validation-failure"),
            ("stsaway.ins", "sts", "sts-policy-fetch-error"),
            ("plain.ins", "no-policy-found", None),
            ("clear.sec", "no-policy-found", "starttls-not-supported"),
        ]
        self.relay.stop()
        failures = []
        for domain, policy_type, failure in rows:
            days = self.relay.json("explain", "tls", domain)["days"]
            policies = [p for day in days for p in day["policies"]]
            types = {p["policy_type"] for p in policies}
            told = {f["result_type"] for p in policies for f in p["failures"]}
            is_good = any(p["successful_session_count"] for p in policies)
            if types != {policy_type} or told != ({failure} - {None}) or is_good != (failure is None):
                failures.append(f"TLS report of {domain}: {policies}, wanted {policy_type}, {failure}")
        if self.relay.json("explain", "tls", "null.sec")["days"]:
            failures.append("a domain without sessions has a TLS report")
        return failures

    def run_told(self):
        """What was seen the day before is told to who asks for it, once, and nothing is noted of the telling (RFC 8460)."""
        today = datetime.datetime.now(datetime.timezone.utc).date()
        yesterday = today - datetime.timedelta(days=1)
        redate(self.relay.folder / "data/notebook", str(today), str(yesterday))
        text = self.relay.config.read_text()
        self.relay.config.write_text(f'tls_report_from = "tls@relay.lab.sec"\ntls_report_spread_minutes = 0\n{text}')
        mail, web = self.lab.mail["plain.ins"], self.lab.web["stsgood.ins"]

        def mails():
            return [m for m in mail.messages if "<tls@plain.ins>" in str(m["rcpt"])]

        def posts():
            return [body for head, body in web.requests if head.startswith("POST /report ")]

        failures = []
        for start in range(2):
            self.relay.start()
            wait_until(lambda: mails() and posts(), "the reports of yesterday")
            message = self.send(f"last{start}@clear.sec")
            wait_until(lambda: self.state(message), "another message")
            self.relay.stop()
            if (len(mails()), len(posts())) != (1, 1):
                failures.append(f"after start {start}: {len(mails())} mails, {len(posts())} posts")
        for name, octets in (("mail", mails()[0]["content"]), ("post", posts()[0])):
            (self.folder / name).write_bytes(octets)
        for name, domain, failure in (("mail", "wrong.sec", "validation-failure"),
                                      ("post", "stsself.ins", "certificate-not-trusted")):
            report = self.relay.json("inbound", "report", str(self.folder / name))
            told = {(p["policy_domain"], f["result_type"]) for p in report["policies"] for f in p["failures"]}
            if report["begin"] != f"{yesterday}T00:00:00Z" or told != {(domain, failure)}:
                failures.append(f"the report by {name}: {report}")
        if b"TLS-Report-Domain: wrong.sec" not in mails()[0]["content"] or "<>" not in mails()[0]["mail"]:
            failures.append(f"the report's mail: {mails()[0]}")
        if [day["day"] for day in self.relay.json("explain", "tls", "plain.ins")["days"]] != [str(yesterday)]:
            failures.append("a report's own session was noted for a report")
        return failures

    def run_restart(self):
        """A policy outlives the process that fetched it, and its host."""
        host = self.lab.web["stsself.ins"]
        failures = [] if len(host.requests) == 2 else [f"stsself.ins: fetched {len(host.requests)} times, by relay and explain"]
        host.response = b"HTTP/1.1 500 Gone\r\nContent-Length: 0\r\n\r\n"
        self.relay.stop()
        self.relay.start()
        message = self.send("again@stsself.ins")
        state = wait_until(lambda: self.state(message), "an attempt after the restart")
        if state["stage"] != "pending" or "4.7.5 TLS failed" not in str(state["status"]) or len(host.requests) != 2:
            failures.append(f"after the restart: {state}, {len(host.requests)} requests")
        return failures

    def run_demands(self):
        """What a message asks for overrides what is published (RFC 8689)."""
        rows = [  # recipient, TLS-Required, REQUIRETLS, outcome, the host that gets it, a part of the status
            ("dear@promise.sec", False, True, "delivered", "promise.sec", "250"),
            ("dear@second.sec", False, True, "delivered", "promise.sec", "250"),
            ("dear@ee.sec", False, True, "bounced", None, "550 5.7.30"),
            ("dear@plain.ins", False, True, "bounced", None, "550 5.7.30"),
            ("dear@plain.sec", False, True, "deferred", None, "4.7.5"),
            ("dear@wrong.sec", True, False, "delivered", "wrong.sec", "250"),
            ("dear@stripped.sec", True, False, "delivered", "stripped.sec", "250"),
            ("dear@wrong.sec", True, True, "deferred", None, "4.7.5"),
        ]
        failures = []
        for number, (recipient, is_careless, requires, outcome, host, status) in enumerate(rows):
            recipient = f"{number}{recipient}"
            message = self.send(recipient, "TLS-Required: No\r\n" if is_careless else "", ["REQUIRETLS"] if requires else [])
            state = wait_until(lambda: self.state(message), f"an attempt at {recipient}")
            came_to = {"pending": "deferred"}.get(state["stage"], state["stage"])
            got = [m for h in self.lab.mail.values() for m in h.messages if f"<{recipient}>" in str(m["rcpt"])]
            is_kept = all(("REQUIRETLS" in m["mail"]) == requires for m in got)
            is_there = not got if host is None else [m in self.lab.mail[host].messages for m in got] == [True]
            if came_to != outcome or status not in str(state["status"]) or not is_there or not is_kept:
                failures.append(f"{recipient}: {came_to}, {state['status']}, hosts have {got}")
        return failures


def redate(notebook, before, after):
    """Puts a day's TLS results under another day, with LMDB itself: no clock of the machine's has to move."""
    lmdb = ctypes.CDLL("liblmdb.so.0")

    class Value(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_void_p)]

    def done(code):
        check(code == 0, f"LMDB: {code}")

    def of(octets):
        return Value(len(octets), ctypes.cast(ctypes.create_string_buffer(octets, len(octets)), ctypes.c_void_p))

    environment, transaction, cursor = (ctypes.c_void_p() for _ in range(3))
    table = ctypes.c_uint()
    done(lmdb.mdb_env_create(ctypes.byref(environment)))
    done(lmdb.mdb_env_set_maxdbs(environment, 16))
    done(lmdb.mdb_env_set_mapsize(environment, ctypes.c_size_t(512 << 20)))
    done(lmdb.mdb_env_open(environment, str(notebook).encode(), 0, 0o600))
    done(lmdb.mdb_txn_begin(environment, None, 0, ctypes.byref(transaction)))
    done(lmdb.mdb_dbi_open(transaction, b"tls_results", 0, ctypes.byref(table)))
    done(lmdb.mdb_cursor_open(transaction, table, ctypes.byref(cursor)))
    rows, key, value = [], Value(), Value()
    while lmdb.mdb_cursor_get(cursor, ctypes.byref(key), ctypes.byref(value), 8) == 0:  # MDB_NEXT
        rows.append((ctypes.string_at(key.data, key.size), ctypes.string_at(value.data, value.size)))
    lmdb.mdb_cursor_close(cursor)
    for name, octets in rows:
        if name.startswith(before.encode()):
            done(lmdb.mdb_del(transaction, table, ctypes.byref(of(name)), None))
            done(lmdb.mdb_put(transaction, table, ctypes.byref(of(name.replace(before.encode(), after.encode(), 1))),
                              ctypes.byref(of(octets)), 0))
    done(lmdb.mdb_txn_commit(transaction))
    lmdb.mdb_env_close(environment)


def agrees(outcome, level, verdict):
    """What our verdict has to be where Postfix' is this one."""
    return {"verified": outcome == "delivered" and level == "dane",
            "encrypted": outcome == "delivered" and level in ("opportunistic", "encrypted"),
            "clear": outcome == "delivered" and level == "opportunistic",
            "refused": outcome == "deferred",
            "none": outcome != "delivered"}[verdict]


def main():
    story = Story(*sys.argv[1:3])
    try:
        failures = story.run()
    finally:
        story.relay.stop()
        story.lab.stop()
    print("\n".join(failures), file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
