"""Mail that comes in, in a browser: an address is made to receive, a stranger writes to it, the message is opened, and the address
is taken away again. Once with the mouse, once with nothing but keys."""

import smtplib

from axe import axe
from browser import Keys, browser
from name_server import NameServer
from support import check, free_port

SECONDS = 40
PASSWORD = "correct horse battery"
DOMAIN = "example.org"


def bring(port, recipient, subject):
    """As a stranger; the reply to RCPT."""
    with smtplib.SMTP("127.0.0.1", port, timeout=300) as client:
        client.ehlo("mx.example.net")
        client.mail("ann@example.net")
        code = client.rcpt(recipient)[0]
        if code == 250:
            client.data(f"From: Ann <ann@example.net>\r\nTo: {recipient}\r\nSubject: {subject}\r\n\r\nA question.\r\n")
        return code


def play(relay, mx, local, by_keyboard):
    address = f"{local}@{DOMAIN}"
    subject = f"<b>Hello</b> {local}"
    with browser(relay) as page:
        page.sign_in("ada@example.org", PASSWORD)
        page.by_keyboard = by_keyboard
        page.go("/inbound")
        page.at("Inbound")
        check(bring(mx, address, subject) == 550, "nobody receives there yet")
        page.click("Add a route")
        axe(page, "the dialog for a route")
        page.write("Address", local)
        page.choose("Domain", DOMAIN)
        page.choose("What becomes of it", "Kept and listed")
        page.click("Add the route")
        page.see(address)
        page.click("Try an address")
        page.write("Address", f"{address}")
        page.click("Try it")
        page.see("Kept and listed")
        axe(page, "trying an address")
        page.press(Keys.ESCAPE)
        check(bring(mx, address, subject) == 250, "it receives")
        page.see_at_last(subject)
        axe(page, "what came in")
        page.follow(subject)
        page.at(subject)
        page.see("A question.")
        page.see("Received: from mx.example.net")
        axe(page, "one message that came in")
        page.press(Keys.ESCAPE)
        page.at("Inbound")
        page.click("Remove")
        page.click("Remove the route")
        page.see("No address receives.")
        check(bring(mx, address, subject) == 550, "nobody receives there any more")
        page.check_console()


def run(context):
    server = NameServer(context.folder / "nsd", DOMAIN)
    try:
        mx = free_port()
        relay = context.relay(extra=f'resolver_addresses = ["127.0.0.1@{server.port}"]\nresolver_timeout_seconds = 60')
        listener = f'[[listener]]\naddress = "127.0.0.1"\nport = {mx}\nrole = "mx"\ntls = "none"\n'
        relay.config.write_text(relay.config.read_text() + listener)
        relay.account("app", "--mode", "production")
        relay.user("app", "ada@example.org", PASSWORD)
        relay.cli("domain", "add", "app", DOMAIN)
        server.publish(relay.cli("domain", "records", DOMAIN).splitlines())
        relay.cli("domain", "verify", DOMAIN)
        relay.start()
        play(relay, mx, "sales", by_keyboard=False)
        play(relay, mx, "jobs", by_keyboard=True)
    finally:
        server.stop()
