"""Somebody signs up in a browser, copies a line, and sees the message arrive and what it looks like; then the same by keyboard
alone. The session ends in the middle of a form, and nothing is lost; eight tabs share one stream; without it the pages go on."""

import os
import subprocess
import sys

from browser import By, Keys, browser
from support import check

SECONDS = 60
PASSWORD = "correct horse battery"
RECIPIENT = "someone@example.net"
JARS = ":".join(f"/usr/share/java/jakarta-{jar}.jar" for jar in ("mail", "activation"))
# As the page says where the lines go: the file, and what runs it. What a framework reads is read by the framework.
RUNNERS = {
    "curl": ("curl.sh", ["bash", "curl.sh"]),
    "HTTP": ("http.sh", ["bash", "http.sh"]),
    "swaks": ("swaks.sh", ["bash", "swaks.sh"]),
    "Python": ("hello.py", [sys.executable, "hello.py"]),
    "Node.js": ("hello.js", ["/usr/bin/node", "hello.js"]),
    "PHP": ("hello.php", ["php", "hello.php"]),
    "Java": ("Hello.java", ["java", "-cp", JARS, "Hello.java"]),
    "Go": ("hello.go", ["go", "run", "hello.go"]),
    "Django": ("settings.py", ["/usr/bin/python3", "-m", "django", "sendtestemail", "--settings", "settings", RECIPIENT]),
    "Rails": ("development.rb", ["ruby", "rails.rb"]),
    "msmtp": (".msmtprc", ["bash", "-c", f"printf 'To: {RECIPIENT}\\nSubject: Hello\\n\\nIt works.\\n' | msmtp {RECIPIENT}"]),
}
RAILS = """require "action_mailer"
config = Struct.new(:action_mailer).new(ActionMailer::Base)
ActionMailer::Base.define_singleton_method(:default_options=) { |options| default(options) }
eval(File.read("development.rb"))
Class.new(ActionMailer::Base) do
  def self.name = "Hello"
  def hello = mail(to: "someone@example.net", subject: "Hello", body: "It works.")
end.hello.deliver_now
"""


def environment(folder):
    """A project's folder; its packages are where Debian has them."""
    (folder / "vendor").mkdir(parents=True)
    (folder / "vendor/autoload.php").write_text("<?php require '/usr/share/php/libphp-phpmailer/autoload.php';")
    (folder / "rails.rb").write_text(RAILS)
    return {**os.environ, "LANG": "C.UTF-8", "NODE_PATH": "/usr/share/nodejs", "PYTHONPATH": str(folder), "HOME": str(folder),
            "GOCACHE": str(folder / "go"), "GOFLAGS": "-mod=mod"}


def sign_up(page, email):
    page.driver.get(page.origin)
    page.click("Create an account")
    page.write("E-mail", email)
    page.write("Password", PASSWORD)
    page.click("Create account")
    page.see("Nothing was sent yet")


def first_message(page, relay, folder):
    """The copied lines are run as they stand, and nobody is asked for host and port."""
    page.follow("First steps")
    page.see("Waiting for your first message")
    if not page.driver.find_elements(By.ID, "first-key"):
        page.click("Make a test key")
    key = page.find("//*[@id='first-key']", "the key").text
    check(key.startswith("pk_test_"), f"the key: {key}")
    variables = environment(folder)
    offered = [tab.text for tab in page.driver.find_elements(By.XPATH, "//*[@role='tablist']//button")]
    check(set(offered) == {*RUNNERS, "Postfix"}, f"lines for {offered}")
    for way, (name, command) in RUNNERS.items():
        page.click(way)
        page.find(f"//button[normalize-space()='{way}'][@aria-selected='true']", f"the lines for {way}")
        lines = page.run("return document.querySelector('.code-block code').textContent")
        check(key in lines and str(relay.http if way == "HTTP" else relay.plain) in lines, f"{way}: {lines}")
        (folder / name).write_text(lines + "\n")
        (folder / name).chmod(0o600)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env=variables)
        check(done.returncode == 0 and "statusCode" not in done.stdout, f"{way}: {done.stdout}{done.stderr}\n{lines}")
    reader = relay.key(account_of(relay), "--test", "--permission", "full_access")
    status, listed, _ = relay.request("GET", "/v1/emails?limit=100", key=reader)
    check(status == 200 and len(listed["data"]) == len(RUNNERS), f"{len(listed['data'])} messages of {len(RUNNERS)} ways came")
    page.follow("Hello")
    page.see("What happened")
    page.see("Delivered")
    return key


def preview(page):
    frame = page.find("//iframe", "the preview")
    check(frame.get_attribute("sandbox") == "", "the preview's frame may do something")
    page.driver.switch_to.frame(frame)
    page.wait(lambda: "It works." in page.driver.find_element(By.TAG_NAME, "body").text, "the preview shows the text")
    page.driver.switch_to.default_content()


def by_keyboard(page, relay, key):
    """From the sign-in to the preview and back to the row, without a mouse."""
    page.driver.get(page.origin)
    page.find("//input[@type='email']", "the sign-in")
    check(page.focused()[1] == "E-mail", f"the focus is not where one begins: {page.focused()}")
    page.press("ada@example.org", Keys.TAB, PASSWORD, Keys.ENTER)
    page.find("//nav", "the navigation")
    for subject in ("One", "Two", "Three"):
        status, sent, _ = relay.request("POST", "/v1/emails", {"from": "ada@example.org", "to": "someone@example.net",
                                                              "subject": subject, "text": "It works."}, key)
        check(status == 200, f"a message: {status} {sent}")
        relay.settled(sent["id"])
    page.chord(Keys.CONTROL, "k")
    page.find("//dialog[contains(@class, 'palette')]", "the palette")
    page.press("messages", Keys.ENTER)
    page.at("Messages")
    page.see("Three")
    page.press("j", "j")
    page.wait(lambda: page.focused()[1] == "Two", f"j goes along the rows: {page.focused()}")
    page.press(Keys.ENTER)
    page.at("Two")
    page.tab_to("Preview")
    page.press(Keys.ARROW_RIGHT)
    page.see("It works.")
    page.press(Keys.ESCAPE)
    page.at("Messages")
    page.wait(lambda: page.focused()[1] == "Two", f"Esc comes back to the row: {page.focused()}")
    page.press("?")
    page.see("Next row")
    page.press(Keys.ESCAPE)
    page.wait(lambda: page.focused()[1] == "Two", f"the focus is lost with the dialog: {page.focused()}")


def rows_do_not_jump(page, relay, key):
    """Somebody stands on a row when the next message arrives: it waits above, and what is read stays where it is."""
    before = page.run("return document.activeElement.getBoundingClientRect().top")
    status, sent, _ = relay.request("POST", "/v1/emails", {"from": "ada@example.org", "to": "someone@example.net",
                                                          "subject": "Four", "text": "It works."}, key)
    check(status == 200, f"a message: {status} {sent}")
    page.find("//button[contains(normalize-space(), '1 new')]", "a word of the new message")
    check(page.run("return document.activeElement.getBoundingClientRect().top") == before, "the row that is read moved")
    page.click("1 new ↑")
    page.see("Four")


def lost_session(page, relay):
    """The cookie is gone while a form is open: one signs in over it, and the form is sent as it was."""
    page.go("/sandbox")
    page.write("Address", "friend@example.net")
    page.driver.delete_all_cookies()
    page.click("Add")
    page.see("Your session has ended")
    page.write("Password", PASSWORD)
    page.click("Sign in")
    page.see("friend@example.net")
    emails = [entry["email"] for entry in relay.json("sandbox", "list", account_of(relay))]
    check(emails == ["friend@example.net"], f"the whitelist: {emails}")


def account_of(relay):
    return relay.json("user", "list")[0]["account"]


def eight_tabs(page, relay, key):
    """A browser has six connections to a host; the eighth tab answers, and all hear of a message."""
    page.go("/messages")
    for _ in range(7):
        page.driver.switch_to.new_window("tab")
        page.go("/messages")
        page.at("Messages")
    status, sent, _ = relay.request("POST", "/v1/emails", {"from": "ada@example.org", "to": "someone@example.net",
                                                          "subject": "For all tabs", "text": "It works."}, key)
    check(status == 200, f"a message: {status} {sent}")
    handles = page.driver.window_handles
    for handle in handles:
        page.driver.switch_to.window(handle)
        page.see("For all tabs")
    for handle in handles[1:]:
        page.driver.switch_to.window(handle)
        page.driver.close()
    page.driver.switch_to.window(handles[0])


def offline(page, relay):
    """The relay goes and comes back: the page says both, and shows on its own what happened meanwhile."""
    page.go("/keys")
    page.at("API keys")
    relay.stop()
    page.press("gm")
    page.see("The server cannot be reached")
    page.see("Offline")
    relay.start()
    page.click("Try again")
    page.see("For all tabs")
    page.find("//nav//*[contains(@class, 'feed')][contains(., 'Live') or contains(., 'Every')]", "the feed is back")


def run(context):
    relay = context.relay(extra='signup = "open"')
    relay.start()
    with browser(relay) as page:
        sign_up(page, "ada@example.org")
        key = first_message(page, relay, context.folder / "steps")
        preview(page)
        page.check_console()
    with browser(relay) as page:
        full = relay.key(account_of(relay), "--test", "--permission", "full_access")
        by_keyboard(page, relay, full)
        rows_do_not_jump(page, relay, full)
        lost_session(page, relay)
        eight_tabs(page, relay, full)
        page.check_console()
        offline(page, relay)
    check(key not in (relay.folder / "log").read_text(errors="replace"), "the log holds the key")
