#!/usr/bin/env python3
"""Sending over HTTP beside SMTP with one message a connection: rate and CPU per 1,000 messages, in turn in the same run.

A live key relays to smtp-sink. Run: scripts/deps bench && scripts/build release postern && python3 bench/http.py
"""

import base64
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.path.insert(0, str(ROOT / "bench"))
import compare  # noqa: E402
import support  # noqa: E402

MESSAGES = int(os.environ.get("POSTERN_BENCH_MESSAGES", "10000"))
ROUNDS = int(os.environ.get("POSTERN_BENCH_ROUNDS", "3"))


def main():
    support.install_peers()
    for name in ("smtp_load", "http_load"):
        compare.build_load(name)
    rows = {}
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=os.environ.get("POSTERN_BENCH_DIR")) as name:
        sink = compare.start_sink(45526)
        relay = support.Relay(ROOT / "build/release/app/postern", name, next_hop_port=45526)
        relay.account("bench", "--mode", "production", "--plan", "unlimited")
        key = relay.key("bench", "--live")
        auth = base64.b64encode(b"\0bench\0" + key.encode()).decode()
        relay.start()
        pid = relay.process.pid
        loads = {
            "HTTP, 50 keep-alive connections": [compare.load_path("http_load"), str(relay.http), "50", str(MESSAGES), "4096", key],
            "SMTP, 50 connections, one message each": [compare.load_path("smtp_load"), str(relay.plain), "50", str(MESSAGES), "1", "4096", auth],
            "SMTP, 50 connections, 100 messages each": [compare.load_path("smtp_load"), str(relay.plain), "50", str(MESSAGES), "100", "4096", auth],
        }
        try:
            for _ in range(ROUNDS):
                for title, command in loads.items():
                    before = compare.cpu_seconds(pid)
                    result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                    compare.wait_until_idle(pid)
                    result["cpu_per_1000"] = (compare.cpu_seconds(pid) - before) / result["accepted"] * 1000
                    rows.setdefault(title, []).append(result)
        finally:
            sink.kill()
            relay.stop()
    print("| load | accepted/s | CPU s per 1,000 | p50 ms | p99 ms |\n|---|---:|---:|---:|---:|")
    for title, results in rows.items():
        middle = {k: statistics.median(r[k] for r in results) for k in ("per_second", "cpu_per_1000", "p50_ms", "p99_ms")}
        print(f"| {title} | {middle['per_second']:,.0f} | {middle['cpu_per_1000']:.3f} | {middle['p50_ms']:.1f} | {middle['p99_ms']:.1f} |")


if __name__ == "__main__":
    main()
