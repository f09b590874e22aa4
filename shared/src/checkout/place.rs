//! Placing an order: the first statement of a checkout, before any call to the provider.

use std::time::Duration;

use http::header;
use serde::Deserialize;
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Cart, IdempotencyKey,
    idempotency::request_digest,
    lease::{LEASE, Lease},
};
use crate::{
    catalog::{Currency, ProductId, Rule},
    database::{Database, Query, Statement},
    error::{Error, Kind, Result, internal, invalid},
    kill_point::KillPoint,
    orders::{Answer, OrderId, OrderStatus},
    time_limit::whole_seconds,
};

static PLACE: Statement = Statement::new("checkout.place", include_str!("place.sql"));
static KNOWN: Statement = Statement::new("checkout.known", include_str!("known.sql"));

/// A checkout and who asked for it.
pub struct Purchase<'a> {
    /// The customer.
    pub user: Uuid,
    /// The customer's name for this request.
    pub key: IdempotencyKey,
    /// The body as it came in: the same key with another body is another request.
    pub body: &'a [u8],
    /// The body as it was read.
    pub cart: Cart,
}

/// What became of a request.
#[derive(Debug)]
pub enum Placed<T> {
    /// A new order.
    New(T),
    /// A new order of nothing that costs: paid already, without the provider.
    Free(Answer),
    /// The order of an earlier request with the same key and body: the answer that one got, or would get now.
    Repeated(Answer),
}

#[derive(FromRow)]
struct Row {
    placed: bool,
    amount: Option<i64>,
    currency: Option<String>,
    currencies: i64,
    fits: bool,
    refused: Option<Json<Vec<Refused>>>,
    known_id: Option<OrderId>,
    known_status: Option<String>,
    known_digest: Option<String>,
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
    request_digest: String,
    answer: Option<Json<Answer>>,
    leased: bool,
}

impl Purchase<'_> {
    /// Places the order for charging it now: whoever placed it holds its lease. It is given up after `patience`.
    ///
    /// # Errors
    /// 409 out of stock, naming the lines; 409 in progress; 422 for a key that came with another body before, for
    /// products that do not exist, are sold in different currencies or come to what the provider does not take; 503 if
    /// the database is away. Then nothing was placed.
    pub async fn place_leased(&self, database: &Database, patience: Duration) -> Result<Placed<Lease>> {
        let (order, owner) = (OrderId::new(), Uuid::now_v7());
        let deadline = deadline(patience);
        let query = self.query(order, OrderStatus::Charging, LEASE).bind(None::<Value>).bind(owner);
        self.place(database, order, query, deadline, |amount, currency| {
            let method = self.cart.payment_method.clone();
            Lease::of_new_order(order, owner, amount, currency, method, deadline)
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
        let answer = Answer::new(order, OrderStatus::Deferred, None).until(Some(deadline));
        let stored = serde_json::to_value(&answer).map_err(internal)?;
        let query = self.query(order, OrderStatus::Deferred, wait).bind(stored).bind(None::<Uuid>);
        self.place(database, order, query, deadline, |_, _| answer).await
    }

    fn query(&self, order: OrderId, status: OrderStatus, next: Duration) -> Query {
        let items = &self.cart.items;
        PLACE
            .bind(order)
            .bind(self.user)
            .bind(self.key.as_str())
            .bind(request_digest(self.body))
            .bind(items.iter().map(|item| item.product_id.0).collect::<Vec<_>>())
            .bind(items.iter().map(|item| item.quantity).collect::<Vec<_>>())
            .bind(self.cart.payment_method.as_str())
            .bind(status.as_str())
            .bind(whole_seconds(next))
    }

    async fn place<T>(
        &self,
        database: &Database,
        order: OrderId,
        query: Query,
        deadline: OffsetDateTime,
        placed: impl FnOnce(i64, String) -> T,
    ) -> Result<Placed<T>> {
        let free = Answer::free(order);
        let rules = Rule::all().collect::<Vec<_>>();
        let query = query
            .bind(serde_json::to_value(&free).map_err(internal)?)
            .bind(rules.iter().map(|rule| rule.currency).collect::<Vec<_>>())
            .bind(rules.iter().map(|rule| rule.smallest).collect::<Vec<_>>())
            .bind(rules.iter().map(|rule| rule.largest).collect::<Vec<_>>())
            .bind(rules.iter().map(|rule| rule.multiple).collect::<Vec<_>>())
            .bind(deadline);
        KillPoint::BeforePlace.reached();
        let row: Row = database.fetch_one(query).await?;
        KillPoint::AfterPlace.reached();
        let digest = request_digest(self.body);
        if let Some(known) = row.known() {
            return known.repeat(&digest);
        }
        if let Some(Json(refused)) = &row.refused {
            // Perhaps it was this very request, submitted twice, that took the last pieces while our statement waited.
            if let Some(known) = self.known(database).await? {
                return known.repeat(&digest);
            }
            return Err(refusal(refused, &self.cart));
        }
        if row.currencies > 1 {
            return Err(invalid("items", "must be products of one currency"));
        }
        if !row.fits {
            return Err(misfit(row.amount.unwrap_or_default(), row.currency.as_deref().unwrap_or_default()));
        }
        match (row.placed, row.amount, row.currency) {
            (true, Some(0), _) => Ok(Placed::Free(free)),
            (true, Some(amount), Some(currency)) => Ok(Placed::New(placed(amount, currency))),
            // Another request with this key committed after our statement had begun.
            _ => {
                let known = self.known(database).await?;
                known.ok_or_else(|| internal("an order was neither placed nor known"))?.repeat(&digest)
            }
        }
    }

    async fn known(&self, database: &Database) -> Result<Option<Known>> {
        Ok(database.fetch_optional(KNOWN.bind(self.user).bind(self.key.as_str())).await?)
    }
}

impl Row {
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
    fn repeat<T>(self, digest: &str) -> Result<Placed<T>> {
        if self.request_digest != digest {
            let detail = "This Idempotency-Key was used for another order. Choose a new key for a new order.";
            return Err(Error::new(Kind::IdempotencyKeyReused, detail));
        }
        if let Some(Json(answer)) = self.answer {
            return Ok(Placed::Repeated(answer));
        }
        let status: OrderStatus = self.status.parse().map_err(internal)?;
        if self.leased || status == OrderStatus::Charging {
            let error =
                Error::new(Kind::RequestInProgress, "The first request with this key is still running.");
            let location = format!("/api/orders/{}", self.id);
            return Err(error.retry_after(Duration::from_secs(2)).header(header::LOCATION, &location));
        }
        // The first request died before it could answer; the order went on without it.
        Ok(Placed::Repeated(Answer::new(self.id, status, None)))
    }
}

/// On a whole second, as it is told.
fn deadline(patience: Duration) -> OffsetDateTime {
    OffsetDateTime::now_utc().truncate_to_second() + patience
}

/// Says what the whole cart has to come to.
fn misfit(amount: i64, currency: &str) -> Error {
    let rule = Rule::of(currency);
    match (rule.misfit(amount), Currency::parse(currency)) {
        (Some(misfit), Ok(currency)) => invalid("items", rule.explain(misfit, currency)),
        _ => internal("the amount of a cart fits here and not in the database"),
    }
}

/// Names every line that cannot be had.
fn refusal(refused: &[Refused], cart: &Cart) -> Error {
    let unknown = refused.iter().any(|line| line.reason == "unknown");
    let error = if unknown {
        Error::new(Kind::Validation, "Some products of the order do not exist.")
    } else {
        Error::new(Kind::OutOfStock, "Not enough is left of some products. Nothing was ordered.")
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
