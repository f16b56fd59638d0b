"""The resend package from npm, unmodified, works against Postern with only its base URL changed."""

import email
import email.policy
import os
import pathlib
import subprocess

from support import PEERS, check, free_port

PACKAGES = PEERS / "npm"


def install_resend():
    if not (PACKAGES / "node_modules/resend/package.json").exists():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        # npm brings its own list of authorities; it is to trust whom the machine trusts, too.
        trusted = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"}
        done = subprocess.run(["npm", "install", "--prefix", str(PACKAGES), "--no-audit", "--no-fund", "--ignore-scripts",
                               "resend@6"],
                              capture_output=True, text=True, cwd=PACKAGES, env={**trusted, **os.environ})
        check(done.returncode == 0, f"npm cannot install the package: {done.stderr[-1000:]}")


def run(context):
    install_resend()
    relay = context.relay(extra='webhook_allow_http = true\nwebhook_allowed_networks = ["127.0.0.0/8"]\n')
    relay.account("package")
    key = relay.key("package", "--test", "--permission", "full_access")
    live_key = relay.key("package", "--live", "--permission", "full_access")
    relay.start()
    done = subprocess.run(["node", str(pathlib.Path(__file__).parent / "client.js"), f"http://127.0.0.1:{relay.http}/v1", key,
                           live_key,
                           str(free_port())],
                          capture_output=True, text=True, timeout=600,
                          env=dict(os.environ, NODE_PATH=str(PACKAGES / "node_modules")))
    check(done.returncode == 0, f"the package's run failed: {done.stdout}{done.stderr}")
    message_id = done.stdout.strip().splitlines()[-1]
    status, raw, _ = relay.request("GET", f"/v1/emails/{message_id}/raw", key=key)
    check(status == 200, f"raw: {status}")
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    names = {part.get_filename(): part.get_payload(decode=True) for part in parsed.walk() if part.get_filename()}
    check(names.get("café.txt") == b"octets \x00\xff", f"the attachment's octets: {names}")
    check(parsed["subject"] == "with an attachment" and parsed["from"].addresses[0].addr_spec == "ada@example.org", "the header")
    shown = relay.json("message", "show", message_id)
    check(shown["environment"] == "test", "the message is not a test message")
