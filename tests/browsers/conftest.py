"""The console in browsers other than Chromium, against the cloud that `CONSOLE_URL` names.

`tests/browsers/run` finds the browsers and starts this. `tests/console` has all that a visitor does, in Chromium.
"""

import os
import re
import subprocess
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

import drivers
from page import Page

URL = os.environ.get("CONSOLE_URL", "")
ROOT = Path(__file__).resolve().parents[2]


def put_back():
    """As the page's button does, and without the page, which may be what has failed."""
    page = urllib.request.urlopen(URL).read().decode()
    secret = re.search(r'name="console-secret" content="([^"]+)"', page)[1]
    urllib.request.urlopen(urllib.request.Request(f"{URL}/back", data=b"", headers={"x-console-secret": secret})).read()


@pytest.fixture(params=os.environ.get("BROWSERS", "").split())
def start(request):
    """Starts a browser: every test has one of each kind."""
    return drivers.BROWSERS[request.param]


@pytest.fixture
def open_page(start):
    """Opens the console in a browser. In the end everything is as it was, and the page made no error."""
    assert URL, "CONSOLE_URL is not set: tests/browsers/run starts a cloud"
    # Five may log in from one address in a minute, and every test is a visitor who does.
    subprocess.run(["./dev", "redis", "flushall"], cwd=ROOT, check=True, capture_output=True)
    with ExitStack() as stack:
        stack.callback(put_back)
        pages = []

        def open_page(width=1280, scheme="light"):
            browser = stack.enter_context(start(width, scheme))
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
def picture():
    folder = os.environ.get("PICTURES")

    def take(page, name):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.driver.save_screenshot(Path(folder) / f"{page.driver.name}-{name}.png")

    return take
