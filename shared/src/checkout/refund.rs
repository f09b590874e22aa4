//! Giving money back: begun here once for each key, brought to its end like every other step of an order.

use serde::Deserialize;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row};
use uuid::Uuid;

use super::idempotency::request_digest;
use super::lease::SECONDS;
use super::objects::objects;
use super::refund_state::RefundState;
use super::{IdempotencyKey, Item, Lease};
use crate::auth::User;
use crate::catalog::{Misfit, ProductId, Rule};
use crate::database::{Database, Query, Statement};
use crate::error::{Error, Kind, Result, account_is_gone, conflict, invalid, not_found};
use crate::kill_point::KillPoint;
use crate::orders::{OrderId, OrderStatus};
use crate::whole::whole_or_null;

static REFUND: Statement = Statement::new("checkout.refund", include_str!("refund.sql"));

/// The most lines that come back at once, as many as an order has.
const LINES: usize = 50;

/// What an administrator wants given back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedRefund {
    /// In minor units of the order's currency; all that is left, where nothing is said.
    #[serde(default, deserialize_with = "whole_or_null")]
    amount: Option<i64>,
    /// The pieces that come back into stock.
    #[serde(default, deserialize_with = "objects")]
    returned: Vec<Item>,
    /// It was given back already, another way than through the provider: that is only to be written down.
    #[serde(default)]
    by_other_means: bool,
}

impl WantedRefund {
    /// The most characters that its texts may have.
    pub const CHARACTERS: usize = LINES * ProductId::CHARACTERS;
}

/// One request for a refund, under its key.
pub struct RefundRequest<'a> {
    /// The order.
    pub order: OrderId,
    /// Who asks.
    pub administrator: User,
    /// Once for each.
    pub key: IdempotencyKey,
    /// As it was sent.
    pub body: &'a [u8],
    /// As it was read.
    pub wanted: WantedRefund,
}

/// What became of the request.
pub enum RefundBegun {
    /// It was begun; whoever has the lease goes on.
    New(Box<Lease>, i64),
    /// It was given back by other means, and is written down.
    Noted(i64),
    /// An earlier request with this key, of this amount, stands like this.
    Repeated(RefundState, i64),
}

struct Found {
    begun: bool,
    busy: bool,
    gone: bool,
    amount: i64,
    lease: Lease,
    refused: Option<Json<Vec<RefusedLine>>>,
    known: Option<(String, i64, String)>,
}

#[derive(Deserialize)]
struct RefusedLine {
    product_id: Uuid,
    most: i64,
}

impl<'r> FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let known: Option<String> = row.try_get("known_status")?;
        let known = match known {
            Some(status) => Some((status, row.try_get("known_amount")?, row.try_get("known_digest")?)),
            None => None,
        };
        Ok(Self {
            begun: row.try_get("begun")?,
            busy: row.try_get("busy")?,
            gone: row.try_get("gone")?,
            amount: row.try_get("pending_amount")?,
            lease: Lease::from_row(row)?,
            refused: row.try_get("refused")?,
            known,
        })
    }
}

/// Begins a refund and takes the order's lease, in one statement and before the provider is asked.
///
/// # Errors
/// 404; 409 if the order is not paid, or somebody is working on it; 422 if more is wanted back than there is, or the
/// key was used for another refund.
pub async fn begin_refund(database: &Database, request: RefundRequest<'_>) -> Result<RefundBegun> {
    let (owner, digest) = (Uuid::now_v7(), request_digest(request.body));
    let RefundRequest { wanted: WantedRefund { returned, by_other_means, .. }, .. } = &request;
    check(returned)?;
    let mut found = request.find(database, owner, &digest).await?;
    if !found.begun && found.known.is_none() {
        // A refund that was committed while ours waited for the order is not seen: perhaps it is this one, submitted
        // twice.
        found = request.find(database, owner, &digest).await?;
    }
    if found.gone {
        return Err(account_is_gone());
    }
    if found.begun && *by_other_means {
        return Ok(RefundBegun::Noted(found.amount));
    }
    if found.begun {
        found.lease.owner = owner;
        return Ok(RefundBegun::New(Box::new(found.lease), found.amount));
    }
    match &found.known {
        Some((status, amount, known)) if *known == digest => {
            Ok(RefundBegun::Repeated(RefundState::from(status.as_str()), *amount))
        }
        Some(_) => {
            let detail = "This Idempotency-Key was used for another refund of this order. Choose a new one.";
            Err(Error::new(Kind::IdempotencyKeyReused, detail))
        }
        None => Err(refuse(&found, &request.wanted)),
    }
}

impl RefundRequest<'_> {
    /// Begins it if it may be, and says what was found.
    async fn find(&self, database: &Database, owner: Uuid, digest: &str) -> Result<Found> {
        KillPoint::BeforeClaim.reached();
        let found: Option<Found> = database.fetch_optional(self.query(owner, digest)).await?;
        KillPoint::AfterClaim.reached();
        found.ok_or_else(|| not_found("order"))
    }

    fn query(&self, owner: Uuid, digest: &str) -> Query {
        let WantedRefund { amount, returned, by_other_means } = &self.wanted;
        let (products, quantities): (Vec<Uuid>, Vec<i32>) =
            returned.iter().map(|item| (item.product_id.0, item.quantity)).unzip();
        let subject = self.administrator.subject.as_ref();
        let (issuer, name) =
            (subject.map(|subject| subject.issuer.as_str()), subject.map(|subject| subject.name.as_str()));
        REFUND
            .bind(Uuid::now_v7())
            .bind(self.order)
            .bind(self.administrator.id)
            .bind(self.key.as_str())
            .bind(digest)
            .bind(*amount)
            .bind(products)
            .bind(quantities)
            .bind(owner)
            .bind(SECONDS)
            .bind(issuer)
            .bind(name)
            .bind(Rule::all().map(|rule| rule.currencies).collect::<Vec<_>>())
            .bind(Rule::all().map(|rule| rule.multiple).collect::<Vec<_>>())
            .bind(*by_other_means)
    }
}

fn check(returned: &[Item]) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    if returned.len() > LINES || !returned.iter().all(|item| seen.insert(item.product_id)) {
        return Err(invalid("returned", format!("must have at most {LINES} lines, each product once")));
    }
    Ok(())
}

fn refuse(found: &Found, wanted: &WantedRefund) -> Error {
    let WantedRefund { returned, by_other_means, .. } = wanted;
    let (status, left) = (found.lease.status, found.lease.unrefunded());
    let waits = *by_other_means && status == OrderStatus::RefundPending;
    if waits && !found.lease.refund_failed {
        let detail = "A refund of this order is already under way. Record a refund by other means only if that one \
            fails.";
        return conflict(detail);
    }
    if status != OrderStatus::Paid && !waits {
        return conflict(format!("The order is {status}. Only paid orders can be refunded."));
    }
    if found.busy {
        let detail =
            "Another request for this order is still running, or a refund of it is under way. Try again.";
        return conflict(detail).retry_after(std::time::Duration::from_secs(5));
    }
    if let Some(Json(lines)) = &found.refused
        && let Some((first, others)) = lines.split_first()
    {
        let at = |line: &RefusedLine| returned.iter().position(|item| item.product_id.0 == line.product_id);
        let name = |line: &RefusedLine| format!("returned[{}].quantity", at(line).unwrap_or_default());
        let most = |line: &RefusedLine| format!("at most {} of the order can be returned", line.most);
        let error = invalid(name(first), most(first));
        return others.iter().fold(error, |error, line| error.field(name(line), most(line)));
    }
    if left <= 0 {
        return conflict("Nothing is left to refund: the order was free or is fully refunded.");
    }
    let (currency, amount) = (found.lease.currency, found.amount);
    let rule = Rule::of(currency.as_str()).filter(|rule| amount % rule.multiple != 0);
    if let Some(rule) = rule.filter(|_| (1..=left).contains(&amount)) {
        return invalid("amount", rule.explain(Misfit::Uneven, currency));
    }
    invalid("amount", format!("must be from 1 to {left}, which is what is left to refund"))
        .member("left", Value::from(left))
}
