"""What a visitor does at the console, and what must be seen then."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import digest

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


def order_of(page):
    """Buys, and answers the order's id once the list has it: what came of it is said before."""
    expect(latest(page)).to_be_visible()
    before = latest(page).get_attribute("data-order")
    buy(page)
    expect(latest(page)).not_to_have_attribute("data-order", before)
    return latest(page).get_attribute("data-order")


def open_request(page, asked):
    """The line of the newest such request, opened. It stays this one when another comes, which would be the first."""
    newest = page.locator("#list > li", has_text=asked).first
    mark = newest.evaluate("(line) => { line.dataset.opened = crypto.randomUUID(); return line.dataset.opened }")
    request = page.locator(f"#list > li[data-opened='{mark}']")
    request.locator("summary").first.click()
    return request


def test_a_visitor_buys_and_sees_what_it_cost(page):
    page.locator("#login").click()
    buy(page)
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    request = open_request(page, "POST /api/checkout")
    expect(request.locator(".status")).to_have_text("201")
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
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    assert len(keys) == 2 and keys[0] == keys[1], keys


def test_a_line_that_comes_before_its_answer_is_kept_for_it(page):
    def slow_link(route):
        answer = route.fetch()
        # The line takes a tenth of a second, on a connection of its own.
        page.wait_for_timeout(1000)
        route.fulfill(response=answer)

    page.route("**/api/search?*", slow_link)
    page.locator("#words").fill("chair")
    request = open_request(page, "GET /api/search")
    expect(request.get_by_role("img")).to_have_attribute("aria-label", re.compile("Way: limiter allowed"))


def test_the_line_of_curl_that_is_copied_gets_the_same_answer(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#login").click()
    expect(latest(page)).to_be_visible()
    buy(page)
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    environment = ROOT / os.environ.get("MILLRACE_DEV_DIR", ".dev") / "env"
    for asked, status in (("GET /api/products/", "200"), ("GET /api/orders", "200"), ("POST /api/checkout", "201")):
        request = open_request(page, asked)
        expect(request.locator(".status")).to_have_text(status)
        request.get_by_role("button", name="Copy as curl").click()
        expect(request.get_by_role("button", name="Copied")).to_be_visible()
        line = page.evaluate("navigator.clipboard.readText()")
        # As its reader would: the tokens are in this file, and nowhere in the line.
        run = subprocess.run(["bash", "-c", f"set -a; . {environment}; set +a; {line} --silent"], capture_output=True, text=True)
        assert run.returncode == 0 and re.match(rf"HTTP/1.1 {status} ", run.stdout), (line, run)
        assert "eyJ" not in line, line


def test_an_order_that_waits_for_its_customer_is_cancelled_by_its_button(page):
    page.locator("#login").click()
    buy(page, "pm_card_authenticationRequired")
    expect(page.get_by_role("button", name="It is me")).to_be_visible()
    expect(latest(page)).to_have_attribute("data-status", "action_required")
    order = page.locator(f"[data-order='{latest(page).get_attribute('data-order')}']")
    order.get_by_role("button", name="Show").click()
    order.get_by_role("button", name="Cancel").click()
    expect(page.locator("#outcome .good")).to_have_text("Cancelled: no charge stands.")
    expect(page.get_by_role("button", name="It is me")).to_have_count(0)
    expect(page.locator("#order dl")).to_contain_text("cancelled: Cancelled: no charge stands.")
    # The list leaves out what is cancelled.
    expect(order).to_have_count(0)


def test_a_card_that_is_declined_says_so_and_one_that_asks_first_is_paid_after_the_answer(page):
    page.locator("#login").click()
    buy(page, "pm_card_chargeDeclined")
    expect(page.locator("#outcome .bad")).to_contain_text("402")
    buy(page, "pm_card_authenticationRequired")
    page.get_by_role("button", name="It is me").click()
    # By itself: the provider's news bring the order forward, and the page hears of it.
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    expect(latest(page)).to_have_attribute("data-status", "paid")


def test_an_order_is_deferred_while_payments_are_away_and_paid_when_they_are_back(page):
    page.locator("#login").click()
    switch(page, "payments", on=False)
    expect(page.locator("#said")).to_contain_text("placed all the same")
    order = order_of(page)
    expect(page.locator("#outcome .good")).to_have_text(
        "Placed. The payment provider seems to be away: it is charged later, by itself.")
    expect(page.locator("#deferred li")).to_have_text(re.compile("Yours of .*: deferred "))
    expect(page.locator("#orders-waiting")).to_have_text(re.compile(r"[1-9]\d* orders of all customers wait"))
    switch(page, "payments", on=True)
    # Nothing is pressed any more.
    expect(page.locator(f"[data-order='{order}']")).to_have_attribute("data-status", "paid", timeout=180_000)
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    expect(page.locator("#deferred li")).to_have_text(re.compile("deferred .*, paid "))


def test_an_order_is_shown_whole_and_its_history_to_the_administrator(page):
    page.locator("#login").click()
    order_of(page)
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    latest(page).get_by_role("button", name="Show").click()
    order = page.locator("#order article")
    expect(order.locator("dl")).to_contain_text("paid: Paid.")
    expect(order.locator("ul li").first).to_contain_text("1 × ")
    order.get_by_role("button", name="Its history").click()
    expect(order.locator("#history li").last).to_contain_text("paid")
    expect(page.locator("#list > li", has_text="GET /api/admin/orders/").first).to_be_visible()
    order.get_by_role("button", name="Close").click()
    expect(order).to_have_count(0)
    expect(latest(page).get_by_role("button", name="Show")).to_be_focused()


def test_after_an_update_nobody_is_shown_the_price_before_it(page):
    page.locator("#shelf .products button").first.click()
    page.locator("#new-price").fill("4321")
    page.get_by_role("button", name="Change it, as the administrator").click()
    expect(page.locator("#price")).to_contain_text("43.21")
    page.get_by_role("button", name="Update it, then fifty readers").click()
    expect(page.locator("#cache-said")).to_contain_text("0 of 50 readers got what was before")
    expect(page.locator("#floor")).to_have_text(re.compile(r"nothing older than \d+ may be stored"))


@pytest.mark.parametrize(("button", "others"), (
    ("Fifty readers meet its end", r"[1-9]\d* got what was stale, 0 waited"),
    ("… just before its end", r"0 got what was stale, 0 waited for that fill, 49 hits"),
    ("… when it was evicted", r"0 got what was stale, [1-9]\d* waited"),
))
def test_fifty_readers_of_an_entry_cost_one_fill(page, button, others):
    page.get_by_role("button", name=button).click()
    expect(page.locator("#cache-said")).to_have_text(re.compile(f"50 of 50 were answered: 1 filled, {others}.*; 1 statements"))
    expect(page.locator("#entry")).to_have_text(re.compile(r"Version \d+, fresh for \d+ s more, and then stale for 300 s"))
    expect(page.locator("#early")).to_have_text(re.compile(r"Its fill took \d+ ms"))


def test_one_statement_stands_beside_one_for_each_order_and_item(page):
    page.get_by_role("button", name="Run both").click()
    expect(page.locator("#queries-said")).to_have_text(re.compile(r"The same [1-9]\d* lines: [1-9]\d+ round trips or one\."))
    page.locator("#login").click()
    request = open_request(page, "GET /api/orders")
    request.get_by_role("button", name="Plan of orders.list").click()
    expect(request.locator("pre", has_text="Index")).to_be_visible()


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_goes_and_comes_back(page, service):
    if not page.locator(f".lever[data-service={service}]").is_visible():
        pytest.skip("this machine has none")
    switch(page, service, on=False)
    switch(page, service, on=True)
    expect(page.locator("#said")).to_have_text(f"{service} is back.")


def test_what_was_away_is_shaded_in_the_plots(page):
    expect(page.locator("#plots figure").first).to_be_visible()
    switch(page, "payments", on=False)
    switch(page, "payments", on=True)
    drawn = page.locator("#plots svg", has=page.locator("text.name", has_text="payments away")).first
    expect(drawn).to_be_attached()
    # What ended has a width.
    expect(drawn.locator("rect.band").first).to_have_attribute("width", re.compile(r"^(?!0\.0$)\d+\.\d$"))


def test_two_hundred_callers_are_as_many_as_the_switch_says_and_the_page_stays_with_them(page):
    page.locator("#callers").fill("200")
    expect(page.locator("#said")).to_contain_text("200 callers")
    expect(page.locator("#picture-pool")).to_contain_text("200 callers")
    expect(page.locator("#picture-pool .environments span").first).to_be_attached()
    expect(page.locator("#connection")).to_have_text("connected")


SWITCHES = (
    ("provider", "slow", "healthy", "three seconds longer"),
    ("provider", "failing", "healthy", "ends in 500"),
    ("provider", "declining", "healthy", "Every card is declined"),
    ("breaker", "open", "auto", "forced open"),
    ("breaker", "closed", "auto", "forced closed"),
    ("visitors", "50", "0", "50 customers"),
    ("callers", "20", "0", "20 callers"),
)


@pytest.mark.parametrize(("control", "value", "usual", "said"), SWITCHES)
def test_every_switch_says_what_it_did_and_is_put_back_by_its_own_hand_and_by_one_button(page, control, value, usual, said):
    lever = page.locator(f"#{control}")
    pull = lever.select_option if control in ("provider", "breaker") else lever.fill
    pull(value)
    expect(page.locator("#said")).to_contain_text(said)
    pull(usual)
    expect(page.locator("#said")).not_to_contain_text(said)
    pull(value)
    expect(page.locator("#said")).to_contain_text(said)
    lever.blur()
    expect(lever).to_have_value(value)
    page.locator("#put-back").click()
    expect(page.locator("#said")).to_have_text("Everything is as it was.")
    expect(lever).to_have_value(usual)


def test_what_a_switch_says_is_what_happens(page):
    page.locator("#login").click()
    expect(latest(page)).to_be_visible()
    page.locator("#provider").select_option("declining")
    expect(page.locator("#said")).to_contain_text("declined")
    buy(page)
    expect(page.locator("#outcome .bad")).to_contain_text("402")
    page.locator("#provider").select_option("healthy")
    expect(page.locator("#said")).to_contain_text("does well")
    for order, phase in (("closed", "Forced closed by an operator."), ("open", "Forced open by an operator.")):
        page.locator("#breaker").select_option(order)
        expect(page.locator("#phase")).to_have_text(phase)
    page.locator("#breaker").select_option("auto")
    expect(page.locator("#phase")).not_to_contain_text("Forced")
    page.locator("#callers").fill("20")
    # Each environment and its connection.
    expect(page.locator("#picture-pool .environments span").first).to_be_attached()


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


def pull_all(page):
    """One switch of each kind."""
    page.locator("#visitors").fill("20")
    expect(page.locator("#said")).to_contain_text("20 customers")
    page.locator("#callers").fill("10")
    expect(page.locator("#said")).to_contain_text("10 callers")
    page.locator("#provider").select_option("failing")
    expect(page.locator("#said")).to_contain_text("500")
    page.locator("#breaker").select_option("open")
    expect(page.locator("#phase")).to_have_text("Forced open by an operator.")
    switch(page, "sqs", on=False)


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=10).read()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def still_pulled():
    """What a page is not needed to see."""
    breaker = subprocess.run(["./dev", "breaker", "show", "payments"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    faults = json.load(urllib.request.urlopen(os.environ["PAYMENTS_URL"] + "/_control/faults"))
    pulled = {"breaker": "forced" in breaker, "provider": bool(faults), "sqs": not answers(os.environ["AWS_ENDPOINT_URL_SQS"])}
    return {name for name, is_pulled in pulled.items() if is_pulled}


def test_closing_the_page_puts_everything_back(open_page):
    page = open_page()
    pull_all(page)
    assert still_pulled() == {"breaker", "provider", "sqs"}
    page.context.close()
    # Not by opening it again: a page that is back within five seconds was only reloaded, and keeps the switches.
    for _ in range(120):
        if not still_pulled():
            break
        time.sleep(0.5)
    assert not still_pulled(), "a minute after the page was closed"
    page = open_page()
    expect(page.locator(".lever[data-service=sqs]")).to_have_attribute("aria-checked", "true")
    # Customers and callers went before the others came back.
    expect(page.locator("#picture-pool")).to_contain_text(re.compile(r"(?<!\d)0 customers"))
    for control, usual in (("visitors", "0"), ("callers", "0"), ("provider", "healthy"), ("breaker", "auto")):
        expect(page.locator(f"#{control}")).to_have_value(usual)


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


def shop(page):
    page.locator("#login").click()
    order_of(page)
    latest(page).get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Its history").click()
    expect(page.locator("#history li").first).to_be_visible()
    put_into_cart(page)


def requests(page):
    bought = open_request(page, "POST /api/checkout")
    expect(bought.get_by_role("img")).to_be_visible()


def switches(page):
    page.locator("#provider").select_option("slow")
    expect(page.locator("#said")).to_contain_text("three seconds")
    page.locator("#provider").select_option("healthy")
    expect(page.locator("#said")).to_contain_text("does well")


def patterns(page):
    page.get_by_role("button", name="Run both").click()
    expect(page.locator("#queries-said")).to_contain_text("round trips")
    page.get_by_role("button", name="Fifty readers meet its end").click()
    expect(page.locator("#cache-said")).to_contain_text("50 of 50")


def figures(page):
    expect(page.locator("#plots figure", has_text="by route").first).to_be_visible()
    expect(page.locator("#plots figure", has_text="Connections")).to_be_visible()
    expect(page.locator("#plots figure", has_text="Queues")).to_contain_text("deferred-charges")


def tour(page):
    page.locator("#take-tour").click()
    expect(page.locator("#tour-title")).to_be_focused()


VIEWS = (shop, requests, switches, patterns, figures, tour)


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("width", (390, 1280))
def test_every_view_can_be_read_and_reached_by_everybody(open_page, picture, width, scheme):
    page = open_page(width, color_scheme=scheme)
    for view in VIEWS:
        view(page)
        picture(page.locator(f"#{view.__name__}"), f"{view.__name__}-{width}-{scheme}")
        # No scrolling sideways.
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view.__name__
        found = Axe().run(page).response["violations"]
        assert not found, (view.__name__, [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found])


@pytest.mark.skipif("PICTURES" not in os.environ, reason="PICTURES names no folder for pictures")
def test_the_readmes_picture_is_taken(page):
    shop(page)
    page.get_by_role("button", name="Close the order").click()
    requests(page)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=digest.PICTURE)
    digest.NOTED.write_text(digest.of_the_page() + "\n")


def test_whoever_has_only_a_keyboard_buys(page):
    def tab_to(selector):
        """What Tab passes on its way there."""
        passed = []
        for _ in range(60):
            page.keyboard.press("Tab")
            passed.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return passed
        raise AssertionError(f"Tab does not reach {selector}: {passed}")

    assert tab_to("#login")[:4] == ["Skip to the shop", "take-tour", "put-back", "words"]
    page.keyboard.press("Enter")
    expect(latest(page)).to_be_visible()
    tab_to("#shelf .products button")
    page.keyboard.press("Enter")
    expect(page.locator("#shelf .buttons")).to_be_visible()
    tab_to("#shelf .buttons button")
    page.keyboard.press("Enter")
    tab_to("#card")
    tab_to("#buy")
    page.keyboard.press("Enter")
    expect(page.locator("#outcome .good")).to_have_text("Paid.")
    for control in ("#look-again", "#list", ".lever", "#provider", "#callers", "#card-queries button", "#card-limiter button"):
        tab_to(control)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="nothing says here who listens")
def test_the_console_listens_on_loopback_alone():
    port = f"{urlsplit(URL).port:04X}"
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    listening = {row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"}
    # 127.0.0.1, its last byte first.
    assert listening == {f"0100007F:{port}"}


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
    told = time.monotonic()
    # Past the page, which would count an answer in its picture.
    asked = """fetch("/api/products/featured").then((answer) => answer.status)"""
    page.wait_for_timeout(max(0, seconds - 4) * 1000)
    assert page.evaluate(asked) == 429, "it empties before it says"
    expect(page.locator("#window")).not_to_contain_text("Refused")
    took = time.monotonic() - told
    assert seconds - 2 < took < seconds + 10, f"{took:.1f} s instead of {seconds}"
    # One call and no more: the oldest that leave may be the page's first alone.
    page.locator("#shelf .products button").first.click()
    expect(page.locator("#price"), "it says so before it empties").to_be_visible()


def test_the_windows_picture_empties_as_the_limiters_window_does(page):
    """The history of the limiter's own test of its arithmetic: `it_says_exactly_how_long_to_wait`."""
    read = page.evaluate(
        """async () => {
            const { Window } = await import("/page/window.js")
            const window = new Window()
            const told = (now, remaining, resets) => window.told(now, { limit: 3, remaining, resets, allowed: true })
            told(1000, 2, 64)
            told(2000, 1, 63)
            told(17000, 0, 48)
            return [20000, 64999, 65000, 79999, 80000].map((now) => window.read(now))
        }"""
    )
    assert [(one["used"], one["first"], one["last"]) for one in read] == [
        (3, 45_000, 60_000), (3, 1, 15_001), (1, 15_000, 15_000), (1, 1, 1), (0, 0, 0)]


def test_calls_that_another_page_made_count_in_the_picture_too(page):
    used = page.evaluate(
        """async () => {
            const { Window } = await import("/page/window.js")
            const window = new Window()
            window.told(100_000, { limit: 100, remaining: 39, resets: 20, allowed: true })
            const before = [119_999, 120_000].map((now) => window.read(now).used)
            // Redis has forgotten everything.
            window.told(121_000, { limit: 100, remaining: 99, resets: 60, allowed: true })
            return [...before, window.read(121_000).used]
        }"""
    )
    assert used == [61, 1, 1]
