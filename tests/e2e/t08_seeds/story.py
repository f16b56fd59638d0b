"""Each example configuration reproduces a hosted service's key scheme."""

import re
import smtplib

from support import ROOT, check

SECONDS = 30

BASE62 = "[0-9A-Za-z]{48}"
SCHEMES = {  # name: (pattern of a live key, test keys exist, most active keys)
    "postkit": (rf"pk_live_{BASE62}", True, None),
    "sendkit": (rf"sk_{BASE62}", False, None),
    "postject": (rf"pt_live_{BASE62}", True, 10),
    "postscale": (rf"ps_live_{BASE62}", True, None),
    "mailkite": (rf"mk_live_{BASE62}", True, 1),
}


def login(relay, key):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        try:
            return client.login("app", key)[0]
        except smtplib.SMTPAuthenticationError as refusal:
            return refusal.smtp_code


def run(context):
    for name, (pattern, has_test_keys, most) in SCHEMES.items():
        extra = (ROOT / "conf/examples" / f"{name}.toml").read_text()
        relay = context.relay(name, extra=extra)
        relay.account("team")
        keys = [relay.key("team", "--live", "--name", "first")]
        check(re.fullmatch(pattern, keys[0]), f"{name}: {keys[0][:8]}… does not follow {pattern}")
        for number in range(1, most or 12):
            keys.append(relay.key("team", "--live", "--name", f"key {number}"))
        if most:
            relay.cli("key", "create", "team", "--live", "--quiet", expect=1)
        if not has_test_keys:
            relay.cli("key", "create", "team", "--test", "--name", "test", "--quiet", expect=1)
        elif not most:
            check(relay.key("team", "--test").startswith(keys[0].split("_")[0] + "_test_"), f"{name}: test key")
        relay.start()
        check(all(login(relay, key) == 235 for key in keys), f"{name}: a key does not work")
        # Rotation without overlap: the next key works at once, the old one is dead.
        first = next(k for k in relay.json("key", "list", "team") if k["name"] == "first")
        successor = relay.cli("key", "rotate", first["id"], "--overlap", "0s", "--quiet")
        check(login(relay, successor) == 235 and login(relay, keys[0]) == 535, f"{name}: rotation")
        relay.stop()
