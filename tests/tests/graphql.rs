//! GraphQL: the caller's shape, one statement for each list and each level below, nothing leaked.

use serde_json::{Value, json};
use tests::{Answer, Call, Customer, cost_of, new_key, new_product};

const LAMP: &str = "01900000-0000-7000-8000-000000000001";
const NOBODY: &str = "01900000-0000-7000-8000-ffffffffffff";

/// Everything there is to know about orders.
const ORDERS: &str = "query Orders($limit: Int!, $after: String) {
    orders(limit: $limit, after: $after) {
        id status createdAt cursor total { amount currency }
        items { quantity unitPrice { amount currency }
                product { id name description price { amount currency } featured version updatedAt } }
    }
}";

fn visitor() -> Call {
    Call::new("graphql", "POST", "/api/graphql")
}

fn customers(customer: &Customer) -> Call {
    customer.call("graphql", "POST", "/api/graphql")
}

async fn ask(call: Call, query: &str, variables: Value) -> Value {
    call.json(&json!({ "query": query, "variables": variables })).send().await.expect(200).json()
}

fn first_error(answer: &Value) -> (&str, &str) {
    let error = &answer["errors"][0];
    let [message, kind] = [&error["message"], &error["extensions"]["type"]];
    (message.as_str().unwrap_or_default(), kind.as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_visitor_reads_products() {
    let answer = ask(
        visitor(),
        "query($id: ID!) { product(id: $id) { id name price { amount currency } } }",
        json!({ "id": LAMP }),
    )
    .await;
    assert_eq!(answer["data"]["product"]["id"], LAMP, "{answer}");
    assert!(answer["data"]["product"]["price"]["amount"].is_i64());

    let page = ask(visitor(), "{ products(limit: 3) { id } }", json!(null)).await;
    let ids = page["data"]["products"].as_array().expect("products").clone();
    assert_eq!(ids.len(), 3, "{page}");
    let next = ask(
        visitor(),
        "query($after: ID) { products(limit: 1, after: $after) { id } }",
        json!({ "after": ids[1]["id"] }),
    )
    .await;
    assert_eq!(next["data"]["products"][0], ids[2], "{next}");
}

#[tokio::test]
async fn a_missing_product_is_an_error_for_itself_alone() {
    let query = format!(
        "{{ a: product(id: \"{LAMP}\") {{ id }} b: product(id: \"{NOBODY}\") {{ id }} c: product(id: \"{LAMP}\") {{ name }} }}"
    );
    let answer = ask(visitor(), &query, json!(null)).await;
    assert_eq!(answer["data"]["a"]["id"], LAMP);
    assert_eq!(answer["data"]["b"], Value::Null);
    assert!(answer["data"]["c"]["name"].is_string());
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["b"]));
    assert_eq!(first_error(&answer), ("There is no such product.", "urn:millrace:problem:not-found"));
}

#[tokio::test]
async fn products_asked_for_one_by_one_are_fetched_with_one_statement() {
    let customer = Customer::register().await;
    // Every other is asked for twice.
    let id = |number| format!("01900000-0000-7000-8000-{:012x}", number / 2 + 1);
    let field = |number| format!("p{number}: product(id: \"{}\") {{ id }}", id(number));
    let fields: Vec<String> = (1..=40).map(field).collect();
    let query = format!("{{ {} }}", fields.join(" "));
    let call = || ask(customers(&customer), &query, json!(null));
    call().await;
    let cost =
        cost_of(5, async || assert_eq!(call().await["data"].as_object().map(serde_json::Map::len), Some(40)))
            .await;
    assert_eq!(cost.statements, [("catalog.load".to_owned(), 1)].into(), "{cost:?}");
    assert_eq!(cost.redis_round_trips, 1);
}

#[tokio::test]
async fn orders_with_items_and_products_cost_one_statement_a_level_whatever_their_number() {
    let customer = Customer::register().await;
    let (mut products, mut placed) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        products.push(new_product(1000, 100).await);
    }
    for orders in [1, 6] {
        while placed.len() < orders {
            let items: Vec<_> =
                products.iter().map(|id| json!({ "product_id": id, "quantity": 2 })).collect();
            let cart = json!({ "items": items, "payment_method": "pm_card_visa" });
            placed.push(customer.checkout_of(&new_key(), &cart).send().await.expect(201).order());
        }
        let call = async || {
            let answer = ask(customers(&customer), ORDERS, json!({ "limit": 20 })).await;
            assert_eq!(answer["errors"], Value::Null, "{answer}");
            answer["data"]["orders"].as_array().expect("orders").clone()
        };
        let answered = call().await;
        let ids: Vec<_> = answered.iter().rev().map(|order| order["id"].clone()).collect();
        assert_eq!(ids, placed, "newest first");
        for order in &answered {
            assert_eq!((order["status"].as_str(), &order["total"]["amount"]), (Some("PAID"), &json!(8000)));
            let bought: Vec<_> = order["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|i| i["product"]["id"].as_str())
                .collect();
            assert_eq!(bought.len(), 4);
            assert!(products.iter().all(|id| bought.contains(&Some(id))), "{order}");
        }
        let cost = cost_of(5, async || drop(call().await)).await;
        let each = ["catalog.load", "orders.items", "orders.page"].map(|name| (name.to_owned(), 1));
        assert_eq!(cost.statements, each.into(), "{orders} orders: {cost:?}");
    }
    let page = ask(customers(&customer), ORDERS, json!({ "limit": 2 })).await;
    let cursor = &page["data"]["orders"][1]["cursor"];
    let next = ask(customers(&customer), ORDERS, json!({ "limit": 20, "after": cursor })).await;
    assert_eq!(next["data"]["orders"].as_array().map(Vec::len), Some(4), "{next}");
}

#[tokio::test]
async fn a_list_that_fragments_select_again_costs_one_statement_and_has_whole_rows() {
    let customer = Customer::register().await;
    let product = new_product(1000, 100).await;
    for _ in 0..3 {
        customer.buys(&product).await.expect(201);
    }
    let (one, other) = ("id items { name }", "total { amount } items { quantity product { id } }");
    let whole = "id total { amount } items { name quantity product { id } }";
    for (list, one, other, whole, statements) in [
        ("orders(limit: 5)", one, other, whole, &["catalog.load", "orders.items", "orders.page"][..]),
        ("products(limit: 3)", "id", "price { amount }", "id price { amount }", &["catalog.page"]),
    ] {
        let twice = format!("{{ {list} {{ {one} }} ...F }} fragment F on Query {{ {list} {{ {other} }} }}");
        let answer = async |query: &str| ask(customers(&customer), query, json!(null)).await;
        let expected = answer(&format!("{{ {list} {{ {whole} }} }}")).await;
        assert_eq!(expected["errors"], Value::Null, "{expected}");
        let cost = cost_of(5, async || assert_eq!(answer(&twice).await, expected)).await;
        let each = statements.iter().map(|name| ((*name).to_owned(), 1)).collect();
        assert_eq!(cost.statements, each, "{cost:?}");
    }
}

#[tokio::test]
async fn orders_need_a_token_and_are_ones_own() {
    let (one, other) = (Customer::register().await, Customer::register().await);
    one.buys(&new_product(1000, 1).await).await.expect(201);
    let query = "{ orders { id } }";
    assert_eq!(ask(customers(&other), query, json!(null)).await["data"]["orders"], json!([]));
    for call in [visitor(), visitor().bearer("nonsense")] {
        let answer = ask(call, query, json!(null)).await;
        assert_eq!(answer["data"], json!({ "orders": null }));
        assert_eq!(first_error(&answer).1, "urn:millrace:problem:unauthorized", "{answer}");
    }
}

#[tokio::test]
async fn what_graphql_refuses_is_an_error_that_says_why_and_costs_no_statement() {
    let customer = Customer::register().await;
    let fields = "items { product { id name description price { amount currency } } } ";
    let dear = format!("{{ a: orders {{ {fields} }} b: orders {{ {fields} }} c: orders {{ {fields} }} }}");
    let endless = "query { ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
    let cases = [
        ("{ product(id: ", "expected"),
        ("{ __schema { types { fields { name } } } }", "Introspection is off"),
        (&dear, "too complex"),
        (endless, "recursion"),
        ("{ orders(limit: 21) { id } }", "limit must be from 1 to 20"),
        ("{ products(limit: 256) { id } }", "limit must be from 1 to 20"),
        ("{ orders(after: \"x\") { id } }", "next_cursor"),
        ("{ product(id: \"x\") { id } }", "UUID"),
        ("{ users { passwordHash } }", "users"),
        ("mutation { buy }", "mutation"),
    ];
    for (query, named) in cases {
        let answer = ask(customers(&customer), query, json!(null)).await;
        assert!(first_error(&answer).0.contains(named), "{query}: {answer}");
    }
    let cost = cost_of(5, async || drop(ask(customers(&customer), &dear, json!(null)).await)).await;
    assert_eq!(cost.statement_count(), 0, "{cost:?}");
}

#[tokio::test]
async fn brackets_stand_in_one_another_as_deep_as_a_query_needs_and_no_deeper() {
    let list =
        |times: usize| format!("{{ product(id: {}1{}) {{ id }} }}", "[".repeat(times), "]".repeat(times));
    let object =
        |times: usize| format!("{{ product(id: {}1{}) {{ id }} }}", "{a:".repeat(times), "}".repeat(times));
    let typed = |times: usize| {
        format!("query($a: {}Int{}) {{ products {{ id }} }}", "[".repeat(times), "]".repeat(times))
    };
    for query in [list(62), object(62), typed(63)] {
        let answer = ask(visitor(), &query, json!({})).await;
        assert!(!answer.to_string().contains("nested too deeply"), "{answer}");
    }
    for query in [list(63), object(63), typed(64)] {
        let answer = ask(visitor(), &query, json!({})).await;
        assert!(first_error(&answer).0.contains("nested too deeply"), "{answer}");
    }
}

#[tokio::test]
async fn introspection_is_off() {
    let answer =
        ask(visitor(), "{ __schema { queryType { name } } __type(name: \"Order\") { name } }", json!(null))
            .await;
    assert!(
        !answer.to_string().contains("\"Query\"") && !answer.to_string().contains("\"Order\""),
        "{answer}"
    );
    assert!(first_error(&answer).0.starts_with("Introspection is off"), "{answer}");
    assert!(answer.get("data").is_none(), "nothing was executed: {answer}");
    let answer = ask(visitor(), "{ __type(name: \"Order\") { name } }", json!(null)).await;
    assert_eq!(answer, json!({ "data": { "__type": null } }), "no type that anybody can see");
}

#[tokio::test]
async fn a_query_of_which_nothing_is_left_is_answered_with_an_empty_object() {
    let answer = ask(visitor(), "{ products @skip(if: true) { id } }", json!({})).await;
    assert_eq!(answer, json!({ "data": {} }));
    let answer = ask(visitor(), "{ products(limit: 1) { id @skip(if: true) } }", json!({})).await;
    assert_eq!(answer, json!({ "data": { "products": [{}] } }));
}

#[tokio::test]
async fn a_body_that_is_no_graphql_request_is_refused_as_on_every_route() {
    let refused = async |call: Call, status: u16| -> Answer { call.send().await.expect(status) };
    let named = refused(visitor().json(&json!({})), 422).await;
    assert_eq!(named.json()["errors"][0]["field"], "query", "{}", named.text);
    refused(visitor().json(&json!({ "query": "" })), 422).await;
    refused(visitor().json(&json!({ "query": "{ products { id } }", "mutation": "x" })), 422).await;
    refused(visitor().json(&json!([{ "query": "{ products { id } }" }])), 422).await;
    refused(visitor().json(&json!({})).body("{"), 400).await;
    for (members, field) in [
        (r#""variables":{"a":2,"a":1}"#, "variables.a"),
        (r#""variables":{"a":{"b":[{"c":2,"c":1}]}}"#, "variables.a.b[0].c"),
        (r#""extensions":{"a":2,"a":1}"#, "extensions.a"),
        (r#""operationName":null,"operationName":null"#, "operationName"),
    ] {
        let body = format!(r#"{{"query":"{{ products {{ id }} }}",{members}}}"#);
        let twice = refused(visitor().json(&json!({})).body(body), 422).await.json();
        let expected = json!([{ "field": field, "message": "appears twice" }]);
        assert_eq!(twice["errors"], expected, "{members}");
    }
    refused(visitor().json(&json!({ "query": "#".repeat(105_000) })), 413).await;
    refused(visitor().body("{ products { id } }").header("content-type", "application/graphql"), 415).await;
    let extended = json!({ "query": "{ products(limit: 1) { id } }", "operationName": null, "extensions": { "clientLibrary": {} } });
    refused(visitor().json(&extended), 200).await;
}

/// For a caller who accepts the newer media type.
fn newer(call: Call) -> Call {
    call.header("accept", "application/graphql-response+json, application/json;q=0.9")
}

#[tokio::test]
async fn an_argument_without_a_value_has_its_default() {
    let customer = Customer::register().await;
    for list in ["products", "orders"] {
        let query = format!("query($l: Int) {{ {list}(limit: $l) {{ id }} }}");
        for variables in [json!({}), json!(null), json!({ "l": null }), json!({ "l": 20 })] {
            let answer = ask(customers(&customer), &query, variables.clone()).await;
            assert_eq!(answer["errors"], Value::Null, "{variables}: {answer}");
            assert!(answer["data"][list].is_array(), "{variables}: {answer}");
        }
        let null =
            ask(customers(&customer), &format!("{{ {list}(limit: null) {{ id }} }}"), json!(null)).await;
        assert!(null["data"][list].is_array(), "{null}");
    }
    let page = ask(visitor(), "query($l: Int) { products(limit: $l) { id } }", json!({})).await;
    assert_eq!(page["data"]["products"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn a_query_of_as_many_characters_as_are_allowed_fits_however_it_is_written() {
    let query = |filler: &str| format!("{{ products(limit: 1) {{ id }} }}{}", filler.repeat(8000 - 32));
    for filler in ["\n", "\u{feff}", "あ"] {
        let text = if filler == "あ" { query(filler).replacen(filler, "#", 1) } else { query(filler) };
        let answer = ask(visitor(), &text, json!(null)).await;
        assert!(answer["data"]["products"].is_array(), "{answer}");
    }
    let body = json!({ "query": "#".repeat(8001) });
    visitor().json(&body).send().await.expect(422);
}

#[tokio::test]
async fn what_was_not_executed_has_no_data_and_is_400_for_those_who_ask_for_the_newer_type() {
    let cases = [
        json!({ "query": "{" }),
        json!({ "query": "{ users { id } }" }),
        json!({ "query": "query($id: ID!) { product(id: $id) { id } }" }),
        json!({ "query": "query($l: Int) { products(limit: $l) { id } }", "variables": { "l": "x" } }),
        json!({ "query": "query A { products { id } }", "operationName": "B" }),
    ];
    for body in cases {
        let older = visitor().json(&body).send().await.expect(200);
        assert_eq!(
            (older.header("content-type"), older.json().get("data")),
            ("application/json", None),
            "{body}"
        );
        let refused = newer(visitor()).json(&body).send().await.expect(400);
        assert_eq!(refused.header("content-type"), "application/graphql-response+json");
        assert!(refused.json()["errors"][0]["message"].is_string(), "{}", refused.text);
        assert_eq!(refused.json().get("data"), None, "{body}");
    }
    for body in [json!({}), json!({ "query": 7 }), json!({ "query": "{ a }", "variables": [] })] {
        assert_eq!(
            problem_type(&visitor().json(&body).send().await.expect(422)),
            "urn:millrace:problem:validation"
        );
        let refused = newer(visitor()).json(&body).send().await.expect(400);
        assert_eq!(refused.header("content-type"), "application/graphql-response+json");
        assert!(refused.json()["errors"][0]["message"].is_string(), "{}", refused.text);
    }
    let missing = json!({ "query": format!("{{ product(id: \"{NOBODY}\") {{ id }} }}") });
    let answer = newer(visitor()).json(&missing).send().await.expect(200);
    assert_eq!(answer.json()["data"], json!({ "product": null }));
}

fn problem_type(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    answer.json()["type"].as_str().unwrap_or_default().to_owned()
}
