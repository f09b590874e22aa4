//! The audit: what the database, the provider's ledger and the clients say must fit together.
//!
//! It knows nothing of how the shop works. Each figure is one of the promises, with what was looked at and every
//! violation that was found.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use time::OffsetDateTime;

use super::chronicle::{Span, Violation};
use super::shop;
use super::witness::{Purchase, Seen, ToldRefund};
use provider::{Charge, Ledger};

/// One promise.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) promise: &'static str,
    /// How many things were looked at.
    pub(super) checked: usize,
    pub(super) violations: Vec<Violation>,
}

/// What the database knows.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Books {
    pub(super) orders: Vec<Order>,
    pub(super) stock: Vec<Stock>,
    pub(super) refunds: Vec<Refund>,
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
    /// How much of it went back.
    pub(super) refunded: i64,
    /// When it was placed and when it last came to something else, in milliseconds since 1970.
    pub(super) placed: i64,
    pub(super) moved: i64,
}

impl Order {
    /// What is wrong with it, from when it was placed until nothing was done about it any more.
    fn violation(&self, what: String) -> Violation {
        Violation { what, when: Some(Span { from: moment(self.placed), to: moment(self.moved) }) }
    }
}

impl Purchase {
    /// What is wrong with it, if it has no order: from when its customer decided to buy until there was an answer.
    fn violation(&self, what: String) -> Violation {
        Violation { what, when: Some(Span { from: self.begun, to: self.answered.unwrap_or(self.begun) }) }
    }
}

fn moment(ms: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(ms)
}

/// A refund that an administrator wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) order: String,
    pub(super) key: String,
    pub(super) amount: i64,
    pub(super) status: String,
}

/// A product's stock: at the start, now, and in orders that were kept, without what came back of them.
#[derive(Debug, Deserialize)]
pub(super) struct Stock {
    pub(super) product: String,
    pub(super) start: i64,
    pub(super) left: i64,
    pub(super) sold: i64,
    /// When it was first ordered and when an order of it last came to something else, in milliseconds since 1970; none
    /// where nobody has ordered it.
    pub(super) ordered: Option<i64>,
    pub(super) moved: Option<i64>,
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

    /// The figures of docs/checkout.md but the last three, of files and of time.
    pub(super) fn figures(&self) -> [Figure; 8] {
        [
            self.charged_once(),
            self.answers_hold(),
            self.charges_belong(),
            self.stock_adds_up(),
            self.nothing_unwanted_stands(),
            self.readers_are_up_to_date(),
            self.money_adds_up(),
            self.stock_changes_hold(),
        ]
    }

    fn charged_once(&self) -> Figure {
        let twice = self.charges.iter().filter(|(_, charges)| charges.len() > 1);
        Figure {
            promise: "no order has more than one successful charge",
            checked: self.books.orders.len(),
            violations: twice
                .map(|(order, charges)| self.about(order, format!("order {order}: {charges:?}")))
                .collect(),
        }
    }

    fn answers_hold(&self) -> Figure {
        let mut violations = self.seen.complaints.clone();
        for purchase in &self.seen.purchases {
            violations.extend(self.broken_promises(purchase));
        }
        let finished = ["paid", "failed", "cancelled", "refunded"];
        let unfinished = self.books.orders.iter().filter(|order| !finished.contains(&order.status.as_str()));
        violations.extend(
            unfinished.map(|order| order.violation(format!("order {} is still {}", order.id, order.status))),
        );
        Figure {
            promise: "every order answered with 201 is paid, every one answered with 202 is finished",
            checked: self.seen.purchases.len(),
            violations,
        }
    }

    /// What one client was told and does not hold.
    fn broken_promises(&self, purchase: &Purchase) -> Vec<Violation> {
        let key = &purchase.key;
        let mut broken = Vec::new();
        let user = shop::user(purchase.user).to_string();
        let ordered = self.books.orders.iter().find(|order| order.key == *key && order.user == user);
        let about = |what| match ordered {
            Some(order) => order.violation(what),
            None => purchase.violation(what),
        };
        let named = purchase.said.iter().map(|said| said.order.as_str()).filter(|order| !order.is_empty());
        let told: BTreeSet<_> = named.collect();
        if told.len() > 1 {
            let what = format!("key {key} was answered with different orders: {:?}", purchase.said);
            broken.push(about(what));
        }
        for said in &purchase.said {
            let Some(order) = self.orders.get(said.order.as_str()) else {
                // Out of stock is the one answer without an order, and then there must be none; unless the request was
                // sent again, found that pieces had come in, and was told of its order.
                match ordered {
                    None if said.order.is_empty() => {}
                    Some(order) if said.order.is_empty() && told.contains(order.id.as_str()) => {}
                    _ => {
                        let what = format!("key {key} was told {said:?}, and there is {ordered:?}");
                        broken.push(about(what));
                    }
                }
                continue;
            };
            let holds = match (said.status, said.word.as_str()) {
                // Or an administrator gave all of it back since.
                (201, "paid") => {
                    order.status == "paid" || (order.status == "refunded" && self.was_brought_back(&order.id))
                }
                (402, _) => order.status == "failed",
                _ => true,
            };
            if !holds {
                let what = format!("key {key} was told {said:?}, but the order is {}", order.status);
                broken.push(order.violation(what));
            }
            let cancelled = ["cancelled", "refunded"].contains(&order.status.as_str());
            if purchase.cancelled.is_some() && !cancelled {
                let what = format!("key {key}: cancellation accepted, but the order is {}", order.status);
                broken.push(order.violation(what));
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
                    && order.intent.as_deref() == Some(&charge.payment_intent)
                    && order.charge.as_deref() == Some(&charge.id)
            });
            if !belongs {
                let id = charge.order_id.as_deref().unwrap_or_default();
                violations.push(self.about(id, format!("{charge:?} belongs to {order:?}")));
            }
        }
        for order in self.books.orders.iter().filter(|order| order.status == "paid") {
            let charges = self.charges.get(order.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            if !charges.iter().any(|charge| charge.stands()) {
                let what = format!("order {} is paid without a charge: {charges:?}", order.id);
                violations.push(order.violation(what));
            }
        }
        Figure {
            promise: "every successful charge belongs to a paid order of that amount, or to a refund",
            checked: self.charges.values().map(Vec::len).sum(),
            violations,
        }
    }

    fn stock_adds_up(&self) -> Figure {
        Figure {
            promise: "stock sold + stock left = stock at the start and what was added, never negative",
            checked: self.books.stock.len(),
            violations: self.books.stock.iter().filter_map(|stock| self.wrong(stock)).collect(),
        }
    }

    /// No acknowledged change of a product's stock is lost, made twice, or undone by whoever bought at that moment.
    fn stock_changes_hold(&self) -> Figure {
        let acknowledged = || self.seen.stock_changes.iter().filter(|change| change.acknowledged);
        let changed: BTreeSet<_> = acknowledged().map(|change| change.product.to_string()).collect();
        let stock = self.books.stock.iter().filter(|stock| changed.contains(&stock.product));
        Figure {
            promise: "no change of stock is lost",
            checked: acknowledged().count(),
            violations: stock.filter_map(|stock| self.wrong(stock)).collect(),
        }
    }

    /// What is wrong with a product's stock, from when anybody first took or counted pieces of it until nobody did any
    /// more. A change that was not answered may have been made.
    fn wrong(&self, stock: &Stock) -> Option<Violation> {
        let Stock { product, start, left, sold, ordered, moved } = stock;
        let changes =
            || self.seen.stock_changes.iter().filter(|change| change.product.to_string() == *product);
        let mut possible = BTreeSet::from([*start]);
        for change in changes() {
            let made = possible.iter().map(|pieces| pieces + change.change);
            let made: BTreeSet<_> = made.collect();
            possible = if change.acknowledged { made } else { &possible | &made };
        }
        let holds = *left >= 0 && possible.contains(&(sold + left));
        let what = || {
            let ends = (possible.first().unwrap_or(start), possible.last().unwrap_or(start));
            format!(
                "product {product}: {start} at the start, {sold} sold, {left} left, {ends:?} expected in all"
            )
        };
        let orders = ordered.zip(*moved).map(|(from, to)| Span { from: moment(from), to: moment(to) });
        let when = || orders.into_iter().chain(changes().map(|change| change.when)).reduce(Span::and);
        (!holds).then(|| Violation { what: what(), when: when() })
    }

    /// What the provider gave back is what our books say, and what administrators asked for.
    fn money_adds_up(&self) -> Figure {
        let mut violations: Vec<_> =
            self.seen.refunds.iter().filter_map(|told| self.broken_refund(told)).collect();
        for order in &self.books.orders {
            let charges = self.charges.get(order.id.as_str()).into_iter().flatten();
            let given: i64 = charges.map(|charge| charge.amount_refunded).sum();
            let wanted = self.refunds_of(&order.id).filter(|refund| refund.status == "succeeded");
            let wanted: i64 = wanted.map(|refund| refund.amount).sum();
            let asked_for = !self.was_brought_back(&order.id) || wanted == order.refunded;
            let whole = order.status != "paid" || order.refunded < order.total;
            if given != order.refunded || !asked_for || !whole {
                violations
                    .push(order.violation(format!("{order:?}: {given} given back, {wanted} asked for")));
            }
        }
        let pending = self.books.refunds.iter().filter(|refund| refund.status == "pending");
        violations
            .extend(pending.map(|refund| self.about(&refund.order, format!("still pending: {refund:?}"))));
        Figure {
            promise: "refunded + kept = charged, and every refund that was accepted is made once",
            checked: self.books.refunds.len(),
            violations,
        }
    }

    /// What an administrator was told of a refund and does not hold.
    fn broken_refund(&self, told: &ToldRefund) -> Option<Violation> {
        let made = self.refunds_of(&told.order).find(|refund| refund.key == told.key);
        let holds = made.is_some_and(|made| {
            made.amount == told.amount && made.status == "succeeded" && told.word != "failed"
        });
        (!holds).then(|| self.about(&told.order, format!("{told:?}, and there is {made:?}")))
    }

    fn refunds_of(&self, order: &str) -> impl Iterator<Item = &Refund> {
        self.books.refunds.iter().filter(move |refund| refund.order == order)
    }

    /// Whether an administrator has given money of it back.
    fn was_brought_back(&self, order: &str) -> bool {
        self.refunds_of(order).any(|refund| refund.status == "succeeded")
    }

    /// Something that is wrong with an order, if there is one of this id.
    fn about(&self, order: &str, what: String) -> Violation {
        match self.orders.get(order) {
            Some(order) => order.violation(what),
            None => Violation::some_time(what),
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
            violations.extend(standing.map(|charge| {
                order.violation(format!("order {} is {}: {charge:?}", order.id, order.status))
            }));
            let intent = self.ledger.intents.iter().find(|one| Some(&one.id) == order.intent.as_ref());
            // It could still be paid: somebody would have to notice.
            let open = intent.filter(|one| ["requires_action", "processing"].contains(&one.status.as_str()));
            violations.extend(open.map(|intent| {
                order.violation(format!("order {} is {}: {intent:?}", order.id, order.status))
            }));
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
