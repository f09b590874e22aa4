"""The console in a real browser: Chromium, driven by Playwright, against the cloud that `CONSOLE_URL` names.

`tests/console/run` finds the browser and starts this. By hand:
`./dev up --detach; set -a; . .dev/env; set +a; tests/console/run`.
"""

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

# A browser of its own accord asks its maker for updates and lists: none of it is the page's doing.
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-gpu"]
URL = os.environ.get("CONSOLE_URL", "")
ROOT = Path(__file__).resolve().parents[2]
# Longer than any single thing takes on a machine that is busy with other work.
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def browser():
    assert URL, "CONSOLE_URL is not set: ./dev up --detach, then set -a; . .dev/env"
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["BROWSER_PROGRAM"], args=QUIET + sandbox)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens the console in windows of any width. In the end: no other host was asked, and the page made no error."""
    opened, complaints = [], []
    # Five may log in from one address in a minute, and every test is a visitor who does.
    subprocess.run(["./dev", "redis", "flushall"], cwd=ROOT, check=True, capture_output=True)

    def open_page(width=1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        opened.append(context)
        ours = urlsplit(URL).netloc
        page.on("request", lambda request: urlsplit(request.url).netloc in (ours, "") or complaints.append(f"asked {request.url}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda message: message.type == "error" and "Failed to load resource" not in message.text and complaints.append(message.text))
        page.goto(URL)
        expect(page.locator("#connection")).to_have_text("connected")
        expect(page.locator("#shelf .products li").first).to_be_visible()
        return page

    yield open_page
    for context in opened:
        context.close()
    assert not complaints


@pytest.fixture
def page(open_page):
    """The console, and everything as it was when the test is over, also when it failed."""
    page = open_page()
    yield page
    page.locator("#put-back").click()
    expect(page.locator("#said")).to_have_text("Everything is as it was.", timeout=60_000)


@pytest.fixture
def picture():
    folder = os.environ.get("PICTURES")

    def take(view, name):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            view.screenshot(path=Path(folder) / f"{name}.png")

    return take
