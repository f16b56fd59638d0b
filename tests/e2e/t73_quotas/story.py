"""Three nodes share an account's quota and its rate: together they take what one machine would, whoever is asked; a crash costs a
lease at most; and while the database is away each has its share of what was free, and no more."""

import concurrent.futures
import smtplib
import subprocess
import time

from postgres import PATIENCE, Postgres, join, make_node, wait_for_all
from support import PLAIN_MESSAGE, check, wait_until

SECONDS = 60
A_LEASE = 100  # cluster/lease_book.h: kFirstLease
RATE = 30


class Sender:
    """One session of a key at a node, opened anew where it broke."""

    def __init__(self, node, key):
        self.node, self.key, self.session = node, key, None

    def open(self):
        if self.session is None:
            self.session = smtplib.SMTP("127.0.0.1", self.node.plain, timeout=PATIENCE)
            self.session.login("live", self.key)
        return self.session

    def send(self, recipients):
        """(how many were taken, the first refusal of a recipient)."""
        session = self.open()
        code, text = session.mail("sender@example.org")
        if code != 250:
            return 0, (code, text)
        taken, refused = 0, None
        for n in range(recipients):
            code, text = session.rcpt(f"someone-{n}@example.net")
            if code != 250:
                refused = (code, text)
                break
            taken += 1
        if taken == 0:
            session.rset()
            return 0, refused
        code, text = session.data(PLAIN_MESSAGE)
        check(code == 250, f"{code} {text}")
        return taken, refused

    def close(self):
        if self.session is not None:
            self.session.close()
            self.session = None


def use_up(node, key, recipients=20):
    """Sends until the quota is used up, or nothing more is to be had for some seconds. (taken, words of the last refusal)."""
    sender, total, quiet_since = Sender(node, key), 0, time.monotonic()
    words = b""
    while time.monotonic() - quiet_since < 3:
        taken, refused = sender.send(recipients)
        total += taken
        if taken:
            quiet_since = time.monotonic()
        if refused is None:
            continue
        code, words = refused
        if code == 452:
            check(b"quota_exceeded" in words, f"{refused}")
            break
        check(code == 450 and b"rate_limited" in words and b"other machines hold" in words, f"{refused}")
        time.sleep(0.2)
    sender.close()
    return total, words


def together(nodes, key, recipients=20):
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        done = list(pool.map(lambda node: use_up(node, key, recipients), nodes))
    return [total for total, _ in done], [words for _, words in done]


def account(node, name, *options):
    node.account(name, "--mode", "production")
    node.cli("account", "set-plan", name, "--per-second", "unlimited", *options)
    key = node.key(name, "--live", "--name", "key")
    wait_for_all(node)
    return key


def a_cluster_of_before_has_no_leases(a, b, c, database):
    """As an earlier program made it. Nothing is shared until the operator says so, and not while a node would not know it."""
    key = account(a, "of-before", "--per-day", "40")
    database.ask("DROP TABLE postern.quota_lease, postern.rate_demand, postern.idempotency; UPDATE postern.cluster SET format = 1")
    for node in (a, b, c):
        node.stop()
        node.start()
    totals, _ = together([a, b, c], key)
    check(totals == [40, 40, 40], f"each node counts by itself: {totals}")
    database.ask("INSERT INTO postern.node (id, name, format_max) VALUES (200, 'old', 1)")
    refused = subprocess.run([a.postern, "--config", str(a.config), "cluster", "upgrade"], capture_output=True, text=True,
                             timeout=PATIENCE)
    check(refused.returncode == 1 and "node old runs a program that knows format 1" in refused.stderr, f"{refused}")
    check(database.ask("SELECT format FROM postern.cluster") == "1", "a refused upgrade changes nothing")
    database.ask("DELETE FROM postern.node WHERE id = 200")
    check("it was 1" in a.cli("cluster", "upgrade"), "the upgrade says what it did")
    check("already" in b.cli("cluster", "upgrade"), "twice is once")
    wait_until(lambda: database.ask("SELECT sum(granted) FROM postern.quota_lease WHERE period = 1") == "120",
               "each tells what it counted before", PATIENCE)
    a.cli("account", "set-plan", "of-before", "--per-day", "200")
    wait_for_all(a)
    totals, words = together([a, b], key)
    check(sum(totals) == 80 and all(b"quota_exceeded" in said for said in words), f"{totals} {words}")


def they_take_no_more_than_one_machine(a, b, c):
    limit = 1_500
    key = account(a, "together", "--per-day", str(limit), "--per-month", "100000")
    started = time.monotonic()
    totals, words = together([a, b, c], key)
    took = time.monotonic() - started
    left = limit - sum(totals)
    check(0 <= left, f"more than the quota: {totals}")
    if left:  # a node gave up while another had some: they are to be had
        again, words = together([a, b, c], key, 1)
        left -= sum(again)
    check(left == 0, f"{left} of {limit} cannot be had by anybody: {words}")
    print(f"    a quota of {limit} by three nodes at once: {totals}, together exactly that, in {took:.1f} s", flush=True)


def the_month_is_shared_too(a, b):
    key = account(a, "monthly", "--per-month", "70")
    totals, _ = together([a, b], key, 7)
    check(sum(totals) <= 70, f"{totals}")
    rest = sum(together([a, b], key, 1)[0])
    check(sum(totals) + rest == 70, f"{totals} and {rest}")


def what_is_abandoned_goes_back(a, b):
    key = account(a, "abandoned", "--per-day", "30")
    sender = Sender(a, key)
    session = sender.open()
    session.mail("sender@example.org")
    for n in range(10):
        check(session.rcpt(f"someone-{n}@example.net")[0] == 250, "a recipient is refused")
    sender.close()
    totals, _ = together([a, b], key, 5)
    rest = sum(together([a, b], key, 1)[0])
    check(sum(totals) + rest == 30, f"{totals} and {rest}: what an abandoned message held is lost")


def a_crash_costs_a_lease(a, b, c):
    limit = 900
    key = account(a, "crashing", "--per-day", str(limit))
    sender = Sender(c, key)
    before, _ = sender.send(20)
    c.kill()
    sender.close()
    totals, _ = together([a, b], key)
    c.start()
    after, _ = together([a, b, c], key, 1)
    whole = before + sum(totals) + sum(after)
    check(limit - A_LEASE <= whole <= limit, f"{before}, {totals}, {after}: {whole} of {limit}")
    print(f"    a node that was killed with a lease: {whole} of {limit} were taken", flush=True)


def the_rate_is_one(a, b, c):
    seconds = 8
    key = account(a, "rated")
    a.cli("account", "set-plan", "rated", "--per-second", str(RATE))
    wait_for_all(a)

    def hammer(node):
        sender, taken, times = Sender(node, key), 0, []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            done, refused = sender.send(1)
            taken += done
            if done:
                times.append(time.monotonic())
            if refused:
                check(refused[0] == 450 and b"rate_limited" in refused[1], f"{refused}")
                time.sleep(0.02)
        sender.close()
        return times

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        times = sorted(moment - started for moments in pool.map(hammer, (a, b, c)) for moment in moments)
    settled = sum(1 for moment in times if 3 <= moment < seconds)
    # All nodes give all of it until they have heard of each other, and save up a second's worth.
    check(len(times) <= RATE * seconds + 3 * 2 * RATE, f"{len(times)} messages in {seconds} s at {RATE}/s")
    check(settled <= RATE * (seconds - 3) * 1.2 + 3, f"{settled} messages in {seconds - 3} s at {RATE}/s")
    check(settled >= RATE * (seconds - 3) * 0.5, f"no more than {settled} messages in {seconds - 3} s at {RATE}/s")
    print(f"    {RATE} messages/s over three nodes: {settled / (seconds - 3):.1f}/s from the third second on, "
          f"{len(times)} in the first {seconds}", flush=True)


def the_database_is_away(a, b, c, database):
    limit = 1_200
    known = account(a, "away", "--per-day", str(limit))
    unknown = account(a, "away-anew", "--per-day", str(limit))
    before = sum(Sender(node, known).send(20)[0] for node in (a, b, c))
    check(before == 60, f"{before}")
    c.stop()
    database.stop()
    c.start()  # it goes by what is on its disk
    wholes = []
    for key, taken_before in ((known, before), (unknown, 0)):
        totals, words = together([a, b, c], key)
        whole = taken_before + sum(totals)
        check(all(totals), f"a node takes nothing: {totals} {words}")
        check(all(b"other machines hold" in said for said in words), f"{words}")
        # Leases, and a third of what was free each; nodes that were told at different times may know of more.
        check(whole <= 2 * limit and max(totals) <= limit // 3 + A_LEASE, f"{totals} of {limit}")
        wholes.append(whole)
        print(f"    the database away from all: {whole} of {limit} were taken, {totals} of them meanwhile", flush=True)
    database.start()
    for place, key in enumerate((known, unknown)):
        until = time.monotonic() + PATIENCE
        while True:
            totals, words = together([a, b, c], key, 1)  # who is back first does not know yet what the others spent
            wholes[place] += sum(totals)
            if all(b"quota_exceeded" in said for said in words):
                break
            check(time.monotonic() < until, f"they do not ask again: {words}")
    # What was spent beside the leases counts for all.
    told = database.ask("SELECT sum(granted) FROM postern.quota_lease WHERE period = 1 GROUP BY account").split()
    check({str(whole) for whole in wholes} <= set(told), f"{wholes} were taken, {told} are told")
    check(max(wholes) <= 2 * limit, f"{wholes} of {limit}")
    print(f"    and once it was back: {wholes}", flush=True)


def run(context):
    database = Postgres()
    try:
        database.start()
        hop = context.sink().start()
        a, b, c = nodes = [make_node(context, name, [database.port], next_hop_port=hop.port) for name in "abc"]
        a.account("first")
        a.cli("cluster", "init")
        for node in (b, c):
            join(a, node)
        for node in nodes:
            node.start()
        a_cluster_of_before_has_no_leases(a, b, c, database)
        they_take_no_more_than_one_machine(a, b, c)
        the_month_is_shared_too(a, b)
        what_is_abandoned_goes_back(a, b)
        a_crash_costs_a_lease(a, b, c)
        the_rate_is_one(a, b, c)
        the_database_is_away(a, b, c, database)
        for node in nodes:
            node.stop()
    finally:
        database.remove()
