"""Firefox and WebKitGTK, each by its own WebDriver: how wide, light or dark, and what a page did wrong."""

import os
import subprocess
from contextlib import contextmanager
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.firefox.options import Options as FirefoxOptions
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.webkitgtk.options import Options as WebKitOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitService

HEIGHT = 900
# What a page can tell of itself, from when it is there on.
LISTEN = """
    window.complaints = [];
    const complain = (...words) => window.complaints.push(words.join(" "));
    addEventListener("error", (event) => complain("error:", event.message ?? event.target?.src), true);
    addEventListener("unhandledrejection", (event) => complain("unhandled:", event.reason));
    addEventListener("securitypolicyviolation", (event) => complain("forbidden:", event.blockedURI));
    const { error } = console;
    console.error = (...words) => (complain("console:", ...words), error(...words));
    // It would forget the oldest.
    performance.setResourceTimingBufferSize(100_000);
"""
ASKED = "return performance.getEntriesByType('resource').map(({ name }) => name)"


def strangers(addresses, ours):
    """What was asked of another host. An address without one is in the page itself."""
    return [f"asked {one}" for one in addresses if urlsplit(one).netloc not in (ours, "")]


class Browser:
    """A window of its own, without anybody's past. In the end: what the page complained of."""

    def __init__(self, driver, width):
        self.driver = driver
        self.resize(width)

    def open(self, url):
        self.ours = urlsplit(url).netloc
        self.driver.get(url)
        self.driver.execute_script(LISTEN)

    def resize(self, width):
        self.driver.set_window_rect(0, 0, width, HEIGHT)

    def complaints(self):
        run = self.driver.execute_script
        return run("return window.complaints") + strangers(run(ASKED), self.ours)


class Firefox(Browser):
    """Tells more by BiDi: every error from the first byte on, and every request, answered or not.

    WebKitGTK's driver has no BiDi. There an error counts from when the page is there, and a request elsewhere when the
    page's own policy forbids it or it was answered.
    """

    def __init__(self, driver, width):
        self.told, self.asked = [], []
        super().__init__(driver, width)
        driver.script.add_javascript_error_handler(lambda entry: self.told.append(f"error: {entry.text}"))
        driver.network.add_event_handler("before_request", lambda event: self.asked.append(event["request"]["url"]))

    def resize(self, width):
        # A window of Firefox is never narrower than 450 pixels; its page may be.
        size = {"width": width, "height": HEIGHT}
        self.driver.browsing_context.set_viewport(context=self.driver.current_window_handle, viewport=size)

    def complaints(self):
        found = super().complaints()
        assert self.asked, "Firefox told of no request"
        return found + self.told + strangers(self.asked, self.ours)


@contextmanager
def firefox(width, scheme):
    options = FirefoxOptions()
    options.binary_location = os.environ["FIREFOX"]
    options.enable_bidi = True
    options.add_argument("-headless")
    options.set_preference("ui.systemUsesDarkTheme", int(scheme == "dark"))
    service = FirefoxService(os.environ["GECKODRIVER"], log_output=subprocess.DEVNULL)
    driver = webdriver.Firefox(options=options, service=service)
    try:
        yield Firefox(driver, width)
    finally:
        driver.quit()


@contextmanager
def screen():
    """An X display that nobody sees; WebKitGTK has no mode without one."""
    reads, writes = os.pipe()
    command = ["Xvfb", "-displayfd", str(writes), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writes], stderr=subprocess.DEVNULL)
    os.close(writes)
    try:
        with os.fdopen(reads) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def webkit(width, scheme):
    options = WebKitOptions()
    # Full screen, because the tool bar of MiniBrowser is wider than a phone.
    for argument in ("--automation", "--full-screen"):
        options.add_argument(argument)
    with screen() as display:
        theme = "Adwaita:dark" if scheme == "dark" else "Adwaita"
        environment = {**os.environ, "DISPLAY": display, "GDK_BACKEND": "x11", "GTK_THEME": theme}
        service = WebKitService(log_output=subprocess.DEVNULL, env=environment)
        driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            yield Browser(driver, width)
        finally:
            driver.quit()


BROWSERS = {"firefox": firefox, "webkit": webkit}
