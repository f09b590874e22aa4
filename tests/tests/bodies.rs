//! Bodies: as long as the contract lets them be, however JSON writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;
use tests::{Call, Customer, administrator, new_key, new_product};
use uuid::Uuid;

/// What the contract gives every body, and for each character of its texts.
const FRAME: usize = 8192;
const WIDEST: usize = 12;

/// How many characters its texts may have, by the contract, of each route with a body.
const ROUTES: [(&str, &str, &str, usize); 11] = [
    ("change-password", "POST", "/api/auth/password", 254 + 256 + 256),
    ("checkout", "POST", "/api/checkout", 50 * 36 + 64 + 3),
    ("create-product", "POST", "/api/products", 100 + 200 + 4000 + 3),
    ("graphql", "POST", "/api/graphql", 8000),
    ("login", "POST", "/api/auth/login", 254 + 256),
    ("logout", "POST", "/api/auth/logout", 64),
    ("refresh-token", "POST", "/api/auth/refresh", 64),
    ("refund-order", "POST", "/api/orders/{id}/refund", 50 * 36),
    ("register", "POST", "/api/auth/register", 254 + 256),
    ("set-stock", "PUT", "/api/products/{id}/stock", 0),
    ("update-product", "PUT", "/api/products/{id}", 200 + 4000 + 3),
];

async fn call(function: &'static str, method: &'static str, path: &str) -> Call {
    let id = Uuid::now_v7().to_string();
    let token = if function == "checkout" { Customer::register().await.token } else { administrator() };
    let call = Call::new(function, method, path.replace("{id}", &id)).parameter("id", &id).bearer(&token);
    call.header("idempotency-key", new_key()).header("content-type", "application/json")
}

#[tokio::test]
async fn a_body_may_be_as_long_as_the_contract_says_at_every_route_that_reads_one() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let folders =
        fs::read_dir(functions).expect("the functions").map(|folder| folder.expect("a folder").path());
    let readers = folders.filter(|folder| {
        fs::read_to_string(folder.join("src/main.rs")).is_ok_and(|source| source.contains("request.json("))
    });
    let mut readers: Vec<_> =
        readers.map(|folder| folder.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    readers.sort_unstable();
    assert_eq!(readers, ROUTES.map(|(function, ..)| function));
    let mut refused = BTreeMap::new();
    for (function, method, path, characters) in ROUTES {
        let longest = call(function, method, path).await.body(" ".repeat(FRAME + WIDEST * characters));
        // It is not JSON, and not too long.
        let status = longest.send().await.status;
        if status != 400 {
            refused.insert(function, status);
        }
        let longer = call(function, method, path).await.body(" ".repeat(150_000));
        longer.send().await.expect(413);
    }
    assert_eq!(refused, BTreeMap::new());
}

#[tokio::test]
async fn fifty_lines_fit_with_every_character_of_their_ids_escaped() {
    let escaped =
        |text: &str| text.bytes().fold(String::new(), |escaped, byte| format!("{escaped}\\u{byte:04x}"));
    let lines: Vec<_> = (0..50)
        .map(|_| format!(r#"{{"product_id":"{}","quantity":1}}"#, escaped(&Uuid::now_v7().to_string())))
        .collect();
    let lines = lines.join(",");
    let cart = format!(r#"{{"items":[{lines}],"payment_method":"{}"}}"#, escaped("pm_card_visa"));
    let checkout = call("checkout", "POST", "/api/checkout").await.body(cart);
    // There are no such products, and no such order.
    assert_eq!(checkout.send().await.expect(422).json()["errors"].as_array().map(Vec::len), Some(50));
    let returned = format!(r#"{{"returned":[{lines}]}}"#);
    call("refund-order", "POST", "/api/orders/{id}/refund").await.body(returned).send().await.expect(404);
}

/// Those of `ROUTES`, and the two that change something and read no body.
#[tokio::test]
async fn what_has_no_versions_is_not_changed_under_a_condition_on_one() {
    let bare = [("cancel-order", "POST", "/api/orders/{id}/cancel"), ("delete-me", "DELETE", "/api/me")];
    let reading = ROUTES.map(|(function, method, path, _)| (function, method, path));
    let routes = reading.into_iter().filter(|(function, ..)| *function != "update-product").chain(bare);
    for (function, method, path) in routes {
        let customer = Customer::register().await;
        let call = call(function, method, path).await;
        let call = if function == "delete-me" { call.bearer(&customer.token) } else { call };
        let status =
            async |name: &str, value: &str| call.clone().header(name, value).body("x").send().await.status;
        for (name, value) in [("if-match", "\"999\""), ("if-match", "W/\"1\", \"2\""), ("if-none-match", "*")]
        {
            assert_eq!(status(name, value).await, 412, "{function}: {name}: {value}");
        }
        assert_eq!(status("if-match", "nonsense").await, 400, "{function}");
        for (name, value) in [("if-match", "*"), ("if-none-match", "\"999\"")] {
            assert_ne!(status(name, value).await, 412, "{function}: {name}: {value}");
        }
    }
    // Who may not do it is told that, and no condition.
    let visitor = Call::new("set-stock", "PUT", "/api/products/x/stock").parameter("id", "x");
    visitor.header("if-match", "\"999\"").send().await.expect(401);
}

#[tokio::test]
async fn a_stock_stays_as_it_is_under_a_condition_that_does_not_hold() {
    let id = new_product(1000, 7).await;
    let set = |available: i32| {
        let call = Call::new("set-stock", "PUT", format!("/api/products/{id}/stock")).parameter("id", &id);
        call.bearer(&administrator()).json(&json!({ "available": available }))
    };
    set(3).header("if-match", "\"999\"").send().await.expect(412);
    let look = Call::new("set-stock", "PUT", format!("/api/products/{id}/stock")).parameter("id", &id);
    let look = look.bearer(&administrator()).json(&json!({ "change": 0 }));
    assert_eq!(look.send().await.expect(200).json()["available"], 7);
    set(3).header("if-match", "*").send().await.expect(200);
}

#[tokio::test]
async fn a_compressed_body_is_415_and_says_what_is_read() {
    let call = call("set-stock", "PUT", "/api/products/{id}/stock").await.body(r#"{"change":0}"#);
    let refused = call.clone().header("content-encoding", "gzip").send().await.expect(415);
    assert_eq!(refused.header("accept-encoding"), "identity");
    call.clone().header("content-encoding", "identity").send().await.expect(404);
    let other = call.header("content-type", "text/plain").send().await.expect(415);
    assert_eq!(other.headers.get("accept-encoding"), None, "it is the media type");
}
