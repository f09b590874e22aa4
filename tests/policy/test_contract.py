"""The same routes, problems and words in every place that names them."""

import json
import re
from runpy import run_path
from types import SimpleNamespace

import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from samtranslator.yaml_helper import yaml_parse
from templates import ROOT, tomllib

METHODS = {"get", "put", "post", "patch", "delete"}
ROUTES = SimpleNamespace(**run_path(str(ROOT / "tests/routes")))


def contract():
    document = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    # Times that YAML has read as such become text again.
    return json.loads(json.dumps(document, default=lambda time: time.isoformat().replace("+00:00", "Z")))


def operations():
    """Of each operation of the contract its route."""
    return {(method.upper(), path): operation for path, item in contract()["paths"].items()
            for method, operation in item.items() if method in METHODS}


def routes():
    """Which function serves a route, as the functions themselves say."""
    return {route: name for name, route in ROUTES.endpoints().items() if route}


def test_whatever_reads_routes_has_those_of_the_functions():
    assert sorted(ROUTES.wrong()) == [], "tests/routes --write puts them right"
    assert {route: operation["operationId"] for route, operation in operations().items()} == routes()
    assert "`HEAD`" in contract()["info"]["description"]


def test_a_function_comes_and_goes_everywhere_and_takes_its_route_along():
    functions = ROUTES.endpoints()
    for name, place in ROUTES.PLACES.items():
        text = (ROOT / name).read_text()
        other = place(text, {**functions, "a-new-one": ("GET", "/api/things/{id}")})
        assert "/api/things/{id}" in other or "!Ref anewone" in other, name
        assert yaml_parse(other) if name.endswith("yaml") else tomllib.loads(other), name
        assert place(other, functions) == text, name
        moved = place(text, {**functions, "logout": ("PUT", "/api/goodbye")})
        assert "/api/auth/logout" not in moved and ("/api/goodbye" in moved or name.endswith("access.yaml")), name


def test_the_contract_asks_for_a_token_where_the_function_does():
    def asked(name):
        source = "".join(path.read_text() for path in sorted((ROOT / "functions" / name / "src").glob("*.rs")))
        if re.search(r"request\.(user|administrator)\(\)\?", source):
            return [{"token": []}]
        # Charged to the address, or to nobody: then nobody reads the token.
        return [{}] if re.search(r"\.by_address\(\)|limited_by\(&\[\]\)", source) else [{}, {"token": []}]
    assert {route: operation["security"] for route, operation in operations().items()} == \
        {route: asked(name) for route, name in routes().items()}


def test_the_readme_says_each_route_its_function_and_its_limits():
    policies = dict(re.findall(r'pub const ([A-Z_]+): Policy = Policy::per_minute\("[a-z-]+", (\d+)\)',
                               (ROOT / "shared/src/http/limits.rs").read_text()))
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (`[A-Z]+ /api/.*?) \| (.+?) \| .+? \| (.+?) \| .+ \|$", readme, re.M)
    told = {(route.split("?")[0], name, re.sub(" searches| in all", "", limit)) for served, names, limit in rows
            for route, name in zip(re.findall("`(.+?)`", served), re.findall("`(.+?)`", names))}

    def limits(name):
        source = (ROOT / "functions" / name / "src/main.rs").read_text()
        named = re.search(r"limited_by\(&\[(.*?)\]\)", source)
        numbers = [policies[policy] for policy in (named[1].split(", ") if named else ["API"]) if policy]
        numbers[:1] = [number + " by address" * (".by_address()" in source) for number in numbers[:1]]
        return ", ".join(dict.fromkeys(numbers)) or "–"
    assert told == {(" ".join(route), name, limits(name)) for route, name in routes().items()}


def test_a_page_is_as_long_as_readme_and_contract_say():
    table = (ROOT / "README.md").read_text()
    orders = (ROOT / "shared/src/orders/list.rs").read_text()
    lists = {(method, path): int(length) for method, path, length in re.findall(
        r"^\| `([A-Z]+) (/api/[^`?]*)`.*pages of (\d+) \|$", table, re.MULTILINE)}
    assert len(lists) == 3
    for route, length in lists.items():
        [limit] = [one for one in operations()[route]["parameters"] if one.get("name") == "limit"]
        own = (ROOT / f"functions/{routes()[route]}/src/main.rs").read_text()
        [page] = re.findall(r"const PAGE: u8 = (\d+);", own) or re.findall(r"const PAGE: u8 = (\d+);", orders)
        assert limit["schema"]["default"] == length == int(page) and ".unwrap_or(PAGE)" in own, route


def test_the_contract_is_openapi():
    validate(contract())


def test_what_is_joined_stands_in_all_of_and_nothing_beside_it():
    """Generators of clients drop members that stand beside `allOf`."""
    def joined(value):
        if isinstance(value, dict):
            yield from [value] if "allOf" in value else []
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            yield from joined(part)
    assert [schema for schema in joined(contract()) if "properties" in schema or "required" in schema] == []


def test_clients_are_told_what_to_do_about_each_problem():
    told = re.findall(r"^\| `([a-z-]+)` \| \d{3} \|", (ROOT / "docs/clients.md").read_text(), re.M)
    known = contract()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert sorted(f"urn:millrace:problem:{name}" for name in told) == sorted(known)


def test_nothing_in_the_contract_is_null():
    """An unquoted comma or colon in a description of one line makes a member of what follows it."""
    def nulls(node, where):
        if isinstance(node, list):
            return [found for index, item in enumerate(node) for found in nulls(item, f"{where}/{index}")]
        if isinstance(node, dict):
            return [found for key, item in node.items() for found in nulls(item, f"{where}/{key}")]
        # The examples are answers, in which null is a value like any other.
        return [where] if node is None and "/example" not in where else []

    assert nulls(contract(), "") == []


def test_every_example_of_the_contract_keeps_to_it():
    document = contract()
    registry = Registry().with_resource("urn:contract", Resource(contents=document, specification=DRAFT202012))
    checked = 0

    def check(schema, example, where):
        nonlocal checked
        checked += 1
        schema = json.loads(json.dumps(schema).replace('"#/', '"urn:contract#/'))
        errors = [error.message for error in OAS31Validator(schema, registry=registry).iter_errors(example)]
        assert not errors, (where, errors)

    def walk(node, where):
        if isinstance(node, list):
            for index, item in enumerate(node):
                walk(item, f"{where}/{index}")
        if not isinstance(node, dict):
            return
        examples = node.get("examples", [])
        if "schema" in node:
            named = examples.values() if isinstance(examples, dict) else []
            for example in [example["value"] for example in named] + [node[key] for key in ["example"] if key in node]:
                check(node["schema"], example, where)
        elif isinstance(examples, list):
            for example in examples:
                check({key: value for key, value in node.items() if key != "examples"}, example, where)
        for key, item in node.items():
            walk(item, f"{where}/{key}")

    walk(document, "")
    assert checked > 40


def test_answers_that_are_shown_elsewhere_keep_to_the_contract():
    document = contract()
    registry = Registry().with_resource("urn:contract", Resource(contents=document, specification=DRAFT202012))

    def errors(schema, answer):
        schema = {"$ref": f"urn:contract#/components/schemas/{schema}"}
        return [error.message for error in OAS31Validator(schema, registry=registry).iter_errors(answer)]
    [shown] = re.findall(r"^{$.*?^}$", (ROOT / "events/README.md").read_text(), re.M | re.S)
    assert errors("Product", json.loads(shown)["body"]) == []
    orders = [json.loads(line) for line in re.findall(r'^{"order_id".*$', (ROOT / "docs/tour.md").read_text(), re.M)]
    assert [errors("OrderAnswer", order) for order in orders] == [[]] * len(orders)
    waiting = [order for order in orders if order["status"] == "deferred"]
    assert len(waiting) == 4 and all("deadline" in order and "waits_for" in order["charge"] for order in waiting)


def test_the_contract_and_the_code_know_the_same_problems():
    kinds = re.findall(r'StatusCode::[A-Z_]+, "([a-z-]+)"', (ROOT / "shared/src/error.rs").read_text())
    types = contract()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert sorted(types) == sorted(f"urn:millrace:problem:{kind}" for kind in kinds)


def test_the_contract_shows_texts_that_the_code_writes():
    paths = [*ROOT.glob("shared/src/**/*.rs"), *ROOT.glob("functions/*/src/**/*.rs")]
    code = "\n".join(re.sub(r"\\\n\s*", "", path.read_text()) for path in paths)
    # Whatever stands between two quotation marks; and what it is filled in with, which is anything.
    written = {tuple(re.split(r"\{.*?\}", text)) for text in re.findall(r'(?="([^"\n]*)")', code)}
    shown = re.findall(r'^ +detail: "(.*?)"', (ROOT / "openapi.yaml").read_text(), re.M)
    assert len(shown) > 20

    def writes(parts, text):
        # One that is filled in with most of it would write anything.
        return len("".join(parts)) > len(text) / 2 and re.fullmatch(".+".join(map(re.escape, parts)), text)
    assert [text for text in shown if not any(writes(parts, text) for parts in written)] == []


def test_every_operation_says_what_can_go_wrong_on_our_side():
    for route, operation in operations().items():
        assert {"500", "503"} <= set(operation["responses"]), route


def test_every_function_has_a_sample_event_and_every_event_a_route():
    names = set(ROUTES.endpoints())
    events = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").glob("*.json")}
    assert names <= set(events)
    routed = {name: f"{method} {path}" for (method, path), name in routes().items()}
    for stem, event in events.items():
        [name] = sorted((name for name in names if stem == name or stem.startswith(f"{name}-")), key=len)[-1:]
        assert event.get("routeKey") == routed.get(name), stem


def test_the_events_explain_themselves_and_hold_no_token():
    readme = (ROOT / "events/README.md").read_text()
    for path in (ROOT / "events").glob("*.json"):
        name = path.stem
        short = any(name.startswith(prefix) and f"`{name[len(prefix):]}`" in readme
                    for prefix in [name[:cut] for cut in range(len(name))])
        assert f"`{name}`" in readme or short, name
        # One token is there on purpose: it is signed with nothing.
        assert "eyJhbGciOiJFZERTQSI" not in path.read_text(), name


def test_whoever_shows_money_is_told_how_many_digits_a_currency_has():
    rules = (ROOT / "shared/src/catalog/amounts.rs").read_text()
    codes = {digits: sorted(code for listed in re.findall(rf'decimals: {digits}, .*?"([a-z ]+)"', rules)
                            for code in listed.split()) for digits in [0, 3]}
    assert len(codes[0]) == 15 and len(codes[3]) == 5

    def listed(text, before, after):
        return sorted(re.search(rf"{before}\s+((?:[a-z]{{3}}\s+)*?(?:and\s+)?[a-z]{{3}}){after}", text)[1].split())
    contract_says = " ".join(contract()["info"]["description"].split())
    assert listed(contract_says, "a whole one of", ",") == codes[0]
    assert listed(contract_says, "a thousandth of", r"\.") == codes[3]
    clients = " ".join((ROOT / "docs/clients.md").read_text().split())
    assert listed(clients, "whole units of", " and thousandths") == codes[0]
    assert listed(clients, "thousandths of", r"\.") == codes[3]
    page = dict(re.findall(r'^const ([A-Z]+) = "([a-z ]+)"', (ROOT / "local/console/page/dom.js").read_text(), re.M))
    assert (sorted(page["WHOLE"].split()), sorted(page["THOUSANDTHS"].split())) == (codes[0], codes[3])


def test_preconditions_and_limits_stand_where_the_functions_have_them():
    said = {operation["operationId"]: operation["responses"] for operation in operations().values()}
    for name in routes().values():
        source = "".join(path.read_text() for path in sorted((ROOT / "functions" / name / "src").glob("*.rs")))
        if "http::cached(" in source:
            assert {"304", "400", "412"} <= said[name].keys(), name
        # What can be read as a condition that does not hold can be no condition at all.
        assert "412" not in said[name] or "400" in said[name], name
        assert ("429" in said[name]) != ("limited_by(&[])" in source), name
