#!/usr/bin/env python3
"""Postern beside Postfix and beside a server that only counts, in turn in the same run: accepted and delivered a second, CPU per
1,000 messages, latencies, memory of idle connections. Prints tables with ratios, writes results.json and SVG plots.

Needs root and Debian's postfix and dovecot-core (neither needs to be started). Run: scripts/deps bench &&
cmake --preset release -DPOSTERN_BENCH=ON && ninja -C build/release && python3 bench/compare.py [CASE...]
POSTERN_BENCH_ROUNDS (3), POSTERN_BENCH_SCALE (1: part of the messages to send), POSTERN_BENCH_DIR (the disk to measure on),
POSTERN_BENCH_OUT (build/bench). POSTERN_BENCH_POSTERN (before=PATH,after=PATH): builds of Postern in turn, and no peer.
POSTERN_BENCH_CHUNKING=off: the next hop takes content by DATA only.
"""

import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import bench_support as bench
import plot

ROUNDS = int(os.environ.get("POSTERN_BENCH_ROUNDS", "3"))
OUT = pathlib.Path(os.environ.get("POSTERN_BENCH_OUT", bench.ROOT / "build/bench"))
SCALE = float(os.environ.get("POSTERN_BENCH_SCALE", "1"))
BUILDS = os.environ.get("POSTERN_BENCH_POSTERN")
FLOOR = "counting only"


@dataclasses.dataclass
class Case:
    title: str
    messages: dict  # server → how many; a server that is not named does not run
    options: dict   # of smtp_load

    def takes(self, server):
        return server.name in self.messages or isinstance(server, bench.Postern)

    def run(self, server, sink):
        credential = server.credential if self.options.get("each") == 0 else server.auth
        count = self.messages.get(server.name, self.messages["Postern"])
        options = dict(self.options, messages=max(1, int(count * SCALE)), auth=credential)
        options["port"] = server.ports[options.get("tls", "none")]
        return measure(server, sink, options)


def plain(title, postern, postfix, floor=0, **options):
    messages = {"Postern": postern, "Postfix": postfix}
    if floor:
        messages[FLOOR] = floor
    return Case(title, {name: count for name, count in messages.items() if count}, options)


CASES = [
    plain("16 x 100", 20000, 4000, 60000, connections=16),
    plain("64 x 100", 20000, 4000, 60000, connections=64),
    plain("256 x 100", 20000, 4000, connections=256),
    plain("16 x 1", 6000, 2000, 20000, connections=16, each=1),
    plain("STARTTLS, 16 x 100", 20000, 3000, connections=16, tls="starttls"),
    plain("64 KiB, 16 x 100", 6000, 2000, connections=16, octets=65536),
    plain("1 MiB, 16 x 10", 800, 400, connections=16, octets=1 << 20, each=10),
    plain("10 recipients, 16 x 100", 5000, 800, connections=16, recipients=10),
    plain("one connection, no pipelining", 2000, 1000, connections=1, pipelining="off"),
    plain("AUTH and QUIT", 10000, 3000, 20000, connections=16, each=0),
    plain("AUTH and QUIT, STARTTLS", 2000, 1000, connections=16, each=0, tls="starttls"),
    plain("AUTH and QUIT, STARTTLS resumed", 2000, 1000, connections=16, each=0, tls="starttls", resume="on"),
]


class Floor:
    """The same sink that takes the relayed mail, as a server of the load: no key check, no disk, no relaying."""

    name = FLOOR
    auth = credential = "AGJlbmNoAGtleQ=="

    def __init__(self):
        self.sink = bench.Sink()
        self.pid = self.sink.pid
        self.ports = {"none": self.sink.port}

    def stop(self):
        self.sink.stop()


def measure(server, sink, options):
    before, counted = bench.cpu_seconds(server.pid), sink.counts(reset=True)["messages"]
    began = time.monotonic()
    result = bench.run_load("smtp_load", **options)
    result["accept_cpu"] = (bench.cpu_seconds(server.pid) - before) / result["accepted"] * 1000
    if server.name != FLOOR and options.get("each", 100) > 0:
        wanted = counted + result["accepted"]
        bench.e2e.wait_until(lambda: sink.counts()["messages"] >= wanted, "everything was delivered", 300)
        result["delivered_per_second"] = result["accepted"] / (time.monotonic() - began)
        seen = sink.counts()
        result["lost"], result["duplicates"] = result["accepted"] - seen["distinct"], seen["duplicates"]
    if server.name != FLOOR:
        bench.wait_until_idle(server.pid)
    result["cpu"] = (bench.cpu_seconds(server.pid) - before) / result["accepted"] * 1000
    return result


def pss_kib(pid):
    total = 0
    for one in bench.children(pid):
        for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total


def idle_memory(server, connections, tls):
    """KiB a connection that authenticated and stands."""
    before = pss_kib(server.pid)
    command = [str(bench.TOOLS / "smtp_load"), "--port", str(server.ports[tls]), "--idle", str(connections), "--auth",
               server.auth, "--tls", tls]
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    standing = json.loads(load.stdout.readline())["idle"]
    after = pss_kib(server.pid)
    load.communicate()
    return (after - before) / max(standing, 1), standing


def median_of(results):
    names = [name for name in results[0] if isinstance(results[0][name], (int, float))]
    return {name: statistics.median(result[name] for result in results) for name in names}


def print_tables(rows):
    print("\n| case (connections x messages each) | server | accepted/s | delivered/s | CPU s per 1,000: accepting "
          "| with relaying | p50 ms | p99 ms |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for title, servers in rows.items():
        for name, row in servers.items():
            delivered = f"{row['delivered_per_second']:,.0f}" if "delivered_per_second" in row else "–"
            print(f"| {title} | {name} | {row['per_second']:,.0f} | {delivered} | {row['accept_cpu']:.3f} | {row['cpu']:.3f} | "
                  f"{row['p50_ms']:.1f} | {row['p99_ms']:.1f} |")
    if BUILDS:
        return print_builds(rows)
    print("\n| case | rate: times Postfix's | delivered: times Postfix's | CPU: part of Postfix's "
          "| accepting CPU: times counting only |")
    print("|---|---:|---:|---:|---:|")
    for title, servers in rows.items():
        ours, theirs, floor = servers.get("Postern"), servers.get("Postfix"), servers.get(FLOOR)
        cells = ["–"] * 4
        if ours and theirs:
            cells[0] = f"{ours['per_second'] / theirs['per_second']:.1f}"
            if "delivered_per_second" in ours:
                cells[1] = f"{ours['delivered_per_second'] / theirs['delivered_per_second']:.1f}"
            cells[2] = f"1/{theirs['cpu'] / max(ours['cpu'], 1e-6):.0f}"
        if ours and floor:
            cells[3] = f"{ours['accept_cpu'] / max(floor['accept_cpu'], 1e-6):.1f}"
        print(f"| {title} | {' | '.join(cells)} |")


def add_ratios(row, found):
    """Of each build to the first, round by round: the machine's speed drifts between rounds."""
    first = next(iter(found.values()))
    for name, results in found.items():
        for figure in ("per_second", "accept_cpu", "cpu"):
            row[name]["times_" + figure] = statistics.median(one[figure] / max(other[figure], 1e-6)
                                                             for one, other in zip(results, first))


def print_builds(rows):
    first = next(iter(next(iter(rows.values()))))
    print(f"\n| case | build | rate: times {first}'s | CPU accepting: times {first}'s | CPU with relaying: times {first}'s |")
    print("|---|---|---:|---:|---:|")
    for title, servers in rows.items():
        for name, row in servers.items():
            ratios = (row["times_" + figure] for figure in ("per_second", "accept_cpu", "cpu"))
            print(f"| {title} | {name} | {' | '.join(f'{ratio:.3f}' for ratio in ratios)} |")


def write_plots(rows):
    def groups(figure):
        found = {title: {name: row[figure] for name, row in servers.items() if row.get(figure)} for title, servers in rows.items()}
        return {title: group for title, group in found.items() if group}

    (OUT / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    charts = {"accepted": ("Messages accepted", "a second", "per_second"),
              "delivered": ("Messages delivered", "a second", "delivered_per_second"),
              "cpu": ("CPU seconds per 1,000 messages", "s", "cpu")}
    for name, (title, unit, figure) in charts.items():
        if chosen := groups(figure):
            (OUT / f"{name}.svg").write_text(plot.bars(title, unit, chosen))
    print(f"\nplots and results.json: {OUT}")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in CASES if not sys.argv[1:] or case.title in sys.argv[1:]]
    rows = {}
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=os.environ.get("POSTERN_BENCH_DIR")) as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        sink = bench.Sink()
        servers = []
        try:
            if BUILDS:
                for title, path in (build.split("=", 1) for build in BUILDS.split(",")):
                    servers.append(bench.Postern(folder / title, sink.port, path))
                    servers[-1].name = title
            else:
                servers += [Floor(), bench.Postern(folder / "postern", sink.port), bench.Postfix(folder / "postfix", sink.port)]
            # Before any load: what it leaves on the heap would hold the connections for nothing.
            if not BUILDS and (not sys.argv[1:] or "idle" in sys.argv[1:]):
                for tls, connections in (("none", 1000), ("starttls", 500)):
                    kib, standing = idle_memory(servers[1], connections, tls)
                    print(f"idle, {tls}: {kib:.1f} KiB (PSS) for each of {standing} authenticated connections")
            for case in chosen:
                found = {}
                for turn in range(ROUNDS):
                    for server in servers if turn % 2 == 0 else reversed(servers):
                        if case.takes(server):
                            found.setdefault(server.name, []).append(case.run(server, sink))
                rows[case.title] = {server: median_of(results) for server, results in found.items()}
                if BUILDS:
                    add_ratios(rows[case.title], found)
        finally:
            for server in servers:
                server.stop()
            sink.stop()
    if rows:
        print_tables(rows)
        if not BUILDS:
            write_plots(rows)


if __name__ == "__main__":
    main()
