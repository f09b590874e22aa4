//! Searching products.

use serde_json::{Value, json};
use tests::{Answer, Call, Customer, administrator, cost_of, new_product, update_product};

fn search(words: &str) -> Call {
    Call::new("search-products", "GET", "/api/search").query("q", words)
}

async fn found(call: &Call) -> Value {
    call.send().await.expect(200).json()
}

fn names(page: &Value) -> Vec<String> {
    let products = page["products"].as_array().expect("products");
    products.iter().map(|product| product["name"].as_str().expect("a name").to_owned()).collect()
}

/// A word that nobody else searches for, so that no other test has cached its answer. It has a vowel and ends in k, so
/// that the stemmer leaves it alone and takes a plural's s off it: without a vowel, or after a u, it does not.
fn new_word() -> String {
    let letters: String = std::iter::repeat_with(|| fastrand::char('a'..='z')).take(10).collect();
    format!("a{letters}k")
}

async fn product_named(name: &str, description: &str) -> String {
    let id = new_product(1000, 1).await;
    change(&id, name, description, 1000).await;
    id
}

async fn change(id: &str, name: &str, description: &str, price: u32) {
    let price = json!({ "amount": price, "currency": "usd" });
    let body = json!({ "name": name, "description": description, "price": price, "featured": false });
    update_product(id, &body).send().await.expect(200);
}

#[tokio::test]
async fn who_searches_after_an_update_finds_the_product_as_it_is() {
    let word = new_word();
    let id = product_named(&word, "").await;
    let customer = Customer::register().await;
    let call = customer.call("search-products", "GET", "/api/search").query("q", &word);
    for price in [1100, 1200] {
        // Kept, and kept again.
        for _ in 0..2 {
            found(&call).await;
        }
        change(&id, &word, "", price).await;
        let page = found(&call).await;
        assert_eq!(page["products"][0]["price"]["amount"], price, "{page}");
    }
    change(&id, &new_word(), "", 1200).await;
    assert_eq!(names(&found(&call).await), [""; 0], "nothing is called so any more");
}

#[tokio::test]
async fn what_can_be_read_is_found_whatever_stands_between_its_letters_unseen() {
    for hidden in ["\u{ad}", "\u{200b}", "\u{2060}", "\u{feff}"] {
        let word = new_word();
        let (beginning, end) = word.split_at(5);
        let written = format!("{beginning}{hidden}{end}");
        for (name, description) in [(written.as_str(), ""), ("A lamp of the tests", &written)] {
            let id = product_named(name, description).await;
            for typed in [&word, &written] {
                let page =
                    found(&search(typed).query("limit", if name == written { "1" } else { "2" })).await;
                assert_eq!(page["corrected"], Value::Null, "{page}");
                let ids: Vec<_> =
                    page["products"].as_array().expect("products").iter().map(|it| &it["id"]).collect();
                assert!(ids.contains(&&json!(id)), "{hidden:?}: {page}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_added_is_found_at_once_and_what_is_archived_is_not() {
    let word = new_word();
    let customer = Customer::register().await;
    let call = customer.call("search-products", "GET", "/api/search").query("q", &word);
    assert_eq!(names(&found(&call).await), [""; 0]);
    let price = json!({ "amount": 1000, "currency": "usd" });
    let body = json!({ "name": word, "description": "", "price": price });
    let create = Call::new("create-product", "POST", "/api/products").bearer(&administrator()).json(&body);
    let id = create.send().await.expect(201).json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(names(&found(&call).await), [word.as_str()]);
    let archive = Call::new("archive-product", "DELETE", format!("/api/products/{id}")).parameter("id", &id);
    archive.bearer(&administrator()).send().await.expect(204);
    assert_eq!(names(&found(&call).await), [""; 0]);
}

#[tokio::test]
async fn every_word_must_occur_in_whatever_form_and_names_count_more() {
    let [made, sold, other] = std::array::from_fn(|_| new_word());
    let in_text = product_named(&format!("A {other} lamp"), &format!("Not a {made} {sold}.")).await;
    let in_name = product_named(&format!("{made} {sold}"), "").await;
    product_named(&made, "").await;

    let page = found(&search(&format!("{sold}s {}", made.to_uppercase()))).await;
    let ids: Vec<_> = page["products"].as_array().expect("products").iter().map(|p| &p["id"]).collect();
    assert_eq!(ids, [&json!(in_name), &json!(in_text)], "{page}");
    assert_eq!(page["query"], format!("{sold}s {made}"));
    assert_eq!((&page["next_cursor"], &page["corrected"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_typing_error_still_finds_the_thing() {
    for (typed, meant) in [("chiar", "Chair"), ("tabel", "Table"), ("bakpack", "Backpack")] {
        let page = found(&search(typed).query("limit", "50")).await;
        assert!(names(&page).iter().all(|name| name.contains(meant)), "{typed}: {:?}", names(&page));
        assert_eq!(page["products"].as_array().map(Vec::len), Some(50));
        assert_eq!(page["corrected"], meant.to_lowercase());
        let highlight = page["products"][0]["highlight"].as_str().expect("a highlight");
        assert!(highlight.contains(&format!("<mark>{meant}</mark>")), "{highlight}");
    }
    let page = found(&search("walnut chiar")).await;
    assert!(names(&page)[0].contains("Walnut Chair"), "{:?}", names(&page));
    assert_eq!(names(&found(&search(&new_word())).await), [""; 0], "nothing is like it");
}

#[tokio::test]
async fn a_highlight_marks_the_matches_and_lets_no_html_through() {
    let word = new_word();
    let name = format!("<b>Bold</b> & \"{word}\"");
    product_named(&name, "<script>alert('hello')</script> <img src=x onerror=alert(1)>").await;
    let page = found(&search(&word)).await;
    assert_eq!(page["products"][0]["name"], name, "the name itself is plain text");
    let highlight = page["products"][0]["highlight"].as_str().expect("a highlight");
    assert!(highlight.contains(&format!("<mark>{word}</mark>")), "{highlight}");
    let without_marks = highlight.replace("<mark>", "").replace("</mark>", "");
    assert!(!without_marks.contains(['<', '>', '"', '\'']), "{highlight}");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let all = found(&search("oak chair").query("limit", "9")).await;
    let mut walked = Vec::new();
    let mut call = search("oak chair").query("limit", "3");
    for _ in 0..3 {
        let page = found(&call).await;
        walked.extend(names(&page));
        let cursor = page["next_cursor"].as_str().expect("a next page");
        call = search("oak chair").query("limit", "3").query("cursor", cursor);
    }
    assert_eq!(walked, names(&all));
    assert_eq!(walked.len(), 9);
}

#[tokio::test]
async fn what_is_too_dear_or_sold_out_is_not_found_where_that_was_asked() {
    let word = new_word();
    let id = product_named(&word, "").await;
    let names = async |name: &str, value: &str| {
        names(&found(&search(&word).query("currency", "usd").query(name, value)).await)
    };
    assert_eq!(names("max_price", "1000").await, [word.as_str()]);
    assert_eq!(names("max_price", "999").await, [""; 0]);
    assert_eq!(names("in_stock", "true").await, [word.as_str()]);
    let dear_in_yen = search(&word).query("currency", "jpy").query("max_price", "1000");
    assert_eq!(self::names(&found(&dear_in_yen).await), [""; 0], "it is sold in dollars");
    let customer = Customer::register().await;
    customer.buys(&id).await.expect(201);
    let call = search(&format!("{word} ")).query("in_stock", "true").query("limit", "7");
    assert_eq!(self::names(&found(&call).await), [""; 0], "the last piece is sold");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_name() {
    let refused = async |call: Call, field: &str| {
        let answer: Answer = call.send().await.expect(400);
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.text);
    };
    refused(Call::new("search-products", "GET", "/api/search"), "q").await;
    for words in ["", "   ", "a\u{0}b", &"a".repeat(101)] {
        refused(search(words), "q").await;
    }
    for limit in ["0", "51", "-1", "many", "1.5"] {
        refused(search("lamp").query("limit", limit), "limit").await;
    }
    for cursor in ["", "5", &"_".repeat(27)] {
        refused(search("lamp").query("cursor", cursor), "cursor").await;
    }
    for price in ["-1", "1.5", "9223372036854775808", "cheap"] {
        refused(search("lamp").query("min_price", price), "min_price").await;
        refused(search("lamp").query("max_price", price), "max_price").await;
    }
    refused(search("lamp").query("min_price", "2").query("max_price", "1"), "max_price").await;
    refused(search("lamp").query("max_price", "1"), "currency").await;
    refused(search("lamp").query("min_price", "1"), "currency").await;
    refused(search("lamp").query("currency", "USD"), "currency").await;
    for word in ["", "yes", "1", "TRUE"] {
        refused(search("lamp").query("in_stock", word), "in_stock").await;
    }
    for hostile in ["'", "'; drop table products; --", "a & | ! ( :*", "%_\\", "\" OR 1=1", "<->"] {
        found(&search(hostile)).await;
    }
}

#[tokio::test]
async fn the_thirty_first_search_of_a_minute_is_refused() {
    let call = search(&new_word());
    let mut limits = Vec::new();
    for _ in 0..31 {
        let answer = call.send().await;
        limits.push(answer.status);
        if answer.status == 429 {
            assert_eq!(answer.json()["violated_policies"], json!(["search"]));
        }
    }
    assert_eq!(limits, [[200; 30].as_slice(), &[429]].concat());
}

#[tokio::test]
async fn a_search_costs_one_statement_and_repeated_none() {
    let customer = Customer::register().await;
    let call = |words: &str| customer.call("search-products", "GET", "/api/search").query("q", words);
    call("lamp").send().await.expect(200);
    let cost = cost_of(5, async || drop(call(&new_word()).send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (2, 1), "{cost:?}");

    let word = new_word();
    call(&word).send().await.expect(200);
    let spaced = format!("  {} ", word.to_uppercase());
    let cost = cost_of(5, async || drop(call(&spaced).send().await.expect(200))).await;
    assert_eq!((cost.redis_round_trips, cost.statement_count()), (1, 0), "{cost:?}");
}
