//! Orders that were put off: why, how long they waited, and whether all were charged in the end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use time::OffsetDateTime;

use cloud::Cloud;
use cloud::figures::percentile;

/// What an order waited for, as the answer to its checkout says: nothing else tells. The database knows that it was put
/// off and the log how many were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The provider takes no more calls just now.
    ProvidersLimit,
    /// The provider is away, or seems to be: its breaker is open, or a call failed.
    Provider,
    /// The customer is to authenticate the payment.
    Customer,
    /// The answer says nothing of it, as the twins' in Node.js does not, or there was none.
    NotTold,
}

impl Reason {
    /// In words that can follow "orders put off".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ProvidersLimit => "by the provider's limit",
            Self::Provider => "with the provider away, or its breaker open",
            Self::Customer => "until the customer has authenticated",
            Self::NotTold => "for a reason that no answer tells",
        }
    }
}

/// The reasons that customers were told, by the order's id.
#[derive(Default)]
pub(super) struct Told(Mutex<BTreeMap<String, Reason>>);

/// What a function answers API Gateway.
#[derive(Deserialize)]
struct Answer {
    body: String,
}

/// What checkout answers about an order that is not finished.
#[derive(Deserialize)]
struct Checkout {
    order_id: String,
    status: String,
    charge: Charge,
}

#[derive(Deserialize)]
struct Charge {
    waits_for: Option<String>,
}

impl Told {
    /// Notes a function's answer of status 202.
    pub(super) fn note(&self, answer: &[u8]) {
        let Some((order, reason)) = read(answer) else { return };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(order, reason);
    }
}

fn read(answer: &[u8]) -> Option<(String, Reason)> {
    let Answer { body } = serde_json::from_slice(answer).ok()?;
    let Checkout { order_id, status, charge } = serde_json::from_str(&body).ok()?;
    let reason = match (charge.waits_for.as_deref(), status.as_str()) {
        (Some("providers_limit"), _) => Reason::ProvidersLimit,
        (Some("provider"), _) => Reason::Provider,
        (_, "action_required") => Reason::Customer,
        _ => Reason::NotTold,
    };
    Some((order_id, reason))
}

/// Some orders that were put off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) orders: u64,
    /// Of which: charged since.
    pub(super) charged: u64,
    /// Half of these waited no longer, from when they were placed.
    pub(super) median: Duration,
    pub(super) longest: Duration,
}

impl Waits {
    /// Of how long each waited; `None` for those that still do.
    fn of(waits: &[Option<Duration>]) -> Self {
        let mut charged: Vec<_> = waits.iter().flatten().copied().collect();
        charged.sort_unstable();
        let at = |percent| percentile(&charged, percent).unwrap_or_default();
        Self { orders: waits.len() as u64, charged: charged.len() as u64, median: at(50), longest: at(100) }
    }
}

/// Of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waited {
    pub(super) all: Waits,
    pub(super) by_reason: BTreeMap<Reason, Waits>,
}

impl Waited {
    /// Of the orders that were placed since then.
    pub(super) async fn since(cloud: &Cloud, begun: OffsetDateTime, told: &Told) -> Result<Self> {
        let sql = format!(
            "select id,
                exists (select from order_history where order_id = id and event in ('deferred', 'action_required')),
                (extract(epoch from
                    (select min(at) from order_history where order_id = id and event = 'paid') - created_at
                ) * 1000)::bigint
            from orders where created_at >= to_timestamp({})",
            begun.unix_timestamp()
        );
        Self::of(&cloud.sql(&sql).await?, told)
    }

    /// From rows of an order's id, whether it was put off, and its wait in milliseconds if it is charged. One whose
    /// customer was answered 202 was put off too, whatever state it was in.
    fn of(rows: &str, told: &Told) -> Result<Self> {
        let told = told.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waits: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in rows.lines() {
            let [order, put_off, wait] = row.split('|').collect::<Vec<_>>()[..] else {
                anyhow::bail!("an order, whether it was put off, and its wait, not {row}")
            };
            let reason = told.get(order).copied().or((put_off == "t").then_some(Reason::NotTold));
            if let Some(reason) = reason {
                let wait = (!wait.is_empty()).then(|| wait.parse().map(Duration::from_millis));
                waits.entry(reason).or_default().push(wait.transpose().context("milliseconds")?);
            }
        }
        let all: Vec<_> = waits.values().flatten().copied().collect();
        let by_reason = waits.iter().map(|(reason, waits)| (*reason, Waits::of(waits)));
        Ok(Self { all: Waits::of(&all), by_reason: by_reason.collect() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(order: &str, status: &str, charge: &serde_json::Value) -> Vec<u8> {
        let body = json!({ "order_id": order, "status": status, "charge": charge }).to_string();
        json!({ "statusCode": 202, "body": body }).to_string().into_bytes()
    }

    #[test]
    fn orders_that_were_put_off_are_told_apart_by_what_their_customers_were_told() -> Result<()> {
        let told = Told::default();
        told.note(&answer("a", "deferred", &json!({ "waits_for": "providers_limit" })));
        told.note(&answer("b", "deferred", &json!({ "waits_for": "providers_limit" })));
        told.note(&answer("c", "charging", &json!({ "waits_for": "provider" })));
        told.note(&answer("d", "action_required", &json!({ "client_secret": "pi_1_secret" })));
        told.note(&answer("e", "deferred", &json!({})));
        told.note(b"no answer to an HTTP event");
        // Nobody heard of f, g was paid at once, and c was charged before anybody put it off again.
        let rows = "a|t|2000\nb|t|6000\nc|f|900\nd|t|\ne|t|100\nf|t|300\ng|f|5";
        let waited = Waited::of(rows, &told)?;
        let waits = |orders, charged, median, longest| {
            let ms = Duration::from_millis;
            Waits { orders, charged, median: ms(median), longest: ms(longest) }
        };
        assert_eq!(waited.all, waits(6, 5, 900, 6_000));
        let by_reason = [
            (Reason::ProvidersLimit, waits(2, 2, 2_000, 6_000)),
            (Reason::Provider, waits(1, 1, 900, 900)),
            (Reason::Customer, waits(1, 0, 0, 0)),
            (Reason::NotTold, waits(2, 2, 100, 300)),
        ];
        assert_eq!(waited.by_reason, by_reason.into());
        Ok(())
    }

    #[test]
    fn a_run_without_orders_has_none_that_waited_and_a_strange_row_is_an_error() {
        let told = Told::default();
        assert_eq!(Waited::of("", &told).ok(), Some(Waited::default()));
        for row in ["a|t", "a|t|soon"] {
            assert!(Waited::of(row, &told).is_err(), "{row}");
        }
    }
}
