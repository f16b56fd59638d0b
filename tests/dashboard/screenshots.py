#!/usr/bin/env python3
"""Pictures of every page, light and dark: a relay of its own, an account with a day's mail, Chromium without a window, WebP.

usage: screenshots.py [--postern BINARY] [--into FOLDER] [PAGE …]
"""

import argparse
import pathlib
import random
import smtplib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from browser import Browser  # noqa: E402
from name_server import NameServer  # noqa: E402
from support import Relay, Sink, check, free_port, install_peers  # noqa: E402

PASSWORD = "correct horse battery"
WIDTH, HEIGHT = 1280, 800
QUALITY = 62
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<match target="pattern"><test name="family" qual="any"><string>system-ui</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match>
<match target="pattern"><test name="family" qual="any"><string>sans-serif</string></test>
<edit name="family" mode="assign" binding="strong"><string>Inter</string></edit></match></fontconfig>"""
HTML = """<html><body style="margin:0;padding:28px;background:#f4f5f8;font-family:Inter,sans-serif"><table width="100%"
style="max-width:560px;margin:auto;background:#fff;border-radius:10px"><tr><td style="padding:32px;color:#222">
<p style="margin:0 0 20px;font-weight:700;color:#0c6b58">Corner Shop</p>
<h1 style="margin:0 0 12px;font-size:24px">Thank you, Grace</h1>
<p style="line-height:1.6">Your order <b>4711</b> has left our house and should be with you on Thursday.</p>
<table width="100%" style="margin:16px 0;border-top:1px solid #e4e4ea"><tr><td style="padding:10px 0">Darjeeling, 250 g</td>
<td align="right">9.80</td></tr><tr><td style="padding:10px 0">Tea pot, blue</td><td align="right">34.00</td></tr></table>
<p><a href="https://shop.example.org/orders/4711" style="background:#0c6b58;color:#fff;padding:12px 20px;border-radius:6px;
text-decoration:none">Follow the parcel</a></p><p style="color:#777;font-size:12px">Corner Shop Ltd · 1 High Street</p>
<img src="https://tracker.example.com/pixel.gif" width="1" height="1" alt=""></td></tr></table></body></html>"""
TEXT = "Thank you, Grace\n\nYour order 4711 has left our house.\nhttps://shop.example.org/orders/4711\n"
SUBJECTS = ["Your receipt", "Welcome to Corner Shop", "Reset your password", "Your parcel is on its way", "Invoice 2026-1187",
            "Please confirm your address", "Your order 4711"]
PEOPLE = ["grace@example.net", "linus@example.com", "katherine@example.edu", "alan@example.net", "barbara@example.org"]
SCENARIOS = ["bounced", "deferred", "complained", "timeout", "suppressed"]


def send(relay, key, **more):
    body = {"from": "Corner Shop <shop@example.org>", "subject": "Your receipt", "html": HTML, "text": TEXT,
            "tags": [{"name": "kind", "value": "order"}], **more}
    status, sent, _ = relay.request("POST", "/v1/emails", body, key)
    return sent["id"] if status == 200 else None


def fill(relay):
    """An account as it looks after a day's work, and others that ask for something."""
    chance = random.Random(11)
    test = relay.key("shop", "--test", "--permission", "full_access", "--name", "integration tests")
    live = relay.key("shop", "--live", "--permission", "full_access", "--name", "web shop")
    relay.key("shop", "--live", "--name", "newsletter", "--permission", "sending_access")
    for path, bodies in (("/v1/domains", [{"name": "example.org"}]), ("/v1/sandbox/emails", [{"email": "grace@example.net"}]),
                         ("/v1/suppressions", [{"email": "gone@example.net"}, {"email": "bounces@example.com"}]),
                         ("/v1/webhooks", [{"endpoint": "https://hooks.example.org/postern", "environment": "all"}])):
        for body in bodies:
            status, answer, _ = relay.request("POST", path, body, live)
            check(status == 201, f"{path}: {status} {answer}")
    for index in range(90):
        to = chance.choice(PEOPLE)
        if chance.random() < 0.2:
            to = f"{chance.choice(SCENARIOS)}+{index}@simulator.postern.test"
        more = {"run": f"ci-{4700 + index // 15}"} if index % 2 else {}
        send(relay, test, to=to, subject=chance.choice(SUBJECTS), **more)
    real = None
    for index in range(14):
        real = send(relay, live, to="grace@example.net", subject=chance.choice(SUBJECTS)) or real
    for name in ("stranger", "ada", "linus", "stranger", "grace"):
        send(relay, live, to=f"{name}@example.com")
    send(relay, test, to=PEOPLE[0], **{"from": "shop@corner-shop.example"})
    made = {"run": "ci-4711", "label": "sign-up, main branch", "clock": True, "script": "greylisting"}
    check(relay.request("POST", "/v1/test/runs", made, test)[0] == 201, "a run")
    for to, subject, text in (("ann@example.org", "Please confirm", "Your code is 481516.\nhttps://app.example.com/confirm?t=a\n"),
                              ("bob@example.net", "Reset your password", "https://app.example.com/reset?token=4711\n")):
        send(relay, test, to=to, subject=subject, text=text, html=f"<p>{text}</p>", run="ci-4711")
    operator = relay.request("POST", "/v1/auth/login", {"email": "ada@example.org", "password": PASSWORD})[1]["token"]
    order = {"action": "hold", "domain": "example.net", "reason": "their incident 4711"}
    check(relay.request("POST", "/v1/queue/orders", order, operator)[0] == 201, "an order")
    for subject in SUBJECTS[:3]:
        send(relay, live, to="grace@example.net", subject=subject)
        time.sleep(1.1)  # its plan's rate
    keys = {key["name"]: key["id"] for key in relay.request("GET", "/v1/api-keys", key=live)[1]["data"]}
    relay.request("POST", f"/v1/api-keys/{keys['newsletter']}/rotate", {"overlap": "7d"}, live)
    shown = send(relay, test, to="grace@example.net", subject="Your order 4711", run="ci-4705", attachments=[
        {"content": "JVBERi0xLjcK", "filename": "receipt.pdf"}])
    relay.settled(shown)
    first = {path: relay.request("GET", f"/v1/{path}", key=live)[1]["data"][0]["id"] for path in ("domains", "webhooks")}
    relay.settled(real)
    return {"message": shown, "real": real, "key": keys["newsletter"], "domain": first["domains"], "webhook": first["webhooks"],
            "account": relay.request("GET", "/v1/account", key=live)[1]["id"]}


def receive(relay, server, mx):
    """Mail for the shop's addresses, from people and from one who is not who it says."""
    server.publish(relay.cli("domain", "records", "example.org").splitlines())
    relay.cli("domain", "verify", "example.org")
    token = relay.request("POST", "/v1/auth/login", {"email": "ada@example.org", "password": PASSWORD})[1]["token"]
    name = relay.request("GET", "/v1/domains", key=token)[1]["data"][0]["id"]
    for match, more in (("orders", {"action": "webhook"}), ("support+*", {"action": "store"}),
                        ("hello", {"action": "forward", "destination": "grace@example.net"})):
        status, route, _ = relay.request("POST", "/v1/routes", {"domain_id": name, "match": match, **more}, token)
        check(status == 201, f"a route: {status} {route}")
    changed = relay.request("PATCH", f"/v1/domains/{name}", {"receiving": True, "inbound_policy": "tag"}, token)
    check(changed[0] == 200, f"it receives: {changed}")
    for sender, to, subject in (("grace@example.net", "orders@example.org", "Where is my tea pot?"),
                                ("linus@example.com", "support+4711@example.org", "Re: Your order 4711"),
                                ("katherine@example.edu", "orders@example.org", "Forty blue pots for the institute")):
        with smtplib.SMTP("127.0.0.1", mx, timeout=60) as client:
            client.sendmail(sender, [to], f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nGood morning,\r\n\r\nAda\r\n")
    return relay.request("GET", "/v1/inbound", key=token)[1]["data"][0]["id"]


def pages(ids):
    return {
        "start": "/start", "overview": "/", "messages": "/messages", "message": f"/messages/{ids['message']}",
        "checks": f"/messages/{ids['message']}?tab=checks", "keys": "/keys", "key": f"/keys/{ids['key']}", "domains": "/domains",
        "domain": f"/domains/{ids['domain']}", "sandbox": "/sandbox", "runs": "/runs", "run": "/runs/ci-4711",
        "dialogue": f"/messages/{ids['real']}?tab=dialogue", "refusals": "/refusals", "inbound": "/inbound",
        "received": f"/inbound/{ids['received']}", "webhooks": "/webhooks", "webhook": f"/webhooks/{ids['webhook']}",
        "suppressions": "/suppressions", "usage": "/usage", "account": "/account",
        "queue": "/queue", "accounts": "/accounts", "account-of": f"/accounts/{ids['account']}", "palette": "/messages",
    }


def picture(page, name, scheme, folder):
    raw = folder / f"{name}-{scheme}.png"
    page.driver.save_screenshot(str(raw))
    subprocess.run(["cwebp", "-quiet", "-q", str(QUALITY), "-m", "6", str(raw), "-o", str(raw.with_suffix(".webp"))], check=True)
    raw.unlink()


def settle(page):
    page.find("//h1", "the page")
    page.wait(lambda: page.run("return !document.querySelector('[aria-busy=true]')"), "the page is there")
    page.driver.execute_async_script("const done = arguments[0]; setTimeout(done, 350)")


def as_scheme(page, scheme):
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]})


def take(page, ids, scheme, folder, wanted):
    as_scheme(page, scheme)
    for name, address in pages(ids).items():
        if wanted and name not in wanted:
            continue
        page.go(address)
        settle(page)
        if name == "palette":
            page.chord("\ue009", "k")
            page.press("pass")
            settle(page)
        picture(page, name, scheme, folder)
        if name == "palette":
            page.press("\ue00c")


def phone(page, ids, folder):
    as_scheme(page, "light")
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 780, "deviceScaleFactor": 1,
                                                                      "mobile": False})
    for name in ("messages", "message", "refusals", "domain"):
        page.go(pages(ids)[name])
        settle(page)
        picture(page, f"{name}-phone", "light", folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--postern", default=str(ROOT / "build/release/app/postern"))
    parser.add_argument("--into", default=str(ROOT / "docs/screenshots"))
    parser.add_argument("pages", nargs="*")
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.into)
    folder.mkdir(parents=True, exist_ok=True)
    install_peers()
    with tempfile.TemporaryDirectory(prefix="postern-screenshots-") as name:
        scratch = pathlib.Path(name)
        (scratch / "fonts.conf").write_text(FONTS)
        sink = Sink(scratch / "sink").start()
        server = NameServer(scratch / "dns", "example.org")
        mx = free_port()
        relay = Relay(arguments.postern, scratch, next_hop_port=sink.port,
                      extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_timeout_seconds = 60')
        relay.config.write_text(relay.config.read_text() +
                                f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "none"\n')
        relay.account("shop", "--domain", "example.org")
        relay.account("clinic", "--mode", "production")
        relay.user("shop", "ada@example.org", PASSWORD, "--operator")
        relay.start()
        try:
            ids = fill(relay)
            ids["received"] = receive(relay, server, mx)
            with Browser(f"http://127.0.0.1:{relay.http}", width=WIDTH, height=HEIGHT, fonts=scratch / "fonts.conf") as page:
                page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                    "width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False})
                page.sign_in("ada@example.org", PASSWORD)
                for scheme in ("light", "dark"):
                    take(page, ids, scheme, folder, arguments.pages)
                phone(page, ids, folder)
        finally:
            relay.stop()
            sink.stop()
            server.stop()
    total = sum(path.stat().st_size for path in folder.glob("*.webp"))
    print(f"{len(list(folder.glob('*.webp')))} pictures, {total / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
