"""The way into production in a browser: a domain is added and verified by a real name server, the sandbox is tried, production
access is asked for, an operator approves it in a browser of their own, and mail leaves for real. Beside it: a webhook gets a test
event, a suppression is lifted, and an operator holds the mail to a domain and releases it. Once with the mouse, once with nothing
but keys."""

import http.server
import threading

from browser import Keys, browser
from name_server import NameServer
from support import check, free_port, wait_until

SECONDS = 60
PASSWORD = "correct horse battery"
ZONE = "example.org"
THANKS = "taken with thanks"


class Receiver:
    """Takes webhooks and keeps their bodies."""

    def __init__(self):
        self.port = free_port()
        self.bodies = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", str(len(THANKS)))
                self.end_headers()
                self.wfile.write(THANKS.encode())

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def send(relay, key, sender, recipient):
    return relay.request("POST", "/v1/emails", {"from": sender, "to": recipient, "subject": "Hello", "text": "It works."}, key)


def verify_domain(page, relay, server, name):
    page.go("/domains")
    page.click("Add a domain")
    page.write("Domain", name)
    page.click("Add")
    page.at(name)
    server.publish(relay.cli("domain", "records", name).splitlines())
    page.click("Look again")
    page.see("is signed with DKIM")


def try_sandbox(page, relay, sink, key, sender, recipient):
    status, refused, _ = send(relay, key, sender, recipient)
    check(status == 403 and refused["name"] == "recipient_not_whitelisted", f"before it is named: {status} {refused}")
    page.go("/refusals")
    page.see("recipient_not_whitelisted")
    page.see(recipient)
    page.go("/sandbox")
    page.write("Address", recipient)
    page.click("Add")
    page.see("Confirmed")
    status, sent, _ = send(relay, key, sender, recipient)
    check(status == 200, f"to whom was named: {status} {sent}")
    relay.settled(sent["id"])


def ask_for_production(page):
    page.go("/")
    page.at("Overview")
    page.go("/sandbox")
    page.click("Ask for production access")
    page.write("What will you send, and to whom?", "Receipts for those who bought something.")
    page.click("Ask")
    page.see("You asked")


def approve(page, name):
    page.go("/accounts")
    page.see("Receipts for those who bought something.")
    page.click("Approve")
    page.see(f"Let {name} into production?")
    page.click("Approve")
    page.see("Approved")


def ask_what_would_become(page, key):
    """By the message's own key, which nobody has to give away."""
    if page.by_keyboard:
        page.tab_to("Dialogue")
        page.press(Keys.ARROW_RIGHT)
    else:
        page.click("Explain")
    page.click("Ask")
    page.see("a live key of a production account")
    check(key not in page.run("return document.documentElement.outerHTML"), "the key is in the page")


def webhook(page, receiver):
    page.go("/webhooks")
    page.click("Add a webhook")
    page.write("Endpoint", f"http://127.0.0.1:{receiver.port}/hook")
    page.choose("Mail", "Both")
    page.click("Add")
    page.see("whsec_")
    page.click("Done")
    page.click("Send a test event")
    page.see("The receiver answered 200")
    check(receiver.bodies, "no test event arrived")
    said = page.find("//summary[normalize-space()='Request and response']", "what was sent and answered")
    if page.by_keyboard:
        page.tab_to("Request and response")
        page.press(Keys.ENTER)
    else:
        said.click()
    page.see('"type": "email.')
    page.see(THANKS)


def lift_suppression(page, relay, key, sender, recipient):
    page.go("/suppressions")
    page.click("Add")
    page.write("Address", recipient)
    page.click("Suppress")
    page.see(recipient)
    status, sent, _ = send(relay, key, sender, recipient)
    check(status == 200 and relay.settled(sent["id"])["recipients"][0]["stage"] == "suppressed", f"to a suppressed one: {sent}")
    page.click("Lift")
    page.click("Lift the suppression")
    page.see("gets mail again")
    status, sent, _ = send(relay, key, sender, recipient)
    check(status == 200 and relay.settled(sent["id"])["recipients"][0]["stage"] == "delivered", f"to a lifted one: {sent}")


def arrived(sink, recipient):
    return any(recipient.encode() in message.recipients for message in sink.messages())


def orders_seen(relay):
    """How often the queue has noticed an order."""
    return (relay.folder / "log").read_text().count("queue_orders in_force=1")


def hold_and_release(page, relay, sink, key, sender, domain):
    before = orders_seen(relay)
    page.go("/queue")
    page.at("Queue")
    page.click("Give an order")
    page.write("Domain of the recipients", domain)
    page.choose("For", "4 hours")
    page.write("Reason", f"an incident of {domain}")
    page.click("Hold it")
    page.see(f"an incident of {domain}")
    page.see("1 order in force")
    wait_until(lambda: orders_seen(relay) > before, "the queue obeys")
    status, held, _ = send(relay, key, sender, f"friend@{domain}")
    check(status == 200, f"to a domain that is held: {status} {held}")
    status, free, _ = send(relay, key, sender, f"friend@not.{domain}")
    relay.settled(free["id"])
    check(not arrived(sink, f"friend@{domain}"), "it went although its domain is held")
    page.driver.refresh()
    page.follow(domain)
    page.see(f"Waiting for {domain}")
    page.see(sender)
    page.click("Release")
    page.see("The order has ended")
    check(relay.settled(held["id"])["recipients"][0]["stage"] == "delivered", "it goes when it is released")
    check(arrived(sink, f"friend@{domain}"), "it arrived")
    page.see_at_last("Nothing waits for it any more.")


def way_into_production(context, relay, server, sink, receiver, name, by_keyboard):
    domain = f"{name}.{ZONE}"
    relay.account(name)
    relay.user(name, f"{name}@example.net", PASSWORD)
    key = relay.key(name, "--live", "--permission", "full_access")
    sender = f"{name}@{domain}"
    with browser(relay) as page:
        page.sign_in(f"{name}@example.net", PASSWORD)
        page.by_keyboard = by_keyboard
        verify_domain(page, relay, server, domain)
        try_sandbox(page, relay, sink, key, sender, "friend@example.net")
        ask_for_production(page)
        with browser(relay) as operator:
            operator.sign_in("root@example.net", PASSWORD)
            operator.by_keyboard = by_keyboard
            approve(operator, name)
            hold_and_release(operator, relay, sink, key, sender, f"held-{name}.example")
            operator.check_console()
        page.driver.refresh()
        page.see("The account is in production.")
        status, sent, _ = send(relay, key, sender, "stranger@example.com")
        check(status == 200, f"to a stranger: {status} {sent}")
        relay.settled(sent["id"])
        wait_until(lambda: any(b"stranger@example.com" in m.recipients and b"DKIM-Signature" in m.text and domain.encode() in m.text
                               for m in sink.messages()), "the stranger got a signed message")
        page.go(f"/messages/{sent['id']}?tab=dialogue")
        page.see("RCPT TO:<stranger@example.com>")
        page.see("the content")
        ask_what_would_become(page, key)
        webhook(page, receiver)
        lift_suppression(page, relay, key, sender, "gone@example.net")
        page.check_console()


def run(context):
    server = NameServer(context.folder / "dns", ZONE)
    try:
        sink = context.sink().start()
        relay = context.relay(next_hop_port=sink.port, extra=(
            f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_timeout_seconds = 60\n'
            'webhook_allow_http = true\nwebhook_allowed_networks = ["127.0.0.1"]'))
        server.publish([])
        relay.account("operators")
        relay.user("operators", "root@example.net", PASSWORD, "--operator")
        relay.start()
        receiver = Receiver()
        way_into_production(context, relay, server, sink, receiver, "shop", by_keyboard=False)
        way_into_production(context, relay, server, sink, receiver, "clinic", by_keyboard=True)
    finally:
        server.stop()
