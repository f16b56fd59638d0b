#!/usr/bin/env python3
"""Sending over HTTP beside SMTP with one message a connection: rate and CPU per 1,000 messages, in turn in the same run.

A live key relays to bench/sink. Run: scripts/deps bench && cmake --preset release -DPOSTERN_BENCH=ON && ninja -C build/release
postern smtp_load http_load sink && python3 bench/compare_doors.py. POSTERN_BENCH_POSTERN: other builds to run
beside, NAME=PATH with commas.
"""

import os
import pathlib
import statistics
import tempfile

import bench_support as bench

MESSAGES = int(os.environ.get("POSTERN_BENCH_MESSAGES", "10000"))
ROUNDS = int(os.environ.get("POSTERN_BENCH_ROUNDS", "3"))
BUILDS = os.environ.get("POSTERN_BENCH_POSTERN", f"this={bench.POSTERN}")
LOADS = {
    "HTTP, 50 keep-alive connections": lambda s: bench.run_load("http_load", port=s.relay.http, connections=50, messages=MESSAGES,
                                                                key=s.key),
    "SMTP, 50 connections, one message each":
        lambda s: bench.run_load("smtp_load", port=s.relay.plain, connections=50, messages=MESSAGES, each=1, auth=s.auth),
    "SMTP, 50 connections, 100 messages each":
        lambda s: bench.run_load("smtp_load", port=s.relay.plain, connections=50, messages=MESSAGES, each=100, auth=s.auth),
}


def measure(server, load):
    before = bench.cpu_seconds(server.pid)
    result = load(server)
    accepting = bench.cpu_seconds(server.pid)
    bench.wait_until_idle(server.pid)
    result["accept_cpu"] = (accepting - before) / result["accepted"] * 1000
    result["cpu"] = (bench.cpu_seconds(server.pid) - before) / result["accepted"] * 1000
    return result


def main():
    rows = {}
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=os.environ.get("POSTERN_BENCH_DIR")) as name:
        sink = bench.Sink()
        servers = {}
        try:
            for build in BUILDS.split(","):
                title, path = build.split("=", 1)
                servers[title] = bench.Postern(pathlib.Path(name) / title, sink.port, path)
            for _ in range(ROUNDS):
                for title, load in LOADS.items():
                    for build, server in servers.items():
                        rows.setdefault((title, build), []).append(measure(server, load))
        finally:
            for server in servers.values():
                server.stop()
            sink.stop()
    print("| load | build | accepted/s | CPU s per 1,000, until the last was accepted | until settled | p50 ms | p99 ms |\n"
          "|---|---|---:|---:|---:|---:|---:|")
    for (title, build), results in rows.items():
        middle = {k: statistics.median(r[k] for r in results) for k in ("per_second", "accept_cpu", "cpu", "p50_ms", "p99_ms")}
        print(f"| {title} | {build} | {middle['per_second']:,.0f} | {middle['accept_cpu']:.3f} | {middle['cpu']:.3f} | "
              f"{middle['p50_ms']:.1f} | {middle['p99_ms']:.1f} |")


if __name__ == "__main__":
    main()
