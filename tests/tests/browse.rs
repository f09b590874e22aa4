//! Looking at products, and changing them.

use serde_json::{Value, json};
use tests::{Answer, Call, Customer, env, eventually, get_product, new_product, priced, update_product};

const LAMP: &str = "01900000-0000-7000-8000-000000000001";

fn problem(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    assert_eq!(body["request_id"], answer.header("x-request-id"));
    body["type"].as_str().expect("a type").trim_start_matches("urn:millrace:problem:").to_owned()
}

#[tokio::test]
async fn a_visitor_reads_a_product_and_is_told_when_it_has_not_changed() {
    let first = get_product(LAMP).send().await.expect(200);
    assert_eq!(first.json()["id"], LAMP);
    assert!(first.json()["price"]["amount"].is_i64(), "{}", first.text);

    let again = get_product(LAMP).header("if-none-match", first.header("etag")).send().await.expect(304);
    assert_eq!((again.text.as_str(), again.header("etag")), ("", first.header("etag")));
    get_product(LAMP).header("if-none-match", "\"0\"").send().await.expect(200);
}

#[tokio::test]
async fn a_product_that_does_not_exist_is_a_404_and_a_malformed_id_a_400() {
    let nobody = "01900000-0000-7000-8000-ffffffffffff";
    for _ in 0..2 {
        // The second time from the cache, which remembers for a while what does not exist.
        assert_eq!(problem(&get_product(nobody).send().await.expect(404)), "not-found");
    }
    for id in ["1", "'; drop table products; --", &LAMP.replace('-', ""), &"x".repeat(2000)] {
        let answer = get_product(id).send().await.expect(400);
        assert_eq!(problem(&answer), "bad-request");
        assert_eq!(answer.json()["errors"][0]["field"], "id");
    }
}

#[tokio::test]
async fn every_reader_sees_a_changed_price_at_once() {
    let id = new_product(1000, 1).await;
    assert_eq!(get_product(&id).send().await.expect(200).json()["price"]["amount"], 1000);
    for amount in [1500, 1600, 1700] {
        let updated = update_product(&id, &priced(amount)).send().await.expect(200);
        let read = get_product(&id).send().await.expect(200);
        assert_eq!(read.json()["price"]["amount"], amount);
        assert_eq!(read.header("etag"), updated.header("etag"));
    }
}

#[tokio::test]
async fn a_product_becomes_featured_at_once_and_leaves_at_once() {
    let id = new_product(1000, 1).await;
    for featured in [true, false] {
        let mut body = priced(1000);
        body["featured"] = featured.into();
        update_product(&id, &body).send().await.expect(200);
        let list = Call::new("featured-products", "GET", "/api/products/featured").send().await.expect(200);
        assert_eq!(list.text.contains(&id), featured, "{}", list.text);
    }
}

#[tokio::test]
async fn an_edit_based_on_an_older_version_is_refused_and_changes_nothing() {
    let id = new_product(1000, 1).await;
    let etag = get_product(&id).send().await.expect(200).header("etag").to_owned();
    update_product(&id, &priced(1100)).header("if-match", &etag).send().await.expect(200);
    let refused = update_product(&id, &priced(1200)).header("if-match", &etag).send().await.expect(412);
    assert_eq!(problem(&refused), "precondition-failed");
    assert_eq!(get_product(&id).send().await.expect(200).json()["price"]["amount"], 1100);
}

#[tokio::test]
async fn only_administrators_change_products() {
    let id = new_product(1000, 1).await;
    let customer = Customer::register().await;
    let body = priced(1);
    let refused = update_product(&id, &body).bearer(&customer.token).send().await.expect(403);
    assert_eq!(problem(&refused), "forbidden");
    for token in ["", "nonsense", "a.b.c"] {
        let refused = update_product(&id, &body).bearer(token).send().await.expect(401);
        assert_eq!(problem(&refused), "unauthorized");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
    }
    assert_eq!(get_product(&id).send().await.expect(200).json()["price"]["amount"], 1000);
}

#[tokio::test]
async fn a_change_is_refused_field_by_field() {
    let id = new_product(1000, 1).await;
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("name", json!("x".repeat(201)), "name"),
        ("name", json!("a\u{0}b"), "name"),
        ("name", json!("a\nb"), "name"),
        ("name", json!("\u{200b}"), "name"),
        ("description", json!("a\u{1b}[2Jb"), "description"),
        ("description", json!(7), "description"),
        ("price", json!({ "amount": -1, "currency": "usd" }), "price.amount"),
        ("price", json!({ "amount": 1.5, "currency": "usd" }), "price.amount"),
        ("price", json!({ "amount": 1, "currency": "eur" }), "price.currency"),
        ("featured", json!("yes"), "featured"),
        ("stock", json!(5), "stock"),
    ] {
        let mut body = priced(1);
        body[field] = value;
        let answer = update_product(&id, &body).send().await.expect(422);
        assert_eq!(
            (problem(&answer).as_str(), &answer.json()["errors"][0]["field"]),
            ("validation", &json!(named))
        );
    }
    let call = update_product(&id, &json!({}));
    assert_eq!(problem(&call.clone().body("{").send().await.expect(400)), "bad-request");
    assert_eq!(problem(&call.clone().body(" ".repeat(60_000)).send().await.expect(413)), "payload-too-large");
    let as_text = call.header("content-type", "text/plain");
    assert_eq!(problem(&as_text.send().await.expect(415)), "unsupported-media-type");
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_said_in_words_of_json() {
    let id = new_product(1000, 1).await;
    for (field, value, message) in [
        ("name", Value::Null, "must be a string"),
        ("name", json!("\u{3164}"), "must have 1 to 200 characters, at least one of them visible"),
        ("price", json!("9.99"), "must be an object"),
        ("featured", json!(1), "must be true or false"),
        ("stock", json!(5), "is not a known field: there are only name, description, price, featured"),
    ] {
        let mut body = priced(1);
        body[field] = value;
        let answer = update_product(&id, &body).send().await.expect(422);
        assert_eq!(answer.json()["errors"], json!([{ "field": field, "message": message }]));
    }
}

#[tokio::test]
async fn a_description_of_as_many_characters_as_are_allowed_fits_whatever_they_are() {
    let id = new_product(1000, 1).await;
    for (character, escaped) in [("あ", "\\u3042"), ("😀", "\\ud83d\\ude00")] {
        let mut body = priced(1000);
        body["name"] = character.repeat(200).into();
        body["description"] = character.repeat(4000).into();
        let plain = body.to_string();
        for text in [plain.replace(character, escaped), plain] {
            let call = update_product(&id, &body).body(text);
            assert_eq!(call.send().await.expect(200).json()["description"], body["description"]);
        }
        assert_eq!(get_product(&id).send().await.expect(200).json()["description"], body["description"]);
    }
}

#[tokio::test]
async fn preconditions_are_those_of_http() {
    let id = new_product(1000, 1).await;
    let put = async |name: &str, value: &str| {
        update_product(&id, &priced(1100)).header(name, value).send().await.status
    };
    // A new product has version 1, and each update that succeeds makes the next.
    for (name, value, status) in [
        ("if-match", "W/\"1\"", 412),
        ("if-match", "\"of-another\"", 412),
        ("if-match", "\"é\"", 412),
        ("if-match", "\"5\", \"6\"", 412),
        ("if-none-match", "*", 412),
        ("if-none-match", "\"2\", W/\"1\"", 412),
        ("if-match", "1", 400),
        ("if-match", &vec!["\"1\""; 10_000].join(","), 400),
        ("if-none-match", &vec!["\"7\""; 10_000].join(","), 400),
        ("if-match", "\"5\", \"1\"", 200),
        ("if-match", "*", 200),
        ("if-none-match", "\"1\"", 200),
    ] {
        assert_eq!(put(name, value).await, status, "{name}: {value}");
    }
    let get = async |name: &str, value: &str| get_product(&id).header(name, value).send().await.status;
    for (name, value, status) in [
        ("if-none-match", "W/\"4\"", 304),
        ("if-none-match", "\"a,b\", \"4\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "nonsense", 200),
        ("if-match", "\"3\"", 412),
        ("if-match", "\"4\"", 200),
    ] {
        assert_eq!(get(name, value).await, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let customer = Customer::register().await;
    let client = reqwest::Client::new();
    for path in
        [&*format!("/api/products/{LAMP}"), "/api/products/featured", "/api/search?q=lamp", "/api/orders"]
    {
        let ask = async |method: reqwest::Method| {
            let request =
                client.request(method, format!("{}{path}", env("API_URL"))).bearer_auth(&customer.token);
            request.send().await.expect("an answer")
        };
        // What others change between the two is asked for again.
        let head = eventually("an answer to HEAD like that to GET", async || {
            let (get, head) = (ask(reqwest::Method::GET).await, ask(reqwest::Method::HEAD).await);
            assert_eq!((get.status().as_u16(), head.status().as_u16()), (200, 200), "{path}");
            let same = |name: &&str| head.headers().get(*name) == get.headers().get(*name);
            ["etag", "content-type", "cache-control"].iter().all(same).then_some(head)
        });
        assert_eq!(head.await.text().await.expect("text"), "", "{path}");
    }
    let missing = Call::new("get-product", "HEAD", "/api/products/x").parameter("id", "x").send().await;
    assert_eq!((missing.status, &*missing.text), (400, ""));
}

#[tokio::test]
async fn a_byte_order_mark_before_json_means_nothing() {
    let id = new_product(1000, 1).await;
    let body = format!("\u{feff}{}", priced(1200));
    update_product(&id, &json!({})).body(body).send().await.expect(200);
}
