#!/usr/bin/env python3
"""What a cluster costs and how soon it knows, on this machine: PostgreSQL with a synchronous standby and three nodes.

revoke   a key is revoked over HTTP on one node: when the open sessions of the others are refused at MAIL (p50, p99, worst)
cost     CPU of AUTH, MAIL and RCPT per 1,000 sessions, a single machine and a node in turn, with a quota and without one
first    how long the first recipient of an account waits for its lease
keys     a store with a million keys becomes a cluster, and an empty machine joins it

Run: scripts/deps bench && cmake --preset release -DPOSTERN_BENCH=ON && ninja -C build/release && python3 bench/cluster.py [CASE…].
POSTERN_BENCH_POSTERN (PATH) another build; POSTERN_BENCH_SCALE (1) of the numbers of tries, sessions and keys.
"""

import os
import pathlib
import smtplib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from postgres import PATIENCE, join, make_node, make_pair, wait_for_all  # noqa: E402
from support import Relay, check, wait_until  # noqa: E402

POSTERN = os.environ.get("POSTERN_BENCH_POSTERN", str(ROOT / "build" / "release" / "app" / "postern"))
FILL = ROOT / "build" / "release" / "bench" / "fill"
SCALE = float(os.environ.get("POSTERN_BENCH_SCALE", "1"))
TICKS = os.sysconf("SC_CLK_TCK")
RECIPIENTS = 10


def scaled(count):
    return max(1, int(count * SCALE))


def spread(times):
    times = sorted(times)
    return (f"p50 {times[len(times) // 2] * 1000:.1f} ms, p99 {times[min(len(times) - 1, len(times) * 99 // 100)] * 1000:.1f} ms, "
            f"worst {times[-1] * 1000:.1f} ms of {len(times)}")


class Machines:
    """What tests/e2e/run.py gives to a story."""

    def __init__(self, folder):
        self.folder, self.postern, self.started = pathlib.Path(folder), POSTERN, []

    def relay(self, name, **options):
        (self.folder / name).mkdir(exist_ok=True)
        relay = Relay(self.postern, self.folder / name, **options)
        self.started.append(relay)
        return relay

    def stop(self):
        for relay in self.started:
            relay.stop()


def login(node, key, user="run-1"):
    session = smtplib.SMTP("127.0.0.1", node.plain, timeout=PATIENCE)
    session.login(user, key)
    return session


def refused_at(session, found, place):
    while True:
        code, text = session.mail("sender@example.org")
        now = time.monotonic()
        if code == 550 and b"revoked_key" in text:
            found[place] = now
            return
        session.rset()
        time.sleep(0.002)


def revoke(nodes):
    a, others = nodes[0], nodes[1:]
    a.account("revoked")
    main = a.key("revoked", "--test", "--name", "main")
    wait_for_all(a)
    answers, times = [], []
    for _ in range(scaled(1000)):
        status, made, _ = a.request("POST", "/v1/api-keys", {"name": "one", "environment": "test"}, key=main)
        check(status == 201, f"{status} {made}")
        sessions = []
        for node in others:
            wait_until(lambda: node.request("GET", "/v1/emails?limit=1", key=made["token"])[0] == 200, "the key works", PATIENCE)
            sessions.append(login(node, made["token"]))
        found = {}
        watchers = [threading.Thread(target=refused_at, args=(session, found, place), daemon=True)
                    for place, session in enumerate(sessions)]
        started = time.monotonic()
        status, said, _ = a.request("DELETE", f"/v1/api-keys/{made['id']}", key=main)
        check(status in (200, 204), f"{status} {said}")
        answers.append(time.monotonic() - started)
        for watcher in watchers:
            watcher.start()
        for watcher in watchers:
            watcher.join(PATIENCE)
            check(not watcher.is_alive(), "a revoked key is taken")
        times += [moment - started for moment in found.values()]
        for session in sessions:
            session.close()
    print(f"revoke: answered {spread(answers)}")
    print(f"revoke: refused at MAIL by the other nodes, from the request on: {spread(times)}")


def cpu_of(relay):
    fields = pathlib.Path(f"/proc/{relay.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def sessions_of(relay, key, count):
    before = cpu_of(relay)
    for _ in range(count):
        session = login(relay, key, "live")
        check(session.mail("sender@example.org")[0] == 250, "MAIL is refused")
        for n in range(RECIPIENTS):
            code, text = session.rcpt(f"someone-{n}@example.net")
            check(code == 250, f"{code} {text}")
        session.rset()
        session.quit()
    return cpu_of(relay) - before


def cost(nodes, single):
    keys = {}
    for machine in (single, nodes[0]):
        for name, plan in (("plain", []), ("quota", ["--per-day", "100000000", "--per-month", "1000000000"])):
            machine.account(f"cost-{name}", "--mode", "production")
            machine.cli("account", "set-plan", f"cost-{name}", "--per-second", "1000000", *plan)
            keys[machine, name] = machine.key(f"cost-{name}", "--live", "--name", "key")
    wait_for_all(nodes[0])
    count = scaled(500)
    for name in ("plain", "quota"):
        total = {single: 0.0, nodes[0]: 0.0}
        for _ in range(6):  # in turn: whatever disturbs meets both
            for machine in total:
                total[machine] += sessions_of(machine, keys[machine, name], count)
        one, node = (total[machine] * 1000 / (6 * count) for machine in (single, nodes[0]))
        print(f"cost: {name}: CPU s per 1,000 sessions of AUTH, MAIL, {RECIPIENTS} RCPT: single {one:.3f}, node {node:.3f}, "
              f"ratio {node / one:.3f}")
    idle = {}
    for machine in (single, nodes[0]):
        before = cpu_of(machine)
        time.sleep(10 * min(1, SCALE * 10))
        idle[machine] = (cpu_of(machine) - before) / (10 * min(1, SCALE * 10))
    print(f"cost: idle, CPU ms a second: single {idle[single] * 1000:.1f}, node {idle[nodes[0]] * 1000:.1f}")


def first(nodes):
    a, b = nodes[:2]
    times = []
    for n in range(scaled(200)):
        a.account(f"first-{n}", "--mode", "production")
        a.cli("account", "set-plan", f"first-{n}", "--per-day", "10000")
    keys = [a.key(f"first-{n}", "--live", "--name", "key") for n in range(scaled(200))]
    wait_for_all(a)
    for key in keys:
        session = login(b, key, "live")
        session.mail("sender@example.org")
        started = time.monotonic()
        code, text = session.rcpt("someone@example.net")
        times.append(time.monotonic() - started)
        check(code == 250, f"{code} {text}")
        session.close()
    print(f"first: RCPT of an account that leases for the first time: {spread(times)}")


def keys(machines, ports):
    count = scaled(1_000_000)
    full = make_node(machines, "full", ports)
    data = full.folder / "data"
    data.mkdir(mode=0o700)
    subprocess.run([FILL, "keys", "--data", data, "--count", str(count), "--print", "1"], check=True, stdout=subprocess.DEVNULL)
    started = time.monotonic()
    full.cli("cluster", "init")
    made = time.monotonic()
    full.start()
    empty = make_node(machines, "empty", ports)
    joining = time.monotonic()
    join(full, empty)
    joined = time.monotonic()
    empty.start()
    wait_for_all(full)
    print(f"keys: {count} keys: cluster init {made - started:.1f} s, cluster join of an empty machine {joined - joining:.1f} s")


CASES = ("revoke", "cost", "first", "keys")


def run_case(name):
    servers = []
    with tempfile.TemporaryDirectory(prefix="postern-bench-cluster-") as folder:
        machines = Machines(folder)
        try:
            primary, standby = make_pair(servers)
            ports = [primary.port, standby.port]
            if name == "keys":
                return keys(machines, ports)
            nodes = [make_node(machines, each, ports, next_hop_port=1) for each in "abc"]
            nodes[0].account("before")
            nodes[0].cli("cluster", "init")
            for node in nodes[1:]:
                join(nodes[0], node)
            for node in nodes:
                node.start()
            if name == "cost":
                return cost(nodes, machines.relay("single", next_hop_port=1).start())
            return {"revoke": revoke, "first": first}[name](nodes)
        finally:
            machines.stop()
            for server in servers:
                server.remove()


def main():
    for name in sys.argv[1:] or CASES:
        check(name in CASES, f"there is no case {name}: {', '.join(CASES)}")
        run_case(name)


if __name__ == "__main__":
    main()
