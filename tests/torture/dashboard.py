#!/usr/bin/env python3
"""The dashboard's list of a million messages: how long from the click to the painted rows, how it scrolls, and whether the page's
memory is bounded while messages arrive for minutes. Exit 1 where a bound is broken.

usage: dashboard.py [--postern BINARY] [--fill BINARY] [--messages N] [--seconds S] [--rate R]
"""

import argparse
import pathlib
import smtplib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from browser import Browser  # noqa: E402
from support import Relay, check  # noqa: E402

PASSWORD = "correct horse battery"
CLICKS = 9
MOST_MILLISECONDS = 300  # from the click to the painted first page
MOST_GROWTH = 24 * 1024 * 1024  # octets of the page's heap over the whole run
MOST_NODES = 6000
CLICK = """
const done = arguments[arguments.length - 1];
const began = performance.now();
const painted = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
new MutationObserver((changes, observer) => {
  if (!document.querySelector('main .mail-row[data-id]')) return;
  observer.disconnect();
  painted();
}).observe(document.querySelector('main'), {childList: true, subtree: true});
document.querySelector('nav a[data-path="/messages"]').click();
"""
SCROLL = """
const done = arguments[arguments.length - 1];
const list = document.querySelector('.rows-viewport');
const frames = [];
let last = performance.now();
let left = 240;
const step = (now) => {
  frames.push(now - last);
  last = now;
  list.scrollTop += 400;
  left -= 1;
  if (left) requestAnimationFrame(step);
  else done([frames.sort((a, b) => a - b)[Math.floor(frames.length * 0.95)], list.scrollHeight]);
};
requestAnimationFrame(step);
"""


def heap(page):
    """Octets that are still needed, and nodes."""
    page.driver.execute_cdp_cmd("Performance.enable", {})
    page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    metrics = {m["name"]: m["value"] for m in page.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
    return metrics["JSHeapUsedSize"], metrics["Nodes"]


def click_to_paint(page):
    times = []
    for _ in range(CLICKS):
        page.go("/keys")
        page.at("API keys")
        times.append(page.driver.execute_async_script(CLICK))
    return times


class Sender(threading.Thread):
    """So many messages a second, over one connection."""

    def __init__(self, relay, key, rate):
        super().__init__(daemon=True)
        self.relay, self.key, self.rate = relay, key, rate
        self.sent = 0
        self.over = threading.Event()

    def run(self):
        began = time.monotonic()
        with smtplib.SMTP("127.0.0.1", self.relay.plain, timeout=300) as client:
            client.ehlo("load.example.org")
            client.login("load", self.key)
            while not self.over.wait(max(0, began + self.sent / self.rate - time.monotonic())):
                content = f"From: load@example.org\r\nTo: x@example.net\r\nSubject: Arrival {self.sent}\r\n\r\nIt works.\r\n"
                client.sendmail("load@example.org", ["x@example.net"], content)
                self.sent += 1


def arrivals(page, relay, key, rate, seconds):
    page.go("/keys")
    page.at("API keys")
    page.go("/messages")
    page.at("Messages")
    sender = Sender(relay, key, rate)
    sender.start()
    readings = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(10, seconds / 6))
        readings.append(heap(page))
        newest = page.run("return document.querySelector('.mail-row[data-id] a')?.textContent")
        octets, nodes = readings[-1]
        print(f"  {sender.sent} arrived, heap {octets / 1048576:.1f} MiB, {nodes} nodes, newest {newest!r}", flush=True)
    sender.over.set()
    sender.join()
    page.wait(lambda: f"Arrival {sender.sent - 1}" in page.text(), "the last one is on the page")
    return readings, sender.sent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postern", default=str(ROOT / "build/release/app/postern"))
    parser.add_argument("--fill", default=str(ROOT / "build/release/bench/fill"))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="postern-dashboard-") as folder:
        relay = Relay(arguments.postern, folder, next_hop_port=9)
        relay.account("shop", "--mode", "production")
        relay.user("shop", "ada@example.org", PASSWORD)
        key = relay.key("shop", "--test")
        subprocess.run([arguments.fill, "messages", "--data", str(relay.folder / "data"), "--account", "shop", "--count",
                        str(arguments.messages), "--octets", "1024", "--domains", "1000"], check=True)
        relay.start()
        try:
            with Browser(f"http://127.0.0.1:{relay.http}", width=1360) as page:
                page.sign_in("ada@example.org", PASSWORD)
                times = click_to_paint(page)
                print(f"{arguments.messages} messages: click to paint {times[0]:.0f} ms at first, "
                      f"median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms")
                check(max(times) <= MOST_MILLISECONDS, f"more than {MOST_MILLISECONDS} ms")
                frame, height = page.driver.execute_async_script(SCROLL)
                print(f"scrolling: 95 % of frames within {frame:.0f} ms; {height} pixels of rows, {heap(page)[1]} nodes")
                readings, sent = arrivals(page, relay, key, arguments.rate, arguments.seconds)
                growth = max(r[0] for r in readings) - readings[0][0]
                print(f"{sent} arrivals in {arguments.seconds} s: the heap grew by {growth / 1048576:.1f} MiB at most, "
                      f"{max(r[1] for r in readings)} nodes at most")
                check(growth <= MOST_GROWTH and max(r[1] for r in readings) <= MOST_NODES, "the page's memory is not bounded")
        finally:
            relay.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
