//! What the database is said to be doing, through the function itself.

use serde_json::{Value, json};
use tests::{Customer, invoke};

#[tokio::test]
async fn it_names_the_statements_that_requests_have_cost() {
    let customer = Customer::register().await;
    customer.call("list-orders", "GET", "/api/orders").send().await.expect(200);

    let answer = invoke("db-insights", &json!({})).await;
    let statements = answer["statements"].as_array().expect("statements");
    // The dearest twenty: which these are is up to the tests that ran before this one.
    assert!(!statements.is_empty() && statements.len() <= 20, "{answer}");
    for cost in statements {
        let of_the_functions = cost["name"].as_str().is_some_and(|name| name.contains('.'));
        assert!(of_the_functions && cost["calls"].as_i64() >= Some(1), "{cost}");
    }
    let share: f64 = statements.iter().filter_map(|cost| cost["share_percent"].as_f64()).sum();
    assert!(share > 0.0 && share < 100.1, "{share}");

    let orders = table(&answer, "orders");
    assert!(orders["rows"].as_i64() >= Some(50_000) && orders["index_scans"].as_i64() > Some(0), "{orders}");
    let server = &answer["server"];
    assert!(server["connections"].as_i64() >= Some(1), "{server}");
    assert!(server["connection_limit"].as_i64() > server["connections"].as_i64(), "{server}");
    for suggestion in answer["suggestions"].as_array().expect("suggestions") {
        for part in ["about", "advice", "evidence"] {
            assert!(suggestion[part].as_str().is_some_and(|text| !text.is_empty()), "{suggestion}");
        }
    }
}

fn table<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let tables = answer["tables"].as_array().expect("tables");
    tables.iter().find(|table| table["name"] == name).unwrap_or_else(|| panic!("no {name}: {answer}"))
}
