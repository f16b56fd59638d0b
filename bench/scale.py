#!/usr/bin/env python3
"""How Postern holds up at size: a million keys, a million queued messages (for one domain, for a
hundred thousand), ten thousand idle connections, minutes on end; and what a single message costs.
Prints a table, writes scale.json. Run as root: cmake --preset release -DPOSTERN_BENCH=ON &&
ninja -C build/release && python3 bench/scale.py [CASE...]

POSTERN_BENCH_SCALE (1: part of the keys, messages and connections), POSTERN_BENCH_ROUNDS (3), POSTERN_BENCH_MINUTES (10: of
`sustained`), POSTERN_BENCH_DIR (the disk to measure on), POSTERN_BENCH_OUT (build/bench)."""

import contextlib
import json
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import bench_support as bench

SCALE = float(os.environ.get("POSTERN_BENCH_SCALE", "1"))
ROUNDS = int(os.environ.get("POSTERN_BENCH_ROUNDS", "3"))
MINUTES = float(os.environ.get("POSTERN_BENCH_MINUTES", "10"))
OUT = pathlib.Path(os.environ.get("POSTERN_BENCH_OUT", bench.ROOT / "build/bench"))
MILLION = int(1_000_000 * SCALE)
MIB = 1 << 20
DRAIN_SECONDS = 300
MANY_CONNECTIONS = "max_connections = 20000\n"


def status(pid, name):
    """A field of /proc/PID/smaps_rollup or /proc/PID/io, in its own unit."""
    for file in ("smaps_rollup", "io"):
        for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
    raise KeyError(name)


def own_mib(pid):
    """Anonymous memory: what is not the page cache's."""
    return status(pid, "Anonymous") / 1024


def say(what):
    print(f"  {time.strftime('%H:%M:%S')} {what}", flush=True)


class Peak:
    """The most of own memory, looked at five times a second."""

    def __init__(self, pid):
        self.pid, self.mib, self.is_over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.is_over.wait(0.2):
            with contextlib.suppress(OSError):
                self.mib = max(self.mib, own_mib(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def fill(what, data, **options):
    command = [str(bench.TOOLS / "fill"), what, "--data", str(data)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def median(rows, name):
    return statistics.median(row[name] for row in rows)


def measured(server, **options):
    """One load, with the server's CPU per 1,000."""
    before = bench.cpu_seconds(server.pid)
    result = bench.run_load("smtp_load", port=server.ports[options.get("tls", "none")], **options)
    result["cpu"] = (bench.cpu_seconds(server.pid) - before) / result["accepted"] * 1000
    return result


class Bench:
    """Folders, servers and sinks of one case; all of them go with it."""

    def __init__(self, folder):
        self.folder, self.stack = folder, contextlib.ExitStack()

    def sink(self, port=None):
        sink = bench.Sink(port)
        self.stack.callback(sink.stop)
        return sink

    def postern(self, name, next_hop, extra="", prepare=None):
        server = bench.Postern(self.folder / name, next_hop, extra=extra, prepare=prepare)
        self.stack.callback(server.stop)
        return server


# --- cases: each returns rows of (what, measured, target, is it met) ---


def keys(b):
    """CPU and rate of AUTH with ever other keys of a million, beside those of ten."""
    sizes = {"10 keys": 10, "1,000,000 keys": MILLION}
    servers, credentials, found = {}, {}, {name: [] for name in sizes}
    for name, count in sizes.items():
        credentials[name] = b.folder / f"{count}.credentials"
        prepare = lambda data, name=name, count=count: credentials[name].write_text(fill("keys", data, count=count, print=20000))
        servers[name] = b.postern(str(count), bench.e2e.free_port(), prepare=prepare)
    for _ in range(ROUNDS + 1):
        for name, server in servers.items():
            found[name].append(measured(server, **{"auth-file": credentials[name]}, connections=16, each=0,
                                        messages=max(16, int(20000 * SCALE))))
    few, many = ([row for row in found[name][1:]] for name in sizes)  # the first is for the page cache
    cpu, rate = median(many, "cpu") / median(few, "cpu"), median(many, "per_second") / median(few, "per_second")
    own = [own_mib(servers[name].pid) for name in sizes]
    mapped = (servers[list(sizes)[1]].relay.folder / "data/directory/data.mdb").stat().st_size / MIB
    return [
        ("CPU s per 1,000 AUTH cycles, 10 keys", median(few, "cpu"), "", None),
        ("CPU of an AUTH cycle, 1,000,000 keys: times 10 keys", cpu, "<= 1.10", cpu <= 1.10),
        ("rate, times that with 10 keys", rate, ">= 0.90", rate >= 0.90),
        ("own memory MiB, 10 keys", own[0], "", None),
        (f"own memory MiB, 1,000,000 keys, {mapped:.0f} MiB of directory in the page cache", own[1], "", None),
        ("growth of own memory, part of the directory", (own[1] - own[0]) / mapped, "<= 0.05", own[1] - own[0] <= mapped / 20),
    ]


def seconds_to_serve(server, graceful):
    """From starting the process to its greeting, with the spool dropped from the page cache before."""
    server.relay.stop() if graceful else server.relay.kill()
    for file in (server.relay.folder / "data").glob("*/data.mdb"):
        descriptor = os.open(file, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    began = time.monotonic()
    server.relay.launch()
    while time.monotonic() < began + 300:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", server.relay.plain), timeout=60) as connection:
            if connection.recv(4) == b"220 ":
                break
        time.sleep(0.01)
    server.pid = server.relay.process.pid
    return time.monotonic() - began


def backlog(b):
    """A million messages for a next hop that is down, beside an empty queue; restart; draining; the same again in the same file."""
    hop = bench.e2e.free_port()
    empty = b.postern("empty", bench.e2e.free_port())
    full = b.postern("full", hop, prepare=lambda data: fill("messages", data, count=MILLION))
    say(f"{MILLION:,} messages are queued")
    rows, took = accept_beside({"empty": empty, "full": full})
    killed, stopped = seconds_to_serve(full, graceful=False), seconds_to_serve(full, graceful=True)
    say(f"restarted in {killed:.2f} and {stopped:.2f} s")
    rows += [("restart after SIGKILL: s to the greeting", killed, "<= 5", killed <= 5),
             ("restart after SIGTERM: s to the greeting", stopped, "<= 5", stopped <= 5)]
    spool = full.relay.folder / "data/spool/data.mdb"
    before = spool.stat().st_size / MIB
    drained, of_draining = drain(full, b.sink(hop), MILLION + took)
    full.relay.stop()
    fill("messages", full.relay.folder / "data", count=min(MILLION, drained))
    after = spool.stat().st_size / MIB
    return rows + of_draining + [
        ("spool file MiB with the backlog", before, "", None),
        (f"spool file with {min(MILLION, drained):,} more after draining, times the first", after / before, "<= 1.25",
         after / before <= 1.25),
    ]


def destinations(b):
    """A million messages for a hundred thousand domains: accepting beside an empty queue, restart, and draining with a destination
    for each domain (bench/drain: the queue itself, over transports that count)."""
    domains = max(10, int(100_000 * SCALE))
    empty = b.postern("empty", bench.e2e.free_port())
    full = b.postern("full", bench.e2e.free_port(), prepare=lambda data: fill("messages", data, count=MILLION, domains=domains))
    say(f"{MILLION:,} messages for {domains:,} domains are queued")
    rows, took = accept_beside({"empty": empty, "full": full})
    killed, stopped = seconds_to_serve(full, graceful=False), seconds_to_serve(full, graceful=True)
    say(f"restarted in {killed:.2f} and {stopped:.2f} s")
    full.relay.stop()
    drained = json.loads(subprocess.run([str(bench.TOOLS / "drain"), "--data", str(full.relay.folder / "data")],
                                        capture_output=True, text=True, check=True).stdout)
    rate = drained["taken"] / max(drained["drained_s"], 0.001)
    return rows + [
        ("restart after SIGKILL: s to the greeting", killed, "<= 5", killed <= 5),
        ("restart after SIGTERM: s to the greeting", stopped, "<= 5", stopped <= 5),
        (f"drained of {MILLION + took:,}", drained["taken"], ">= 99 %", drained["taken"] >= 0.99 * drained["queued"]),
        ("drained a second", rate, "", None),
        ("s from the open store to the first delivery", drained["first_s"], "<= 5", drained["first_s"] <= 5),
        ("destinations that were made", drained["made"], "", None),
        ("most destinations at once", drained["most"], "", None),
        ("own memory MiB at most, draining", drained["own_mib"], "< 400", drained["own_mib"] < 400),
    ]


def accept_beside(servers, rounds=4 * ROUNDS):
    """Short loads that take turns, so that what disturbs meets both servers → rows, and how many messages each took."""
    each_round, found = max(100, int(4000 * SCALE)), {name: [] for name in servers}
    with Peak(servers["full"].pid) as peak:
        for turn in range(rounds):
            for name in sorted(servers, reverse=turn % 2 == 1):
                found[name].append(measured(servers[name], auth=servers[name].auth, connections=64, messages=each_round))
    rate = statistics.median(full["per_second"] / empty["per_second"] for full, empty in zip(found["full"], found["empty"]))
    cpu = sum(row["cpu"] for row in found["full"]) / sum(row["cpu"] for row in found["empty"])
    say(f"{rounds * each_round:,} more were accepted by each")
    return [
        ("accept rate, times that of an empty queue", rate, ">= 0.85", rate >= 0.85),
        ("CPU per 1,000, times that of an empty queue", cpu, "<= 1.15", cpu <= 1.15),
        ("own memory MiB at most, accepting", peak.mib, "< 400", peak.mib < 400),
    ], rounds * each_round


def drain(server, sink, queued):
    """Until all are delivered or DRAIN_SECONDS have passed since the first → how many, and rows. Figures are of the first 99 %:
    what was tried in vain before waits for its next attempt. The last quarter is compared by CPU, since the rate is that of
    what else the machine does."""
    bench.e2e.wait_until(lambda: sink.counts()["messages"] > 0, "the first of the backlog is delivered", 300)
    began, points = time.monotonic(), []
    with Peak(server.pid) as peak:
        while not points or (points[-1][0] < queued and time.monotonic() < began + DRAIN_SECONDS):
            time.sleep(0.2)
            points.append((sink.counts()["messages"], bench.cpu_seconds(server.pid), time.monotonic() - began))
    drained, end = points[-1][0], min(points[-1][0], int(queued * 0.99))
    after = lambda part: next(point for point in points if point[0] >= end * part)
    cost = lambda first, last: (last[1] - first[1]) / max(last[0] - first[0], 1) * 1000
    times = cost(after(0.75), after(1)) / max(cost(points[0], after(0.25)), 1e-6)
    say(f"{drained:,} of {queued:,} were delivered in {points[-1][2]:.0f} s, {end:,} of them in {after(1)[2]:.0f} s")
    return drained, [
        ("own memory MiB at most, draining", peak.mib, "< 400", peak.mib < 400),
        ("drained, messages a second", after(1)[0] / after(1)[2], "", None),
        ("draining, CPU s per 1,000", cost(points[0], after(1)), "", None),
        ("the same of the last quarter, times the first", times, "<= 1.25", times <= 1.25),
        (f"delivered, part of {queued:,} queued", drained / queued, "1", drained == queued),
    ]


def idle(b):
    """Growth of PSS for each of ten thousand authenticated connections, in plaintext and under TLS, each on a fresh server."""
    rows = []
    for tls, target in (("none", 6), ("starttls", 30)):
        server = b.postern(tls, bench.e2e.free_port(), extra=MANY_CONNECTIONS)
        wanted = max(1, int(10000 * SCALE))
        before = status(server.pid, "Pss")
        command = [str(bench.TOOLS / "smtp_load"), "--port", str(server.ports[tls]), "--idle", str(wanted), "--auth", server.auth,
                   "--tls", tls]
        load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        standing = json.loads(load.stdout.readline())["idle"]
        each = (status(server.pid, "Pss") - before) / standing
        load.communicate()
        name = "plaintext" if tls == "none" else "TLS"
        rows.append((f"KiB (PSS) for each of {standing:,} idle connections, {name}", each, f"<= {target}", each <= target
                     and standing == wanted))
    return rows


def latency(b):
    """Percentiles at 70 % of the rate that the server took just before."""
    server = b.postern("latency", b.sink().port)
    options = dict(auth=server.auth, connections=64)
    measured(server, **options, messages=int(5000 * SCALE) or 1)
    most = measured(server, **options, messages=int(20000 * SCALE) or 1)["per_second"]
    bench.wait_until_idle(server.pid)
    rows = [measured(server, **options, messages=int(20000 * SCALE) or 1, rate=int(most * 0.7) or 1) for _ in range(ROUNDS)]
    ratio = statistics.median(row["p99_ms"] / row["p50_ms"] for row in rows)
    return [
        ("messages a second at most", most, "", None),
        ("at 70 % of it: p50 ms", median(rows, "p50_ms"), "", None),
        ("at 70 % of it: p99 ms", median(rows, "p99_ms"), "", None),
        ("p99, times p50", ratio, "< 5", ratio < 5),
    ]


def written(b):
    """What the process wrote to files (accepting, settling, the log), by the content it took in; in a fresh file, and in one that a
    hundred thousand messages went through, whose records are kept."""
    rows = []
    loads = ((65536, "64 KiB", 3000, 0), (MIB, "1 MiB", 300, 0), (65536, "64 KiB", 3000, MILLION // 10))
    for octets, name, count, settled in loads:
        sink = b.sink()
        prepare = (lambda data: fill("messages", data, count=settled)) if settled else None
        server = b.postern(f"{octets}-{settled}", sink.port, prepare=prepare)
        bench.e2e.wait_until(lambda: sink.counts()["messages"] >= settled, "what was there is delivered", 600)
        bench.wait_until_idle(server.pid)
        before = status(server.pid, "wchar")
        took = measured(server, auth=server.auth, connections=16, octets=octets, messages=max(16, int(count * SCALE)))["accepted"]
        bench.e2e.wait_until(lambda: sink.counts()["messages"] >= settled + took, "everything was delivered", 600)
        bench.wait_until_idle(server.pid)
        times = (status(server.pid, "wchar") - before) / (took * octets)
        where = f" with {settled:,} settled messages in the file" if settled else ""
        rows.append((f"written, times the content, {name}{where}", times, "<= 1.3", times <= 1.3))
    return rows


def overwrite_ms(folder, octets=4096, count=300):
    """The median of overwriting a page of a file that is there, with fdatasync."""
    descriptor = os.open(folder / "overwritten", os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(descriptor, b"x" * octets * 64, 0)
    os.fsync(descriptor)
    taken = []
    for number in range(count):
        began = time.perf_counter()
        os.pwrite(descriptor, b"y" * octets, number % 64 * octets)
        os.fdatasync(descriptor)
        taken.append((time.perf_counter() - began) * 1000)
    os.close(descriptor)
    return statistics.median(taken)


def single(b):
    """One connection that waits for every reply, beside what a commit of the store, the disk and loopback took in the same
    minute."""
    sink = b.sink()
    server, alone = b.postern("single", sink.port), b.postern("alone", sink.port)
    alone.relay.stop()
    options = dict(connections=1, pipelining="off", messages=max(20, int(500 * SCALE)))
    bench.run_load("smtp_load", port=server.ports["none"], auth=server.auth, **options)
    rounds = []
    for _ in range(ROUNDS + 2):
        overwritten = overwrite_ms(b.folder)
        commit = float(fill("commits", alone.relay.folder / "data", count=options["messages"], octets=4096))
        # Four round trips a message: MAIL, RCPT, DATA, the content.
        trip = bench.run_load("smtp_load", port=sink.port, **options)["p50_ms"] / 4
        message = bench.run_load("smtp_load", port=server.ports["none"], auth=server.auth, **options)["p50_ms"]
        rounds.append({"overwritten": overwritten, "commit": commit, "trip": trip, "message": message,
                       "to the store": message / (commit + 5 * trip), "to the disk": message / (overwritten + 5 * trip)})
    to_the_store = median(rounds, "to the store")
    return [
        ("one page overwritten, with fdatasync: ms", median(rounds, "overwritten"), "", None),
        ("one commit of the store, nothing else under way: ms", median(rounds, "commit"), "", None),
        ("one round trip: ms", median(rounds, "trip"), "", None),
        ("one message, p50 ms", median(rounds, "message"), "", None),
        ("message, times one commit and five round trips", to_the_store, "<= 1.5", to_the_store <= 1.5),
        ("message, times one overwritten page and five round trips", median(rounds, "to the disk"), "", None),
    ]


def sustained(b):
    """Minutes at 85 % of what a burst went through end to end; retention is set so low that it works from the start."""
    sink = b.sink()
    server = b.postern("sustained", sink.port, extra="settled_max_messages = 50000\nevent_max_count = 150000\n")
    burst, began = int(20000 * SCALE) or 1, time.monotonic()
    measured(server, auth=server.auth, connections=64, messages=burst)
    bench.e2e.wait_until(lambda: sink.counts()["messages"] >= burst, "the burst is delivered", 600)
    rate = max(1, int(0.85 * burst / (time.monotonic() - began)))
    counted, before, began = sink.counts(reset=True)["messages"], bench.cpu_seconds(server.pid), time.monotonic()
    count = int(rate * MINUTES * 60)
    load = subprocess.Popen([str(bench.TOOLS / "smtp_load"), "--port", str(server.ports["none"]), "--auth", server.auth,
                             "--connections", "64",
                             "--messages", str(count), "--rate", str(rate)], stdout=subprocess.PIPE, text=True)
    lines = watch(server, sink, load)
    took, lasted = json.loads(load.stdout.readline()), time.monotonic() - began
    bench.e2e.wait_until(lambda: sink.counts()["messages"] >= counted + took["accepted"], "everything is delivered", 600)
    lag, seen = time.monotonic() - began - lasted, sink.counts()
    cpu = (bench.cpu_seconds(server.pid) - before) / took["accepted"] * 1000
    middle, last = lines[len(lines) // 2], lines[-1]
    own, spool = last["own_mib"] / middle["own_mib"], last["spool_mib"] / middle["spool_mib"]
    return [
        (f"accepted a second, {lasted / 60:.1f} minutes", took["accepted"] / lasted, "", None),
        ("refused, lost or delivered twice", took["refused"] + took["accepted"] - seen["distinct"] + seen["duplicates"], "0",
         took["refused"] == 0 and seen["distinct"] == took["accepted"] and seen["duplicates"] == 0),
        ("delivered the last of it after s", lag, "", None),
        ("CPU s per 1,000, with relaying", cpu, "", None),
        ("p50 ms", took["p50_ms"], "", None),
        ("p99 ms", took["p99_ms"], "", None),
        ("own memory MiB at the end", last["own_mib"], "", None),
        ("own memory at the end, times that half way", own, "<= 1.1", own <= 1.1),
        ("spool MiB at the end", last["spool_mib"], "", None),
        ("spool at the end, times that half way", spool, "<= 1.1", spool <= 1.1),
    ]


def watch(server, sink, load, interval=10):
    """A line each ten seconds while the load runs; at least one."""
    spool, lines = server.relay.folder / "data/spool/data.mdb", []
    while load.poll() is None or not lines:
        counted, began = sink.counts()["messages"], time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            load.wait(interval)
        rate = (sink.counts()["messages"] - counted) / (time.monotonic() - began)
        lines.append({"delivered_per_second": rate, "own_mib": own_mib(server.pid), "spool_mib": spool.stat().st_size / MIB})
        print("  {delivered_per_second:,.0f} delivered a second, own memory {own_mib:.1f} MiB, spool {spool_mib:.1f} MiB"
              .format(**lines[-1]), flush=True)
    return lines


CASES = (keys, backlog, destinations, idle, latency, written, single, sustained)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    found = {}
    for case in CASES:
        if sys.argv[1:] and case.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory(prefix="postern-scale-", dir=os.environ.get("POSTERN_BENCH_DIR")) as name:
            b = Bench(pathlib.Path(name))
            with b.stack:
                print(f"{case.__name__}, load average {os.getloadavg()[0]:.1f}", flush=True)
                found[case.__name__] = case(b)
    print("\n| case | what | measured | target | met |\n|---|---|---:|---:|---|")
    for name, rows in found.items():
        for what, value, target, is_met in rows:
            print(f"| {name} | {what} | {value:,.{3 if value < 10 else 1}f} | {target} | "
                  f"{'' if is_met is None else 'yes' if is_met else 'no'} |")
    kept = OUT / "scale.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    kept.write_text(json.dumps(results | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
