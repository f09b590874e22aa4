"""Money and orders: nobody pays twice, too much, or for nothing, and nobody is told what is not so."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from attack import collector, refused
from cloud import ASKS_FIRST, GOOD_CARD

ATTACKS, attack = collector()

SETUP = {"type": "invalid_request_error", "message": "Invalid API version"}


@attack
def only_refusals_that_name_the_customers_card_are_declines(cloud):
    declined = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds", "message": "No."}
    trials = [
        (400, {"error": SETUP}),
        (
            400,
            {"error": {"type": "invalid_request_error", "message": "Your account cannot currently make live charges."}},
        ),
        (400, {"error": {"type": "invalid_request_error", "code": "parameter_unknown", "param": "amount"}}),
        (400, {"error": {"type": "a_type_of_tomorrow"}}),
        (400, {"error": {}}),
        (400, {}),
        (400, "<html>Bad Request</html>"),
        (401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}),
        (403, {"error": {"type": "invalid_request_error", "code": "platform_account_required"}}),
        (404, {"error": {"type": "invalid_request_error", "code": "url_invalid"}}),
        (402, {"error": {"type": "api_error"}}),
        (402, "Payment Required"),
    ]
    token = cloud.customer(101)
    # One call creates and confirms: whatever refuses it refuses a charge.
    for status, body in [*trials, (402, {"error": declined})]:
        cloud.calm()
        product = cloud.product(stock=1)
        cloud.fault("refuse", "create", status=status, body=body)
        answer = cloud.buy(token, product)
        expected = (402, 1, []) if body == {"error": declined} else (202, 0, [])
        seen = (answer.status, cloud.stock(product), cloud.provider("GET", "faults"))
        yield f"refused with {status} {body}", seen, expected


@attack
def an_order_fails_only_after_a_look_at_what_stands(cloud):
    token = cloud.customer(102)
    for status, body in [
        (400, {"error": SETUP}),
        (400, "<html>Bad Request</html>"),
        (403, ""),
        (404, {}),
        (409, {}),
        (402, {"error": {"type": "card_error", "code": "card_declined"}}),
    ]:
        cloud.calm()
        product, key = cloud.product(), str(uuid.uuid4())
        cloud.fault("act_then_refuse", "create", status=status, body=body)
        first = cloud.buy(token, product, key=key)
        order = first.json.get("order_id")
        paid = cloud.until(lambda: cloud.sweep() or cloud.order(token, order)["status"] == "paid")
        seen = (first.status, paid, len(cloud.charges(order)))
        yield f"a proxy forwards the confirmation and answers {status} {body}", seen, {(201, True, 1), (202, True, 1)}


@attack
def what_a_customer_needs_to_finish_is_told_whenever_it_is_asked(cloud):
    for fault in ["drop", "fail", "act_then_drop"]:
        cloud.calm()
        token, key = cloud.customer(103), str(uuid.uuid4())
        product = cloud.product()
        cloud.fault(fault, "create", times=2)
        first = cloud.buy(token, product, ASKS_FIRST, key)
        order = first.json["order_id"]

        def asks():
            cloud.sweep()
            return cloud.order(token, order)["status"] == "action_required"

        yield f"provider away ({fault}), then back: {first.status}", bool(cloud.until(asks, 90)), True
        yield "the order has the secret", "client_secret" in cloud.order(token, order)["charge"], True
        again = cloud.buy(token, product, ASKS_FIRST, key).json
        yield "the same key has it", "client_secret" in again.get("charge", {}), True
        stranger = cloud.http("GET", f"/api/orders/{order}", token=cloud.customer(104))
        yield "a stranger has not", b"secret" in stranger.body, False


@attack
def a_purchase_has_one_name_however_it_is_written(cloud):
    token, product, key = cloud.customer(105), cloud.product(), str(uuid.uuid4())
    first = cloud.buy(token, product, key=key).json["order_id"]
    body = {"items": [{"product_id": product, "quantity": 1}], "payment_method": GOOD_CARD}
    lines = {
        "the key again": [key],
        "in quotes": [f'"{key}"'],
        "two lines": [key, key],
        "two lines, one in quotes": [key, f'"{key}"'],
        "as the gateway joins them": [f"{key},{key}"],
        "with a space": [f"{key}, {key}"],
        "quoted and joined": [f'"{key}","{key}"'],
        "with a parameter": [f'"{key}";a=1'],
        "with a space behind": [f"{key} "],
    }
    for what, values in lines.items():
        headers = [("idempotency-key", value) for value in values]
        answer = cloud.http("POST", "/api/checkout", body, headers, token)
        yield what, (answer.status, answer.json.get("order_id", first) == first), {(201, True), (400, True)}
    for what, value in {
        "none": "",
        "blank": "  ",
        "only quotes": '""',
        "256 letters": "k" * 256,
        "a control": "a\x01b",
        "letters of Latin-1": "k\xe9",
    }.items():
        answer = cloud.http("POST", "/api/checkout", body, [("idempotency-key", value)], token)
        yield f"{what}", answer.status, {400}
    answer = cloud.http("POST", "/api/checkout", body, (), token)
    yield "no header", answer.status, {400}
    other = cloud.buy(token, product, key=key, quantity=2)
    yield "the same key for another cart", other.status, {422}
    somebody = cloud.buy(cloud.customer(106), product, key=key)
    yield "somebody else's order under it", (somebody.status, somebody.json["order_id"] == first), {(201, False)}


@attack
def what_is_charged_is_what_was_shown(cloud):
    token, product = cloud.customer(107), cloud.product(2399)
    shown = {"amount": 2399, "currency": "usd"}
    cloud.put(product, price={"amount": 23990, "currency": "usd"})
    answer = cloud.buy(token, product, expected_total=shown)
    yield "the price went up", (answer.status, cloud.stock(product)), {(409, 1000)}
    for what, wrong in {
        "another currency": {"amount": 23990, "currency": "eur"},
        "a cent less": {"amount": 23989, "currency": "usd"},
        "a cent more": {"amount": 23991, "currency": "usd"},
    }.items():
        yield what, cloud.buy(token, product, expected_total=wrong).status, {409, 422}
    for what, wrong in {
        "no amount": {},
        "a text": "23990",
        "a negative amount": {"amount": -1, "currency": "usd"},
    }.items():
        yield what, cloud.buy(token, product, expected_total=wrong).status, {422}
    answer = cloud.buy(token, product, expected_total={"amount": 23990, "currency": "usd"})
    yield "what it costs", answer.status, {201}
    order = cloud.order(token, answer.json["order_id"])
    cloud.put(product, name="Another name")
    again = cloud.order(token, answer.json["order_id"])
    yield "an order keeps the name of what was bought", again["items"] == order["items"], True


@attack
def a_cart_is_held_to_what_the_provider_charges(cloud):
    token = cloud.customer(108)
    for price, currency, quantity, expected in [
        (49, "usd", 1, 422),
        (50, "usd", 1, 201),
        (25, "usd", 2, 201),
        (0, "usd", 3, 201),
        (1, "usd", 1, 422),
        (49, "jpy", 1, 422),
        (50, "jpy", 1, 201),
        (0, "jpy", 1, 201),
        (100_000_000, "usd", 1, 422),
        (99_999_999, "usd", 1, 201),
        (50_000_000, "usd", 2, 422),
        (100_000_000, "usd", 1000, 422),
        (5000, "usd", 1, 201),
        (1001, "kwd", 1, 422),
        (1000, "kwd", 1, 201),
        (5000, "zzz", 1, 422),
        (5000, "hrk", 1, 422),
        (0, "zzz", 1, 201),
    ]:
        cloud.calm()
        product = cloud.product(price, currency)
        answer = cloud.buy(token, product, quantity=quantity)
        left = 1000 if expected == 422 else 1000 - quantity
        yield f"{quantity} × {price} {currency}", (answer.status, cloud.stock(product)), {(expected, left)}
    for currency in ["zzz", "USD", "usdc", "ltl", "xau", "", "ｕｓｄ", "us\0"]:
        price = {"amount": 5000, "currency": currency}
        body = {"name": "A product of an attack", "description": "", "price": price}
        answer = cloud.http("POST", "/api/products", body, token=cloud.administrator)
        yield f"a product in {currency!r}", answer.status, {422}


@attack
def a_part_is_given_back_in_the_steps_of_its_currency(cloud):
    token = cloud.customer(117)
    for price, currency, amount, expected in [
        (5120, "kwd", 5, 422),
        (5120, "kwd", 5121, 422),
        (5120, "kwd", 10, 200),
        (50000, "isk", 50, 422),
        (50000, "isk", 100, 200),
        (1000, "jpy", 1, 200),
        (1000, "usd", 1, 200),
        (1000, "usd", 0, 422),
        (1000, "usd", -1, 422),
        (1000, "usd", 2**63, 422),
        (1000, "usd", [1], 422),
    ]:
        cloud.calm()
        order = cloud.buy(token, cloud.product(price, currency)).json["order_id"]
        key = [("idempotency-key", str(uuid.uuid4()))]
        answer = cloud.http("POST", f"/api/orders/{order}/refund", {"amount": amount}, key, cloud.administrator)
        yield f"{amount} of {price} {currency}", answer.status, {expected}


@attack
def an_order_that_waits_ends_by_its_deadline(cloud):
    token, product = cloud.customer(109), cloud.product(stock=5)
    # What the provider was never asked for can end while it is away.
    cloud.dev("breaker", "force-open", "payments")
    answer = cloud.buy(token, product)
    order = answer.json["order_id"]
    yield "deferred, with a deadline", (answer.status, "deadline" in answer.json), {(202, True)}
    cloud.sql(
        "update orders set created_at = created_at - interval '400 days', deadline = deadline - interval '400 days',"
        f" next_attempt_at = now() - interval '1 second' where id = '{order}'"
    )
    ended = cloud.until(lambda: cloud.sweep() or cloud.order(token, order)["status"] == "cancelled", 60)
    yield "400 days later", (ended, cloud.stock(product)), {(True, 5)}
    cloud.dev("breaker", "auto", "payments")
    cloud.calm()
    cloud.sweep()
    time.sleep(1)
    yield "never charged afterwards", len(cloud.charges(order)), {0}


@attack
def who_authenticates_in_time_has_paid_though_no_event_says_so(cloud):
    token = cloud.customer(118)
    cloud.provider("PUT", "webhooks", {"enabled": False})
    try:
        for what, given, expected in [("in time", "0", ("paid", 9, 0)), ("too late", "-10", ("refunded", 10, 1250))]:
            product = cloud.product(stock=10)
            order = cloud.buy(token, product, ASKS_FIRST).json["order_id"]
            intent = cloud.sql(f"select intent_id from payments where order_id = '{order}'")
            cloud.provider("POST", f"intents/{intent}/settle", {"succeeds": True})
            time.sleep(2)  # The provider tells times in whole seconds.
            cloud.sql(
                f"update orders set next_attempt_at = now(), deadline = now() - interval '1 second' + '{given}'::interval"
                f" where id = '{order}'"
            )

            def ends():
                cloud.sweep()
                return cloud.order(token, order)["status"] in ["paid", "refunded"]

            cloud.until(ends, 60)
            back = sum(charge["amount_refunded"] for charge in cloud.charges(order))
            yield what, (cloud.order(token, order)["status"], cloud.stock(product), back), {expected}
    finally:
        cloud.provider("PUT", "webhooks", {"enabled": True})


@attack
def many_at_once_get_what_one_would(cloud):
    token, product = cloud.customer(119), cloud.product(stock=5)

    def at_once(times, act):
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda _: act(), range(times)))

    key = str(uuid.uuid4())
    answers = at_once(12, lambda: cloud.buy(token, product, key=key))
    orders = {answer.json["order_id"] for answer in answers if answer.status == 201}
    yield "12 purchases under one key", (len(orders), cloud.stock(product)), {(1, 4)}
    bought = [answer.status for answer in at_once(8, lambda: cloud.buy(token, product))]
    yield "8 purchases of the last 4", (bought.count(201), bought.count(409), cloud.stock(product)), {(4, 4, 0)}
    for what, keys, amounts in [("under a key each", None, {500, 1000}), ("under one key", str(uuid.uuid4()), {500})]:
        cloud.calm()
        order = cloud.buy(token, cloud.product()).json["order_id"]
        refund = lambda: cloud.http(
            "POST",
            f"/api/orders/{order}/refund",
            {"amount": 500},
            [("idempotency-key", keys or str(uuid.uuid4()))],
            cloud.administrator,
        )
        at_once(8, refund)
        back = lambda: sum(charge["amount_refunded"] for charge in cloud.charges(order))
        yield f"8 refunds of 500 of 1,250 {what}", bool(cloud.until(lambda: back() in amounts)), True
    stocked = cloud.product(stock=100)
    change = lambda: cloud.http("PUT", f"/api/products/{stocked}/stock", {"change": -7}, token=cloud.administrator)
    changed = [answer.status for answer in at_once(20, change)]
    yield "20 times 7 off 100", (changed.count(200), cloud.stock(stocked)), {(14, 2)}


@attack
def no_wait_is_as_long_as_the_provider_likes(cloud):
    token = cloud.customer(120)
    for kind, operation in [("rate_limit", "create"), ("fail", "create"), ("rate_limit", "refund")]:
        cloud.calm()
        product = cloud.product()
        order = None if operation == "create" else cloud.buy(token, product).json["order_id"]
        cloud.fault(kind, operation, retry_after=10**12)
        if order:
            key = [("idempotency-key", str(uuid.uuid4()))]
            cloud.http("POST", f"/api/orders/{order}/refund", {"amount": 500}, key, cloud.administrator)
        else:
            order = cloud.buy(token, product).json["order_id"]
        left = cloud.sql(f"select extract(epoch from next_attempt_at - now())::bigint from orders where id = '{order}'")
        yield f"{kind} at {operation}: seconds", int(left), lambda seen: seen <= 3600


@attack
def the_next_look_at_an_order_is_before_its_deadline(cloud):
    token, product = cloud.customer(110), cloud.product()
    order = cloud.buy(token, product, ASKS_FIRST).json["order_id"]
    cloud.sql(f"update orders set deadline = now() + interval '15 seconds' where id = '{order}'")
    intent = cloud.sql(f"select intent_id from payments where order_id = '{order}'")
    seen = cloud.event(
        {
            "id": "evt_hostile",
            "object": "event",
            "type": "payment_intent.requires_action",
            "created": 1,
            "data": {"object": {"object": "payment_intent", "id": intent}},
        }
    )
    yield "an event with 15 s left", seen.status, {204}
    due = f"select coalesce(next_attempt_at <= deadline + interval '1 second', true) from orders where id = '{order}'"
    yield "the next look is due by then", cloud.until(lambda: cloud.sql(due) == "t", 10), True


@attack
def whatever_the_provider_has_signed_is_taken(cloud):
    for what, event in {
        "a thin event": {
            "id": "evt_1",
            "object": "v2.core.event",
            "type": "v1.billing.meter.no_meter_found",
            "created": "2026-11-28T05:53:17Z",
        },
        "a type of tomorrow": {
            "id": "evt_1",
            "object": "event",
            "type": "payment_intent.teleported",
            "created": 1,
            "data": {"object": {"object": "payment_intent", "id": "pi_unknown"}},
        },
        "another shop's charge": {
            "id": "evt_1",
            "object": "event",
            "type": "charge.refunded",
            "created": 1,
            "data": {"object": {"object": "charge", "payment_intent": "pi_other"}},
        },
        "an intent that is null": {
            "id": "evt_1",
            "object": "event",
            "type": "charge.refunded",
            "created": 1,
            "data": {"object": {"object": "charge", "payment_intent": None}},
        },
        "an intent that is spread out": {
            "id": "evt_1",
            "object": "event",
            "type": "charge.refunded",
            "created": 1,
            "data": {"object": {"object": "charge", "payment_intent": {"id": "pi_other"}}},
        },
        "no members": {},
        "a time of 1e300": {"id": "evt_1", "object": "event", "type": "charge.refunded", "created": 1e300, "data": {}},
    }.items():
        yield what, cloud.event(event).status, {204}
    for what, text in {
        "a list": b"[]",
        "no JSON": b"hello",
        "nothing": b"",
        "bytes that are not text": b"\xff\xfe",
    }.items():
        yield what, cloud.event(text).status, {204, 400}


@attack
def what_the_provider_says_can_be_stored_or_is_left_out(cloud):
    token = cloud.customer(115)
    order = cloud.buy(token, cloud.product()).json["order_id"]
    intent = cloud.sql(f"select intent_id from payments where order_id = '{order}'")
    for what, text in {"a NUL": "a\0b", "20,000 letters": "x" * 20_000, "nothing": "", "a line end": "a\nb"}.items():
        cloud.calm()
        product = cloud.product(stock=1)
        error = {"type": "card_error", "code": "card_declined", "decline_code": text, "message": text}
        cloud.fault("refuse", "create", status=402, body={"error": error})
        yield f"declined with {what}", (cloud.buy(token, product).status, cloud.stock(product)), {(402, 1)}
        for kind, told in [
            ("charge.dispute.updated", {"object": "dispute", "status": text, "payment_intent": intent}),
            ("charge.refunded", {"object": "charge", "payment_intent": text}),
            (f"charge.{text}", {"object": "charge", "payment_intent": intent}),
        ]:
            seen = cloud.event({"id": "evt_1", "object": "event", "type": kind, "created": 1, "data": {"object": told}})
            yield f"an event with {what}: {kind[:30]!r}", seen.status, {204}


@attack
def a_refund_fails_only_by_what_is_said_of_it(cloud):
    token = cloud.customer(116)

    def refund(product, order):
        body = {"amount": 500, "returned": [{"product_id": product, "quantity": 1}]}
        key = [("idempotency-key", str(uuid.uuid4()))]
        return cloud.http("POST", f"/api/orders/{order}/refund", body, key, cloud.administrator).json["status"]

    for kind, error, expected in [
        ("refuse", SETUP, ("pending", 0, 999)),
        ("refuse", {"type": "invalid_request_error", "code": "account_invalid"}, ("pending", 0, 999)),
        ("refuse", {"type": "a_type_of_tomorrow"}, ("pending", 0, 999)),
        ("refuse", {"type": "invalid_request_error", "code": "charge_disputed"}, ("failed", 0, 999)),
        ("refuse", {"type": "invalid_request_error", "param": "amount"}, ("failed", 0, 999)),
        ("act_then_refuse", SETUP, ("succeeded", 500, 1000)),
    ]:
        cloud.calm()
        product = cloud.product()
        order = cloud.buy(token, product).json["order_id"]
        cloud.fault(kind, "refund", body={"error": error})
        status = refund(product, order)
        back = sum(charge["amount_refunded"] for charge in cloud.charges(order))
        yield f"{kind}: {error}", (status, back, cloud.stock(product)), {expected}


@attack
def who_has_left_buys_nothing(cloud):
    email, password = f"{uuid.uuid4()}@example.com", "follow the water down"
    body = {"email": email, "password": password}
    route = "POST /api/auth/register"
    token = cloud.call("register", route, "/api/auth/register", body, source="10.9.3.1").json["access_token"]
    yield "leaves", cloud.http("DELETE", "/api/me", token=token).status, {204}
    product = cloud.product()
    yield "buys", (cloud.buy(token, product).status, cloud.stock(product)), {(401, 1000)}


@attack
def what_happens_at_the_provider_afterwards_is_followed(cloud):
    token, product = cloud.customer(111), cloud.product()
    order = cloud.buy(token, product).json["order_id"]
    intent = cloud.sql(f"select intent_id from payments where order_id = '{order}'")
    dispute = {"object": "dispute", "status": "needs_response", "payment_intent": intent}
    seen = cloud.event(
        {"id": "evt_1", "object": "event", "type": "charge.dispute.created", "created": 1, "data": {"object": dispute}}
    )
    yield "a dispute", (seen.status, cloud.order(token, order)["charge"].get("disputed")), {(204, True)}
    told = [line for line in cloud.lines() if line.get("level") == "ERROR" and line.get("order") == order]
    yield "an operator is called", len(told) > 0, True
    now = int(time.time())
    for status, age, stands in [
        ("won", 100, "won"),
        ("under_review", 110, "won"),
        ("under_review", 100, "won"),
        ("needs_response", 90, "needs_response"),
        ("lost", 80, "lost"),
        ("won", 100, "lost"),
        ("won", -100_000, "won"),
        ("needs_response", 10_000, "won"),
    ]:
        event = {"id": "evt_1", "type": "charge.dispute.updated", "created": now - age}
        cloud.event(event | {"data": {"object": dispute | {"status": status}}})
        seen = cloud.sql(f"select dispute from payments where order_id = '{order}'")
        yield f"{status}, {age} s ago", seen, {stands}


@attack
def an_order_that_the_provider_does_not_know_calls_a_person(cloud):
    token, product = cloud.customer(112), cloud.product()
    order = cloud.buy(token, product, ASKS_FIRST).json["order_id"]
    cloud.provider("DELETE", "intents")
    answer = cloud.http("POST", f"/api/orders/{order}/cancel", token=token)
    yield "cancelled by its customer", answer.status, {200, 202}

    def told():
        cloud.sql(f"update orders set next_attempt_at = now() where id = '{order}' and next_attempt_at is not null")
        cloud.sweep()
        levels = {line.get("level") for line in cloud.lines() if line.get("order") == order}
        return "ERROR" in levels or cloud.order(token, order)["status"] == "cancelled"

    yield "it ends, or an ERROR names it", cloud.until(told, 60), True


@attack
def nobody_empties_the_shop_without_paying(cloud):
    token = cloud.customer(113)
    products = [cloud.product(50, stock=100_000) for _ in range(5)]
    items = [{"product_id": product, "quantity": 1000} for product in products]
    cart = {"items": items, "payment_method": ASKS_FIRST}
    answers = [cloud.checkout(token, cart).status for _ in range(20)]
    yield "20 unpaid carts of 5 × 1,000 pieces", answers, lambda seen: any(map(refused, seen))


@attack
def a_body_that_is_no_cart_is_refused_field_by_field(cloud):
    token, product = cloud.customer(114), cloud.product()
    item = {"product_id": product, "quantity": 1}
    rust = ("i32", "i64", "u8", "u16", "u32", "usize", "struct", "enum", "Cart", "sequence", "visitor", "newtype")
    for what, body in {
        "quantity 0": {"items": [item | {"quantity": 0}]},
        "quantity -1": {"items": [item | {"quantity": -1}]},
        "quantity 1.5": {"items": [item | {"quantity": 1.5}]},
        "quantity 2^63": {"items": [item | {"quantity": 2**63}]},
        "quantity 1e400": b'{"items":[{"product_id":"%s","quantity":1e400}],"payment_method":"pm_card_visa"}'
        % product.encode(),
        "quantity as text": {"items": [item | {"quantity": "1"}]},
        "quantity null": {"items": [item | {"quantity": None}]},
        "no items": {"items": []},
        "items null": {"items": None},
        "items as object": {"items": {}},
        "51 items": {"items": [item] * 51},
        "the same product twice": {"items": [item, item]},
        "a member too many": {"items": [item | {"price": 1}]},
        "an item as a list": {"items": [[product, 1]]},
        "a total as a list": {"items": [item], "expected_total": [1250, "usd"]},
        "a list": [],
        "null": b"null",
        "a number": b"7",
        "a card's number": {"items": [item], "payment_method": "4242424242424242"},
        "a method with a quote": {"items": [item], "payment_method": "pm_'; drop table orders; --"},
        "a product that is not there": {"items": [item | {"product_id": str(uuid.uuid4())}]},
    }.items():
        if isinstance(body, dict):
            body = {"payment_method": GOOD_CARD} | body
        answer = cloud.checkout(token, body)
        yield what, answer.status, {400, 422}
        yield (
            f"{what}: words of Rust",
            [word for word in rust if word in answer.json["detail"] + str(answer.json.get("errors"))],
            [],
        )
