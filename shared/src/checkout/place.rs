//! Placing an order: the first statement of a checkout, before any call to the provider.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::FromRow;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::idempotency::{in_progress, request_digest};
use super::lease::{LEASE, Lease};
use super::{Cart, ExpectedTotal, IdempotencyKey};
use crate::auth::User;
use crate::catalog::{Currency, Money, ProductId, Rule};
use crate::config::Unpaid;
use crate::database::{Database, Query, Statement};
use crate::error::{Error, Kind, Result, account_is_gone, internal, invalid};
use crate::kill_point::KillPoint;
use crate::orders::{Answer, OrderId, OrderStatus, StoredCharge};
use crate::time_limit::whole_seconds;

static PLACE: Statement = Statement::new("checkout.place", include_str!("place.sql")).stored();
static KNOWN: Statement = Statement::new("checkout.known", include_str!("known.sql"));

/// A checkout and who asked for it.
pub struct Purchase<'a> {
    /// The customer.
    pub user: User,
    /// The customer's name for this request.
    pub key: IdempotencyKey,
    /// The body as it came in: the same key with another body is another request.
    pub body: &'a [u8],
    /// The body as it was read.
    pub cart: Cart,
    /// What a customer may leave unpaid, this order included.
    pub unpaid: Unpaid,
}

/// What became of a request.
#[derive(Debug)]
pub enum Placed<T> {
    /// A new order.
    New(T),
    /// A new order of nothing that costs: paid already, without the provider.
    Free(Answer),
    /// The order of an earlier request with the same key and body, as it stands.
    Repeated(Answer),
}

#[derive(FromRow)]
struct Row {
    placed: bool,
    amount: Option<i64>,
    currency: Option<String>,
    refused: Option<Json<Vec<Refused>>>,
    objection: Option<String>,
    prices: Option<Json<Value>>,
    unpaid_orders: i64,
    unpaid_pieces: i64,
    known: Option<Json<Known>>,
}

#[derive(Deserialize)]
struct Refused {
    product_id: ProductId,
    reason: String,
    available: i32,
}

/// The order of an earlier request, as it stands.
#[derive(Deserialize)]
struct Known {
    id: OrderId,
    status: OrderStatus,
    total: i64,
    currency: Currency,
    #[serde(with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
    request_digest: String,
    answered: bool,
    leased: bool,
    was_paid: bool,
    #[serde(flatten)]
    charge: StoredCharge,
}

/// How a new order begins.
struct Begin {
    order: OrderId,
    status: OrderStatus,
    /// Whoever charges it now.
    owner: Option<Uuid>,
    /// When somebody else may go on with it.
    next: Duration,
    deadline: OffsetDateTime,
}

impl Purchase<'_> {
    /// Places the order for charging it now: whoever placed it holds its lease. It is given up after `patience`.
    ///
    /// # Errors
    /// 409 out of stock, naming the lines; 409 where the total is not the expected one, or the customer owes too much;
    /// 409 in progress; 401 for an account that was erased; 422 for a key that came with another body before, for
    /// products that do not exist, are sold in different currencies or come to what the provider does not take; 503 if
    /// the database is away. After a refusal nothing was placed; after 503 it may have been.
    pub async fn place_leased(&self, database: &Database, patience: Duration) -> Result<Placed<Lease>> {
        let (order, owner, deadline) = (OrderId::new(), Uuid::now_v7(), deadline(patience));
        let begin = Begin { order, status: OrderStatus::Charging, owner: Some(owner), next: LEASE, deadline };
        self.place(database, &begin, |total| {
            Lease::of_new_order(order, owner, total, self.cart.payment_method.clone(), deadline)
        })
        .await
    }

    /// Places the order for charging it after `wait`, when the breaker will let a call through again.
    ///
    /// # Errors
    /// As [`Purchase::place_leased`].
    pub async fn place_deferred(
        &self,
        database: &Database,
        wait: Duration,
        patience: Duration,
    ) -> Result<Placed<Answer>> {
        let (order, deadline) = (OrderId::new(), deadline(patience));
        let begin = Begin { order, status: OrderStatus::Deferred, owner: None, next: wait, deadline };
        self.place(database, &begin, |total| {
            Answer::new(order, OrderStatus::Deferred, total, None).until(Some(deadline))
        })
        .await
    }

    /// Once more where the schema's own guard of the stock refused what our statement had found to be there: nothing
    /// was written then, and the second time the pieces are there or are told to be short.
    async fn try_to_place(&self, database: &Database, begin: &Begin, digest: &str) -> Result<Row> {
        match database.fetch_one(self.query(begin, digest)).await {
            Err(error) if error.constraint() == Some("inventory_available_check") => {
                tracing::warn!("stock that was there under its lock was not; placing the order once more");
                Ok(database.fetch_one(self.query(begin, digest)).await?)
            }
            placed => Ok(placed?),
        }
    }

    async fn place<T>(
        &self,
        database: &Database,
        begin: &Begin,
        placed: impl FnOnce(Money) -> T,
    ) -> Result<Placed<T>> {
        let digest = request_digest(self.body);
        KillPoint::BeforePlace.reached();
        let mut row = self.try_to_place(database, begin, &digest).await?;
        KillPoint::AfterPlace.reached();
        if let Some(Json(known)) = row.known.take() {
            return known.repeat(&digest);
        }
        if !row.placed {
            // Another request with this key committed after our statement had begun; and perhaps it was that one, the
            // same submitted twice, that took the last pieces.
            return match (self.known(database).await?, row.refusal(&self.cart)) {
                (Some(known), _) => known.repeat(&digest),
                (None, Some(refusal)) => Err(refusal),
                (None, None) => Err(internal("an order was neither placed nor refused nor known")),
            };
        }
        let total = money(row.amount.unwrap_or_default(), row.currency.as_deref().unwrap_or_default())?;
        if total.amount == 0 {
            return Ok(Placed::Free(Answer::free(begin.order, total)));
        }
        Ok(Placed::New(placed(total)))
    }

    fn query(&self, begin: &Begin, digest: &str) -> Query {
        let (items, expected) = (&self.cart.items, self.cart.expected_total);
        let subject = self.user.subject.as_ref();
        let rules = Rule::all().collect::<Vec<_>>();
        PLACE
            .bind(begin.order)
            .bind(self.user.id)
            .bind(self.key.as_str())
            .bind(digest)
            .bind(items.iter().map(|item| item.product_id.0).collect::<Vec<_>>())
            .bind(items.iter().map(|item| item.quantity).collect::<Vec<_>>())
            .bind(self.cart.payment_method.as_str())
            .bind(begin.status.as_str())
            .bind(whole_seconds(begin.next))
            .bind(begin.owner.is_none())
            .bind(begin.owner)
            .bind(rules.iter().map(|rule| rule.currencies).collect::<Vec<_>>())
            .bind(rules.iter().map(|rule| rule.smallest).collect::<Vec<_>>())
            .bind(rules.iter().map(|rule| rule.largest).collect::<Vec<_>>())
            .bind(rules.iter().map(|rule| rule.multiple).collect::<Vec<_>>())
            .bind(begin.deadline)
            .bind(expected.map(|total| total.amount))
            .bind(expected.map(|total| total.currency.to_string()))
            .bind(i64::from(self.unpaid.orders))
            .bind(i64::from(self.unpaid.pieces))
            .bind(subject.map(|subject| subject.issuer.as_str()))
            .bind(subject.map(|subject| subject.name.as_str()))
    }

    async fn known(&self, database: &Database) -> Result<Option<Known>> {
        let known: Option<(Json<Known>,)> =
            database.fetch_optional(KNOWN.bind(self.user.id).bind(self.key.as_str())).await?;
        Ok(known.map(|(known,)| known.0))
    }
}

impl Row {
    /// Why nothing was placed.
    fn refusal(&self, cart: &Cart) -> Option<Error> {
        if self.objection.as_deref() == Some("gone") {
            return Some(account_is_gone());
        }
        if let Some(Json(refused)) = &self.refused {
            return Some(not_to_be_had(refused, cart));
        }
        let amount = self.amount.unwrap_or_default();
        let currency = self.currency.as_deref().unwrap_or_default();
        match self.objection.as_deref()? {
            "currencies" => Some(invalid("items", "must all be sold in one currency")),
            "total" => {
                let prices = self.prices.as_ref().map(|prices| prices.0.clone()).unwrap_or_default();
                let actual = json!({ "amount": amount, "currency": currency });
                Some(total_changed(cart.expected_total, actual, prices))
            }
            "amount" => Some(misfit(amount, currency)),
            "unpaid" => Some(has_too_much(amount == 0, self.unpaid_orders, self.unpaid_pieces)),
            _ => None,
        }
    }
}

impl Known {
    /// The rules of the Idempotency-Key draft, section 2.6. What is answered is the order as it stands, which is the
    /// first answer until something has come after it.
    fn repeat<T>(self, digest: &str) -> Result<Placed<T>> {
        if self.request_digest != digest {
            let detail = "This Idempotency-Key was used for another order. Choose a new key for a new order.";
            return Err(Error::new(Kind::IdempotencyKeyReused, detail));
        }
        // Else the first request died before it could answer; the order went on without it.
        if !self.answered && (self.leased || self.status == OrderStatus::Charging) {
            return Err(in_progress(self.id));
        }
        Ok(Placed::Repeated(Answer {
            order_id: self.id,
            status: self.status,
            total: Money { amount: self.total, currency: self.currency },
            charge: self.charge.shown(self.status),
            deadline: self.deadline,
            was_paid: self.was_paid,
        }))
    }
}

fn money(amount: i64, currency: &str) -> Result<Money> {
    Ok(Money { amount, currency: Currency::parse(currency).map_err(internal)? })
}

/// On a whole second, as it is told.
fn deadline(patience: Duration) -> OffsetDateTime {
    OffsetDateTime::now_utc().truncate_to_second() + patience
}

/// Says what the whole cart has to come to.
fn misfit(amount: i64, currency: &str) -> Error {
    let Some(rule) = Rule::of(currency) else {
        return invalid("items", format!("are sold in {currency}, which cannot be charged"));
    };
    match (rule.misfit(amount), Currency::parse(currency)) {
        (Some(misfit), Ok(currency)) => invalid("items", rule.explain(misfit, currency)),
        _ => internal("the amount of a cart fits here and not in the database"),
    }
}

/// Says what the customer expected, what it is, and what each line costs.
fn total_changed(expected: Option<ExpectedTotal>, actual: Value, prices: Value) -> Error {
    let detail = "The cart's total is not the expected one. This request ordered nothing.";
    let error = Error::new(Kind::TotalChanged, detail).member("actual", actual).member("items", prices);
    error.member("expected", serde_json::to_value(expected).unwrap_or_default())
}

/// Says how much is unpaid, or was had for nothing, and the ways out.
fn has_too_much(free: bool, orders: i64, pieces: i64) -> Error {
    let detail = if free {
        "This order would exceed your limit of free orders or items a day. This request ordered nothing. Try again \
        tomorrow."
    } else {
        "This order would exceed your limit of unpaid orders or items. This request ordered nothing. Pay or cancel a \
        waiting order, or wait until one is settled."
    };
    Error::new(Kind::TooManyUnpaid, detail).member("unpaid_orders", orders).member("unpaid_pieces", pieces)
}

/// Names every line that cannot be had.
fn not_to_be_had(refused: &[Refused], cart: &Cart) -> Error {
    let unknown = refused.iter().any(|line| line.reason == "unknown");
    let error = if unknown {
        Error::new(Kind::Validation, "Some products of the order do not exist.")
    } else {
        Error::new(
            Kind::OutOfStock,
            "There is not enough stock of some products. This request ordered nothing.",
        )
    };
    refused.iter().filter(|line| !unknown || line.reason == "unknown").fold(error, |error, line| {
        let index = cart.items.iter().position(|item| item.product_id == line.product_id);
        let field = |name| format!("items[{}].{name}", index.unwrap_or_default());
        if unknown {
            error.field(field("product_id"), "there is no such product")
        } else {
            error.field(field("quantity"), format!("only {} left", line.available))
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_statements_tell_the_order_of_an_earlier_request_alike() {
        let told = |sql: &str| {
            let told = sql.split_once("o.id, ").and_then(|(_, rest)| rest.split_once("where o."));
            told.expect("a select").0.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(include_str!("known.sql")), told(include_str!("place.sql")));
    }
}
