"""The console as a visitor finds, presses and reads it. What is waited for may take a minute."""

import re
import time

from selenium.common import exceptions
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

FIND = "return [...document.querySelectorAll(arguments[0])].find((it) => it.textContent.includes(arguments[1]))"
FOCUSED = """
    const { activeElement: at } = document;
    return [at.matches(arguments[0]), at.id || at.textContent];
"""
# The page draws itself anew all the time: what was found may be another element a moment later.
NOT_YET = (
    exceptions.ElementClickInterceptedException,
    exceptions.ElementNotInteractableException,
    exceptions.NoSuchElementException,
    exceptions.StaleElementReferenceException,
)


class Page:
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
        found = self.driver.execute_script(FIND, selector, text)
        if found is None:
            raise exceptions.NoSuchElementException(f"{selector} {text}")
        return found

    def sees(self, selector, pattern="", seconds=60):
        """Waits until an element that is visible has a text, and answers it."""
        elements = lambda: self.driver.find_elements(By.CSS_SELECTOR, selector)
        texts = lambda: [it.text for it in elements() if it.is_displayed()]
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
        focused = lambda: self.driver.switch_to.active_element
        self.until("a key is pressed", lambda: focused().send_keys(key) or True)

    def tab_to(self, selector):
        """Presses Tab until something has the focus; answers what was passed."""
        passed = []
        for _ in range(80):
            self.press(Keys.TAB)
            found, name = self.driver.execute_script(FOCUSED, selector)
            passed.append(name)
            if found:
                return passed
        raise AssertionError(f"Tab does not reach {selector}: {passed}")
