//! The audit: what the database, the provider's ledger and the clients say must fit together.
//!
//! It knows nothing of how the shop works. Each figure is one of the six promises, with what was looked at and every
//! violation that was found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::shop;
use super::witness::{Purchase, Seen};
use provider::{Charge, Ledger};

/// One promise.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) promise: &'static str,
    /// How many things were looked at.
    pub(super) checked: usize,
    pub(super) violations: Vec<String>,
}

/// What the database knows.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Books {
    pub(super) orders: Vec<Order>,
    pub(super) stock: Vec<Stock>,
}

/// An order in the database.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) key: String,
    pub(super) status: String,
    pub(super) total: i64,
    pub(super) currency: String,
    pub(super) intent: Option<String>,
    pub(super) charge: Option<String>,
}

/// A product's stock: at the start, now, and in orders that stand.
#[derive(Debug, Deserialize)]
pub(super) struct Stock {
    pub(super) product: String,
    pub(super) start: i64,
    pub(super) left: i64,
    pub(super) sold: i64,
}

/// What is compared.
pub(super) struct Evidence<'a> {
    books: &'a Books,
    seen: &'a Seen,
    orders: BTreeMap<&'a str, &'a Order>,
    /// Successful charges by order.
    charges: BTreeMap<&'a str, Vec<&'a Charge>>,
    ledger: &'a Ledger,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(books: &'a Books, ledger: &'a Ledger, seen: &'a Seen) -> Self {
        let mut charges: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for charge in ledger.charges.iter().filter(|charge| charge.status == "succeeded") {
            charges.entry(charge.order_id.as_deref().unwrap_or_default()).or_default().push(charge);
        }
        let orders = books.orders.iter().map(|order| (order.id.as_str(), order)).collect();
        Self { books, seen, orders, charges, ledger }
    }

    /// The six figures of docs/checkout.md.
    pub(super) fn figures(&self) -> [Figure; 6] {
        [
            self.charged_once(),
            self.answers_hold(),
            self.charges_belong(),
            self.stock_adds_up(),
            self.nothing_unwanted_stands(),
            self.readers_are_up_to_date(),
        ]
    }

    fn charged_once(&self) -> Figure {
        let twice = self.charges.iter().filter(|(_, charges)| charges.len() > 1);
        Figure {
            promise: "no order has more than one successful charge",
            checked: self.books.orders.len(),
            violations: twice.map(|(order, charges)| format!("order {order}: {charges:?}")).collect(),
        }
    }

    fn answers_hold(&self) -> Figure {
        let mut violations = self.seen.complaints.clone();
        for purchase in &self.seen.purchases {
            violations.extend(self.broken_promises(purchase));
        }
        let finished = ["paid", "failed", "cancelled", "refunded"];
        let unfinished = self.books.orders.iter().filter(|order| !finished.contains(&order.status.as_str()));
        violations.extend(unfinished.map(|order| format!("order {} is still {}", order.id, order.status)));
        Figure {
            promise: "every order answered with 201 is paid, every one answered with 202 is finished",
            checked: self.seen.purchases.len(),
            violations,
        }
    }

    /// What one client was told and does not hold.
    fn broken_promises(&self, purchase: &Purchase) -> Vec<String> {
        let key = &purchase.key;
        let mut broken = Vec::new();
        let told: BTreeSet<_> = purchase.said.iter().map(|said| said.order.as_str()).collect();
        if told.len() > 1 {
            broken.push(format!("key {key} was answered with different orders: {:?}", purchase.said));
        }
        let user = shop::user(purchase.user).to_string();
        let ordered = self.books.orders.iter().find(|order| order.key == *key && order.user == user);
        for said in &purchase.said {
            let Some(order) = self.orders.get(said.order.as_str()) else {
                // Out of stock is the one answer without an order, and then there must be none.
                match ordered {
                    None if said.order.is_empty() => {}
                    _ => broken.push(format!("key {key} was told {said:?}, and there is {ordered:?}")),
                }
                continue;
            };
            let holds = match (said.status, said.word.as_str()) {
                (201, "paid") => order.status == "paid",
                (402, _) => order.status == "failed",
                _ => true,
            };
            if !holds {
                broken.push(format!("key {key} was told {said:?}, but the order is {}", order.status));
            }
            let cancelled = ["cancelled", "refunded"].contains(&order.status.as_str());
            if purchase.cancelled.is_some() && !cancelled {
                broken.push(format!("key {key}: cancellation accepted, but the order is {}", order.status));
            }
        }
        broken
    }

    fn charges_belong(&self) -> Figure {
        let mut violations = Vec::new();
        for charge in self.charges.values().flatten().filter(|charge| charge.stands()) {
            let order = charge.order_id.as_deref().and_then(|id| self.orders.get(id));
            let belongs = order.is_some_and(|order| {
                order.status == "paid"
                    && (order.total, &order.currency) == (charge.amount, &charge.currency)
                    && charge.amount_refunded == 0
                    && order.intent.as_deref() == Some(&charge.payment_intent)
                    && order.charge.as_deref() == Some(&charge.id)
            });
            if !belongs {
                violations.push(format!("{charge:?} belongs to {order:?}"));
            }
        }
        for order in self.books.orders.iter().filter(|order| order.status == "paid") {
            let charges = self.charges.get(order.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            if !charges.iter().any(|charge| charge.stands()) {
                violations.push(format!("order {} is paid without a charge: {charges:?}", order.id));
            }
        }
        Figure {
            promise: "every successful charge belongs to a paid order of that amount, or to a refund",
            checked: self.charges.values().map(Vec::len).sum(),
            violations,
        }
    }

    fn stock_adds_up(&self) -> Figure {
        let wrong = self.books.stock.iter().filter(|one| one.left < 0 || one.sold + one.left != one.start);
        Figure {
            promise: "stock sold + stock left = stock at the start, never negative",
            checked: self.books.stock.len(),
            violations: wrong
                .map(|Stock { product, start, left, sold }| {
                    format!("product {product}: {start} at the start, {sold} sold, {left} left")
                })
                .collect(),
        }
    }

    fn nothing_unwanted_stands(&self) -> Figure {
        let unwanted = ["failed", "cancelled", "refunded"];
        let orders = self.books.orders.iter().filter(|order| unwanted.contains(&order.status.as_str()));
        let mut violations = Vec::new();
        let mut checked = 0;
        for order in orders {
            checked += 1;
            let charges = self.charges.get(order.id.as_str()).into_iter().flatten();
            let standing = charges.filter(|charge| charge.stands());
            violations
                .extend(standing.map(|charge| format!("order {} is {}: {charge:?}", order.id, order.status)));
            let intent = self.ledger.intents.iter().find(|one| Some(&one.id) == order.intent.as_ref());
            // It could still be paid: somebody would have to notice.
            let open = intent.filter(|one| ["requires_action", "processing"].contains(&one.status.as_str()));
            violations
                .extend(open.map(|intent| format!("order {} is {}: {intent:?}", order.id, order.status)));
        }
        Figure { promise: "a cancelled or failed order has no standing charge", checked, violations }
    }

    fn readers_are_up_to_date(&self) -> Figure {
        Figure {
            promise: "after the last acknowledged update of a product, no reader gets an older one",
            checked: self.seen.freshness.reads(),
            violations: self.seen.freshness.violations(),
        }
    }

    /// Orders by where they stand.
    pub(super) fn orders_by_status(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for order in &self.books.orders {
            *counts.entry(order.status.as_str()).or_default() += 1;
        }
        counts
    }

    /// Intents that no order knows: made by somebody who died before he could store their ids.
    pub(super) fn orphans(&self) -> usize {
        let known: BTreeSet<_> =
            self.books.orders.iter().filter_map(|order| order.intent.as_deref()).collect();
        let orphaned = |id: &str, order: Option<&str>| !known.contains(id) && order.is_some();
        self.ledger.intents.iter().filter(|one| orphaned(&one.id, one.order_id.as_deref())).count()
    }
}

#[cfg(test)]
mod tests;
