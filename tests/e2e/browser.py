"""A real browser for the stories: Debian's Chromium without a window, driven by Debian's Selenium. Things are found as people find
them, by the words on them, with the mouse or (`by_keyboard`) with nothing but keys: one flow is played by both hands. What the
page says of itself to the console fails the story."""

import contextlib
import os
import shutil
import sys
import tempfile

try:
    from selenium import webdriver
except ModuleNotFoundError:  # a Python from elsewhere: Debian's modules are plain Python
    sys.path.append("/usr/lib/python3/dist-packages")
    from selenium import webdriver
from selenium.common.exceptions import (NoSuchElementException, StaleElementReferenceException, WebDriverException)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support import Failure, check, wait_until

BINARIES = ("/usr/bin/chromium", "/usr/bin/chromedriver")
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage", "--lang=en-GB",
         "--hide-scrollbars", "--metrics-recording-only", "--no-default-browser-check")
SECONDS = 60  # ends a hang: sanitizers make the server slow
MOST_TABS = 120  # presses of Tab to come to anything

# What a person would call the element that has the focus.
FOCUSED = """
const e = document.activeElement;
if (!e || e === document.body) return ['', ''];
const named = (id) => document.getElementById(id)?.textContent;
const by = (e.getAttribute('aria-labelledby') || '').split(' ').map(named).join(' ').trim();
const label = e.labels && e.labels.length ? [...e.labels].map((l) => l.firstChild.textContent).join(' ') : '';
return [e.tagName.toLowerCase() + (e.type ? ':' + e.type : ''),
  (e.getAttribute('aria-label') || by || label || e.textContent || e.value || '')
    .trim().replace(/\\s+/g, ' ')];
"""


def quoted(text):
    """For XPath, which has no escapes."""
    return f'"{text}"' if '"' not in text else f"'{text}'"


class Browser:
    def __init__(self, origin, width=1280, height=860, arguments=(), fonts=None):
        self.origin = origin
        self.profile = tempfile.mkdtemp(prefix="postern-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = BINARIES[0]
        for argument in (*QUIET, f"--user-data-dir={self.profile}", f"--window-size={width},{height}", *arguments):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        environment = {**os.environ, **({"FONTCONFIG_FILE": str(fonts)} if fonts else {})}
        self.driver = webdriver.Chrome(service=Service(BINARIES[1], env=environment), options=options)
        self.driver.set_script_timeout(SECONDS)
        self.said = []
        self.by_keyboard = False

    def close(self):
        with contextlib.suppress(WebDriverException):
            self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            self.tell(error)
        self.close()

    def tell(self, error):
        """What was on the page when the story failed."""
        with contextlib.suppress(WebDriverException):
            print(f"the page at {self.driver.current_url}:\n{self.text()[:2000]}\nfocus: {self.focused()}", file=sys.stderr)
            print("\n".join(self.console()[-10:]), file=sys.stderr)

    # Where

    def go(self, address):
        self.driver.get(f"{self.origin}/#{address}")

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def text(self):
        return self.run("return document.body.innerText")

    def address(self):
        return self.run("return location.hash")

    def console(self):
        self.said += [entry["message"] for entry in self.driver.get_log("browser")]
        return self.said

    def check_console(self, expected=()):
        """Nothing but answers of the server that the story expects."""
        known = ("401 (Unauthorized)", *expected)
        odd = [line for line in self.console() if not any(word in line for word in known)]
        check(not odd, f"the page complains: {odd[:5]}")

    # Finding, as a person does

    def find(self, path, what, seconds=SECONDS):
        def look():
            for element in self.driver.find_elements(By.XPATH, path):
                with contextlib.suppress(StaleElementReferenceException):
                    if element.is_displayed():
                        return element
            return None
        return wait_until(look, f"{what} is on the page", seconds)

    def scope(self):
        """Of the dialog that is open, else of the page."""
        return "//dialog[@open][last()]" if self.driver.find_elements(By.XPATH, "//dialog[@open]") else ""

    def wait(self, condition, what):
        return wait_until(condition, what, SECONDS)

    def see(self, text):
        self.wait(lambda: text in self.text(), f"the page says {text!r}")

    def at(self, heading):
        """On that page, by its first heading."""
        return self.find(f"//h1[normalize-space()={quoted(heading)}]", f"the page {heading!r}")

    def see_at_last(self, text):
        """What the relay writes down a little later."""
        def look():
            self.driver.refresh()
            self.find("//h1", "the page")
            return text in self.text()
        wait_until(look, f"the page says {text!r}", SECONDS)

    def button(self, name):
        said = quoted(name)
        path = f"//button[not(@disabled)][normalize-space()={said} or @aria-label={said} or @title={said}]"
        return self.find(self.scope() + path, f"the button {name!r}")

    def link(self, name):
        return self.find(f"{self.scope()}//a[normalize-space()={quoted(name)}]", f"the link {name!r}")

    def field(self, label):
        said = quoted(label)
        labels = f"{self.scope()}//label[starts-with(normalize-space(), {said})]/@for"
        path = f"//*[self::input or self::select or self::textarea][@id=({labels}) or @aria-label={said}]"
        return self.find(self.scope() + path, f"the field {label!r}")

    # Acting, with either hand

    def click(self, name):
        if self.by_keyboard:
            self.button(name)
            self.tab_to(name)
            self.press(Keys.ENTER)
        else:
            self.retried(lambda: self.button(name).click())

    def follow(self, name):
        if self.by_keyboard:
            self.link(name)
            self.tab_to(name)
            self.press(Keys.ENTER)
        else:
            self.retried(lambda: self.link(name).click())

    def write(self, label, text):
        element = self.field(label)
        if self.by_keyboard:
            self.tab_to(label)
            self.chord(Keys.CONTROL, "a")
            self.press(text)
        else:
            element.clear()
            element.send_keys(text)

    def choose(self, label, words):
        element = self.field(label)
        if self.by_keyboard:
            self.tab_to(label)
            self.press(words)  # a list of choices goes to what is typed
            check(element.find_element(By.XPATH, f".//option[normalize-space()={quoted(words)}]").is_selected(),
                  f"{words!r} is not chosen by typing it")
        else:
            element.find_element(By.XPATH, f".//option[normalize-space()={quoted(words)}]").click()

    def tick(self, label):
        element = self.field(label)
        if self.by_keyboard:
            self.tab_to(label)
            self.press(Keys.SPACE)
        else:
            element.click()

    def retried(self, action):
        """A live page may draw a thing anew between finding and clicking it."""
        def attempt():
            try:
                action()
                return True
            except (StaleElementReferenceException, NoSuchElementException):
                return False
            except WebDriverException as error:
                if "click intercepted" in str(error):
                    return False
                raise
        wait_until(attempt, "the click", SECONDS)

    # Keys

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, modifier, key):
        ActionChains(self.driver).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def focused(self):
        return tuple(self.run(FOCUSED))

    def tab_to(self, name, back=False):
        """Tab, until what has the focus is called so; the focus is on something that is seen all the way."""
        passed = []
        for _ in range(MOST_TABS):
            if back:
                self.chord(Keys.SHIFT, Keys.TAB)
            else:
                self.press(Keys.TAB)
            kind, said = self.focused()
            if said == name or said.startswith(f"{name} ") or said.startswith(f"{name},"):
                check(self.run("const r = document.activeElement.getBoundingClientRect(); return r.width > 0 && r.height > 0"),
                      f"{name!r} has the focus and is not seen")
                return
            passed.append(f"{kind} {said[:40]!r}")
        raise Failure(f"Tab does not come to {name!r}; it passes {passed}")

    # What every story begins with

    def sign_in(self, email, password):
        self.driver.get(self.origin)
        self.write("E-mail", email)
        self.write("Password", password)
        self.click("Sign in")
        self.find("//nav", "the navigation")


@contextlib.contextmanager
def browser(relay, **options):
    with Browser(f"http://127.0.0.1:{relay.http}", **options) as opened:
        yield opened
