"""The console in browsers other than Chromium, against the cloud that `CONSOLE_URL` names.

`tests/browsers/run` finds the browsers and starts this. `tests/console` has all that a visitor does, in Chromium.
"""

import os
import re
import subprocess
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.common.exceptions import ElementClickInterceptedException, NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

import drivers

URL = os.environ.get("CONSOLE_URL", "")
ROOT = Path(__file__).resolve().parents[2]
# The page draws itself anew all the time: what was found may be another element a moment later.
NOT_YET = (ElementClickInterceptedException, NoSuchElementException, StaleElementReferenceException)


class Page:
    """The console, as a visitor finds, presses and reads it. Whatever is waited for may take a minute."""

    def __init__(self, browser):
        self.browser, self.driver = browser, browser.driver

    def until(self, what, condition, seconds=60):
        """Waits until a condition is met, and answers what met it."""
        ends, seen = time.monotonic() + seconds, None
        while time.monotonic() < ends:
            try:
                if seen := condition():
                    return seen
            except NOT_YET as error:
                seen = type(error).__name__
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what}; {seen}")

    def find(self, selector, text=""):
        """The first element that a selector finds, and that has a text."""
        script = "return [...document.querySelectorAll(arguments[0])].find((it) => it.textContent.includes(arguments[1]))"
        found = self.driver.execute_script(script, selector, text)
        if found is None:
            raise NoSuchElementException(f"{selector} {text}")
        return found

    def sees(self, selector, pattern="", seconds=60):
        """Waits until an element that is visible has a text, and answers it."""
        texts = lambda: [it.text for it in self.driver.find_elements(By.CSS_SELECTOR, selector) if it.is_displayed()]
        found = lambda: next((text or " " for text in texts() if re.search(pattern, text)), None)
        return self.until(f"{selector} shows {pattern!r}", found, seconds)

    def has(self, selector, name, pattern, seconds=60):
        """Waits until an element has an attribute that a pattern finds."""
        value = lambda: self.driver.find_element(By.CSS_SELECTOR, selector).get_attribute(name)
        self.until(f"{name} of {selector} is {pattern!r}", lambda: re.search(pattern, value() or ""), seconds)

    def click(self, selector, text=""):
        self.until(f"{selector} {text} is pressed", lambda: self.find(selector, text).click() or True)

    def choose(self, selector, value):
        self.until(f"{selector} is chosen from", lambda: Select(self.find(selector)).select_by_value(value) or True)

    def press(self, key):
        self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, selector):
        """Presses Tab until something has the focus; answers what was passed."""
        passed = []
        for _ in range(80):
            self.press(Keys.TAB)
            at = self.driver.switch_to.active_element
            script = "return [arguments[0].matches(arguments[1]), arguments[0].id || arguments[0].textContent]"
            found, name = self.driver.execute_script(script, at, selector)
            passed.append(name)
            if found:
                return passed
        raise AssertionError(f"Tab does not reach {selector}: {passed}")


def put_back():
    """As the page's button does, and without the page, which may be what has failed."""
    page = urllib.request.urlopen(URL).read().decode()
    secret = re.search(r'name="console-secret" content="([^"]+)"', page)[1]
    urllib.request.urlopen(urllib.request.Request(f"{URL}/back", data=b"", headers={"x-console-secret": secret})).read()


@pytest.fixture(params=os.environ.get("BROWSERS", "").split())
def open_page(request):
    """Opens the console in a browser. In the end everything is as it was, and the page made no error."""
    assert URL, "CONSOLE_URL is not set: tests/browsers/run starts a cloud"
    # Five may log in from one address in a minute, and every test is a visitor who does.
    subprocess.run(["./dev", "redis", "flushall"], cwd=ROOT, check=True, capture_output=True)
    with ExitStack() as stack:
        stack.callback(put_back)
        pages = []

        def open_page(width=1280, scheme="light"):
            browser = stack.enter_context(drivers.BROWSERS[request.param](width, scheme))
            browser.open(URL)
            page = Page(browser)
            pages.append(page)
            page.sees("#connection", "^connected$")
            page.sees("#shelf .products li")
            return page

        yield open_page
        assert not [complaint for page in pages for complaint in page.browser.complaints()]


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture
def picture(request):
    folder = os.environ.get("PICTURES")

    def take(page, name):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.driver.save_screenshot(Path(folder) / f"{page.driver.name}-{name}.png")

    return take
