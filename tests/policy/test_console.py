"""What the console's page says of the API and of the code is what they are."""

import re
from runpy import run_path
from types import SimpleNamespace

from templates import ROOT
from test_contract import contract, routes

PAGE = ROOT / "local/console/page"
PICTURE = SimpleNamespace(**run_path(str(ROOT / "tests/console/digest.py")))


def named(file, constant):
    """The names that an object of the page has, or the texts of a list."""
    [held] = re.findall(rf"^const {constant} = [{{\[](.*?)[}}\]];$", (PAGE / file).read_text(), re.M | re.S)
    return re.findall(r"^  (?:\"(.+?)\"|(\w+)): ", held, re.M) or re.findall(r'"(\w+)"', held)


def keys(file, constant):
    return {quoted or plain for quoted, plain in named(file, constant)}


def test_every_status_of_an_order_has_its_words_and_no_other_has():
    schemas = contract()["components"]["schemas"]
    assert keys("orders.js", "STATUSES") == set(schemas["OrderStatus"]["enum"])
    assert keys("orders.js", "WAITS_FOR") == set(schemas["Charge"]["properties"]["waits_for"]["enum"])
    life = (ROOT / "shared/src/orders/life.rs").read_text()
    final = re.search(r"fn is_final.*?matches!\(self, (.*?)\)", life, re.S)[1].replace("Self::", "").split(" | ")
    assert sorted(named("orders.js", "FINAL")) == sorted(status.lower() for status in final)
    assert set(named("orders.js", "CANCELLABLE")) < keys("orders.js", "STATUSES")


def test_statements_whose_plans_are_offered_are_those_of_the_code():
    known = {name for path in ROOT.glob("shared/src/**/*.rs") for name in re.findall(r'Statement::new\(\s*"([a-z._]+)"', path.read_text())}
    source = (PAGE / "requests.js").read_text()
    offered = set(re.findall(r'"((?:accounts|catalog|checkout|orders)\.\w+)"', source))
    assert offered and offered <= known, offered - known
    functions = {path.name for path in (ROOT / "functions").iterdir()}
    served = {f"{method} {path}" for method, path in routes()} | functions
    assert keys("requests.js", "STATEMENTS") <= served


def test_the_picture_shows_the_page_as_it_is():
    assert PICTURE.of_the_page() == PICTURE.NOTED.read_text().strip(), \
        "the page has changed since: PICTURES=FOLDER tests/console/run -k picture takes it anew"
