"""What a visitor must see in any browser. tests/console asks for more, in one."""

import json
import os
import urllib.request

import pytest
from selenium.webdriver.common.keys import Keys

from page import Page


def put_into_cart(page):
    page.click("#shelf .products button")
    page.click("button", "Put into the cart")


def buy(page):
    put_into_cart(page)
    page.click("#buy")
    page.click("#shelf button", "Back")
    # What stands below moves with the shelf, away from a press that was aimed at it.
    page.sees("#shelf .products")


def switch(page, service, on):
    lever = f".lever[data-service={service}]"
    page.has(lever, "aria-checked", "false" if on else "true")
    page.click(lever)
    page.has(lever, "aria-checked", "true" if on else "false")


def open_request(page, asked):
    """Opens the latest request of a kind; answers a selector for what is inside."""
    page.click("#list > li summary", asked)
    return "#list > li > details[open]"


@pytest.fixture
def price_as_it_was():
    """The first product has its price again afterwards."""
    api = os.environ["API_URL"]
    before = json.load(urllib.request.urlopen(f"{api}/api/products/featured"))["products"][0]
    yield
    update = json.dumps({name: before[name] for name in ("name", "description", "featured", "price")}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}
    address = f"{api}/api/products/{before['id']}"
    urllib.request.urlopen(urllib.request.Request(address, data=update, headers=headers, method="PUT")).read()


def test_a_visitor_buys_and_sees_what_it_cost(page):
    page.click("#login")
    buy(page)
    page.sees("#outcome .good", r"^Paid\.$")
    request = open_request(page, "POST /api/checkout")
    page.sees(f"{request} .status", "^201$")
    # From the functions' own log, as it is told while it happens: the rooms it went through.
    page.has(f"{request} .way", "aria-label", r"Redis .*Postgres .*provider 1×")
    page.sees(f"{request} pre", r'-H "Authorization: Bearer \$CUSTOMER_TOKEN"')


def test_an_order_is_deferred_while_payments_are_away_and_paid_when_they_are_back(page):
    page.click("#login")
    page.sees("#orders h3", "Orders")
    switch(page, "payments", on=False)
    page.sees("#said", "placed all the same")
    buy(page)
    page.sees("#outcome .good", r"^Placed\. The payment provider seems to be away: it is charged later, by itself\.$")
    page.sees("#deferred li", "Yours of .*: deferred ")
    order = page.find("#orders li").get_attribute("data-order")
    switch(page, "payments", on=True)
    # Nothing is pressed any more.
    page.has(f"[data-order='{order}']", "data-status", "^paid$", seconds=180)
    page.sees("#outcome .good", r"^Paid\.$")
    page.sees("#deferred li", "deferred .*, paid ")


@pytest.mark.usefixtures("price_as_it_was")
def test_after_an_update_nobody_is_shown_the_price_before_it(page):
    page.click("#shelf .products button")
    page.until("the price is typed", lambda: page.find("#new-price").clear() or True)
    page.find("#new-price").send_keys("4321")
    page.click("button", "Change it, as the administrator")
    page.sees("#price", r"43\.21")
    page.click("button", "Read it again")
    page.click("button", "Update it, then fifty readers")
    page.sees("#cache-said", "0 of 50 readers got what was before")
    page.sees("#price", r"43\.22")
    page.sees("#floor", r"nothing older than \d+ may be stored")


def test_whoever_has_only_a_keyboard_buys(page):
    assert page.tab_to("#login")[:4] == ["Skip to the shop", "take-tour", "put-back", "words"]
    page.press(Keys.ENTER)
    page.sees("#orders h3", "Orders")
    page.tab_to("#shelf .products button")
    page.press(Keys.ENTER)
    page.sees("#shelf .buttons")
    page.tab_to("#shelf .buttons button")
    page.press(Keys.ENTER)
    page.tab_to("#card")
    page.tab_to("#buy")
    page.press(Keys.ENTER)
    page.sees("#outcome .good", r"^Paid\.$")
    for control in ("#look-again", "#list", ".lever", "#provider", "#callers", "#card-queries button"):
        page.tab_to(control)


def shop(page):
    page.click("#login")
    buy(page)
    page.sees("#outcome .good")
    page.click("#orders li button", "Show")
    page.click("button", "Its history")
    page.sees("#history li")
    put_into_cart(page)


def requests(page):
    page.sees(f"{open_request(page, 'POST /api/checkout')} .way")


def switches(page):
    page.choose("#provider", "slow")
    page.sees("#said", "three seconds")
    page.choose("#provider", "healthy")
    page.sees("#said", "does well")


def patterns(page):
    page.click("button", "Run both")
    page.sees("#queries-said", "round trips")
    page.click("button", "Fifty readers meet its end")
    page.sees("#cache-said", "50 of 50")


def figures(page):
    page.sees("#plots figure", "by route")
    page.sees("#plots figure", "Connections")
    page.sees("#plots figure", "deferred-charges")


def tour(page):
    page.click("#take-tour")
    page.sees("#tour-title", "1 of 5")


# What no view may do.
FAULTS = """
    console.error("said so");
    setTimeout(() => { throw new Error("thrown") });
    Promise.reject(new Error("not caught"));
    fetch("http://elsewhere.example/").catch(() => {});
"""


def test_what_a_page_does_wrong_is_noticed(start):
    with start(1280, "light") as browser:
        browser.open(os.environ["CONSOLE_URL"])
        page = Page(browser)
        assert not browser.complaints()
        browser.driver.execute_script(FAULTS)
        for complaint in ("said so", "thrown", "not caught", "elsewhere.example"):
            page.until(complaint, lambda: complaint in str(browser.complaints()))


VIEWS = (shop, requests, switches, patterns, figures, tour)


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (390, 1280))
def test_every_view_is_drawn_without_an_error_and_without_scrolling_sideways(open_page, picture, width, scheme):
    page = open_page(width, scheme)
    run = page.driver.execute_script
    assert run("return innerWidth") == width
    assert run("return matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
    for view in VIEWS:
        view(page)
        run("document.getElementById(arguments[0]).scrollIntoView()", view.__name__)
        picture(page, f"{view.__name__}-{width}-{scheme}")
        assert run("return document.documentElement.scrollWidth") <= width, view.__name__
