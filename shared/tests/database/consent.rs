//! What a customer agrees to, is held to, and gets to see of it later.

use serde_json::{Value, json};
use shared::catalog::ProductId;
use shared::checkout::{ExpectedTotal, Item, Placed, Purchase, claim_to_cancel, leave};
use shared::config::Unpaid;
use shared::database::Statement;
use shared::error::Kind;
use shared::orders::{OrderId, find, items, list};
use uuid::Uuid;

use crate::checkout::{BODY, Shop, WAIT, new, purchase, refusal};

static REPRICE: Statement = Statement::new(
    "test.reprice",
    "update products set price = $2, name = 'Renamed', version = version + 1 where id = $1",
);
static FORGET_NAMES: Statement = Statement::new("test.forget_names", "update order_items set name = null");

fn expecting<'a>(purchase: Purchase<'a>, amount: i64, currency: &str) -> Purchase<'a> {
    let total = json!({ "amount": amount, "currency": currency });
    let expected: ExpectedTotal = serde_json::from_value(total).expect("a total");
    let mut purchase = purchase;
    purchase.cart.expected_total = Some(expected);
    purchase
}

#[tokio::test]
async fn a_cart_that_does_not_come_to_the_expected_total_is_refused_with_what_changed() {
    let shop = Shop::open().await;
    let (user, product, other) =
        (shop.customer().await, shop.product(2399, 10).await, shop.product(100, 10).await);
    let cart = [(product, 2), (other, 1)];
    let place = async |key, amount, currency| {
        let purchase = expecting(purchase(user, key, BODY, &cart), amount, currency);
        shop.places(purchase).await
    };
    new(place("agreed", 4898, "usd").await);
    shop.owner.execute(REPRICE.bind(product).bind(23_990_i64)).await.expect("updates");

    let refused = place("too-late", 4898, "usd").await.expect_err("refused");
    assert_eq!(refused.problem().kind(), Kind::TotalChanged);
    let body = refused.problem().body();
    assert_eq!(body["expected"], json!({ "amount": 4898, "currency": "usd" }));
    assert_eq!(body["actual"], json!({ "amount": 48_080, "currency": "usd" }));
    let price = |id: ProductId| {
        let line =
            body["items"].as_array().expect("lines").iter().find(|line| line["product_id"] == json!(id));
        line.expect("its line")["unit_price"].clone()
    };
    assert_eq!(price(product), json!({ "amount": 23_990, "currency": "usd" }));
    assert_eq!(price(other), json!({ "amount": 100, "currency": "usd" }));
    let euros = place("in-euros", 48_080, "eur").await;
    assert_eq!(refusal(euros), Some(Kind::TotalChanged));
    assert_eq!((shop.stock(product).await, shop.stock(other).await), (8, 9), "only the first took any");
    // What was agreed to stays agreed to, and who expects nothing is refused nothing.
    assert_eq!(refusal(place("agreed", 4898, "usd").await), Some(Kind::RequestInProgress));
    new(place("now", 48_080, "usd").await);
    new(shop.places(purchase(user, "whatever", BODY, &cart)).await);
}

#[tokio::test]
async fn the_total_is_told_with_every_answer() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(1250, 10).await);
    let later = purchase(user, "later", BODY, &[(product, 3)]);
    let told = serde_json::to_value(new(shop.defers(later).await));
    assert_eq!(told.expect("JSON")["total"], json!({ "amount": 3750, "currency": "usd" }));
    let gift = shop.product(0, 10).await;
    let free = shop.places(purchase(user, "free", BODY, &[(gift, 1)])).await;
    let Ok(Placed::Free(free)) = free else { panic!("not free") };
    assert_eq!((free.total.amount, free.total.currency.as_str()), (0, "usd"));
}

#[tokio::test]
async fn an_order_keeps_the_names_and_prices_of_the_day_it_was_placed() {
    let shop = Shop::open().await;
    let (user, product) = (shop.customer().await, shop.product(1250, 10).await);
    let placed = new(shop.defers(purchase(user, "key", BODY, &[(product, 2)])).await);
    shop.owner.execute(REPRICE.bind(product).bind(99_i64)).await.expect("updates");
    let line = |name| {
        let price = json!({ "amount": 1250, "currency": "usd" });
        json!([{ "product_id": product, "name": name, "quantity": 2, "unit_price": price }])
    };
    assert_eq!(shown(&shop, user, placed.order_id).await, [line("A product"), line("A product")]);
    assert_eq!(items(&shop.functions, &[placed.order_id]).await.expect("items")[0].name, "A product");
    // Orders from before names were kept have the catalogue's.
    shop.owner.execute(&FORGET_NAMES).await.expect("updates");
    assert_eq!(shown(&shop, user, placed.order_id).await, [line("Renamed"), line("Renamed")]);
    assert_eq!(items(&shop.functions, &[placed.order_id]).await.expect("items")[0].name, "Renamed");
}

/// An order's lines, by itself and in the list.
async fn shown(shop: &Shop, user: Uuid, order: OrderId) -> [Value; 2] {
    let found = find(&shop.functions, user, order).await.expect("answers").expect("is there");
    let page = list(&shop.functions, user, None, None, 1).await.expect("a page");
    let (found, page) = (serde_json::to_value(found), serde_json::to_value(page));
    [found.expect("JSON")["items"].clone(), page.expect("JSON")["orders"][0]["items"].clone()]
}

#[tokio::test]
async fn for_nothing_a_customer_gets_as_much_a_day_as_may_be_unpaid() {
    static A_DAY_AGO: Statement =
        Statement::new("test.a_day_ago", "update orders set created_at = created_at - interval '1 day'");
    let shop = Shop::open().await;
    let (user, other) = (shop.customer().await, shop.customer().await);
    let (product, gift) = (shop.product(100, 100).await, shop.product(0, 100).await);
    let place = async |user, key: &'static str, product, quantity| {
        let mut purchase = purchase(user, key, BODY, &[(product, quantity)]);
        purchase.unpaid = Unpaid { orders: 2, pieces: 10 };
        shop.defers(purchase).await
    };
    assert!(matches!(place(user, "first", gift, 6).await, Ok(Placed::Free(_))));
    let refused = place(user, "second", gift, 5).await.expect_err("refused");
    assert_eq!(refused.problem().kind(), Kind::TooManyUnpaid);
    assert!(refused.problem().detail().contains("free"), "{}", refused.problem().detail());
    let body = refused.problem().body();
    assert_eq!((&body["unpaid_orders"], &body["unpaid_pieces"]), (&json!(1), &json!(6)));
    assert!(matches!(place(user, "second", gift, 4).await, Ok(Placed::Free(_))));
    // Nor a third order; but what is paid for is another matter, and so are others and tomorrow.
    assert_eq!(refusal(place(user, "third", gift, 1).await), Some(Kind::TooManyUnpaid));
    new(place(user, "paid", product, 10).await);
    assert!(matches!(place(other, "first", gift, 10).await, Ok(Placed::Free(_))));
    assert!(matches!(place(user, "first", gift, 6).await, Ok(Placed::Repeated(_))));
    assert_eq!(shop.stock(gift).await, 80);
    shop.owner.execute(&A_DAY_AGO).await.expect("updates");
    assert!(matches!(place(user, "third", gift, 10).await, Ok(Placed::Free(_))));
}

#[tokio::test]
async fn a_customers_unpaid_orders_and_pieces_are_bounded_and_others_are_not_concerned() {
    let shop = Shop::open().await;
    let (user, other) = (shop.customer().await, shop.customer().await);
    let (product, gift) = (shop.product(100, 100).await, shop.product(0, 10).await);
    let place = async |user, key: &'static str, product, quantity| {
        let mut purchase = purchase(user, key, BODY, &[]);
        purchase.cart.items = vec![Item { product_id: product, quantity }];
        purchase.unpaid = Unpaid { orders: 3, pieces: 10 };
        shop.defers(purchase).await
    };
    let first = new(place(user, "first", product, 6).await);
    // Too many pieces with those.
    let refused = place(user, "second", product, 5).await.expect_err("refused");
    assert_eq!(refused.problem().kind(), Kind::TooManyUnpaid);
    let body = refused.problem().body();
    assert_eq!((&body["unpaid_orders"], &body["unpaid_pieces"]), (&json!(1), &json!(6)));
    new(place(user, "second", product, 2).await);
    new(place(user, "third", product, 1).await);
    // Ten pieces would be as many as may be, but not a fourth order.
    assert_eq!(refusal(place(user, "fourth", product, 1).await), Some(Kind::TooManyUnpaid));
    // Not for others, not for what costs nothing, and not for who asks again for what was placed.
    new(place(other, "first", product, 10).await);
    assert!(matches!(place(user, "gift", gift, 1).await, Ok(Placed::Free(_))));
    assert!(matches!(place(user, "first", product, 6).await, Ok(Placed::Repeated(again)) if again == first));
    assert_eq!(shop.stock(product).await, 81);
    // Whoever cancels one may place one.
    let lease =
        claim_to_cancel(&shop.functions, user, first.order_id).await.expect("answers").expect("theirs");
    assert_eq!(refusal(place(user, "fourth", product, 1).await), Some(Kind::TooManyUnpaid));
    leave(&shop.functions, lease, WAIT).await.expect("settles");
    new(place(user, "fourth", product, 7).await);
}
