"""Fresh and right: whatever is set, stored or spelt, the answer is the same, and not a 500."""

import uuid
from urllib.parse import quote

from attack import collector, no_fault
from cloud import PASSWORD

ATTACKS, attack = collector()


@attack
def nobody_gets_an_older_product_after_an_acknowledged_update(cloud):
    word = "hostility" + uuid.uuid4().hex[:8]
    product = cloud.product(name=f"Chair of {word}")
    price = lambda answer: [found["price"]["amount"] for found in answer.json["products"]]
    search = lambda: price(cloud.http("GET", f"/api/search?q={word}"))
    yield "searched for", search(), [1250]
    cloud.put(product, price={"amount": 2250, "currency": "usd"})
    yield "searched for again after an update", search(), [2250]
    for round, amount in enumerate([3250, 4250, 5250]):
        search()
        cloud.put(product, price={"amount": amount, "currency": "usd"})
        yield f"and again, {round}", search(), [amount]
    cloud.put(product, name="Chair of nothing")
    yield "under a name that it had", search(), []
    cloud.put(product, name=f"Chair of {word}", featured=True)
    yield "under a name that it has again", search(), [5250]
    featured = cloud.http("GET", "/api/products/featured").json["products"]
    yield "featured", product in [found["id"] for found in featured], True
    cloud.put(product, featured=False)
    featured = cloud.http("GET", "/api/products/featured").json["products"]
    yield "not featured any more", product in [found["id"] for found in featured], False


@attack
def accents_are_folded(cloud):
    for written, asked in [
        ("Café Crème", "cafe"),
        ("Cafe Plain", "café"),
        ("Müller chair", "muller"),
        ("A naïve lamp", "naive"),
        ("Señor bowl", "senor"),
        ("Łódź tray", "lodz"),
        ("Smørrebrød board", "smorrebrod"),
        ("Straße clock", "strasse"),
        ("Œuvre mug", "oeuvre"),
        ("Cafe\u0301 decomposed", "cafe"),
        ("Éclair stool", "éclair"),
        ("ÉCLAIR bench", "eclair"),
        ("Đurđa vase", "durda"),
    ]:
        cloud.calm()
        tag = "z" + uuid.uuid4().hex[:10]
        product = cloud.product(name="Something", description=f"{written}, {tag}.")
        found = cloud.http("GET", f"/api/search?q={quote(f'{asked} {tag}')}").json["products"]
        yield f"{written}: {asked}", product in [one["id"] for one in found], True


@attack
def no_setting_of_the_database_changes_an_answer(cloud):
    customer = 201
    for setting, value in [
        ("bytea_output", "escape"),
        ("datestyle", "'SQL, DMY'"),
        ("timezone", "'Asia/Kathmandu'"),
        ("intervalstyle", "iso_8601"),
        ("standard_conforming_strings", "off"),
        ("search_path", "nowhere"),
        ("default_transaction_isolation", "serializable"),
        ("quote_all_identifiers", "on"),
        ("extra_float_digits", "'-15'"),
        ("client_encoding", "latin1"),
        ("xmlbinary", "hex"),
        ("backslash_quote", "on"),
        ("array_nulls", "off"),
        ("lc_messages", "'C'"),
    ]:
        cloud.calm()
        customer += 1
        token, product, key = cloud.customer(customer), cloud.product(name="Zoë chair"), str(uuid.uuid4())
        cloud.sql(f"alter database millrace set {setting} = {value}")
        cloud.restart_pooler()
        try:
            first, again = cloud.buy(token, product, key=key), cloud.buy(token, product, key=key)
            page = cloud.http("GET", "/api/orders?limit=1", token=token)
            shown = cloud.http("GET", f"/api/products/{product}")
            seen = (
                first.status,
                again.status,
                page.status,
                shown.json.get("name"),
                page.json["orders"][0]["created_at"][-1],
            )
        finally:
            cloud.sql(f"set search_path = public; alter database millrace reset {setting}")
        yield f"{setting} = {value}", seen, {(201, 201, 200, "Zoë chair", "Z")}
    cloud.restart_pooler()


@attack
def a_hash_that_we_did_not_write_is_a_failed_login(cloud):
    email, source = "user-221@millrace.example", 0
    kept = cloud.sql(f"select password_hash from users where email = '{email}'")
    for what, stored in {
        "empty": "",
        "bcrypt": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "plain": PASSWORD,
        "argon2i": kept.replace("argon2id", "argon2i"),
        "no salt": "$argon2id$v=19$m=19456,t=2,p=1$$",
        "memory of 4 TB": kept.replace("m=19456", "m=4294967295"),
        "cut short": kept[:-5],
        "a version of tomorrow": kept.replace("v=19", "v=20"),
        "cheap": "$argon2id$v=19$m=8,t=1,p=1$bWlsbHJhY2UtZGVtby0wMQ$Yy8mLkzJl2pZ5tq5bF0y0Q",
    }.items():
        cloud.sql(f"update users set password_hash = '{stored}' where email = '{email}'")
        source += 1
        try:
            yield what, cloud.log_in(email, source=f"10.9.0.{source}").status, {401}
        finally:
            cloud.sql(f"update users set password_hash = '{kept}' where email = '{email}'")
    yield "its own again", cloud.log_in(email, source="10.9.1.1").status, {200}


@attack
def one_odd_row_takes_no_list_down(cloud):
    for column, value in [
        ("updated_at", "'infinity'"),
        ("updated_at", "'-infinity'"),
        ("updated_at", "'0044-03-15 BC'"),
        ("updated_at", "'294276-12-31'"),
        ("created_at", "'infinity'"),
    ]:
        cloud.calm()
        product = cloud.product(name="An odd chair")
        try:
            cloud.sql(f"update products set featured = true, {column} = {value} where id = '{product}'")
            stored = "stored"
        except RuntimeError:
            stored = "refused by a check"
        try:
            lists = (
                cloud.http("GET", "/api/products/featured").status,
                cloud.http("GET", "/api/search?q=odd+chair").status,
            )
            yield f"{column} = {value}, {stored}", lists, {(200, 200)}
            one = cloud.http("GET", f"/api/products/{product}").status
            yield "the product itself", one, no_fault
        finally:
            cloud.sql(
                f"update products set featured = false, updated_at = now(), created_at = now() where id = '{product}'"
            )


@attack
def a_token_of_an_account_that_is_gone_has_to_log_in(cloud):
    user, email = str(uuid.uuid4()), f"{uuid.uuid4()}@example.com"
    kept = cloud.sql("select password_hash from users where email = 'user-222@millrace.example'")
    cloud.sql(f"insert into users (id, email, password_hash, role) values ('{user}', '{email}', '{kept}', 'customer')")
    token = cloud.log_in(email, source="10.9.2.1").json["access_token"]
    cloud.sql(f"delete from sign_ins where user_id = '{user}'; delete from users where id = '{user}'")
    product = cloud.product()
    yield "buys", (cloud.buy(token, product).status, cloud.stock(product)), {(401, 1000)}
    yield "lists orders", cloud.http("GET", "/api/orders", token=token).status, {200, 401}
    yield "cancels", cloud.http("POST", f"/api/orders/{uuid.uuid4()}/cancel", token=token).status, {401, 404}
    query = {"query": "{ orders { id } }"}
    yield "asks by GraphQL", cloud.http("POST", "/api/graphql", query, token=token).status, no_fault


@attack
def arguments_that_are_not_given_have_their_defaults(cloud):
    for what, query, variables in [
        ("a variable that is not given", "query($l: Int) { products(limit: $l) { id } }", {}),
        ("no variables", "query($l: Int) { products(limit: $l) { id } }", None),
        ("a default of the query", "query($l: Int = 3) { products(limit: $l) { id } }", {}),
        ("an optional one", "query($a: ID) { products(after: $a) { id } }", {}),
        ("an optional one that is null", "query($a: ID) { products(after: $a) { id } }", {"a": None}),
    ]:
        cloud.calm()
        answer = cloud.http("POST", "/api/graphql", {"query": query, "variables": variables}).json
        yield (
            what,
            (len((answer.get("data") or {}).get("products") or []), answer.get("errors")),
            lambda seen: seen[0] and not seen[1],
        )


@attack
def no_line_of_the_log_has_two_members_of_one_name(cloud):
    for event in [
        {},
        [],
        {"Records": []},
        {"Records": [{}]},
        {"Records": [{"messageId": "1", "body": "{}"}]},
        {"Records": [{"messageId": "1", "body": "null"}]},
    ]:
        seen = cloud.http("POST", "/2015-03-31/functions/charge-worker/invocations", event)
        yield f"the worker gets {event}", seen.status, {200}
    twice = [
        line
        for line in cloud.lines(pairs=lambda pairs: pairs)
        if isinstance(line, list) and len(line) != len(dict(line))
    ]
    yield "lines with a name twice", twice[:1], []
