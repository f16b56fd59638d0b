"""Every page, light and dark, wide and at a phone's width, with axe-core: no violation. Beside it what
the first page weighs, and tables for the functions that make words."""

import gzip
import pathlib
import re
import sys

from axe import axe
from browser import browser
from support import check

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from words import words  # noqa: E402

SECONDS = 110
PASSWORD = "correct horse battery"
MOST_OCTETS = 60 * 1024  # compressed, of all that the first page loads; what was promised are 150 KiB


def populate(relay):
    """Something of everything, so that no page is empty."""
    relay.account("shop", "--domain", "example.org")
    relay.user("shop", "ada@example.org", PASSWORD, "--operator")
    relay.start()
    key = relay.key("shop", "--test", "--permission", "full_access", "--name", "web shop")
    live = relay.key("shop", "--live", "--permission", "full_access", "--name", "back office")
    recipients = ["someone@example.net", *(f"{name}@simulator.postern.test" for name in ("bounced", "complained", "timeout"))]
    for index, recipient in enumerate(recipients):
        status, sent, _ = relay.request("POST", "/v1/emails", {
            "from": "Shop <shop@example.org>", "to": recipient, "subject": f"Message {index}", "run": "ci-1", "text": "It works.",
            "html": "<h1>It works.</h1><p><a href='https://shop.example.org/'>shop</a></p>",
            "tags": [{"name": "kind", "value": "order"}],
            "attachments": [{"content": "JVBERi0xLjcK", "filename": "receipt.pdf"}]}, key)
        check(status == 200, f"a message: {status} {sent}")
        first = sent["id"] if index == 0 else first
    rules = [{"stage": "delivery", "greylist": 2}, {"stage": "rcpt", "to": "*@example.net", "chance": 0.1, "delay_ms": 10}]
    status, run, _ = relay.request("POST", "/v1/test/runs", {"run": "ci-2", "label": "sign-up", "clock": True, "seed": 7,
                                                             "script": {"name": "a bad day", "rules": rules}}, key)
    check(status == 201, f"a run: {status} {run}")
    relay.request("POST", "/v1/emails", {"from": "shop@example.org", "to": "ann@example.net", "subject": "Your code", "run": "ci-2",
                                         "text": "Your code is 481516.\nhttps://shop.example.org/confirm?t=1"}, key)
    refused = {"from": "shop@example.org", "to": "stranger@example.com", "subject": "x", "text": "x"}
    check(relay.request("POST", "/v1/emails", refused, live)[0] == 403, "a stranger")
    made = {}
    for path, body in (("/v1/domains", {"name": "example.org"}), ("/v1/sandbox/emails", {"email": "friend@example.net"}),
                       ("/v1/suppressions", {"email": "gone@example.net"}),
                       ("/v1/webhooks", {"endpoint": "https://example.org/hook"})):
        status, made[path], _ = relay.request("POST", path, body, live)
        check(status == 201, f"{path}: {status} {made[path]}")
    operator = relay.request("POST", "/v1/auth/login", {"email": "ada@example.org", "password": PASSWORD})[1]["token"]
    for scope in ({"domain": ".example.edu"}, {"tag": "kind=order", "action": "bounce"}):
        status, given, _ = relay.request("POST", "/v1/queue/orders", {"action": "hold", "reason": "an incident", **scope}, operator)
        check(status == 201, f"an order: {status} {given}")
    keys = relay.request("GET", "/v1/api-keys", key=live)[1]["data"]
    relay.request("POST", f"/v1/api-keys/{keys[0]['id']}/rotate", {"overlap": "1h"}, live)
    return {"message": first, "key": keys[0]["id"], "domain": made["/v1/domains"]["id"],
            "webhook": made["/v1/webhooks"]["id"], "account": relay.request("GET", "/v1/account", key=live)[1]["id"]}


def addresses(ids):
    tabs = [f"/messages/{ids['message']}?tab={tab}"
            for tab in ("preview", "text", "headers", "source", "attachments", "links", "checks", "dialogue", "explain")]
    return ["/", "/?period=month", "/start", "/refusals", "/refusals?token=recipient_not_whitelisted", "/inbound", "/messages",
            "/messages?status=bounced&tag=none", *tabs, "/keys", f"/keys/{ids['key']}", "/domains",
            f"/domains/{ids['domain']}", "/sandbox", "/runs",
            "/runs/ci-1", *(f"/runs/ci-2?tab={tab}" for tab in ("messages", "expect", "script", "journal")),
            "/webhooks", f"/webhooks/{ids['webhook']}", "/suppressions", "/usage", "/account", "/queue", "/accounts",
            f"/accounts/{ids['account']}"]


def settle(page):
    page.find("//h1", "the page")
    page.wait(lambda: page.run("return !document.querySelector('[aria-busy=true]')"), "the page is there")


def every_page(page, ids, scheme):
    for address in addresses(ids):
        page.go(address)
        settle(page)
        axe(page, f"{address} ({scheme})")


def dialogs(page, scheme):
    for address, button in (("/keys", "Create a key"), ("/domains", "Add a domain"), ("/webhooks", "Add a webhook"),
                            ("/suppressions", "Import"), ("/account", "Add somebody"), ("/account", "Change the password"),
                            ("/queue", "Give an order"), ("/runs", "New run"), ("/runs/ci-2", "Move it …")):
        page.go(address)
        settle(page)
        page.click(button)
        axe(page, f"{address}: {button} ({scheme})")
        page.press("\ue00c")
    page.chord("\ue009", "k")
    axe(page, f"the palette ({scheme})")
    page.press("\ue00c")


def as_scheme(page, scheme):
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
        {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]})


def no_sideways(page, ids):
    """A phone's width, and 200 %: nothing is cut off, nothing scrolls sideways but tables."""
    for width in (360, 640):
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 780, "deviceScaleFactor": 2,
                                                                          "mobile": False})
        for address in addresses(ids):
            page.go(address)
            settle(page)
            excess = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            check(excess <= 0, f"{address} is {excess} pixels wider than a window of {width}")
    axe(page, "at a phone's width")


def weight(relay):
    """Compressed, as sent: the page, its styles and every module that it begins with."""
    fields = {"Accept": "text/html", "Accept-Encoding": "gzip"}
    status, content, headers = relay.request("GET", "/", headers=fields)
    check(status == 200, f"GET /: {status}")
    total = len(content)
    page = gzip.decompress(content).decode() if headers.get("content-encoding") == "gzip" else content.decode()
    names = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    overview = [names[-1].rsplit("/", 1)[0] + f"/{name}" for name in ("pages/overview.js", "lib/plot.js")]
    for name in dict.fromkeys(names + overview):
        status, content, headers = relay.request("GET", name, headers={"Accept-Encoding": "gzip"})
        check(status == 200, f"GET {name}: {status}")
        check("immutable" in headers["cache-control"], f"{name} is asked for again: {headers}")
        total += len(content)
    print(f"    the first page: {len(names) + 3} files, {total} octets compressed")
    check(total <= MOST_OCTETS, f"the first page weighs {total} octets")


def run(context):
    relay = context.relay()
    ids = populate(relay)
    weight(relay)
    with browser(relay, width=1360) as page:
        for scheme in ("light", "dark"):
            as_scheme(page, scheme)
            page.driver.get(page.origin)
            if scheme == "light":
                page.find("//input", "the sign-in")
                axe(page, "the sign-in")
                page.sign_in("ada@example.org", PASSWORD)
                words(page)
            every_page(page, ids, scheme)
            dialogs(page, scheme)
        no_sideways(page, ids)

