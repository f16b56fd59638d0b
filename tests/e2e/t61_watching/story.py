"""A real Prometheus reads /metrics while mail goes through; every query of the Grafana dashboard and of the alarms is understood by
it, and those that traffic gives something to say return data."""

import json
import re
import smtplib
import subprocess
import urllib.parse
import urllib.request

from support import PEERS, PLAIN_MESSAGE, ROOT, check, free_port, wait_until

SECONDS = 25
# Panels that this traffic does not reach: no name is looked up, no webhook called, and no mail host is a provider's. What they ask
# for is on the page of metrics all the same.
QUIET = {"Look-ups a second", "Webhook requests a second", "Share delivered by provider", "Attempts put off by provider, a second",
         "Connections by provider"}


def answer(port, query):
    asked = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{asked}", timeout=60) as got:
        return json.load(got)["data"]["result"]


def panels():
    dashboard = json.loads((ROOT / "packaging/grafana/postern.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            query = target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*").replace("$job", "postern")
            yield panel["title"], query


def send(relay, key, recipients):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.login("x", key)
        for recipient in recipients:
            client.sendmail("a@example.org", [recipient], PLAIN_MESSAGE)


def traffic(relay, live):
    send(relay, live, ["b@example.net"] * 3)
    for bad in ("pk_live_nonsense", live[:-1] + ("a" if live[-1] != "a" else "b")):
        try:
            send(relay, bad, ["b@example.net"])
        except smtplib.SMTPAuthenticationError:
            pass
    with smtplib.SMTP("127.0.0.1", relay.starttls, timeout=300) as client:
        client.starttls()
    status, _, _ = relay.request("GET", "/v1/emails", key=live)
    check(status == 200, f"the list of e-mails: {status}")


def run(context):
    hop = context.sink()
    relay = context.relay(next_hop_port=hop.port, extra="retry_initial_seconds = 1\nretry_max_seconds = 1\n")
    relay.start()
    relay.account("watched", "--mode", "production", "--per-second", "unlimited")
    live = relay.key("watched", "--live", "--permission", "full_access")
    port, folder = free_port(), context.folder / "prometheus"
    folder.mkdir()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        f"rule_files: [{ROOT / 'packaging/prometheus/postern.rules.yml'}]\n"
        f"scrape_configs: [{{job_name: postern, static_configs: [{{targets: ['127.0.0.1:{relay.http}']}}]}}]\n")
    with open(folder / "log", "wb") as log:
        prometheus = subprocess.Popen([PEERS / "usr/bin/prometheus", f"--config.file={folder}/prometheus.yml",
                                       f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
                                      stdout=log, stderr=log)
    try:
        def scraped():
            try:
                return answer(port, 'up{job="postern"} == 1')
            except OSError:
                return None

        wait_until(scraped, "Prometheus reads the metrics")
        # One attempt fails, for there is nobody yet.
        send(relay, live, ["b@example.net"])
        wait_until(lambda: "recipient_deferred" in (relay.folder / "log").read_text(), "the first attempt fails")
        hop.start()
        silent = {title for title, _ in panels()} - QUIET

        def all_speak():
            traffic(relay, live)
            for title, query in panels():
                # NaN is what nothing divided by nothing gives.
                if any(sample["value"][1] != "NaN" for sample in answer(port, query)):
                    silent.discard(title)
            return not silent

        try:
            wait_until(all_speak, "every panel has data", 120)
        finally:
            check(not silent, f"panels without data: {sorted(silent)}")
        _, page, _ = relay.request("GET", "/metrics")
        known = set(re.findall(r"^# TYPE (\S+) ", page.decode(), re.M))
        for title, query in panels():
            answer(port, query)
            asked = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"\b(?:postern|process)_\w+", query)}
            check(asked <= known, f"{title} asks for what there is not: {asked - known}")
        rules = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=60))["data"]["groups"][0]["rules"]
        written = re.findall(r"alert: (\w+)", (ROOT / "packaging/prometheus/postern.rules.yml").read_text())
        check([rule["name"] for rule in rules] == written, "Prometheus has every alarm")
        ill = [rule["name"] for rule in rules if rule["health"] == "err"]
        check(not ill, f"alarms whose query fails: {ill}")
    finally:
        prometheus.terminate()
        prometheus.wait()
