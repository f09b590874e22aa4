//! Keeping a catalogue: products come, are listed, run out, come back and go.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::{
    Answer, Call, Customer, administrator, eventually, every_page, get_product, invoke, new_product, stock_of,
};
use uuid::Uuid;

fn admin(function: &'static str, method: &'static str, path: impl Into<String>) -> Call {
    Call::new(function, method, path).bearer(&administrator())
}

fn lamp() -> Value {
    json!({
        "name": "Walnut desk lamp", "description": "Warm light.",
        "price": { "amount": 7900, "currency": "usd" }, "stock": 3
    })
}

async fn create(body: &Value) -> Answer {
    admin("create-product", "POST", "/api/products").json(body).send().await
}

async fn stock(id: &str, body: &Value) -> Answer {
    let call = admin("set-stock", "PUT", format!("/api/products/{id}/stock"));
    call.parameter("id", id).json(body).send().await
}

async fn archive(id: &str) -> Answer {
    admin("archive-product", "DELETE", format!("/api/products/{id}")).parameter("id", id).send().await
}

fn listing(parameters: &[(&str, &str)]) -> Call {
    let call = Call::new("list-products", "GET", "/api/products");
    parameters.iter().fold(call, |call, (name, value)| call.query(name, *value))
}

async fn list(parameters: &[(&str, &str)]) -> Answer {
    listing(parameters).send().await
}

fn id_of(product: &Value) -> String {
    product["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_new_product_is_found_and_can_be_bought() {
    let (mut lamp, amount) = (lamp(), fastrand::u32(10_000_000..90_000_000));
    lamp["price"]["amount"] = amount.into();
    let answer = create(&lamp).await.expect(201);
    let made = answer.json();
    let id = id_of(&made);
    assert_eq!(answer.header("location"), format!("/api/products/{id}"));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!((&made["in_stock"], &made["featured"]), (&json!(true), &json!(false)));
    assert_eq!(get_product(&id).send().await.expect(200).json(), made);
    // Among the newest of its price: others may add more than fit on a page.
    let price = amount.to_string();
    let parameters = [("currency", "usd"), ("min_price", &*price), ("max_price", &*price), ("limit", "50")];
    let newest = list(&parameters).await.expect(200).json();
    assert!(
        newest["products"].as_array().expect("a list").iter().any(|product| product["id"] == id.as_str())
    );
    Customer::register().await.buys(&id).await.expect(201);
    assert_eq!(stock_of(&id).await, 2);
}

#[tokio::test]
async fn a_new_product_may_say_as_much_as_is_allowed_in_any_script() {
    let mut body = lamp();
    body["sku"] = format!("{}{}", Uuid::now_v7(), "😀".repeat(64)).into();
    body["name"] = "😀".repeat(200).into();
    body["description"] = "😀".repeat(4000).into();
    let escaped = body.to_string().replace('😀', "\\ud83d\\ude00");
    let call = admin("create-product", "POST", "/api/products").json(&body);
    let made = call.body(escaped).send().await.expect(201).json();
    for field in ["sku", "name", "description"] {
        assert_eq!(made[field], body[field], "{field}");
    }
}

#[tokio::test]
async fn two_products_have_no_sku_in_common() {
    let sku = Uuid::now_v7().to_string();
    let mut body = lamp();
    body["sku"] = json!(sku);
    let made = create(&body).await.expect(201).json();
    assert_eq!(made["sku"], json!(sku));
    let refused = create(&body).await.expect(409);
    assert_eq!(refused.json()["type"], "urn:millrace:problem:conflict");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(refused.header("location"), format!("/api/products/{id}"));
    archive(id).await.expect(204);
    let refused = create(&body).await.expect(409).json();
    assert_eq!(refused["detail"], "This sku belongs to an archived product.");
}

#[tokio::test]
async fn a_sku_is_one_however_a_keyboard_writes_its_letters() {
    let (sku, mut body) = (Uuid::now_v7(), lamp());
    body["sku"] = format!("{sku} e\u{301}").into();
    let made = create(&body).await.expect(201).json();
    assert_eq!(made["sku"], format!("{sku} \u{e9}"));
    let refused = create(&body).await.expect(409);
    assert_eq!(refused.header("location"), format!("/api/products/{}", id_of(&made)));
}

#[tokio::test]
async fn a_new_product_is_refused_field_by_field() {
    for (field, value) in [
        ("name", json!(" ")),
        ("name", json!("a\nb")),
        ("name", json!("\u{200b}")),
        ("description", json!("a\u{0}b")),
        ("price", json!({ "amount": 100, "currency": "USD" })),
        ("sku", json!(" A-1")),
        ("sku", json!("\u{200b}")),
        ("sku", json!("A\u{2028}1")),
        ("sku", json!("A\u{ad}1")),
        ("sku", json!("\u{feff}A1")),
        ("stock", json!(-1)),
        ("colour", json!("red")),
    ] {
        let mut body = lamp();
        body[field] = value;
        let problem = create(&body).await.expect(422).json();
        let named = problem["errors"][0]["field"].as_str().expect("a field");
        assert!(named.starts_with(field), "{field}: {problem}");
    }
    for (amount, currency, field) in
        [(5001, "kwd", "price.amount"), (100, "zzz", "price.currency"), (0, "zzz", "price.currency")]
    {
        let price = json!({ "amount": amount, "currency": currency });
        let odd = json!({ "name": "A lamp", "description": "", "price": price });
        assert_eq!(create(&odd).await.expect(422).json()["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn only_administrators_keep_the_catalogue() {
    let (customer, id) = (Customer::register().await, new_product(1000, 1).await);
    for (function, method, path) in [
        ("create-product", "POST", "/api/products".to_owned()),
        ("set-stock", "PUT", format!("/api/products/{id}/stock")),
        ("archive-product", "DELETE", format!("/api/products/{id}")),
    ] {
        let call = |call: Call| call.parameter("id", &id).json(&lamp());
        call(customer.call(function, method, path.clone())).send().await.expect(403);
        call(Call::new(function, method, path)).send().await.expect(401);
    }
    get_product(&id).send().await.expect(200);
}

#[tokio::test]
async fn an_archived_product_is_gone_for_all_but_its_orders() {
    let customer = Customer::register().await;
    let made = create(&lamp()).await.expect(201).json();
    let id = id_of(&made);
    let order = customer.buys(&id).await.expect(201).order();
    get_product(&id).send().await.expect(200);
    archive(&id).await.expect(204);
    // Although it was cached.
    get_product(&id).send().await.expect(404);
    let listed = list(&[("limit", "50")]).await.expect(200).text;
    assert!(!listed.contains(&id), "{listed}");
    let refused = customer.buys(&id).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "items[0].product_id", "{refused}");
    assert_eq!(customer.order(&order).await["items"][0]["name"], made["name"]);
    stock(&id, &json!({ "available": 5 })).await.expect(404);
    archive(&id).await.expect(404);
}

#[tokio::test]
async fn a_product_that_has_changed_is_not_archived_unseen() {
    let id = id_of(&create(&lamp()).await.expect(201).json());
    let call = |version: &str| {
        let call = admin("archive-product", "DELETE", format!("/api/products/{id}")).parameter("id", &id);
        call.header("if-match", format!("\"{version}\""))
    };
    call("7").send().await.expect(412);
    call("1").send().await.expect(204);
}

#[tokio::test]
async fn stock_is_set_changed_and_compared() {
    let id = new_product(1000, 10).await;
    let available = async |body: Value| stock(&id, &body).await.expect(200).json()["available"].clone();
    assert_eq!(available(json!({ "available": 40 })).await, 40);
    assert_eq!(available(json!({ "change": -2, "expected": 40 })).await, 38);
    assert_eq!(available(json!({ "change": 0 })).await, 38);
    for refused in [
        json!({ "change": -2, "expected": 40 }),
        json!({ "available": 1, "expected": 40 }),
        json!({ "change": -39 }),
        json!({ "change": 2_147_483_647 }),
    ] {
        assert_eq!(stock(&id, &refused).await.expect(409).json()["available"], 38, "{refused}");
    }
    for unclear in [json!({}), json!({ "available": 1, "change": 1 }), json!({ "available": -1 })] {
        stock(&id, &unclear).await.expect(422);
    }
    assert_eq!(stock_of(&id).await, 38);
}

#[tokio::test]
async fn no_piece_is_lost_where_stock_changes_while_customers_buy() {
    let id = new_product(1000, 20).await;
    let customers = Customer::register_many(10).await;
    let buying = customers.iter().map(|customer| customer.buys(&id));
    let changing = (0..10).map(|_| async { stock(&id, &json!({ "change": 3 })).await.expect(200) });
    let (bought, _) = tokio::join!(futures::future::join_all(buying), futures::future::join_all(changing));
    let sold =
        i32::try_from(bought.iter().filter(|answer| answer.status == 201).count()).expect("ten at most");
    assert_eq!(stock_of(&id).await, 20 + 30 - sold);
}

#[tokio::test]
async fn a_product_says_whether_it_is_in_stock_and_orders_between_do_not_change_it() {
    let id = new_product(1000, 3).await;
    let customer = Customer::register().await;
    let seen = async || {
        let product = get_product(&id).send().await.expect(200).json();
        (product["in_stock"].clone(), product["version"].clone())
    };
    for _ in 0..2 {
        customer.buys(&id).await.expect(201);
        assert_eq!(seen().await, (json!(true), json!(1)));
    }
    customer.buys(&id).await.expect(201);
    // The sweeper tells the cache, every minute; that of the schedule may be at it already.
    invoke("order-sweeper", &json!({})).await;
    eventually("the last piece is sold", async || (seen().await == (json!(false), json!(2))).then_some(()))
        .await;
    stock(&id, &json!({ "available": 2 })).await.expect(200);
    assert_eq!(seen().await, (json!(true), json!(3)));
    stock(&id, &json!({ "change": 1 })).await.expect(200);
    assert_eq!(seen().await, (json!(true), json!(3)));
}

#[tokio::test]
async fn each_order_of_the_list_has_every_product_once_over_all_its_pages() {
    // A currency of its own keeps the products of other tests out.
    let currency = "shp";
    for left_behind in
        list(&[("currency", currency)]).await.expect(200).json()["products"].as_array().expect("a list")
    {
        archive(&id_of(left_behind)).await.expect(204);
    }
    let mut made = Vec::new();
    for (name, price) in [("B", 300), ("A", 200), ("C", 200), ("A", 500), ("D", 100)] {
        let price = json!({ "amount": price, "currency": currency });
        let body = json!({ "name": name, "description": "", "price": price });
        made.push(id_of(&create(&body).await.expect(201).json()));
    }
    let order = |indices: [usize; 5]| indices.map(|index| made[index].clone()).to_vec();
    for (sort, expected) in [
        ("newest", order([4, 3, 2, 1, 0])),
        ("name", order([1, 3, 0, 2, 4])),
        ("price", order([4, 1, 2, 0, 3])),
        ("-price", order([3, 0, 2, 1, 4])),
    ] {
        let pages = listing(&[("sort", sort), ("currency", currency), ("limit", "2")]);
        let seen: Vec<_> = every_page(&pages, "products").await.iter().map(id_of).collect();
        assert_eq!(seen, expected, "{sort}");
    }
    let priced = [("currency", currency), ("min_price", "200"), ("max_price", "300")];
    assert_eq!(list(&priced).await.expect(200).json()["products"].as_array().map(Vec::len), Some(3));
    let sold_out = [("currency", currency), ("in_stock", "true")];
    assert_eq!(list(&sold_out).await.expect(200).json()["products"], json!([]));
}

#[tokio::test]
async fn a_list_that_cannot_be_is_refused_by_its_parameter() {
    for (name, value) in [
        ("sort", "colour"),
        ("limit", "0"),
        ("limit", "51"),
        ("cursor", "!"),
        ("featured", "yes"),
        ("currency", "USD"),
        ("min_price", "-1"),
    ] {
        let problem = list(&[(name, value)]).await.expect(400).json();
        assert_eq!(problem["errors"][0]["field"], name, "{problem}");
    }
    for (sort, carried) in
        [("name", format!(r#""name":"{}""#, "x".repeat(12_000))), ("price", r#""price":-1"#.into())]
    {
        let forged = format!(r#"{{"id":"01900000-0000-7000-8000-000000000005",{carried}}}"#);
        let forged = BASE64_URL_SAFE_NO_PAD.encode(forged);
        let parameters = [("sort", sort), ("currency", "usd"), ("cursor", forged.as_str())];
        assert_eq!(list(&parameters).await.expect(400).json()["errors"][0]["field"], "cursor", "{sort}");
    }
    for parameters in [[("sort", "price"), ("limit", "2")], [("min_price", "1"), ("limit", "2")]] {
        assert_eq!(list(&parameters).await.expect(400).json()["errors"][0]["field"], "currency");
    }
    let inverted = [("currency", "usd"), ("min_price", "2"), ("max_price", "1")];
    assert_eq!(list(&inverted).await.expect(400).json()["errors"][0]["field"], "max_price");
}
