"""A test run in a browser: made with a script and a clock, its mail arrives live with its code and link, the clock is moved until
it is delivered, expectations are compared, and the run is deleted. Once with the mouse, once with nothing but keys."""

import json
import smtplib

from browser import Keys, browser
from support import check

SECONDS = 30
PASSWORD = "correct horse battery"
GREYLISTING = "greylisting: the next hop takes a recipient at the third attempt"
TEXT = "Your code is 481516.\r\nOr open https://app.example.com/confirm?t=abc\r\n"


def make(page, run):
    page.go("/runs")
    page.at("Test runs")
    page.click("New run")
    page.write("Name", run)
    page.write("Label", "sign-up")
    page.choose("Script", GREYLISTING)
    page.tick("A clock of its own")
    page.click("Make the run")
    page.at(run)
    page.see("No such mail")


def send(relay, key, run):
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=60) as client:
        client.ehlo()
        client.login(run, key)
        client.sendmail("app@example.com", ["ann@example.org"],
                        f"From: app@example.com\r\nTo: ann@example.org\r\nSubject: Please confirm\r\n\r\n{TEXT}")


def pasted(page, label):
    """What the clipboard has, by pasting it."""
    page.write(label, "x")
    field = page.field(label)
    page.chord(Keys.CONTROL, "a")
    page.chord(Keys.CONTROL, "v")
    return field.get_attribute("value")


def look_into(page):
    page.see("Please confirm")
    page.see("https://app.example.com/confirm?t=abc")
    page.click("Copy the code 481516")
    page.see("Copied the code 481516")
    given = pasted(page, "Subject has")
    check(given == "481516", f"the clipboard has {given!r}")
    page.see("What comes near")  # no subject has the code: the mail differs in that
    page.chord(Keys.CONTROL, "a")
    page.press("CONFIRM")
    page.see("Your code is 481516.")


def move_clock(page):
    page.see("Deferred")
    page.click("To what is due next")
    page.see("1 attempt, 1 event; next, something is due")
    page.click("To what is due next")
    page.see("nothing is due any more")
    page.see("Delivered")


def open_tab(page, name, before):
    if page.by_keyboard:
        if page.focused() != ("button:button", before):
            page.tab_to(before)
        page.press(Keys.ARROW_RIGHT)
    else:
        page.click(name)


def compare(page):
    expected = [{"name": "a code", "to": "ann@*", "count": 1, "code": True, "status": "delivered"},
                {"name": "a greeting", "to": "ann@*", "text": "Dear Ann"}]
    page.write("What is expected", json.dumps(expected))
    page.click("Compare")
    page.see("1 of 2 hold")
    page.see('expected to hold "Dear Ann"')


def play(relay, key, run, by_keyboard):
    with browser(relay) as page:
        page.sign_in("ada@example.org", PASSWORD)
        page.by_keyboard = by_keyboard
        make(page, run)
        send(relay, key, run)
        look_into(page)
        move_clock(page)
        open_tab(page, "Expectations", before="Messages")
        compare(page)
        open_tab(page, "Script", before="Expectations")
        page.see("greylists 2 attempts")
        open_tab(page, "Journal", before="Script")
        page.see("Rule “rule 1”")
        page.see("451 4.7.1 Greylisted")
        page.click("Delete")
        page.click("Delete the run")
        page.at("Test runs")
        page.see("No test run yet")
        page.check_console()


def run(context):
    relay = context.relay()
    relay.account("team")
    relay.user("team", "ada@example.org", PASSWORD)
    key = relay.key("team", "--test")
    relay.start()
    play(relay, key, "ci-mouse", by_keyboard=False)
    play(relay, key, "ci-keys", by_keyboard=True)
