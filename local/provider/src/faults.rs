//! Faults on command.
//!
//! A fault waits for requests of its operation and strikes as many of them as it was told to. It strikes where it
//! would on a real network: before the provider looked at the request, or after it acted and before the answer got
//! home.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::operations::Operation;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing but `delay_ms`, while the key counts as running.
    Delay,
    /// The request arrives twice, as from a proxy that tries again on its own; the second answer gets home.
    ActTwice,
    /// The connection is cut; nothing was done.
    Drop,
    /// No answer, ever; nothing was done.
    Hang,
    /// 429; nothing was done, and the key was not even read.
    RateLimit,
    /// `status` (500); nothing was done, and the key forgets it.
    Fail,
    /// `status` (500); nothing was done, and the key replays it for ever.
    FailForEver,
    /// It is done; then the connection is cut.
    ActThenDrop,
    /// It is done; then there is no answer, ever.
    ActThenHang,
    /// It is done; the answer is `status` (500), and the key replays the true one.
    ActThenFail,
    /// It is done; the answer is `status` (500), and the key replays that for ever.
    ActThenFailForEver,
    /// It is done; the answer is not JSON.
    ActThenGarble,
    /// `status` (400) with `body`, as the provider or a proxy before it refuses; nothing was done, and the key forgets
    /// it.
    Refuse,
    /// It is done; the answer is `status` (400) with `body`, and the key replays the true one.
    ActThenRefuse,
}

/// A fault as it is ordered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// Which operation; every one where none is named.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// How many requests; `null`: until the fault is deleted.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// Which share of those requests, at random.
    #[serde(default = "always")]
    pub percent: u8,
    /// Spares so many requests of each second, as a limit does.
    #[serde(default)]
    pub above_per_second: Option<u32>,
    /// Waits so long before acting, milliseconds.
    #[serde(default)]
    pub delay_ms: u64,
    /// The status of the failing and refusing kinds.
    #[serde(default)]
    pub status: Option<u16>,
    /// What the refusing kinds answer: JSON, or a text that is not JSON.
    #[serde(default)]
    pub body: Value,
    /// The `Stripe-Should-Retry` header of a failing answer.
    #[serde(default)]
    pub should_retry: Option<bool>,
    /// The `Retry-After` header of a failing answer, seconds.
    #[serde(default)]
    pub retry_after: Option<u64>,
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the field it is the default of")]
fn once() -> Option<u32> {
    Some(1)
}

fn always() -> u8 {
    100
}

impl Kind {
    fn refuses(self) -> bool {
        matches!(self, Self::Refuse | Self::ActThenRefuse)
    }
}

impl Fault {
    /// Strikes the next request, whatever its operation.
    #[must_use]
    pub fn once(kind: Kind) -> Self {
        Self {
            kind,
            operation: None,
            times: once(),
            percent: always(),
            above_per_second: None,
            delay_ms: 0,
            status: None,
            body: Value::Null,
            should_retry: None,
            retry_after: None,
        }
    }

    /// Strikes until faults are ended.
    #[must_use]
    pub fn lasting(kind: Kind) -> Self {
        Self { times: None, ..Self::once(kind) }
    }

    /// The status of its answer.
    pub(super) fn status(&self) -> u16 {
        self.status.unwrap_or(if self.kind.refuses() { 400 } else { 500 })
    }

    /// Checks what the type cannot: an order that could never strike, or an answer that cannot be sent.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let statuses = if self.kind.refuses() { 400..=499 } else { 500..=599 };
        match self {
            _ if !statuses.contains(&self.status()) => {
                Err("`status` must be 500 to 599; to refuse, 400 to 499")
            }
            Self { kind, body, .. } if kind.refuses() == body.is_null() => {
                Err("refusing takes a `body`, nothing else does")
            }
            Self { times: Some(0), .. } | Self { percent: 0, .. } => Err("this fault would never strike"),
            Self { percent: 101.., .. } => Err("`percent` must be 1 to 100"),
            Self { kind: Kind::Delay, delay_ms: 0, .. } => Err("a delay needs `delay_ms`"),
            _ => Ok(()),
        }
    }
}

/// A fault that waits, and what it has seen of the present second.
#[derive(Debug)]
struct Waiting {
    fault: Fault,
    second: Instant,
    seen: u32,
    struck: usize,
}

impl Waiting {
    fn strikes(&mut self, operation: Operation) -> bool {
        if self.fault.operation.is_some_and(|of| of != operation) {
            return false;
        }
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.seen) = (Instant::now(), 0);
        }
        self.seen += 1;
        let spared = self.fault.above_per_second.is_some_and(|limit| self.seen <= limit);
        !spared && fastrand::u8(0..100) < self.fault.percent
    }
}

/// The faults that wait.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Waiting>>);

impl Faults {
    /// Orders one more.
    pub(super) fn add(&self, fault: Fault) {
        self.lock().push(Waiting { fault, second: Instant::now(), seen: 0, struck: 0 });
    }

    /// Ends all of them. How many requests they have struck.
    pub(super) fn clear(&self) -> usize {
        self.lock().drain(..).map(|waiting| waiting.struck).sum()
    }

    /// Those that still wait.
    pub(super) fn waiting(&self) -> Vec<Fault> {
        self.lock().iter().map(|waiting| waiting.fault.clone()).collect()
    }

    /// The fault that strikes this request: the oldest that fits.
    pub(super) fn strike(&self, operation: Operation) -> Option<Fault> {
        let mut waiting = self.lock();
        let index = waiting.iter_mut().position(|waiting| waiting.strikes(operation))?;
        waiting[index].struck += 1;
        if let Some(times) = &mut waiting[index].fault.times {
            *times -= 1;
            if *times == 0 {
                return Some(waiting.remove(index).fault);
            }
        }
        Some(waiting[index].fault.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).expect("a fault")
    }

    #[test]
    fn it_strikes_its_operation_as_often_as_ordered() {
        let faults = Faults::default();
        faults.add(fault(r#"{"kind": "drop", "operation": "confirm", "times": 2}"#));
        assert!(faults.strike(Operation::Create).is_none());
        assert!(faults.strike(Operation::Confirm).is_some());
        assert!(faults.strike(Operation::Confirm).is_some());
        assert!(faults.strike(Operation::Confirm).is_none());
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn it_spares_what_a_limit_allows() {
        let faults = Faults::default();
        let limit =
            r#"{"kind": "rate_limit", "operation": "create", "times": null, "above_per_second": 1000000}"#;
        faults.add(fault(limit));
        assert!(faults.strike(Operation::Create).is_none());
        faults.clear();
        faults.add(fault(&limit.replace("1000000", "0")));
        assert!(faults.strike(Operation::Retrieve).is_none());
        assert!(faults.strike(Operation::Create).is_some());
    }

    #[test]
    fn it_strikes_until_deleted_where_no_number_is_given() {
        let faults = Faults::default();
        faults.add(fault(r#"{"kind": "hang", "times": null}"#));
        for _ in 0..100 {
            assert!(faults.strike(Operation::Retrieve).is_some());
        }
        assert_eq!(faults.clear(), 100);
        assert!(faults.strike(Operation::Retrieve).is_none());
    }

    #[test]
    fn it_refuses_orders_that_mean_nothing() {
        for order in [
            r#"{"kind": "fail", "status": 200}"#,
            r#"{"kind": "drop", "times": 0}"#,
            r#"{"kind": "drop", "percent": 101}"#,
            r#"{"kind": "delay"}"#,
            r#"{"kind": "refuse"}"#,
            r#"{"kind": "refuse", "status": 500, "body": {}}"#,
            r#"{"kind": "fail", "body": {}}"#,
        ] {
            assert!(fault(order).check().is_err(), "{order}");
        }
        assert!(serde_json::from_str::<Fault>(r#"{"kind": "drop", "tmies": 3}"#).is_err());
    }
}
