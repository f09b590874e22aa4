//! The audit finds what it is there for: one fault in the books at a time.

use serde_json::json;

use super::*;
use crate::witness::{Said, StockChange, Witness};

const ORDER: &str = "0190-order";

/// A shop in which one order was paid, and everything fits.
struct Shop {
    books: Books,
    ledger: Ledger,
    seen: Seen,
}

impl Shop {
    fn new() -> Self {
        let user = shop::user(10).to_string();
        let books = json!({
            "orders": [{
                "id": ORDER, "user": user, "key": "key", "status": "paid", "total": 500, "currency": "usd",
                "intent": "pi_1", "charge": "ch_1", "refunded": 0, "placed": 1_000, "moved": 2_000,
            }],
            "refunds": [],
            "stock": [{
                "product": shop::product(1), "start": 10, "left": 9, "sold": 1, "ordered": 1_000, "moved": 2_000,
            }],
        });
        let ledger = json!({
            "intents": [{ "id": "pi_1", "order_id": ORDER, "status": "succeeded" }],
            "charges": [charge("ch_1")],
        });
        let witness = Witness::default();
        let number = witness.begin(10, "key".to_owned(), json!({}));
        witness.said(number, said(201, ORDER, "paid"));
        let books = serde_json::from_value(books).expect("books");
        Self { books, ledger: serde_json::from_value(ledger).expect("a ledger"), seen: witness.seen() }
    }

    /// Which of the eight are violated, counted from one.
    fn violated(&self) -> Vec<usize> {
        let figures = Evidence::new(&self.books, &self.ledger, &self.seen).figures();
        let violated = (1..).zip(&figures).filter(|(_, figure)| !figure.violations.is_empty());
        violated.map(|(number, _)| number).collect()
    }

    /// When one of them was violated.
    fn times(&self, number: usize) -> Vec<Option<Span>> {
        let figures = Evidence::new(&self.books, &self.ledger, &self.seen).figures();
        figures[number - 1].violations.iter().map(|violation| violation.when).collect()
    }

    fn order_is(&mut self, status: &str) {
        status.clone_into(&mut self.books.orders[0].status);
    }
}

fn charge(id: &str) -> serde_json::Value {
    json!({
        "id": id, "payment_intent": "pi_1", "order_id": ORDER, "status": "succeeded", "amount": 500,
        "amount_refunded": 0, "currency": "usd",
    })
}

fn said(status: u16, order: &str, word: &str) -> Said {
    Said { status, order: order.to_owned(), word: word.to_owned(), total: 500, intent: None }
}

#[test]
fn it_finds_nothing_where_everything_fits() {
    assert_eq!(Shop::new().violated(), [] as [usize; 0]);
}

#[test]
fn it_finds_a_second_charge() {
    let mut shop = Shop::new();
    shop.ledger.charges.push(serde_json::from_value(charge("ch_2")).expect("a charge"));
    assert_eq!(shop.violated(), [1, 3]);
}

#[test]
fn it_finds_an_order_that_was_lost_forgotten_or_told_otherwise() {
    for status in ["deferred", "charging", "failed"] {
        let mut shop = Shop::new();
        shop.order_is(status);
        assert!(shop.violated().contains(&2), "{status}");
    }
    let mut shop = Shop::new();
    shop.books.orders.clear();
    assert_eq!(shop.violated(), [2, 3]);
    let mut shop = Shop::new();
    shop.seen.purchases[0].said = vec![said(409, "", "")];
    assert_eq!(shop.violated(), [2]);
    let mut shop = Shop::new();
    shop.seen.purchases[0].said.push(said(202, "another", "deferred"));
    assert_eq!(shop.violated(), [2]);
    let mut shop = Shop::new();
    shop.seen.purchases[0].cancelled = Some("cancelling".to_owned());
    assert_eq!(shop.violated(), [2]);
}

#[test]
fn pieces_may_come_in_between_two_submits_of_a_purchase_if_its_client_is_told_of_the_order() {
    let mut shop = Shop::new();
    shop.seen.purchases[0].said.insert(0, said(409, "", ""));
    assert_eq!(shop.violated(), [] as [usize; 0]);
}

#[test]
fn it_finds_a_charge_of_another_amount_and_a_payment_without_a_charge() {
    let mut shop = Shop::new();
    shop.ledger.charges[0].amount = 501;
    assert_eq!(shop.violated(), [3]);
    shop.ledger.charges.clear();
    assert_eq!(shop.violated(), [3]);
}

#[test]
fn it_finds_stock_that_was_sold_twice_or_never_came_back() {
    for (left, sold) in [(9, 2), (8, 1), (-1, 11)] {
        let mut shop = Shop::new();
        (shop.books.stock[0].left, shop.books.stock[0].sold) = (left, sold);
        assert_eq!(shop.violated(), [4]);
    }
}

#[test]
fn it_finds_a_charge_that_stands_for_a_cancelled_order() {
    let mut shop = Shop::new();
    shop.order_is("cancelled");
    assert_eq!(shop.violated(), [2, 3, 5]);
    (shop.ledger.charges[0].amount_refunded, shop.books.orders[0].refunded) = (500, 500);
    assert_eq!(shop.violated(), [2]);
    shop.ledger.intents[0].status = "processing".to_owned();
    assert_eq!(shop.violated(), [2, 5]);
}

#[test]
fn it_finds_a_stale_read() {
    let mut shop = Shop::new();
    shop.seen.freshness.updated(1, 2);
    let reader = shop.seen.freshness.reader(1, "its page");
    shop.seen.freshness.read(reader, 1);
    assert_eq!(shop.violated(), [6]);
}

/// Half of the order was given back, as an administrator asked.
fn half_brought_back() -> Shop {
    let mut shop = Shop::new();
    let refund = json!({ "order": ORDER, "key": "back", "amount": 250, "status": "succeeded" });
    shop.books.refunds.push(serde_json::from_value(refund).expect("a refund"));
    (shop.books.orders[0].refunded, shop.ledger.charges[0].amount_refunded) = (250, 250);
    let (order, key, word) = (ORDER.to_owned(), "back".to_owned(), "pending".to_owned());
    shop.seen.refunds.push(ToldRefund { order, key, amount: 250, word });
    shop
}

#[test]
fn it_finds_a_refund_that_was_made_twice_lost_or_never_ended() {
    assert_eq!(half_brought_back().violated(), [] as [usize; 0]);
    let mut twice = half_brought_back();
    twice.ledger.charges[0].amount_refunded = 500;
    assert!(twice.violated().contains(&7));
    let mut lost = half_brought_back();
    lost.books.refunds.clear();
    assert_eq!(lost.violated(), [7]);
    let mut never_ended = half_brought_back();
    "pending".clone_into(&mut never_ended.books.refunds[0].status);
    assert_eq!(never_ended.violated(), [7]);
    let mut unasked = half_brought_back();
    (unasked.books.orders[0].refunded, unasked.ledger.charges[0].amount_refunded) = (300, 300);
    assert_eq!(unasked.violated(), [7]);
    let mut otherwise = half_brought_back();
    otherwise.seen.refunds[0].amount = 251;
    assert_eq!(otherwise.violated(), [7]);
}

#[test]
fn an_order_that_was_paid_may_be_given_back_as_a_whole_by_who_asked_and_by_nobody_else() {
    let mut shop = half_brought_back();
    shop.order_is("refunded");
    (shop.books.refunds[0].amount, shop.seen.refunds[0].amount) = (500, 500);
    (shop.books.orders[0].refunded, shop.ledger.charges[0].amount_refunded) = (500, 500);
    assert_eq!(shop.violated(), [] as [usize; 0]);
    shop.books.refunds.clear();
    shop.seen.refunds.clear();
    assert_eq!(shop.violated(), [2]);
}

#[test]
fn it_finds_a_change_of_stock_that_was_lost_and_allows_one_that_nobody_answered() {
    let change = |change, acknowledged| {
        let when = Span { from: moment(500), to: moment(1_500) };
        StockChange { product: shop::product(1), change, acknowledged, when }
    };
    let mut shop = Shop::new();
    shop.seen.stock_changes.push(change(5, true));
    assert_eq!(shop.violated(), [4, 8]);
    let taken_or_counted = Some(Span { from: moment(500), to: moment(2_000) });
    assert_eq!(shop.times(4), [taken_or_counted]);
    assert_eq!(shop.times(8), [taken_or_counted]);
    shop.books.stock[0].left = 14;
    assert_eq!(shop.violated(), [] as [usize; 0]);
    shop.seen.stock_changes.push(change(-2, false));
    assert_eq!(shop.violated(), [] as [usize; 0]);
    shop.books.stock[0].left = 12;
    assert_eq!(shop.violated(), [] as [usize; 0]);
    shop.books.stock[0].left = 13;
    assert_eq!(shop.violated(), [4, 8]);
}

#[test]
fn what_is_wrong_with_an_order_is_told_with_its_time() {
    let mut shop = Shop::new();
    shop.order_is("deferred");
    let placed_until_moved = Some(Span { from: moment(1_000), to: moment(2_000) });
    assert_eq!(shop.times(2), [placed_until_moved; 2]);
    // And with that of the purchase, where there is no order.
    shop.books.orders.clear();
    let Purchase { begun, answered, .. } = shop.seen.purchases[0];
    assert_eq!(shop.times(2), [answered.map(|to| Span { from: begun, to })]);
}
