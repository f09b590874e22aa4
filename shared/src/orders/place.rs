//! Placing an order: the first statement of a checkout, before any call to the provider.

use std::time::Duration;

use http::header;
use serde::Deserialize;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{
    Answer, Checkout, IdempotencyKey, OrderId, OrderStatus, idempotency::request_digest, lease::LEASE, lease::Lease,
};
use crate::{
    catalog::ProductId,
    database::{Database, Statement},
    error::{Error, Kind, Result, internal, invalid},
};

static PLACE: Statement = Statement::new("orders.place", include_str!("place.sql"));
static KNOWN: Statement = Statement::new("orders.known", include_str!("known.sql"));

/// How long a deferred order waits before the sweeper nudges somebody, should the queue not have done so.
const DEFERRED: Duration = Duration::from_secs(60);

/// Whether the order is charged at once or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Now, by the caller of [`place`], who holds the lease.
    ChargeNow,
    /// Later, by the worker: the breaker is open.
    Defer,
}

/// What became of a request.
#[derive(Debug)]
pub enum Placement {
    /// Placed, and leased to us: charge it.
    Leased(Lease),
    /// Placed, to be charged later.
    Deferred(Answer),
    /// Placed by an earlier request with the same key and body: the answer that one got, or would get now.
    Repeated(Answer),
}

#[derive(FromRow)]
struct Placed {
    placed: bool,
    amount: Option<i64>,
    currency: Option<String>,
    currencies: i64,
    refused: Option<Json<Vec<Refused>>>,
    known_id: Option<OrderId>,
    known_status: Option<String>,
    known_digest: Option<Vec<u8>>,
    known_answer: Option<Json<Answer>>,
    known_leased: bool,
}

#[derive(Deserialize)]
struct Refused {
    product_id: ProductId,
    reason: String,
    available: i32,
}

#[derive(FromRow)]
struct Known {
    id: OrderId,
    status: String,
    request_digest: Vec<u8>,
    answer: Option<Json<Answer>>,
    leased: bool,
}

/// Places an order, whole or not at all.
///
/// # Errors
/// 409 out of stock, naming the products; 409 in progress, 422 for a key that came with another body; 422 for products that
/// do not exist or are sold in different currencies; 503 if the database is away, and then nothing was placed.
pub async fn place(
    database: &Database,
    user: Uuid,
    key: &IdempotencyKey,
    body: &[u8],
    checkout: &Checkout,
    plan: Plan,
) -> Result<Placement> {
    let order = OrderId::new();
    let owner = Uuid::now_v7();
    let digest = request_digest(body);
    let deferred = Answer::new(order, OrderStatus::Deferred, None);
    let (status, answer, lease, seconds) = match plan {
        Plan::ChargeNow => (OrderStatus::Charging, None, Some(owner), LEASE),
        Plan::Defer => {
            (OrderStatus::Deferred, Some(serde_json::to_value(&deferred).map_err(internal)?), None, DEFERRED)
        }
    };
    let query = PLACE
        .bind(order)
        .bind(user)
        .bind(key.as_str())
        .bind(digest.as_slice())
        .bind(checkout.items.iter().map(|item| item.product_id.0).collect::<Vec<_>>())
        .bind(checkout.items.iter().map(|item| item.quantity).collect::<Vec<_>>())
        .bind(checkout.payment_method.as_str())
        .bind(status.as_str())
        .bind(answer)
        .bind(lease)
        .bind(i32::try_from(seconds.as_secs()).unwrap_or(i32::MAX));
    let row: Placed = database.fetch_one(query).await?;

    if let Some(known) = row.known() {
        return known.repeat(&digest);
    }
    if let Some(Json(refused)) = &row.refused {
        return Err(refusal(refused, checkout));
    }
    if row.currencies > 1 {
        return Err(invalid("items", "must be products of one currency"));
    }
    match (row.placed, plan) {
        (true, Plan::Defer) => Ok(Placement::Deferred(deferred)),
        (true, Plan::ChargeNow) => {
            let (Some(amount), Some(currency)) = (row.amount, row.currency) else {
                return Err(internal("an order was placed without a total"));
            };
            let method = checkout.payment_method.clone();
            Ok(Placement::Leased(Lease::of_new_order(order, owner, amount, currency, method)))
        }
        // Another request with this key committed after our statement had begun.
        (false, _) => {
            let query = KNOWN.bind(user).bind(key.as_str());
            let known: Option<Known> = database.fetch_optional(query).await?;
            known.ok_or_else(|| internal("an order was neither placed nor known"))?.repeat(&digest)
        }
    }
}

impl Placed {
    fn known(&self) -> Option<Known> {
        Some(Known {
            id: self.known_id?,
            status: self.known_status.clone()?,
            request_digest: self.known_digest.clone()?,
            answer: self.known_answer.clone(),
            leased: self.known_leased,
        })
    }
}

impl Known {
    /// The rules of the Idempotency-Key draft, section 2.6.
    fn repeat(self, digest: &[u8]) -> Result<Placement> {
        if self.request_digest != digest {
            let detail = "This Idempotency-Key was used for another order. Choose a new key for a new order.";
            return Err(Error::new(Kind::IdempotencyKeyReused, detail));
        }
        if let Some(Json(answer)) = self.answer {
            return Ok(Placement::Repeated(answer));
        }
        let status: OrderStatus = self.status.parse().map_err(internal)?;
        if self.leased || status == OrderStatus::Charging {
            let error = Error::new(Kind::RequestInProgress, "The first request with this key is still running.");
            let location = format!("/api/orders/{}", self.id);
            return Err(error.retry_after(Duration::from_secs(2)).header(header::LOCATION, &location));
        }
        // The first request died before it could answer; the order went on without it.
        Ok(Placement::Repeated(Answer::new(self.id, status, None)))
    }
}

/// Names every line that cannot be had.
fn refusal(refused: &[Refused], checkout: &Checkout) -> Error {
    let unknown = refused.iter().any(|line| line.reason == "unknown");
    let error = if unknown {
        Error::new(Kind::Validation, "Some products of the order do not exist.")
    } else {
        Error::new(Kind::OutOfStock, "Not enough is left of some products. Nothing was ordered.")
    };
    refused.iter().filter(|line| !unknown || line.reason == "unknown").fold(error, |error, line| {
        let index = checkout.items.iter().position(|item| item.product_id == line.product_id);
        let field = |name| format!("items[{}].{name}", index.unwrap_or_default());
        if unknown {
            error.field(field("product_id"), "there is no such product")
        } else {
            error.field(field("quantity"), format!("only {} left", line.available))
        }
    })
}
