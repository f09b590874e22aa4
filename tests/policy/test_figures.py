"""What the docs and the defaults ask for is within what AWS and Stripe give."""

import re

from templates import ROOT, source

OPERATIONS = (ROOT / "docs/operations.md").read_text()
DATABASE = (ROOT / "docs/database.md").read_text()
PARAMETERS = source("template")["Parameters"]

# A second, each: of one of Stripe's endpoints unless Stripe has agreed to more; of Lambda for each environment of the
# quota.
STRIPE_ENDPOINT = 25
LAMBDA_EACH = 10
# Aurora Serverless v2 allows no more connections than 2,000, those of about ten units, while its minimum is below one
# unit.
UNITS_OF_SMALL_MINIMUM = 10
# Of docs/operations.md, "Scale": a charge takes so many seconds, and a checkout is so many of a user's requests.
CHECKOUT_SECONDS = 0.7
CHECKOUTS_OF_A_USER = 0.04 / 10
# Of shared/src/token_bucket/limit.rs: what flows for good; the rest is kept for bursts.
FLOWS = 4 / 5


def row(beginning):
    """A row of the table under "Scale", by what its first cell begins with: for each column its numbers."""
    scale = OPERATIONS.partition("\n## Scale\n")[2].partition("\n## ")[0]
    [cells] = re.findall(rf"^\| {re.escape(beginning)}[^|]*\|(.*)\|$", scale, re.MULTILINE)
    return [[float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", cell)]
            for cell in cells.split("|")]


def single(beginning):
    return [numbers[0] for numbers in row(beginning)]


def test_no_shop_of_the_table_asks_stripe_for_more_than_it_has_agreed_to():
    agreed = single("`PaymentsRateLimit`; above 25 Stripe has to agree first")
    checkouts = single("checkouts a second, and so calls to Stripe's endpoint")
    for limit, now in zip(agreed, checkouts, strict=True):
        assert now <= limit * FLOWS
    assert int(PARAMETERS["PaymentsRateLimit"]["Default"]) == STRIPE_ENDPOINT


def test_workers_can_charge_waiting_orders_as_fast_as_the_provider_takes_them():
    worker = source("template")["Resources"]["ChargeWorker"]["Properties"]["Events"]["DeferredCharges"]["Properties"]
    agreed = single("`PaymentsRateLimit`; above 25 Stripe has to agree first")
    for limit, workers in zip(agreed, single("`ChargeConcurrency`"), strict=True):
        assert workers * worker["BatchSize"] / CHECKOUT_SECONDS >= limit * FLOWS
    default = int(PARAMETERS["ChargeConcurrency"]["Default"]) * worker["BatchSize"] / CHECKOUT_SECONDS
    assert default >= STRIPE_ENDPOINT * FLOWS


def test_the_users_at_which_stripe_becomes_the_limit_follow_from_it():
    users = round(STRIPE_ENDPOINT * FLOWS / CHECKOUTS_OF_A_USER)
    assert re.search(rf"at\s+about\s+{users:,}\s+users", OPERATIONS)


def test_the_alarm_is_about_what_an_endpoint_takes():
    alarm = source("observability")["Resources"]["ProviderNearLimit"]["Properties"]
    # Calls of a minute, nearly all to one endpoint, of what it takes in a second; in percent.
    assert {"Fn::Sub": "100 * calls / 60 / ${PaymentsRateLimit}"} in [
        metric.get("Expression") for metric in alarm["Metrics"]]
    assert alarm["Threshold"] == 60 < 100 * FLOWS


def test_large_databases_have_a_minimum_that_allows_their_connections():
    pairs = row("`DatabaseMinCapacity` / `DatabaseMaxCapacity`")
    pairs.append([float(PARAMETERS[f"Database{bound}Capacity"]["Default"]) for bound in ["Min", "Max"]])
    for least, most in pairs:
        assert least >= 1 or most <= UNITS_OF_SMALL_MINIMUM, (least, most)
    for text in [PARAMETERS["DatabaseMinCapacity"]["Description"], PARAMETERS["DatabaseMaxCapacity"]["Description"],
                 OPERATIONS, DATABASE]:
        assert "2,000" in text


def test_lambda_takes_the_requests_that_the_tables_expect():
    quota = single("Lambda concurrency of the account")
    taken = single("requests a second that Lambda takes for that")
    asked = single("requests a second from all users")
    assert taken == [LAMBDA_EACH * each for each in quota]
    assert all(want <= have for want, have in zip(asked, taken, strict=True))
    table = re.findall(r"^\| [\d,]+ \| [\d,]+, deploying [\d,]+ \| ([\d,]+) \| ([\d,]+) \|", DATABASE, re.MULTILINE)
    assert len(table) == 3
    for requests, concurrency in table:
        assert int(requests.replace(",", "")) <= LAMBDA_EACH * int(concurrency.replace(",", ""))
