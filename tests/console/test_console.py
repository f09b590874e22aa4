"""What a visitor does at the console, and what must be seen then."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

URL = os.environ.get("CONSOLE_URL", "")
ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("payments", "redis", "sqs", "pgbouncer", "postgres")


def put_into_cart(page):
    page.locator("#shelf .products button").first.click()
    page.get_by_role("button", name="Put into the cart").click()


def buy(page, card="pm_card_visa"):
    put_into_cart(page)
    page.locator("#card").select_option(card)
    page.locator("#buy").click()
    page.get_by_role("button", name="Back", exact=True).click()


def switch(page, service, on):
    lever = page.locator(f".lever[data-service={service}]")
    expect(lever).to_have_attribute("aria-checked", "false" if on else "true")
    lever.click()
    expect(lever).to_have_attribute("aria-checked", "true" if on else "false", timeout=60_000)


def latest(page):
    return page.locator("#orders li").first


def test_a_visitor_buys_and_sees_what_it_cost(page):
    page.locator("#login").click()
    buy(page)
    expect(page.locator("#orders .good")).to_have_text("Paid.")
    request = page.locator("#list > li", has_text="POST /api/checkout").first
    expect(request.locator(".status")).to_have_text("201")
    request.locator("summary").first.click()
    # From the functions' own log: the rooms it went through.
    way = request.get_by_role("img")
    expect(way).to_have_attribute("aria-label", re.compile(r"Redis .*Postgres .*provider 1×"))
    expect(request.locator("pre").first).to_contain_text("-H \"Authorization: Bearer $CUSTOMER_TOKEN\"")


def test_where_a_token_is_refused_the_same_request_is_sent_again_with_a_new_one(page):
    page.locator("#login").click()
    expect(latest(page)).to_be_visible()
    keys = []

    def refuse_once(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fulfill(status=401, json={"title": "Unauthorized", "status": 401})
        else:
            route.continue_()

    page.route("**/api/checkout", refuse_once)
    buy(page)
    expect(page.locator("#orders .good")).to_have_text("Paid.")
    assert len(keys) == 2 and keys[0] == keys[1], keys


def test_a_line_that_comes_before_its_answer_is_kept_for_it(page):
    def slow_link(route):
        answer = route.fetch()
        # The line takes a tenth of a second, on a connection of its own.
        page.wait_for_timeout(1000)
        route.fulfill(response=answer)

    page.route("**/api/search?*", slow_link)
    page.locator("#words").fill("chair")
    request = page.locator("#list > li", has_text="GET /api/search").first
    request.locator("summary").first.click()
    expect(request.get_by_role("img")).to_have_attribute("aria-label", re.compile("Way: limiter allowed"))


def test_a_card_that_is_declined_says_so_and_one_that_asks_first_is_paid_after_the_answer(page):
    page.locator("#login").click()
    buy(page, "pm_card_chargeDeclined")
    expect(page.locator("#orders .bad")).to_contain_text("402")
    buy(page, "pm_card_authenticationRequired")
    page.get_by_role("button", name="It is me").click()

    def paid():
        page.get_by_role("button", name="Look again").click()
        return latest(page).get_attribute("data-status") == "paid"

    wait_for(page, paid)


def test_an_order_is_deferred_while_payments_are_away_and_paid_when_they_are_back(page):
    page.locator("#login").click()
    expect(latest(page)).to_be_visible()
    switch(page, "payments", on=False)
    expect(page.locator("#said")).to_contain_text("placed all the same")
    buy(page)
    expect(page.locator("#orders .good")).to_contain_text("charged later")
    order = latest(page).get_attribute("data-order")
    switch(page, "payments", on=True)

    def paid():
        page.get_by_role("button", name="Look again").click()
        return page.locator(f"[data-order='{order}']").get_attribute("data-status") == "paid"

    wait_for(page, paid, seconds=180)


def test_after_an_update_nobody_is_shown_the_price_before_it(page):
    page.locator("#shelf .products button").first.click()
    page.locator("#new-price").fill("4321")
    page.get_by_role("button", name="Change it, as the administrator").click()
    expect(page.locator("#price")).to_contain_text("43.21")
    page.get_by_role("button", name="Update it, then fifty readers").click()
    expect(page.locator("#cache-said")).to_contain_text("0 of 50 readers got what was before")
    page.get_by_role("button", name="Fifty readers meet its end").click()
    expect(page.locator("#cache-said")).to_contain_text("50 of 50 were answered: 1 filled")


def test_one_statement_stands_beside_one_for_each_order_and_item(page):
    page.get_by_role("button", name="Run both").click()
    expect(page.locator("#queries-said")).to_have_text(re.compile(r"The same [1-9]\d* lines: [1-9]\d+ round trips or one\."))
    page.locator("#login").click()
    request = page.locator("#list > li", has_text="GET /api/orders").first
    request.locator("summary").first.click()
    request.get_by_role("button", name="Plan of orders.list").click()
    expect(request.locator("pre", has_text="Index")).to_be_visible()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_goes_and_comes_back(page, service):
    if not page.locator(f".lever[data-service={service}]").is_visible():
        pytest.skip("this machine has none")
    switch(page, service, on=False)
    switch(page, service, on=True)
    expect(page.locator("#said")).to_have_text(f"{service} is back.")


def test_the_provider_the_breaker_and_the_customers_are_set_and_put_back_by_one_button(page):
    page.locator("#provider").select_option("failing")
    expect(page.locator("#said")).to_contain_text("500")
    page.locator("#breaker").select_option("open")
    expect(page.locator("#phase")).to_have_text("Forced open by an operator.")
    page.locator("#visitors").fill("50")
    expect(page.locator("#said")).to_contain_text("50 customers")
    page.locator("#put-back").click()
    expect(page.locator("#said")).to_have_text("Everything is as it was.")
    expect(page.locator("#provider")).to_have_value("healthy")
    expect(page.locator("#breaker")).to_have_value("auto")
    expect(page.locator("#visitors")).to_have_value("0")
    expect(page.locator("#phase")).not_to_contain_text("Forced")


def test_what_the_provider_and_redis_were_ordered_they_are_ordered_again_when_they_are_back(page):
    page.locator("#provider").select_option("failing")
    expect(page.locator("#said")).to_contain_text("500")
    page.locator("#breaker").select_option("open")
    expect(page.locator("#phase")).to_have_text("Forced open by an operator.")
    for service in ("payments", "redis"):
        switch(page, service, on=False)
        switch(page, service, on=True)
        expect(page.locator("#said")).to_have_text(f"{service} is back.")
    shown = subprocess.run(["./dev", "breaker", "show", "payments"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "forced" in shown, shown
    faults = json.load(urllib.request.urlopen(os.environ["PAYMENTS_URL"] + "/_control/faults"))
    assert [fault["kind"] for fault in faults] == ["fail"], faults


def test_closing_the_page_puts_everything_back(open_page):
    page = open_page()
    page.locator("#breaker").select_option("open")
    expect(page.locator("#phase")).to_have_text("Forced open by an operator.")
    page.context.close()
    # Not by opening it again: a page that is back within five seconds was only reloaded, and keeps the switches.
    for _ in range(120):
        if "forced" not in subprocess.run(["./dev", "breaker", "show", "payments"], cwd=ROOT, check=True, capture_output=True, text=True).stdout:
            return
        time.sleep(0.5)
    raise AssertionError("a minute after the page was closed the breaker is still forced")


def test_the_tour_goes_from_end_to_end(page):
    page.locator("#take-tour").click()
    for step in range(1, 6):
        expect(page.locator("#tour-title")).to_contain_text(f"{step} of 5")
        expect(page.locator("#tour-title")).to_be_focused()
        with page.context.expect_page() as opened:
            page.locator("#tour a").click()
        expect(opened.value.locator("body")).not_to_contain_text("There is no such file")
        opened.value.close()
        page.get_by_role("button", name="Next" if step < 5 else "Done").click()
    expect(page.locator("#tour")).to_be_hidden()


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (390, 1280))
def test_it_can_be_read_and_reached_by_everybody(open_page, picture, width, scheme):
    page = open_page(width, color_scheme=scheme)
    page.locator("#login").click()
    put_into_cart(page)
    page.locator("#list > li summary").first.click()
    page.get_by_role("button", name="Run both").click()
    expect(page.locator("#queries-said")).to_contain_text("round trips")
    expect(page.locator("#plots figure").first).to_be_visible()
    picture(page, f"console-{width}-{scheme}")
    # No scrolling sideways.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


def test_another_site_can_neither_read_nor_pull(page):
    secret = page.locator("meta[name=console-secret]").get_attribute("content")
    order = b'{"switch": "breaker", "order": "open"}'

    def status(path, headers, body=None):
        request = urllib.request.Request(URL + path, data=body, headers=headers)
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as refused:
            return refused.code

    usual = {"content-type": "application/json", "x-console-secret": secret}
    # A name that was bound anew to this machine, and a page of another site, whatever they know.
    assert status("/", {"host": "rebound.example"}) == 421
    assert status("/switch", {**usual, "origin": "http://other.example"}, order) == 421
    # Without the page's secret, with a wrong one, and with all but its last letter.
    for wrong in ("", "x" * len(secret), secret[:-1]):
        for path, body in (("/switch", order), ("/back", b""), ("/start", None), ("/live", None)):
            assert status(path, {**usual, "x-console-secret": wrong}, body) == 403
    for path in ("../Cargo.toml", ".dev/secrets", "docs/../.dev/secrets", "/etc/passwd", "docs/.hidden"):
        assert status(f"/source?path={path}", {}) == 404
    assert status("/start", usual) == 200


def test_the_limiters_window_empties_when_it_says(page):
    page.get_by_role("button", name="Ask until refused").click()
    expect(page.locator("#limiter-said")).to_have_text(re.compile(r"Refused at call \d+"))
    expect(page.locator("#window")).to_have_text(re.compile(r"Refused; the next call passes in \d+ s\."))
    seconds = int(re.search(r"in (\d+) s", page.locator("#window").text_content()).group(1))
    expect(page.locator("#window")).not_to_contain_text("Refused", timeout=(seconds + 60) * 1000)
    product = page.locator("#shelf .products button").first
    product.click()
    expect(page.locator("#price")).to_be_visible()


def wait_for(page, condition, seconds=90):
    """Asks again until it holds; the pause leaves the page its time."""
    for _ in range(seconds * 2):
        if condition():
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"not within {seconds} s: {condition.__name__}")
