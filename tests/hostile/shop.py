"""The shop as those run it who keep it: accounts, catalogue, files, refunds, and values that somebody else wrote."""

import json
import tempfile
import uuid
from pathlib import Path
from urllib.parse import quote

from attack import collector, no_fault, refused
from cloud import GOOD_CARD, PASSWORD
from redis_line import Redis

ATTACKS, attack = collector()

# Whole numbers to JSON and its schemas, and none.
WHOLE = ["1.0", "1e0", "1E2", "-0", "-0.0"]
NOT_WHOLE = ["1.5", "1e-1", "1e400", "9" * 400, "1e18", "0x1", "01", "+1", ".5", "NaN", "true", '"1"', "null"]
RUST = ("i32", "i64", "u8", "u16", "u32", "usize", "f64", "struct", "enum", "sequence", "visitor", "newtype", "Option")


# Those of the file below that hold a product.
GOOD_LINES = "exponent first last marked point wide zero"


def words_of_rust(answer):
    """Those that an answer's texts hold."""
    try:
        text = answer.json.get("detail", "") + json.dumps(answer.json.get("errors", []))
    except ValueError:
        return []
    return [word for word in RUST if word in text]


def register(cloud, email, password="follow the water down", source="10.11.0.1"):
    route = "POST /api/auth/register"
    return cloud.call("register", route, "/api/auth/register", {"email": email, "password": password}, source=source)


def address():
    return f"{uuid.uuid4()}@example.com"


@attack
def accounts_take_what_people_type_and_refuse_the_rest(cloud):
    for what, email, expected in [
        ("a plus", f"a+{address()}", {201}),
        ("quotes", f'"a b"{address()}', {422}),
        ("capitals", address().upper(), {201}),
        ("the Turkish capital", f"İ{address()}", {201}),
        ("sharp s", f"ß{address()}", {201}),
        ("the long s", f"ſ{address()}", {201}),
        ("300 letters", "a" * 300 + address(), {422}),
        ("a NUL", f"a\0{address()}", {422}),
        ("an apostrophe", f"o'neill{address()}", {201}),
        ("backslashes", "a\\b" + address(), {201}),
        ("null", None, {422}),
        ("a list", [address()], {422}),
    ]:
        cloud.calm()
        yield f"an address with {what}", register(cloud, email).status, expected
    for what, password, expected in [
        ("a NUL", "follow the\0water down", {201}),
        ("128 emoji", "🪑🛋🛏🚪" * 32, {201, 422}),
        ("129 emoji", "🪑" * 129, {422}),
        ("only zero-width spaces", "\u200b" * 20, {201, 422}),
        ("line ends", "follow\nthe\nwater\ndown", {201}),
        ("a number", 123456789012345678, {422}),
        ("null", None, {422}),
    ]:
        cloud.calm()
        email = address()
        seen = register(cloud, email, password).status
        yield f"a password of {what}", seen, expected
        if seen == 201:
            yield "  and logs in with it", cloud.log_in(email, password, "10.11.0.2").status, {200}
            yield "  and not with its beginning", cloud.log_in(email, password[:10], "10.11.0.2").status, {401}


@attack
def an_address_is_one_account_however_it_is_spelt(cloud):
    email = f"zoé.{uuid.uuid4()}@example.com"
    register(cloud, email)
    decomposed = email.replace("é", "e\u0301")
    for what, spelt in {"capitals": email.upper(), "decomposed": decomposed, "spaces": f"  {email}\n"}.items():
        cloud.calm()
        yield f"registered again, {what}", register(cloud, spelt).status, {409}
        yield f"logs in, {what}", cloud.log_in(spelt, "follow the water down", "10.11.1.1").status, {200}


@attack
def whoever_leaves_can_leave(cloud):
    for what, taken in {
        "what the erased are called": "{}@erased.invalid",
        "the same in capitals": "{}@ERASED.INVALID",
        "something like it": "erased-{}@example.com",
    }.items():
        cloud.calm()
        token = register(cloud, address()).json["access_token"]
        user = cloud.http("GET", "/api/me", token=token).json["id"]
        register(cloud, taken.format(user))
        yield f"somebody took {what}", cloud.http("DELETE", "/api/me", token=token).status, {204}
        yield "  and leaves once", cloud.http("DELETE", "/api/me", token=token).status, {401}
        yield "  and is gone", cloud.http("GET", "/api/me", token=token).status, {401}


@attack
def refresh_tokens_are_what_they_are(cloud):
    post = lambda name, token: cloud.http("POST", f"/api/auth/{name}", {"refresh_token": token})
    first = register(cloud, address()).json["refresh_token"]
    for what, token in {
        "nothing": "",
        "null": None,
        "a number": 7,
        "with padding": first + "==",
        "in lower case": first.lower(),
        "with a space": first + " ",
        "of base64's other alphabet": "+/" * 32,
        "a NUL": "\0" * 64,
        "cut short": first[:-1],
        "8,000 letters": "A" * 8000,
        "an access token": cloud.env["CUSTOMER_TOKEN"],
        "nobody's": "A" * 64,
    }.items():
        for name in ["refresh", "logout"]:
            cloud.calm()
            yield f"{name}: {what}", post(name, token).status, {401, 413, 422} if name == "refresh" else no_fault
    if first.lower() != first:
        # What named no sign-in has ended none.
        yield "the right one", post("refresh", first).status, {200, 401}


@attack
def a_hash_of_much_work_is_a_failed_login_like_others(cloud):
    email = "user-231@millrace.example"
    kept = cloud.sql(f"select password_hash from users where email = '{email}'")
    salt = "$c2FsdCBvZiBhIHRlc3QhIQ$"
    tag = "08ySJsj9pnW58l4MomF65fKDFLxvvyHw2fMr0QEeDsA"
    for number, (what, stored) in enumerate(
        {
            "8,192 lanes": f"$argon2id$v=19$m=65536,t=1,p=8192{salt}{tag}",
            "16,777,215 lanes": f"$argon2id$v=19$m=65536,t=1,p=16777215{salt}{tag}",
            "no lanes": f"$argon2id$v=19$m=65536,t=1,p=0{salt}{tag}",
            "a salt of 4 kB": f"$argon2id$v=19$m=64,t=1,p=1${'A' * 4000}${tag}",
            "a tag of 4 kB": f"$argon2id$v=19$m=64,t=1,p=1{salt}{'A' * 4000}",
            "scrypt of r 4 billion": f"$scrypt$ln=1,r=4294967295,p=1{salt}{tag}",
            "scrypt of ln 255": f"$scrypt$ln=255,r=8,p=1{salt}{tag}",
            "scrypt of r 0": f"$scrypt$ln=10,r=0,p=1{salt}{tag}",
            "pbkdf2 of no rounds": f"$pbkdf2-sha256$i=0{salt}{tag}",
            "pbkdf2 of -1 rounds": f"pbkdf2_sha256$-1$salt${tag}=",
            "bcrypt of cost 31": "$2b$31$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "bcrypt of cost 0": "$2b$00$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "bcrypt of odd letters": "$2b$04$!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
            "dollars": "$" * 60,
            "emoji": "🪑" * 30,
        }.items()
    ):
        cloud.sql(f"update users set password_hash = '{stored}' where email = '{email}'")
        try:
            yield what, cloud.log_in(email, source=f"10.11.2.{number + 1}").status, {401}
        finally:
            cloud.sql(f"update users set password_hash = '{kept}' where email = '{email}'")


@attack
def numbers_are_refused_as_numbers(cloud):
    product, token = cloud.product(), cloud.customer(501)
    paid = cloud.buy(token, product).json["order_id"]
    for number in WHOLE + NOT_WHOLE:
        cloud.calm()
        key = [("idempotency-key", str(uuid.uuid4()))]
        item = f'{{"product_id":"{product}","quantity":{number}}}'
        cart = f'{{"items":[{item}],"payment_method":"{GOOD_CARD}"}}'
        price = f'{{"name":"A","description":"","price":{{"amount":{number},"currency":"usd"}},"featured":false}}'
        for what, answer in {
            "a quantity": cloud.http("POST", "/api/checkout", cart.encode(), key, token),
            "a price": cloud.http("PUT", f"/api/products/{product}", price.encode(), token=cloud.administrator),
            "a stock": cloud.http(
                "PUT", f"/api/products/{product}/stock", f'{{"available":{number}}}'.encode(), token=cloud.administrator
            ),
            "a change": cloud.http(
                "PUT", f"/api/products/{product}/stock", f'{{"change":{number}}}'.encode(), token=cloud.administrator
            ),
            "a refund": cloud.http(
                "POST", f"/api/orders/{paid}/refund", f'{{"amount":{number}}}'.encode(), key, cloud.administrator
            ),
        }.items():
            told = answer.json.get("errors") or [{"message": ""}]
            lies = number in WHOLE and "must be a whole number" == told[0]["message"]
            yield f"{what} of {number[:20]}", (answer.status, words_of_rust(answer), lies), (
                lambda seen, number=number: no_fault(seen[0]) and not seen[1] and not seen[2]
            )


@attack
def stock_is_never_what_nobody_meant(cloud):
    product = cloud.product(stock=5)
    put = lambda body: cloud.http("PUT", f"/api/products/{product}/stock", body, token=cloud.administrator)
    for what, body, expected in [
        ("nothing", {}, {422}),
        ("both", {"available": 1, "change": 1}, {422}),
        ("nulls", {"available": None, "change": None}, {422}),
        ("minus 1", {"available": -1}, {422}),
        ("a billion and one", {"available": 1_000_000_001}, {422}),
        ("2^31", {"available": 2**31}, {422}),
        ("2^63", {"available": 2**63}, {422}),
        ("less than there are", {"change": -6}, {409}),
        ("the least integer", {"change": -(2**31)}, {409}),
        ("more than there may be", {"change": 1_000_000_000}, {409}),
        ("another than expected", {"available": 1, "expected": 4}, {409}),
        ("expected below none", {"available": 1, "expected": -1}, {409, 422}),
        ("no change", {"change": 0}, {200}),
        ("a text", {"available": "7"}, {422}),
        ("a list", [7], {422}),
        ("a member too many", {"available": 5, "reason": "count"}, {422}),
    ]:
        cloud.calm()
        answer = put(body)
        yield what, (answer.status, cloud.stock(product), words_of_rust(answer)), (
            lambda seen, expected=expected: seen[0] in expected and seen[1] == 5 and not seen[2]
        )
    nobody = cloud.http("PUT", f"/api/products/{uuid.uuid4()}/stock", {"available": 1}, token=cloud.administrator)
    yield "of a product that is not there", nobody.status, {404}
    cloud.http("DELETE", f"/api/products/{product}", token=cloud.administrator)
    yield "of one that is archived", put({"available": 9}).status, {404}
    yield "archived again", cloud.http("DELETE", f"/api/products/{product}", token=cloud.administrator).status, {404}
    yield "and bought", cloud.buy(cloud.customer(502), product).status, {422}


@attack
def lists_are_asked_for_in_every_way(cloud):
    cursor = (cloud.http("GET", "/api/products?limit=1").json or {}).get("next_cursor") or ""
    by_name = (cloud.http("GET", "/api/products?limit=1&sort=name").json or {}).get("next_cursor") or ""
    orders = (
        cloud.http("GET", "/api/admin/orders?limit=1", token=cloud.administrator).json.get("next_cursor") or "A" * 32
    )
    for path in [
        "/api/products?sort=",
        "/api/products?sort=name;drop",
        "/api/products?sort=-name",
        "/api/products?limit=0",
        "/api/products?limit=51",
        "/api/products?limit=",
        "/api/products?limit=%2B5",
        "/api/products?limit=5.0",
        "/api/products?featured=TRUE",
        "/api/products?in_stock=1",
        "/api/products?currency=USD",
        "/api/products?currency=%00%00%00",
        "/api/products?sort=price",
        "/api/products?currency=usd&min_price=-1",
        "/api/products?currency=usd&min_price=9223372036854775807",
        "/api/products?currency=usd&max_price=9223372036854775808",
        "/api/products?currency=usd&min_price=5&max_price=4",
        f"/api/products?cursor={cursor}",
        f"/api/products?cursor={cursor}&sort=name",
        f"/api/products?cursor={by_name}",
        f"/api/products?cursor={by_name}&sort=price&currency=usd",
        f"/api/products?cursor={cursor[:-2]}",
        f"/api/products?cursor={cursor}AAAA",
        f"/api/products?cursor={cursor.lower()}",
        "/api/products?cursor=" + "A" * 4000,
        f"/api/admin/orders?cursor={orders}",
        f"/api/admin/orders?cursor={orders[:-1]}",
        f"/api/admin/orders?cursor={orders}&status=paid",
        "/api/admin/orders?cursor=" + "f" * 32,
        "/api/admin/orders?status=pending",
        "/api/admin/orders?status=",
        "/api/admin/orders?status=paid&status=failed",
        "/api/admin/orders?customer=x",
        f"/api/admin/orders?customer={uuid.uuid4()}",
        "/api/admin/orders?from=2026-11-28",
        "/api/admin/orders?from=2026-11-28T00:00:00Z&until=2026-11-27T00:00:00Z",
        "/api/admin/orders?from=0000-01-01T00:00:00Z",
        "/api/admin/orders?from=9999-12-31T23:59:59-01:00",
        "/api/admin/orders?until=2016-12-31T23:59:60Z",
        "/api/admin/orders?from=2026-11-28T00:00:00%2B25:00",
        "/api/orders?since=" + quote("2026-11-28T00:00:00+01:00"),
        "/api/orders?since=infinity",
        "/api/orders?since=now",
        "/api/search?q=oak&min_price=2&max_price=1",
        "/api/search?q=oak&in_stock=yes",
        "/api/search?q=oak&cursor=" + "A" * 27,
        "/api/search?q=" + quote("\u200b"),
        "/api/search?q=" + quote("\u202eoak"),
        "/api/search?q=" + quote("İ" * 100),
    ]:
        cloud.calm()
        for method in ["GET", "HEAD"]:
            answer = cloud.http(method, path, token=cloud.administrator)
            yield f"{method} {path[:90]}", (answer.status, method == "GET" and words_of_rust(answer)), (
                lambda seen: no_fault(seen[0]) and not seen[1]
            )


@attack
def refunds_are_of_what_was_paid(cloud):
    token, product = cloud.customer(503), cloud.product(1000)
    refund = lambda order, body, key=None: cloud.http(
        "POST",
        f"/api/orders/{order}/refund",
        body,
        [("idempotency-key", key or str(uuid.uuid4()))],
        cloud.administrator,
    )
    free = cloud.buy(token, cloud.product(0)).json["order_id"]
    declined = cloud.buy(token, product, "pm_card_chargeDeclined").json["order_id"]
    waiting = cloud.buy(token, product, "pm_card_authenticationRequired").json["order_id"]
    for what, order in {"free": free, "declined": declined, "one that waits": waiting}.items():
        yield f"an order that is {what}", refund(order, {}).status, {409}
    yield "an order that is not there", refund(uuid.uuid4(), {}).status, {404}
    order = cloud.buy(token, product, quantity=3).json["order_id"]
    item = lambda quantity, product=product: {"product_id": product, "quantity": quantity}
    for what, body in {
        "null": b"null",
        "a list": b"[]",
        "nothing": b"",
        "more": {"amount": 3001},
        "nothing of it": {"amount": 0},
        "less than nothing": {"amount": -1},
        "2^63": {"amount": 2**63},
        "the most": {"amount": 2**63 - 1},
        "a part in another word": {"sum": 1},
        "too many pieces": {"amount": 1, "returned": [item(4)]},
        "no piece": {"amount": 1, "returned": [item(0)]},
        "another product": {"amount": 1, "returned": [item(1, cloud.product())]},
        "the same twice": {"amount": 1, "returned": [item(1), item(1)]},
        "lists for objects": {"amount": 1, "returned": [[product, 1]]},
        "null for a list": {"amount": 1, "returned": None},
    }.items():
        cloud.calm()
        answer = refund(order, body)
        yield what, (answer.status, words_of_rust(answer)), lambda seen: seen[0] in {400, 422} and not seen[1]
    stock, key = cloud.stock(product), str(uuid.uuid4())
    body = {"amount": 1000, "returned": [item(1)]}
    yield "a part", refund(order, body, key).status, {200}
    yield "again under its key", refund(order, body, key).status, {200}
    yield "another under its key", refund(order, {"amount": 1}, key).status, {422}
    yield "the same key at another order", refund(cloud.buy(token, product).json["order_id"], {}, key).status, {200}
    yield "the rest", refund(order, {}).status, {200}
    yield "and once more", refund(order, {}).status, {409}
    given = sum(charge["amount_refunded"] for charge in cloud.charges(order))
    yield "went back, and is in stock", (given, cloud.stock(product) - stock), {(3000, 0)}
    for what, who in {"a customer": token, "nobody": None}.items():
        key = [("idempotency-key", str(uuid.uuid4()))]
        yield f"asked for by {what}", cloud.http("POST", f"/api/orders/{order}/refund", {}, key, who).status, {401, 403}


def imported(cloud, path):
    """What is told of it; bad lines fail the command, and not the import."""
    try:
        return cloud.dev("import", str(path))
    except RuntimeError as error:
        return str(error)


@attack
def a_file_of_odd_lines_is_imported_to_its_end(cloud):
    tag = uuid.uuid4().hex[:8]
    good = lambda sku, **more: json.dumps(
        {"sku": f"{tag}-{sku}", "name": sku, "description": "", "price": {"amount": 100, "currency": "usd"}} | more
    )
    lines = [
        "\ufeff" + good("first"),
        good("nul")[:-1] + ', "na\\u0000me": 1}',
        good("surrogate")[:-1] + ', "\\ud800": 1}',
        good("zero")[:-1] + ', "stock": -0}',
        good("point").replace("100", "100.0"),
        good("exponent").replace("100", "1e2"),
        good("dinar", price={"amount": 1001, "currency": "kwd"}),
        good("nowhere", price={"amount": 100, "currency": "zzz"}),
        good("twice")[:-1] + ', "name": "again"}',
        "[" * 5000,
        "{" * 5000,
        "null",
        "7",
        '"text"',
        "\ufeff" + good("marked"),
        good("line\u2028end"),
        good("first", name="a second of the sku"),
        good("long", name="é" * 201),
        good("wide", description="🪑" * 4000),
        "\x00",
        good("last"),
    ]
    for ending in ["\n", "\r\n"]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"odd-{tag}{len(ending)}.jsonl"
            path.write_bytes(ending.join(lines).encode("utf-8", "surrogatepass"))
            told = imported(cloud, path)
        names = "select string_agg(substr(sku, 10), ' ' order by sku) from products where sku like"
        known = cloud.sql(f"{names} '{tag}-%'")
        yield f"{len(ending)} bytes a line's end: {told.strip()[-160:]!r}", known, {GOOD_LINES}
    rows = "sku,name,description,amount,currency\n"
    odd = [f"{tag}c1,A,,100,usd", f'{tag}c2,"A,,100,usd', f"{tag}c3,A,,1e2,usd", f"{tag}c4,A,,+100,usd", f"{tag}c5,A"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"odd-{tag}.csv"
        path.write_text("\ufeff" + rows + "\n".join([*odd, f"{tag}c9,A,,100,usd"]))
        told = imported(cloud, path)
    known = cloud.sql(f"select string_agg(right(sku, 2), ' ' order by sku) from products where sku like '{tag}c%'")
    yield f"CSV: {told.strip()[-160:]!r}", known, {"c1 c9", "c1 c4 c9"}


@attack
def events_that_are_none_fail_by_themselves(cloud):
    for function in ["import-products", "charge-worker", "order-sweeper"]:
        for event in [
            {"Records": [{"eventSource": "aws:sqs", "body": "{"}]},
            {"Records": [{"eventSource": "aws:sqs", "body": "[]"}]},
            {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "results/x.json"}}}]},
            {"Records": [{"eventSource": "aws:s3", "s3": None}]},
            {"key": ""},
            {"key": "../../etc/passwd"},
            {"key": "products/none.csv"},
            {"key": "\0"},
            {"key": 7},
            {"Records": None},
            None,
            7,
            "text",
        ]:
            body = json.dumps(event).encode()
            seen = cloud.http("POST", f"/2015-03-31/functions/{function}/invocations", body)
            panicked = b"panicked" in seen.body
            yield f"{function} gets {body[:70].decode()}", (seen.status, panicked), lambda seen: seen == (200, False)


@attack
def every_route_answers_every_method(cloud):
    for path in [
        "/api/products",
        "/api/auth/login",
        "/api/me",
        "/api/orders",
        f"/api/orders/{uuid.uuid4()}",
        f"/api/orders/{uuid.uuid4()}/cancel",
        f"/api/orders/{uuid.uuid4()}/refund",
        "/api/admin/orders",
        f"/api/admin/orders/{uuid.uuid4()}",
        "/api/graphql",
        "/api/webhooks/payments",
        "/api/nonsense",
        "/",
    ]:
        for method in ["HEAD", "OPTIONS", "PATCH", "TRACE"]:
            answer = cloud.http(method, path, token=cloud.customer(504))
            bodiless = method != "HEAD" or answer.body == b""
            yield f"{method} {path[:30]}", (answer.status, bodiless), lambda seen: no_fault(seen[0]) and seen[1]


@attack
def bodies_of_every_route_are_read_alike(cloud):
    product = cloud.product()
    order = cloud.buy(cloud.customer(505), product).json["order_id"]
    routes = [
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/password"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/products"),
        ("PUT", f"/api/products/{product}"),
        ("PUT", f"/api/products/{product}/stock"),
        ("POST", "/api/checkout"),
        ("POST", f"/api/orders/{order}/refund"),
    ]
    bodies = {
        "nothing": b"",
        "a byte order mark alone": b"\xef\xbb\xbf",
        "null": b"null",
        "a list": b"[]",
        "a list in spaces": b" \n\t[]",
        "a number": b"7",
        "deep lists": b'{"email":' + b"[" * 3000 + b"]" * 3000 + b"}",
        "deep objects": b'{"items":' * 1000 + b"1" + b"}" * 1000,
        "names twice": b'{"email":"a","email":"b"}',
        "half a surrogate": b'{"email":"\\ud800"}',
        "a NUL": b'{"email":"\\u0000","refresh_token":"\\u0000","sku":"\\u0000"}',
        "bytes that are no text": b"\xff\xfe",
        "UTF-16": '{"email":"a"}'.encode("utf-16"),
        "a form": b"email=a&password=b",
        "60 kB": b'{"email":"' + b"a" * 60_000 + b'"}',
    }
    for method, path in routes:
        for what, body in bodies.items():
            cloud.calm()
            headers = [("idempotency-key", str(uuid.uuid4()))]
            answer = cloud.http(method, path, body, headers, cloud.administrator)
            yield f"{path[4:24]} {what}", (answer.status, words_of_rust(answer)), (
                lambda seen: refused(seen[0]) and not seen[1]
            )


@attack
def brackets_in_one_another_are_bounded(cloud):
    for what, query in {
        "lists": "{ product(id: " + "[" * 100 + "1" + "]" * 100 + ") { id } }",
        "lists that are not closed": "{ product(id: " + "[" * 100,
        "objects": "{ product(id: " + "{a:" * 100 + "1" + "}" * 100 + ") { id } }",
        "types": "query($a: " + "[" * 100 + "Int" + "]" * 100 + ") { products { id } }",
        "a default": "query($a: Int = " + "[" * 100 + "]" * 100 + ") { products { id } }",
        "of a directive": "{ products @skip(if: " + "[" * 100 + "]" * 100 + ") { id } }",
        "selections": "{ a " * 100 + "}" * 100,
    }.items():
        cloud.calm()
        yield what, cloud.http("POST", "/api/graphql", {"query": query}).status, {200}
        after = cloud.http("POST", "/api/graphql", {"query": "{ products(limit: 1) { id } }"})
        yield f"  and after {what}", after.status, {200}


@attack
def what_somebody_else_wrote_into_redis_is_no_fault_of_ours(cloud):
    product, token = cloud.product(), cloud.customer(506)
    with Redis(cloud.env["REDIS_URL"]) as redis:
        for what, write in {
            "a text": lambda key: redis.send("SET", key, "garbage"),
            "a list": lambda key: redis.send("RPUSH", key, "garbage"),
            "other members": lambda key: redis.send("HSET", key, "nonsense", "\xff"),
        }.items():
            cloud.calm()
            cloud.http("GET", f"/api/products/{product}")
            cloud.http("GET", "/api/products/featured")
            cloud.http("GET", "/api/search?q=oak")
            cloud.buy(token, product)
            keys = redis.send("KEYS", "*")
            for key in keys:
                redis.send("DEL", key)
                write(key)
            seen = [
                cloud.http("GET", f"/api/products/{product}").status,
                cloud.http("GET", "/api/products/featured").status,
                cloud.http("GET", "/api/search?q=oak").status,
                cloud.put(product, price={"amount": 1250, "currency": "usd"}).status,
                cloud.buy(token, product).status,
            ]
            yield f"{what} in place of {len(keys)} keys", seen, lambda seen: all(map(no_fault, seen))
        for price, (what, order) in enumerate({
            "out of memory": ("CONFIG", "SET", "maxmemory", "1"),
            "no writes without replicas": ("CONFIG", "SET", "min-replicas-to-write", "3"),
        }.items(), 1251):
            cloud.calm()
            redis.send(*order)
            try:
                seen = [
                    cloud.http("GET", f"/api/products/{product}").status,
                    cloud.buy(token, product).status,
                    cloud.put(product, price={"amount": price, "currency": "usd"}).status,
                    cloud.log_in("user-506@millrace.example", source="10.11.3.1").status,
                ]
                shown = cloud.http("GET", f"/api/products/{product}").json["price"]["amount"]
            finally:
                redis.send(*order[:3], "0")
            seen.append(shown == price)
            yield what, seen, lambda seen: all(200 <= status < 300 for status in seen[:-1]) and seen[-1]


@attack
def what_somebody_else_wrote_into_rows_takes_no_list_down(cloud):
    token, product = cloud.customer(507), cloud.product()
    order = cloud.buy(token, product).json["order_id"]
    for what, change in {
        "a status of before": f"update orders set status = 'pending' where id = '{order}'",
        "a status of nobody": f"update orders set status = 'lost' where id = '{order}'",
        "a currency in capitals": f"update orders set currency = 'USD' where id = '{order}'",
        "a total below nothing": f"update orders set total = -1 where id = '{order}'",
        "an answer that is none": f"update orders set answer = '[7]' where id = '{order}'",
        "a dispute of odd letters": f"update payments set dispute = E'\\x01\\n🪑' where order_id = '{order}'",
        "a method of odd letters": f"update payments set payment_method = E'pm_\\n' where order_id = '{order}'",
        "an intent of odd letters": f"update payments set intent_id = '../x?y#z' where order_id = '{order}'",
        "a role of nobody": "update users set role = 'owner' where email = 'user-507@millrace.example'",
    }.items():
        cloud.calm()
        kept = cloud.sql(f"select status from orders where id = '{order}'")
        try:
            cloud.sql(change)
            stored = "stored"
        except RuntimeError:
            stored = "refused by a check"
        seen = [
            cloud.http("GET", "/api/orders", token=token).status,
            cloud.http("GET", f"/api/orders/{order}", token=token).status,
            cloud.http("GET", "/api/admin/orders", token=cloud.administrator).status,
            cloud.http("GET", f"/api/admin/orders/{order}", token=cloud.administrator).status,
            cloud.http("POST", "/api/graphql", {"query": "{ orders { id status } }"}, token=token).status,
            cloud.log_in("user-507@millrace.example", PASSWORD, "10.11.4.1").status,
        ]
        cloud.sql(f"update orders set status = '{kept}' where id = '{order}'")
        yield f"{what}, {stored}", seen, lambda seen: all(status == 200 for status in seen)


@attack
def news_of_the_provider_come_in_every_shape(cloud):
    token = cloud.customer(508)
    order = cloud.buy(token, cloud.product()).json["order_id"]
    other = cloud.buy(token, cloud.product(), "pm_card_authenticationRequired").json["order_id"]
    intent = cloud.sql(f"select intent_id from payments where order_id = '{order}'")
    event = lambda kind, told, **more: cloud.event(
        {"id": "evt_1", "object": "event", "type": kind, "created": 1, "data": {"object": told}} | more
    )
    cloud.sql(f"update payments set intent_id = null where order_id = '{other}'")
    for what, kind, told in [
        ("one order's payment with another's name", "payment_intent.succeeded", {"metadata": {"order_id": other}}),
        ("an order that is not there", "payment_intent.succeeded", {"metadata": {"order_id": str(uuid.uuid4())}}),
        ("metadata that are a list", "payment_intent.succeeded", {"metadata": []}),
        ("metadata that are null", "payment_intent.succeeded", {"metadata": None}),
        ("a number for an order", "payment_intent.succeeded", {"metadata": {"order_id": 7}}),
        ("a status that is an object", "payment_intent.canceled", {"status": {}}),
    ]:
        seen = event(kind, {"object": "payment_intent", "id": intent} | told)
        yield what, seen.status, {204}
    for kind in ["refund.created", "refund.failed", "charge.refund.updated", "charge.expired", "charge.dispute.closed"]:
        for status in ["requires_action", "canceled", "failed", None, 7]:
            seen = event(kind, {"object": "refund", "status": status, "payment_intent": intent})
            yield f"{kind}, {status}", seen.status, {204}
    for what, more in {
        "from before 1970": {"created": -1},
        "from the year 10000": {"created": 253402300800},
        "with a fraction": {"created": 1.5},
        "of live mode": {"livemode": True},
        "of another account": {"account": "acct_1"},
        "without an id": {"id": None},
        "deep": {"more": json.loads("[" * 100 + "]" * 100)},
    }.items():
        seen = event("charge.refunded", {"object": "charge", "payment_intent": intent}, **more)
        yield f"an event {what}", seen.status, {204}
    yield "the order stands", cloud.order(token, order)["status"], {"paid"}
