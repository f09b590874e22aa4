//! What is done in a shop beside buying, once each: an account's life, the keeping of a catalogue, money taken and
//! given back; and what came of it, without what differs from one time to the next.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::accounts::{Email, by_email, change_password, erase, me, refresh, register, sign_in, sign_out};
use shared::auth::token::{Issuer, Role};
use shared::auth::{RefreshToken, User};
use shared::catalog::{self, Batch, Filter, Order, Prices, ProductId, Refusal, Upload, Versions};
use shared::checkout::{RefundBegun, RefundRequest, begin_refund, claim};
use shared::database::Database;
use shared::orders::{self, OrderId, Wanted};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::charging::Charging;
use crate::checkout::PATIENCE;
use crate::provider::Provider;

fn first() -> RefreshToken {
    RefreshToken::first().expect("randomness")
}

fn next(token: &RefreshToken) -> RefreshToken {
    token.next().expect("randomness")
}

/// Somebody registers, signs in once more, looks, sets another password, leaves.
pub(crate) async fn an_account(database: &Database) -> Value {
    let address = format!("Zoë-{}@example.com", Uuid::now_v7());
    let (email, token, other) = (Email::parse(&address).expect("an address"), first(), first());
    let issuer = Issuer::new(&"9d".repeat(32)).expect("a key");
    let registers = async |token| register(database, &issuer, &email, "a hash".to_owned(), token).await;
    registers(&token).await.expect("registers");
    let taken = registers(&other).await.err().expect("is taken");
    let account = async || by_email(database, &address.to_uppercase()).await.expect("answers");
    let known = account().await.expect("is there");
    let rehashed = Some("a better hash".to_owned());
    let signed_in = sign_in(database, &issuer, &known, rehashed, &other).await.expect("answers").is_some();
    let once_more = sign_in(database, &issuer, &known, None, &first()).await.expect("answers").is_some();
    let goes_on = async |token: &RefreshToken, next: &RefreshToken| {
        refresh(database, &issuer, token, next).await.expect("answers").is_some()
    };
    let second = next(&token);
    let refreshed = [goes_on(&token, &second).await, goes_on(&token, &next(&token)).await];
    let over = goes_on(&second, &next(&second)).await;
    sign_out(database, &other).await.expect("answers");
    let signed_out = goes_on(&other, &next(&other)).await;
    let known = account().await.expect("is there");
    let changed = change_password(database, &issuer, &known, "another".to_owned(), &first()).await;
    let changed = changed.expect("answers").is_some();
    let user = User::of_shop(known.id, Role::Customer);
    let profile = serde_json::to_value(me(database, &user).await.expect("answers")).expect("JSON");
    assert_eq!(
        (profile["id"].as_str(), profile["email"].as_str()),
        (Some(&*known.id.to_string()), Some(&*address))
    );
    assert!(profile["created_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{profile}");
    erase(database, &user).await.expect("erases");
    let gone = me(database, &user).await.err().map(|error| error.problem().kind().status().as_u16());
    json!({
        "taken": taken.problem().kind().status().as_u16(),
        "signed_in": (signed_in, once_more),
        "refreshed": (refreshed, over, signed_out),
        "hashes": (known.password_hash, changed),
        "role": profile["role"],
        "gone": (gone, account().await.is_none()),
    })
}

/// Three products are added, one of them changed and one sold out; a file changes the third and brings a fourth; all
/// are listed, written out, and taken out of the shop again.
pub(crate) async fn a_catalogue(database: &Database) -> Value {
    let sku = |name: &str| format!("{name}-{}", Uuid::now_v7());
    let (mut ids, last) = (Vec::new(), sku("apple"));
    for (sku, name, amount) in
        [(sku("etui"), "Étui", 400), (sku("zither"), "Zither", 300), (last.clone(), "apple", 500)]
    {
        let new = json!({ "sku": sku, "name": name, "description": "It's \"odd\", isn't it?", "stock": 3,
            "price": { "amount": amount, "currency": "chf" } });
        let created = catalog::create(database, serde_json::from_value(new).expect("a product")).await;
        ids.push(created.expect("creates").id);
    }
    let any = || Versions { any_of: None, none_of: vec![7] };
    let change = json!({ "name": "Zither", "description": "New \\ strings", "featured": true,
        "price": { "amount": 350, "currency": "chf" } });
    let change = serde_json::from_value(change).expect("a change");
    let updated = catalog::update(database, ids[1], change, any()).await.expect("updates");
    let fewer = serde_json::from_value(json!({ "change": -3, "expected": 3 })).expect("a change");
    let stock = catalog::set_stock(database, ids[0], fewer).await.expect("changes");

    let imported = a_file(database, last, sku("mug")).await;
    let lists = lists(database).await;
    let mut lines = Vec::new();
    let before = ids[0];
    for exported in catalog::export(database, Some(before), 10).await.expect("exports") {
        let mut line = serde_json::to_value(&exported.line).expect("JSON");
        line["sku"].take();
        lines.push(line);
        ids.push(exported.id);
    }
    // Those that were made here are written out too.
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    for id in ids {
        catalog::archive(database, id, any()).await.expect("archives");
    }
    json!({
        "updated": (updated.name, updated.version),
        "stock": (serde_json::to_value(&stock).expect("JSON")["available"].take(), stock.turned),
        "imported": imported,
        "lists": lists,
        "lines": lines,
    })
}

/// A file that changes one product, adds another, and has a line that is none.
async fn a_file(database: &Database, known: String, new: String) -> Value {
    let object = format!("products/{}.csv", Uuid::now_v7());
    let upload = Upload { object, etag: "\"1\"".to_owned(), uploaded_at: OffsetDateTime::now_utc() };
    catalog::begin(database, &upload).await.expect("answers").expect("is this one");
    let mut batch = Batch::after(0);
    for (sku, name) in [(known, "Äpfel"), (new, "Mug")] {
        batch.until += 1;
        let line = json!({ "sku": sku, "name": name, "description": "'\\' it is", "stock": 9,
            "price": { "amount": 500, "currency": "chf" } });
        batch.push(batch.until, Ok(serde_json::from_value(line).expect("a line")));
    }
    batch.until += 1;
    batch.push(batch.until, Err(Refusal { line: 3, field: None, message: "is not UTF-8".to_owned() }));
    let written = catalog::import(database, &upload, batch).await.expect("answers").expect("is there");
    let told = catalog::changed_last(database, &upload).await.expect("answers").len();
    let ended = catalog::end(database, &upload, 3, None).await.expect("answers").expect("is there");
    let mut ended = serde_json::to_value(ended).expect("JSON");
    ended["object"].take();
    json!([written.created, written.changed.len(), told, ended])
}

/// What is sold for 350 francs or more, in each order, two a page.
async fn lists(database: &Database) -> Vec<Value> {
    let mut lists = Vec::new();
    for order in [Order::Newest, Order::Name, Order::Price, Order::PriceDown] {
        let prices = Prices::new(Some("chf".parse().expect("a currency")), Some(350), None);
        let filter = Filter { prices: prices.expect("comparable"), ..Filter::default() };
        let mut after = None;
        loop {
            let page = catalog::list(database, order, &filter, after, 2).await.expect("a list");
            let page = serde_json::to_value(page).expect("JSON");
            let products = page["products"].as_array().expect("a list").iter();
            lists.extend(
                products.map(|product| json!([product["name"], product["in_stock"], product["version"]])),
            );
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            after = Some(cursor.parse().expect("a cursor"));
        }
    }
    lists
}

/// An order that is due is charged, and a part of the money given back; an administrator looks at it.
pub(crate) async fn money(database: &Database, customer: Uuid, product: ProductId, order: OrderId) -> Value {
    let intent = json!({ "id": format!("pi_{order}"), "object": "payment_intent", "status": "succeeded",
        "amount": 4095, "currency": "usd", "latest_charge": { "id": "ch_1", "status": "succeeded" } });
    let (provider, charging) = (Provider::with_intent(&intent), Charging::new());
    provider.says(
        "refund",
        200,
        &json!({ "id": "re_1", "object": "refund", "status": "succeeded", "amount": 1000,
        "charge": { "id": "ch_1", "status": "succeeded", "amount_refunded": 1000 } }),
    );
    let lease = claim(database, order, PATIENCE).await.expect("answers").expect("is due");
    let (paid, _) = charging.advance(database, lease, &provider).await;
    let body = json!({ "amount": 1000, "returned": [{ "product_id": product, "quantity": 1 }] });
    let request = || RefundRequest {
        order,
        administrator: User::of_shop(customer, Role::Administrator),
        key: "a-refund".parse().expect("a key"),
        body: b"body",
        wanted: serde_json::from_value(body.clone()).expect("reads"),
    };
    let Ok(RefundBegun::New(lease, amount)) = begin_refund(database, request()).await else {
        panic!("not begun");
    };
    let (refunded, _) = charging.advance(database, *lease, &provider).await;
    let Ok(RefundBegun::Repeated(state, again)) = begin_refund(database, request()).await else {
        panic!("not repeated");
    };
    let wanted = Wanted { customer: Some(customer.to_string().parse().expect("an id")), ..Wanted::default() };
    let listed = orders::list_all(database, wanted, None, 1).await.expect("a list");
    let listed = serde_json::to_value(listed).expect("JSON")["orders"][0].clone();
    let dossier = orders::find_any(database, order).await.expect("answers").expect("is there");
    let dossier = serde_json::to_value(dossier).expect("JSON");
    let history = dossier["history"].as_array().expect("a history").iter();
    let history = history.map(|entry| {
        assert!(entry["at"].as_str().is_some_and(|time| time.ends_with('Z')), "{entry}");
        format!("{} {} {}", entry["event"], entry["amount"], entry["note"])
    });
    // A statement writes several in the order that its plan happens to have.
    let history: BTreeSet<String> = history.collect();
    json!({
        "status": (paid.answer.status.as_str(), refunded.refund, state, amount, again),
        "listed": (&listed["status"], &listed["total"], &listed["refunded"], &listed["customer"]["email"]),
        "found": (&dossier["status"], &dossier["items"], &dossier["charge"]["refunded"], &dossier["customer"]["email"]),
        "history": history,
    })
}
