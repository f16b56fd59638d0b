"""What watches from outside agrees with what is there: the Grafana dashboard is what its table makes, queries and alarms use
metrics that exist, every alarm has its paragraph in docs/runbook.md, and
promtool finds the rules sound and as loud as they shall be."""

import json
import pathlib
import re
import subprocess
import sys

from tree import ROOT

DASHBOARD = "packaging/grafana/postern.json"
# Unpacked by tests/e2e/peers.py, which scripts/test runs first.
PROMTOOL = pathlib.Path(__file__).resolve().parents[2] / "build/peers/usr/bin/promtool"
RULES = "packaging/prometheus/postern.rules.yml"
NAME = re.compile(r"\b(?:postern|process)_[a-z_]+")
SUFFIX = re.compile(r"_(bucket|sum|count)$")


def known_metrics():
    rows = re.findall(r"^\| `([a-z_]+)` \| (?:counter|gauge|histogram) \|", (ROOT / "docs/operations.md").read_text(), re.M)
    return set(rows)


def check_names(path, text, known):
    for name in sorted(set(NAME.findall(text))):
        if name not in known and SUFFIX.sub("", name) not in known:
            yield f"{path}: there is no metric {name}"


def lint():
    known = known_metrics()
    dashboard = (ROOT / DASHBOARD).read_text()
    made = subprocess.run([sys.executable, str(ROOT / "packaging/grafana/make.py")], capture_output=True, text=True).stdout
    if made != dashboard:
        yield f"{DASHBOARD}: not what packaging/grafana/make.py makes"
    queries = [t["expr"] for panel in json.loads(dashboard)["panels"] for t in panel.get("targets", [])]
    yield from check_names(DASHBOARD, "\n".join(queries), known)
    rules = (ROOT / RULES).read_text()
    yield from check_names(RULES, "\n".join(re.findall(r"expr: (.*?)\n +(?:for|labels):", rules, re.S)), known)
    paragraphs = set(re.findall(r"^## (Postern\w+)$", (ROOT / "docs/runbook.md").read_text(), re.M))
    alarms = set(re.findall(r"- alert: (\w+)", rules))
    tested = set(re.findall(r"alertname: (\w+)", (ROOT / "packaging/prometheus/tests.yml").read_text()))
    for alarm in sorted(alarms ^ paragraphs):
        yield f"docs/runbook.md and {RULES}: only one of them has {alarm}"
    for alarm in sorted(alarms - tested):
        yield f"packaging/prometheus/tests.yml: {alarm} is not tested"
    if PROMTOOL.exists():
        done = subprocess.run([PROMTOOL, "test", "rules", "tests.yml"], cwd=ROOT / "packaging/prometheus", capture_output=True,
                              text=True)
        if done.returncode:
            yield f"{RULES}: promtool test rules: {' '.join((done.stdout + done.stderr).split())[:400]}"
