"""Under load and abuse: who is over a limit takes nothing from others, and what is dear has a bound."""

import hashlib
import hmac
import json
import time
import uuid
from urllib.parse import quote

from attack import collector, no_fault, refused
from cloud import ASKS_FIRST, PASSWORD, encoded

ATTACKS, attack = collector()


@attack
def who_guesses_passwords_locks_nobody_out(cloud):
    for owner in range(301, 306):
        for guess in range(7):
            status = cloud.log_in(f"user-{owner}@millrace.example", f"guess {guess}", "10.8.0.1").status
        yield f"the last guess for owner {owner}", status, {401, 429}
    for owner in range(301, 306):
        seen = cloud.log_in(f"user-{owner}@millrace.example", source=f"10.8.1.{owner - 300}")
        yield f"owner {owner} logs in", seen.status, {200}
    for address in range(2, 6):
        for guess in range(5):
            cloud.log_in("user-306@millrace.example", f"guess {guess}", f"10.8.0.{address}")
    yield (
        "an owner who is guessed at from many addresses",
        cloud.log_in("user-306@millrace.example", source="10.8.1.9").status,
        {200},
    )
    seen = [cloud.log_in("user-307@millrace.example", PASSWORD + "x", "10.8.2.1").status for _ in range(7)]
    yield "guesses from one address", seen[5:], [429, 429]


@attack
def who_is_over_the_limit_takes_no_right_to_fill_along(cloud):
    source = "10.8.3.1"
    get = lambda product, source: cloud.call(
        "get-product", "GET /api/products/{id}", f"/api/products/{product}", source=source, parameters={"id": product}
    )
    warm = cloud.product()
    for _ in range(100):
        get(warm, source)
    for what in ["a product", "another", "a third"]:
        product = cloud.product()
        refused = get(product, source)
        yield f"{what}: refused", refused.status, {429}
        reader = get(product, "10.8.3.2")
        waited = [line.get("CacheWaited") for line in cloud.lines_of(reader) if "_aws" in line]
        yield f"{what}: the next reader waits for nobody", (reader.status, waited), lambda seen: seen == (200, [None])
    search = lambda source, word: cloud.call(
        "search-products", "GET /api/search", f"/api/search?q={word}", source=source
    )
    for _ in range(31):
        search("10.8.3.3", "chair")
    word = "w" + uuid.uuid4().hex[:8]
    yield "a search: refused", search("10.8.3.3", word).status, {429}
    reader = search("10.8.3.4", word)
    waited = [line.get("CacheWaited") for line in cloud.lines_of(reader) if "_aws" in line]
    yield "the next search waits for nobody", (reader.status, waited), lambda seen: seen == (200, [None])


@attack
def one_query_costs_no_more_than_it_is_charged_for(cloud):
    fields = lambda text, count: "{ " + " ".join(f"a{n}: {text}" for n in range(count)) + " }"
    for what, query in {
        "270 lists": fields("products(limit:1){id}", 270),
        "90 lists": fields("products{id}", 90),
        "150 products": fields('product(id:"01900000-0000-7000-8000-000000000001"){id}', 150),
        "40 lists of orders": fields("orders(limit:1){id}", 40),
        "lists in a fragment": "{ ...f } fragment f on Query " + fields("products(limit:1){id}", 200),
        "9 levels": "{ orders { items { product { price { amount " + "a " * 3 + "} } } } }",
        "a fragment that spreads itself": "{ ...f } fragment f on Query { ...f }",
        "two fragments that spread each other": "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }",
        "1,000 braces": "{" * 1000,
        "the schema": "{ __schema { types { fields { type { name } } } } }",
    }.items():
        cloud.calm()
        answer = cloud.http("POST", "/api/graphql", {"query": query}, token=cloud.customer(311))
        statements = sum(line.get("DatabaseRoundTrips", 0) for line in cloud.lines_of(answer) if "_aws" in line)
        yield what, (answer.status, statements), lambda seen: no_fault(seen[0]) and seen[1] <= 25


@attack
def a_failure_counts_as_one_however_it_is_answered(cloud):
    query = {"query": "{ products(limit: 1) { id } }"}
    cloud.dev("stop", "pgbouncer")
    try:
        for accept in ["application/graphql-response+json", "application/json", "*/*"]:
            cloud.calm()
            answer = cloud.http("POST", "/api/graphql", query, [("accept", accept)])
            classes = [line.get("Class", line.get("StatusClass")) for line in cloud.lines_of(answer) if "_aws" in line]
            if accept.startswith("application/graphql"):
                yield accept, (answer.status, "retry-after" in answer.headers), {(503, True)}
            else:
                yield accept, answer.status, {200, 503}
            yield "its class in the metrics", classes, ["5xx"]
    finally:
        cloud.start_pooler()


@attack
def a_forged_webhook_costs_little(cloud):
    body = json.dumps({"id": "evt_1", "object": "event", "type": "charge.refunded", "created": 1, "data": {}}).encode()
    now = int(time.time())
    sign = lambda secret, moment, text: hmac.new(secret, f"{moment}.".encode() + text, hashlib.sha256).hexdigest()
    right = cloud.env["PAYMENTS_WEBHOOK_SECRET"].split(",")[0].encode()
    for what, (signature, text) in {
        "600 kB with 140 signatures": (f"t={now}," + ",".join(["v1=" + "0" * 64] * 140), b"x" * 600_000),
        "140 signatures": (f"t={now}," + ",".join(["v1=" + "0" * 64] * 140), body),
        "an empty secret": (f"t={now},v1={sign(b'', now, body)}", body),
        "an old time": (f"t={now - 400},v1={sign(right, now - 400, body)}", body),
        "a time to come": (f"t={now + 400},v1={sign(right, now + 400, body)}", body),
        "no time": (f"v1={sign(right, now, body)}", body),
        "two times": (f"t={now},t={now - 1},v1={'0' * 64}", body),
        "a time of 30 digits": (f"t={'9' * 30},v1={'0' * 64}", body),
        "nothing": ("", body),
        "another body": (f"t={now},v1={sign(right, now, body)}", body + b" "),
        "the older scheme": (f"t={now},v0={sign(right, now, body)}", body),
    }.items():
        answer = cloud.http("POST", "/api/webhooks/payments", text, [("stripe-signature", signature)])
        yield what, answer.status, {400, 413}


@attack
def a_search_for_nothing_costs_no_more_than_others(cloud):
    words = cloud.sql(
        "select string_agg(word, ' ') from (select lower((regexp_split_to_array(name, ' '))[1]) as word"
        " from products group by 1 limit 12) as first"
    )
    for what, text in {
        "words of names and one of none": f"{words} zzqx"[:100],
        "letterless": "-" * 90 + "!?",
        "figures": "1" * 100,
        "one letter": "a",
        "a hundred letters": "q" * 100,
        "operators": "a & b | !c <-> (d:*) \\'",
        "wild cards": "%_%_%",
        "emoji": "🪑" * 25,
    }.items():
        cloud.calm()
        answer = cloud.http("GET", f"/api/search?q={quote(text)}")
        spent = sum(line.get("DatabaseTime", 0) for line in cloud.lines_of(answer) if "_aws" in line)
        yield f"{what}, ms", (answer.status, round(spent)), lambda seen: no_fault(seen[0]) and seen[1] < 1000


@attack
def nothing_that_was_paid_with_stands_in_a_log(cloud):
    token, product, key = cloud.customer(312), cloud.product(), f"key-{uuid.uuid4().hex}"
    cloud.sql("alter role millrace_app in database millrace set default_transaction_read_only = on")
    cloud.restart_pooler()
    try:
        yield "a purchase in a database that is read only", cloud.buy(token, product, key=key).status, {503, 500}
    finally:
        cloud.sql("alter role millrace_app in database millrace reset default_transaction_read_only")
        cloud.restart_pooler()
    cloud.buy(token, product, ASKS_FIRST, key)
    for service in ["functions", "postgres", "pgbouncer", "redis", "dispatcher"]:
        log = cloud.log(service)
        found = [
            form
            for secret in [key, ASKS_FIRST, token, cloud.env["CUSTOMER_PASSWORD"]]
            for form in encoded(secret)
            if form in log
        ]
        yield f"in the log of {service}", found, []


@attack
def whoever_is_refused_changed_nothing(cloud):
    token, product = cloud.customer(313), cloud.product()
    for _ in range(101):
        last = cloud.http("GET", "/api/orders?limit=1", token=token).status
    yield "over the limit", last, {429}
    yield (
        "buys",
        (cloud.buy(token, product).status, cloud.stock(product)),
        lambda seen: refused(seen[0]) and seen[1] == 1000,
    )
    admin = cloud.administrator
    for _ in range(101):
        cloud.http("GET", "/api/orders?limit=1", token=admin)
    change = {"name": "Changed", "description": "", "price": {"amount": 1, "currency": "usd"}, "featured": False}
    yield "changes a product", cloud.http("PUT", f"/api/products/{product}", change, token=admin).status, {429}
    yield "it stands as it was", cloud.sql(f"select price from products where id = '{product}'"), "1250"
