"""HTTP as it is written: spellings, odd bytes and odd values never become a 500, and what the contract allows fits."""

import json
import uuid
from urllib.parse import quote

from attack import collector, no_fault
from cloud import GOOD_CARD

ATTACKS, attack = collector()

PRODUCT = "01900000-0000-7000-8000-000000000001"


@attack
def names_of_headers_have_no_case(cloud):
    token = cloud.customer(401)
    body = {"items": [{"product_id": cloud.product(), "quantity": 1}], "payment_method": GOOD_CARD}
    for what, spell in {"Title-Case": str.title, "UPPER": str.upper, "lower": str.lower}.items():
        headers = {
            spell("content-type"): "application/json",
            spell("authorization"): f"Bearer {token}",
            spell("idempotency-key"): str(uuid.uuid4()),
        }
        event = {"headers": headers}
        answer = cloud.http("POST", "/api/checkout", body, list(headers.items()))
        yield f"{what}, over HTTP", answer.status, {201}
        headers[spell("idempotency-key")] = str(uuid.uuid4())
        # An event that the local gateway did not write.
        answer = cloud.call("checkout", "POST /api/checkout", "/api/checkout", body, {**event["headers"]})
        yield f"{what}, in an event", answer.status, {201}


@attack
def what_the_contract_allows_fits(cloud):
    product = cloud.product()
    for what, description in {
        "4,000 letters": "a" * 4000,
        "4,000 of three bytes": "あ" * 4000,
        "2,800 of three bytes": "あ" * 2800,
        "4,000 of four bytes": "🪑" * 4000,
        "4,000 quotes": '"' * 4000,
        "4,000 line ends": "\n" * 4000,
    }.items():
        cloud.calm()
        yield f"a description of {what}", cloud.put(product, description=description).status, {200}
    yield "a description of 4,001 letters", cloud.put(product, description="a" * 4001).status, {422}
    yield "a name of 200 emoji", cloud.put(product, name="🪑" * 200).status, {200}
    for what, filler in {"spaces": " ", "line ends": "\n", "commas": ","}.items():
        query = "{ products(limit: 1) { id } }"
        query += filler * (8000 - len(query))
        cloud.calm()
        yield (
            f"a query of 8,000 characters with {what}",
            cloud.http("POST", "/api/graphql", {"query": query}).status,
            {200},
        )
    yield "a query of 8,001", cloud.http("POST", "/api/graphql", {"query": "{a}" + " " * 7998}).status, {422}
    yield "a body of 1 MB", cloud.http("POST", "/api/graphql", {"query": "x" * 1_000_000}).status, {413}


@attack
def preconditions_are_answered_as_http_has_them(cloud):
    product = cloud.product()
    change = {"name": "Changed", "description": "", "price": {"amount": 1250, "currency": "usd"}, "featured": False}
    tag = lambda: cloud.http("GET", f"/api/products/{product}").headers["etag"]
    put = lambda match: (
        cloud.http("PUT", f"/api/products/{product}", change, [("if-match", match)], cloud.administrator).status
    )
    yield "another's tag", put('"abc"'), {412}
    yield "a tag beyond ASCII", put('"é"'.encode()), {412}
    yield "a tag that is not UTF-8", put(b'"\xe9"'), {412}
    yield "a tag of 40 figures", put(f'"{"9" * 40}"'), {412}
    yield "a weak tag", put(f"W/{tag()}"), {412}
    yield "a list without it", put('"a", "b"'), {412}
    yield "a list with it", put(f'"a", {tag()}'), {200}
    yield "the star", put("*"), {200}
    yield "the tag", put(tag()), {200}
    yield "an older tag", put('"1"'), {412}
    for what, match in {"no quotes": "7", "half a quote": '"7', "blank": "  "}.items():
        yield what, put(match), {400, 412}
    get = lambda match: cloud.http("GET", f"/api/products/{product}", headers=[("if-none-match", match)]).status
    for what, match, expected in [
        ("the tag", tag(), 304),
        ("weak", f"W/{tag()}", 304),
        ("a list", f'"a", {tag()}', 304),
        ("the star", "*", 304),
        ("another", '"a"', 200),
        ("no quotes", "7", 200),
    ]:
        yield f"If-None-Match, {what}", get(match), {expected}


@attack
def bodies_are_read_as_they_come(cloud):
    body = json.dumps({"query": "{ products(limit: 1) { id } }"}).encode()
    post = lambda text, kind="application/json": (
        cloud.http("POST", "/api/graphql", text, [("content-type", kind)]).status
    )
    yield "a byte order mark", post(b"\xef\xbb\xbf" + body), {200}
    yield "a charset", post(body, "application/json; charset=utf-8"), {200}
    yield "a charset in capitals", post(body, 'Application/JSON;Charset="UTF-8"'), {200}
    for what, kind in {
        "text": "text/plain",
        "a form": "application/x-www-form-urlencoded",
        "none": "",
        "a slash": "/",
    }.items():
        yield f"the media type is {what}", post(body, kind), {415}
    for what, text in {
        "nothing": b"",
        "no JSON": b"{",
        "UTF-16": body.decode().encode("utf-16"),
        "bytes that are not text": b"\xff\xfe\xfd",
        "two bodies": body + body,
        "deep lists": b"[" * 4000 + b"]" * 4000,
        "deep objects": b'{"a":' * 1500 + b"1" + b"}" * 1500,
        "half a surrogate": b'{"query":"\\ud800"}',
        "a NUL": b'{"query":"\\u0000"}',
        "a name twice": b'{"query":"{a}","query":"{b}"}',
        "a number of 400 digits": b'{"query":' + b"9" * 400 + b"}",
        "comments": b"/* */" + body,
    }.items():
        cloud.calm()
        yield what, post(text), no_fault


@attack
def a_head_is_a_get_without_a_body(cloud):
    for path in [f"/api/products/{PRODUCT}", "/api/products/featured", "/api/search?q=oak"]:
        get, head = cloud.http("GET", path), cloud.http("HEAD", path)
        yield path, (head.status, head.body, head.headers.get("etag") == get.headers.get("etag")), {(200, b"", True)}


@attack
def names_are_what_people_can_read(cloud):
    product = cloud.product()
    for what, name in {
        "a zero-width space": "\u200b",
        "only marks": "\u200b\u2060\ufeff",
        "a line end inside": "A\nB",
        "a tab inside": "A\tB",
        "a NUL": "A\0B",
        "an escape": "A\x1b[2J",
        "a right-to-left override": "A\u202eB",
        "nothing": "",
        "spaces": "   ",
        "a line separator": "A\u2028B",
        "delete": "A\x7fB",
        "a control of Latin-1": "A\x85B",
    }.items():
        cloud.calm()
        yield what, cloud.put(product, name=name).status, {422}
    for what, name in {
        "Japanese": "木の椅子",
        "emoji": "🪑 chair",
        "a joined emoji": "👨‍👩‍👧 table",
        "Arabic": "كرسي خشبي",
        "quotes": 'It\'s "odd" & <b>',
    }.items():
        cloud.calm()
        answer = cloud.put(product, name=name)
        yield what, (answer.status, answer.json.get("name")), {(200, name)}


@attack
def names_of_other_things_are_seen_too(cloud):
    lamp = {"name": "A lamp", "description": "", "price": {"amount": 100, "currency": "usd"}}
    for what, sku in {
        "a zero-width space": "\u200b",
        "a line separator": "A\u2028B",
        "a space": " ",
        "a soft hyphen inside": "A\u00adB",
        "a byte order mark before it": "\ufeffA",
        "another form of a letter": "A\ufe0f",
        "a space of another width": "A\u3000B",
    }.items():
        cloud.calm()
        answer = cloud.http("POST", "/api/products", lamp | {"sku": sku}, token=cloud.administrator)
        yield f"a sku of {what}", answer.status, {422}
    for what, email in {
        "a zero-width space inside": "ada\u200b@example.com",
        "only zero-width spaces": "\u200b@\u200b",
        "a byte order mark": "ada@example.com\ufeff",
        "a right-to-left override": "ada\u202e@example.com",
    }.items():
        cloud.calm()
        body = {"email": email, "password": "follow the water down"}
        answer = cloud.http("POST", "/api/auth/register", body)
        yield f"an address with {what}", answer.status, {422}


@attack
def whatever_stands_in_an_address_is_no_fault_of_ours(cloud):
    for path in [
        "/api/products/",
        "/api/products/%00",
        "/api/products/%ff",
        "/api/products/..%2f..%2fetc",
        "/api/products/" + "a" * 4000,
        f"/api/products/{PRODUCT.upper()}",
        f"/api/products/{{{PRODUCT}}}",
        f"/api/products/{PRODUCT.replace('-', '')}",
        "/api/products/urn:uuid:" + PRODUCT,
        "/api/products/00000000-0000-0000-0000-000000000000",
        "/api/search",
        "/api/search?q=",
        "/api/search?q=%20",
        "/api/search?q=%00",
        "/api/search?q=%ff%fe",
        "/api/search?q=a&q=b",
        "/api/search?q=a&limit=0",
        "/api/search?q=a&limit=-1",
        "/api/search?q=a&limit=51",
        "/api/search?q=a&limit=1e3",
        "/api/search?q=a&limit=99999999999999999999",
        "/api/search?q=a&offset=1001",
        "/api/search?q=a&offset=-0",
        "/api/search?q=a&limit=1&limit=2",
        "/api/search?q=a&nonsense=1",
        "/api/search?q=" + quote("é" * 100),
        "/api/search?q=" + "a" * 101,
        "/api/orders?cursor=%00",
        "/api/orders?cursor=" + "A" * 32,
        "/api/orders?cursor=" + "_" * 32,
        "/api/orders?limit=x",
        "/api/orders?cursor=",
    ]:
        cloud.calm()
        yield path[:80], cloud.http("GET", path, token=cloud.env["CUSTOMER_TOKEN"]).status, no_fault


@attack
def whatever_claims_to_be_a_token_is_refused(cloud):
    right = cloud.env["CUSTOMER_TOKEN"]
    head, claims, signature = right.split(".")
    none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for what, value in {
        "no scheme": right,
        "Basic": "Basic " + right,
        "no token": "Bearer",
        "a blank": "Bearer ",
        "two tokens": f"Bearer {right} {right}",
        "joined": f"Bearer {right},Bearer {right}",
        "alg none": f"Bearer {none}.{claims}.",
        "alg none, signed": f"Bearer {none}.{claims}.{signature}",
        "cut short": f"Bearer {right[:-4]}",
        "another's claims": f"Bearer {head}.{claims[:-4]}AAAA.{signature}",
        "a NUL": "Bearer \0",
        "40 dots": "Bearer " + "." * 40,
        "8,000 letters": "Bearer " + "a" * 8000,
    }.items():
        # Names in an event, because no client sends some of these.
        answer = cloud.call(
            "list-orders", "GET /api/orders", "/api/orders", headers={"authorization": value}, source="10.7.0.1"
        )
        yield what, answer.status, {401, 400}
    for scheme in ["bearer", "BEARER"]:
        answer = cloud.call(
            "list-orders",
            "GET /api/orders",
            "/api/orders",
            headers={"authorization": f"{scheme} {right}"},
            source="10.7.0.2",
        )
        yield scheme, answer.status, {200}


@attack
def methods_that_no_route_has_are_no_fault_of_ours(cloud):
    for method in ["DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "POST"]:
        yield method, cloud.http(method, f"/api/products/{PRODUCT}").status, no_fault
