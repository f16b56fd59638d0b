#!/usr/bin/env python3
"""The Grafana dashboard from a table of its panels.

usage: packaging/grafana/make.py >packaging/grafana/postern.json      (tests/lint/run.py compares the two)"""
import json

BY_INSTANCE = 'instance=~"$instance"'
OLDEST = f"postern_queue_oldest_timestamp_seconds{{{BY_INSTANCE}}}"  # 0: nothing waits
LIVE = BY_INSTANCE + ', environment="live"'
DELIVERED = ', outcome="delivered"'


def rate(metric, labels=BY_INSTANCE):
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def quantile(q, metric, labels=BY_INSTANCE, by="le"):
    return f"histogram_quantile({q}, sum by ({by}) ({rate(metric + '_bucket', labels)}))"


# Row → (title, unit, [(query, legend)]), two panels beside each other.
ROWS = [
    ("Doors", [
        ("Messages accepted a second", "ops", [(f"sum by (door) ({rate('postern_submissions_total')})", "{{door}}")]),
        ("Refusals a second by token", "ops", [(f"sum by (token) ({rate('postern_refusals_total')}) > 0", "{{token}}")]),
        ("Connections", "short", [(f"sum(postern_smtp_connections{{{BY_INSTANCE}}})", "SMTP"),
                                  (f"sum(postern_http_connections{{{BY_INSTANCE}}})", "HTTP")]),
        ("Credentials refused a second", "ops", [(f"sum by (door) ({rate('postern_auth_failures_total')})", "{{door}}")]),
        ("HTTP: time to answer", "s", [(quantile(0.5, "postern_http_request_duration_seconds"), "half within"),
                                       (quantile(0.95, "postern_http_request_duration_seconds"), "95 % within")]),
        ("TLS handshakes a second", "ops", [(f"sum by (side, outcome) ({rate('postern_tls_handshakes_total')})",
                                             "{{side}} {{outcome}}")]),
    ]),
    ("Delivery", [
        ("Recipients a second by outcome", "ops",
         [(f"sum by (outcome) ({rate('postern_deliveries_total', LIVE)})", "{{outcome}}")]),
        ("Failures a second by what they are about", "ops",
         [(f"sum by (class) ({rate('postern_delivery_failures_total', LIVE)}) > 0", "{{class}}")]),
        ("From acceptance to delivery", "s",
         [(quantile(0.5, "postern_delivery_delay_seconds", LIVE), "half within"),
                                              (quantile(0.95, "postern_delivery_delay_seconds", LIVE), "95 % within")]),
        ("Time of an attempt", "s", [(quantile(0.5, "postern_delivery_attempt_duration_seconds"), "half within"),
                                     (quantile(0.95, "postern_delivery_attempt_duration_seconds"), "95 % within")]),
        ("Share of live recipients delivered", "percentunit",
         [(f'sum({rate("postern_deliveries_total", LIVE + DELIVERED)}) / '
           f'sum({rate("postern_deliveries_total", LIVE)})', "delivered")]),
        ("Sessions with next hops a second", "ops",
         [(f"sum by (outcome) ({rate('postern_next_hop_connects_total')})", "{{outcome}}")]),
    ]),
    ("Queue", [
        ("Messages that wait", "short",
         [(f"sum by (instance) (postern_queue_messages{{{BY_INSTANCE}}})", "{{instance}}")]),
        ("Age of the oldest", "s",
         [(f"(time() - {OLDEST}) and {OLDEST} > 0 or {OLDEST}", "{{instance}}")]),
        ("Connections to next hops", "short",
         [(f"sum by (instance) (postern_next_hop_connections{{{BY_INSTANCE}}})", "{{instance}}")]),
        ("Look-ups a second", "ops", [(f"sum by (outcome) ({rate('postern_dns_lookups_total')}) > 0", "{{outcome}}")]),
    ]),
    ("Mail hosts and providers", [
        ("Sessions with mail hosts a second by protection", "ops",
         [(f"sum by (level) ({rate('postern_mx_sessions_total')})", "{{level}}"),
          (f"sum({rate('postern_mx_clear_fallbacks_total')})", "fell back to clear text")]),
        ("DANE and MTA-STS by outcome, a second", "ops",
         [(f"sum by (outcome) ({rate('postern_mx_dane_total')})", "DANE {{outcome}}"),
          (f"sum by (outcome) ({rate('postern_mx_sts_total')})", "MTA-STS {{outcome}}")]),
        ("Share delivered by provider", "percentunit",
         [(f'sum by (provider) ({rate("postern_provider_recipients_total", BY_INSTANCE + DELIVERED)}) / '
           f'sum by (provider) ({rate("postern_provider_recipients_total")})', "{{provider}}")]),
        ("Attempts put off by provider, a second", "ops",
         [(f"sum by (provider, why) ({rate('postern_provider_restraints_total')}) > 0", "{{provider}} {{why}}")]),
        ("Connections by provider", "short",
         [(f"sum by (provider) (postern_provider_connections{{{BY_INSTANCE}}}) > 0", "{{provider}}")]),
        ("Egress sources that are missing, and TLS reports, a second", "ops",
         [(f"sum({rate('postern_egress_source_missing_total')})", "no such address here"),
          (f"sum by (way, outcome) ({rate('postern_tls_reports_total')})", "report by {{way}} {{outcome}}")]),
    ]),
    ("What comes in", [
        ("Messages that come in, a second", "ops",
         [(f"sum({rate('postern_inbound_messages_total')})", "taken in"),
          (f"sum({rate('postern_inbound_refused_total')})", "refused"),
          (f"sum({rate('postern_inbound_forwarded_total')})", "sent on"),
          (f"sum({rate('postern_inbound_not_forwarded_total')})", "not sent on"),
          (f"sum({rate('postern_inbound_dropped_total')})", "dropped")]),
        ("What comes back, a second", "ops", [(f"sum by (kind) ({rate('postern_returned_mails_total')})", "{{kind}}")]),
    ]),
    ("Store", [
        ("Time of a sync", "s", [(quantile(0.5, "postern_commit_duration_seconds"), "half within"),
                                 (quantile(0.99, "postern_commit_duration_seconds"), "99 % within")]),
        ("Requests in a sync", "short",
         [(f"sum({rate('postern_commit_batch_size_sum')}) / sum({rate('postern_commit_batch_size_count')})", "on average")]),
        ("Spool", "bytes", [(f"sum by (instance) (postern_spool_used_bytes{{{BY_INSTANCE}}})", "used {{instance}}"),
                            (f"sum by (instance) (postern_spool_free_disk_bytes{{{BY_INSTANCE}}})", "free {{instance}}")]),
        ("Share of the spool's bound that is used", "percentunit",
         [(f"sum by (instance) (postern_spool_used_bytes{{{BY_INSTANCE}}}) / "
           f"sum by (instance) (postern_spool_limit_bytes{{{BY_INSTANCE}}})", "{{instance}}")]),
        ("Messages kept", "short", [(f"sum by (instance) (postern_spool_messages{{{BY_INSTANCE}}})", "{{instance}}")]),
    ]),
    ("Cluster", [
        ("Behind what other nodes acknowledged", "s",
         [(f"max by (instance) (postern_cluster_age_seconds{{{BY_INSTANCE}}})", "{{instance}}")]),
        ("Changes behind the node that is furthest", "short",
         [(f"scalar(max(postern_cluster_version{{{BY_INSTANCE}}})) - "
           f"max by (instance) (postern_cluster_version{{{BY_INSTANCE}}})", "{{instance}}")]),
    ]),
    ("Webhooks and process", [
        ("Webhook requests a second", "ops", [(f"sum by (outcome) ({rate('postern_webhook_requests_total')})", "{{outcome}}")]),
        ("Events that wait for webhooks, and webhooks that are off", "short",
         [(f"sum(postern_webhook_waiting_events{{{BY_INSTANCE}}})", "events"),
          (f"sum(postern_webhooks_disabled{{{BY_INSTANCE}}})", "webhooks that are off")]),
        ("Days until a certificate expires", "d",
         [(f"(min by (door) (postern_certificate_expiry_timestamp_seconds{{{BY_INSTANCE}}} > 0) - time()) / 86400", "{{door}}")]),
        ("Running for", "s", [(f"time() - process_start_time_seconds{{{BY_INSTANCE}, job=\"$job\"}}", "{{instance}}")]),
    ]),
]


def variable(name, query, multi):
    return {"name": name, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "refresh": 2,
            "query": {"query": query, "refId": name}, "includeAll": multi, "multi": multi, "allValue": ".*" if multi else None,
            "current": {"text": "All", "value": "$__all"} if multi else {}}


def dashboard():
    source = {"type": "prometheus", "uid": "${datasource}"}
    panels, top, number = [], 0, 0
    for row, charts in ROWS:
        number += 1
        panels.append({"id": number, "type": "row", "title": row, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}})
        top += 1
        for place, (title, unit, queries) in enumerate(charts):
            number += 1
            targets = [{"refId": chr(65 + i), "expr": query, "legendFormat": legend, "datasource": source}
                       for i, (query, legend) in enumerate(queries)]
            panels.append({"id": number, "type": "timeseries", "title": title, "datasource": source, "targets": targets,
                           "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
                           "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
                           "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": top + 8 * (place // 2)}})
        top += 8 * ((len(charts) + 1) // 2)
    return {"title": "Postern", "uid": "postern", "schemaVersion": 38, "version": 1, "editable": True, "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"}, "timezone": "browser", "tags": ["mail"], "panels": panels,
            "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "current": {}},
                                    variable("job", "label_values(postern_build_info, job)", False),
                                    variable("instance", 'label_values(postern_build_info{job="$job"}, instance)', True)]}}


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=1))
