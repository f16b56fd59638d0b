#!/usr/bin/env python3
"""Accept rate and CPU per 1,000 messages beside Postfix, in turn in the same run, both relaying to smtp-sink.

Needs root and Debian's postfix package (installed without starting it). Run: scripts/deps bench && python3 bench/compare.py
"""

import base64
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import support  # noqa: E402

CASES = [("16 x 100", 16, 100), ("64 x 100", 64, 100), ("16 x 1", 16, 1)]
MESSAGES = {"postern": 20000, "postfix": 4000}
SINGLE = {"postern": 6000, "postfix": 2000}
ROUNDS = int(os.environ.get("POSTERN_BENCH_ROUNDS", "3"))


def children(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


def cpu_seconds(pid):
    """User and system time of the process and its living children, and of those it has reaped."""
    ticks = 0
    for one in children(pid):
        try:
            fields = pathlib.Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        ticks += sum(int(f) for f in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def run_load(binary, port, connections, messages, each, auth):
    done = subprocess.run([binary, str(port), str(connections), str(messages), str(each), "4096", *([auth] if auth else [])],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def start_postfix(folder, port, sink_port):
    shutil.copytree("/etc/postfix", folder / "etc", symlinks=False, dirs_exist_ok=True)
    master = (folder / "etc/master.cf").read_text().splitlines()
    master = [f"127.0.0.1:{port} inet n - n - - smtpd" if line.startswith("smtp ") and " inet " in line else line for line in master]
    master = [line.replace(" y ", " n ") if not line.startswith("#") else line for line in master]
    (folder / "etc/master.cf").write_text("\n".join(master) + "\n")
    (folder / "etc/main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = bench.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink_port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 200
smtp_tls_security_level = none
smtpd_tls_security_level = none
maillog_file =
alias_maps =
""")
    (folder / "spool").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    subprocess.run(["postfix", "-c", str(folder / "etc"), "start"], check=True, capture_output=True)
    support.wait_until(lambda: support.is_listening(port), "Postfix listens")
    return int((folder / "spool/pid/master.pid").read_text())


def load_path(name):
    return str(ROOT / "build/release" / name)


def build_load(name):
    subprocess.run(["g++", "-std=c++20", "-O2", "-pthread", str(ROOT / f"bench/{name}.cc"), "-o", load_path(name)], check=True)


def start_sink(port):
    return subprocess.Popen([str(support.PEERS / "usr/sbin/smtp-sink"), "-u", "root", "-c", f"127.0.0.1:{port}", "1024"],
                            env=dict(os.environ, LD_LIBRARY_PATH=str(support.PEERS / "usr/lib/postfix")),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until_idle(pid):
    """Until the queue has drained: no more CPU is used."""
    seen = [0.0, -1.0]
    while seen[-1] != seen[-2] or len(seen) < 4:
        seen.append(cpu_seconds(pid))
        time.sleep(0.5)


def main():
    support.install_peers()
    build_load("smtp_load")
    rows = {}
    with tempfile.TemporaryDirectory(prefix="postern-bench-", dir=os.environ.get("POSTERN_BENCH_DIR")) as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        sink = start_sink(45525)
        (folder / "postern").mkdir()
        relay = support.Relay(ROOT / "build/release/app/postern", folder / "postern", next_hop_port=45525)
        relay.account("bench", "--mode", "production", "--plan", "unlimited")
        auth = base64.b64encode(b"\0bench\0" + relay.key("bench", "--live").encode()).decode()
        relay.start()
        (folder / "postfix").mkdir()
        postfix_port = support.free_port()
        postfix = start_postfix(folder / "postfix", postfix_port, 45525)
        servers = {"postern": (relay.plain, relay.process.pid, auth), "postfix": (postfix_port, postfix, None)}
        try:
            for title, connections, each in CASES:
                for _ in range(ROUNDS):
                    for server, (port, pid, credential) in servers.items():
                        messages = (MESSAGES if each > 1 else SINGLE)[server]
                        before = cpu_seconds(pid)
                        result = run_load(load_path("smtp_load"), port, connections, messages, each, credential)
                        wait_until_idle(pid)
                        result["cpu_per_1000"] = (cpu_seconds(pid) - before) / result["accepted"] * 1000
                        rows.setdefault((title, server), []).append(result)
        finally:
            subprocess.run(["postfix", "-c", str(folder / "postfix/etc"), "stop"], capture_output=True)
            sink.kill()
            relay.stop()
    print("| case (connections x messages each) | server | accepted/s | CPU s per 1,000 | p50 ms | p99 ms |\n|---|---|---:|---:|---:|---:|")
    medians = {}
    for (title, server), results in rows.items():
        middle = {k: statistics.median(r[k] for r in results) for k in ("per_second", "cpu_per_1000", "p50_ms", "p99_ms")}
        medians[title, server] = middle
        print(f"| {title} | {server} | {middle['per_second']:.0f} | {middle['cpu_per_1000']:.3f} | {middle['p50_ms']:.1f} | {middle['p99_ms']:.1f} |")
    for title, _, _ in CASES:
        ours, theirs = medians[title, "postern"], medians[title, "postfix"]
        print(f"{title}: {ours['per_second'] / theirs['per_second']:.1f} times Postfix's rate, "
              f"1/{theirs['cpu_per_1000'] / ours['cpu_per_1000']:.0f} of its CPU")


if __name__ == "__main__":
    main()
