"""A key's life in a browser: made and shown once, used, rotated with an overlap, revoked; the clients that have it are let in and
refused accordingly. Once with the mouse, once with nothing but keys."""

import smtplib

from browser import Keys, browser
from support import PLAIN_MESSAGE, check

SECONDS = 30
PASSWORD = "correct horse battery"


def sends(relay, key):
    """Whether a client with that key gets its message in."""
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("shop.example.org")
        try:
            client.login("app", key)
        except smtplib.SMTPAuthenticationError as refused:
            check(refused.smtp_code == 535, f"refused with {refused}")
            return False
        client.sendmail("sender@example.org", ["someone@example.net"], PLAIN_MESSAGE)
        return True


def take_secret(page):
    """Reads the key that is shown once, and puts it away."""
    key = page.find("//*[@id='new-key']", "the new key").text
    check(page.focused()[1] == "Copy the key", f"the focus is not on copying: {page.focused()}")
    page.press(Keys.ESCAPE)
    check(page.find("//*[@id='new-key']", "the new key").text == key, "Esc throws a key away that nobody has seen")
    page.tick("I have put it in a safe place")
    page.click("Done")
    page.wait(lambda: key not in page.run("return document.documentElement.outerHTML"), "the key is gone from the page")
    return key


def life_of_a_key(page, relay, name):
    page.go("/keys")
    page.click("Create a key")
    page.write("Name", name)
    page.click("Create key")
    key = take_secret(page)
    check(sends(relay, key), "the new key")

    page.follow(name)
    page.click("Rotate")
    page.choose("The old key works on for", "One hour")
    page.click("Make the successor")
    successor = take_secret(page)
    check(sends(relay, key) and sends(relay, successor), "both keys work within the overlap")

    page.go("/keys")
    page.find(f"//tr[contains(., 'Retiring')]//a[normalize-space()='{name}']", "the old key")
    old = page.run("return [...document.querySelectorAll('tr')].find((row) => row.textContent.includes('Retiring') && "
                   "row.textContent.includes(arguments[0])).querySelector('a').getAttribute('href').slice(1)", name)
    page.go(old)
    page.see_at_last("127.0.0.1")  # who still uses it
    page.click("Revoke")
    page.see("Whatever has it is refused")
    check(page.focused()[1] == "Keep it", f"Enter would revoke the key: {page.focused()}")
    page.press(Keys.ESCAPE)
    page.wait(lambda: page.focused()[1] == "Revoke", f"the focus is not back: {page.focused()}")
    page.click("Revoke")
    page.click("Revoke the key")
    page.see("The key is revoked")
    check(not sends(relay, key) and sends(relay, successor), "the client of the revoked key is refused, the other's is not")


def run(context):
    relay = context.relay()
    relay.account("shop", "--domain", "example.org")
    relay.user("shop", "ada@example.org", PASSWORD)
    relay.start()
    with browser(relay) as page:
        page.sign_in("ada@example.org", PASSWORD)
        life_of_a_key(page, relay, "web shop")
        page.by_keyboard = True
        life_of_a_key(page, relay, "newsletter")
        page.check_console()
