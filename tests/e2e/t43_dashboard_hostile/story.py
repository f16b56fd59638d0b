"""Mail that was made to harm whoever looks at it is looked at, in every way that the dashboard has: in the list, in the preview in
light and dark, as text, source, header fields, attachments and links, and the preview as a page of its own. Nothing runs, and
nothing is asked of any server but the relay: all names lead to a server that counts."""

import contextlib
import pathlib
import smtplib
import socketserver
import sys
import threading

from browser import By, browser
from selenium.common.exceptions import NoAlertPresentException
from support import check, free_port

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from corpus import messages  # noqa: E402

SECONDS = 100
PASSWORD = "correct horse battery"
TABS = ("text", "headers", "source", "attachments", "links", "checks")
TRACE = "return [window.pwned || 0, document.title.includes('pwned') && !document.title.includes(\"document.title\") ? 1 : 0]"


class Counter:
    """Takes any connection and says from what it was; its port is that of every name of the browser's world."""

    def __init__(self):
        counter = self
        self.port = free_port()
        self.seen = []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.settimeout(5)
                with contextlib.suppress(OSError):
                    counter.seen.append(self.request.recv(300))
                    self.request.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def send_all(relay, key, url):
    sent = []
    with smtplib.SMTP("127.0.0.1", relay.plain, timeout=300) as client:
        client.ehlo("evil.example.org")
        client.login("<script>alert(1)</script>", key)  # the run's name is shown too
        for name, content in messages(url):
            client.mail("sender@example.org")
            client.rcpt("someone@example.net")
            code, said = client.data(content)
            check(code == 250, f"{name}: {code} {said}")
            sent.append((name, said.decode().split("queued as ")[-1].split()[0].strip(".")))
    return sent


def check_calm(page, counter, where):
    with contextlib.suppress(NoAlertPresentException):
        alert = page.driver.switch_to.alert
        raise AssertionError(f"{where}: something asked {alert.text!r}")
    check(page.run(TRACE) == [0, 0], f"{where}: script ran: {page.run(TRACE)}")
    check(not counter.seen, f"{where}: asked of another server: {counter.seen[:3]}")


def settle(page):
    page.find("//h1", "the page")
    page.wait(lambda: page.run("return !document.querySelector('[aria-busy=true]')"), "the page is there")


def look_at(page, counter, name, message):
    page.go(f"/messages/{message}")
    settle(page)
    for scheme in ("Light", "Dark"):
        page.click(scheme)
        page.driver.switch_to.frame(page.find("//iframe", "the preview"))
        page.wait(lambda: page.driver.find_elements(By.CSS_SELECTOR, "body, frameset"), "it is shown")
        page.driver.switch_to.default_content()
        check_calm(page, counter, f"{name}, preview ({scheme})")
    source = page.find("//iframe", "the preview").get_attribute("src")
    for tab in TABS:
        page.go(f"/messages/{message}?tab={tab}")
        page.find(f"//*[@role='tab'][@aria-selected='true'][normalize-space()='{tab.title()}']", f"the tab {tab}")
        settle(page)
        check_calm(page, counter, f"{name}, {tab}")
    return source


def click_inside(page, counter, name):
    """Whoever clicks on what is in the preview goes nowhere."""
    page.driver.switch_to.frame(page.find("//iframe", "the preview"))
    for element in page.driver.find_elements(By.CSS_SELECTOR, "a, button")[:3]:
        with contextlib.suppress(Exception):
            element.click()
    page.driver.switch_to.default_content()
    check_calm(page, counter, f"{name}, clicked")


def alone(page, relay, counter, name, source, key):
    """The preview as a page of its own is as powerless, and says so in its answer."""
    page.driver.get(source)
    page.wait(lambda: page.driver.find_elements(By.XPATH, "/*"), "it is shown")
    check_calm(page, counter, f"{name}, alone")
    status, _, headers = relay.request("GET", source.split(str(relay.http), 1)[-1], key=key)
    policy = headers.get("content-security-policy", "")
    check(status == 200 and policy.startswith("sandbox;") and "default-src 'none'" in policy and "allow" not in policy,
          f"{name}: the preview's policy: {status} {policy}")
    check(headers.get("x-content-type-options") == "nosniff" and headers.get("referrer-policy") == "no-referrer",
          f"{name}: {headers}")


def attachments(relay, name, message, key):
    _, listed, _ = relay.request("GET", f"/v1/emails/{message}/attachments", key=key)
    for attachment in listed["data"]:
        status, _, headers = relay.request("GET", f"/v1/emails/{message}/attachments/{attachment['id']}/content", key=key)
        check(status == 200 and headers["content-type"] == "application/octet-stream"
              and headers["x-content-type-options"] == "nosniff" and headers["content-disposition"].startswith("attachment"),
              f"{name}: an attachment is not a download: {headers}")


def run(context):
    relay = context.relay()
    relay.account("shop", "--domain", "example.org")
    relay.user("shop", "ada@example.org", PASSWORD)
    relay.start()
    key = relay.key("shop", "--test", "--permission", "full_access")
    counter = Counter()
    url = f"http://evil.test:{counter.port}"
    sent = send_all(relay, key, url)
    names = ("*.test", "*.example", "*.example.org")  # the browser's own errands find nobody
    mapped = ", ".join(f"MAP {name} 127.0.0.1:{counter.port}" for name in names)
    rules = f"--host-resolver-rules={mapped}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with browser(relay, arguments=(rules,)) as page:
        page.sign_in("ada@example.org", PASSWORD)
        for address in ("/messages", "/runs", "/", "/start"):
            page.go(address)
            settle(page)
            check_calm(page, counter, address)
        page.chord("\ue009", "k")
        page.press("script")
        check_calm(page, counter, "the palette")
        page.press("\ue00c")
        for name, message in sent:
            source = look_at(page, counter, name, message)
            attachments(relay, name, message, key)
            if name in ("javascript_links", "forms", "data_urls", "refresh"):
                page.go(f"/messages/{message}")
                settle(page)
                click_inside(page, counter, name)
                alone(page, relay, counter, name, source, key)
        check(not counter.seen, f"asked of another server: {counter.seen[:3]}")
        page.driver.get(f"http://tracker.test:{counter.port}/control")
        page.wait(lambda: counter.seen, "the server counts what is asked of it")
