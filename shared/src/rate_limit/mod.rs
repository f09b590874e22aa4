//! A sliding-window rate limiter: several policies checked together, charged all or none, in one script.
//!
//! ```no_run
//! # use shared::{http::limits::{API, SEARCH}, rate_limit::{Identity, Limiter}, redis::Redis};
//! # async fn example(redis: Redis, limiter: Limiter, address: std::net::IpAddr) -> Result<(), std::time::Duration> {
//! let verdict = redis.batch(limiter.check(&Identity::address(address), &[API, SEARCH])).await;
//! match verdict.retry_after() {
//!     Some(wait) => Err(wait),
//!     None => Ok(()),
//! }
//! # }
//! ```
//!
//! No span of the window's length ever sees more calls than the limit, for all environments together. Rejected calls
//! are free, and the wait until the next admission is exact. When Redis is away each environment counts for itself,
//! by limits that are stricter where a policy says so, and never none.

mod local;
mod policy;
mod verdict;
mod window;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::debug;

pub use policy::{Identity, Policy};
pub use verdict::{Quota, Verdict};
pub use window::{BUCKETS, Reading, Window};

use crate::redis::{Calls, Command, Replies, Script};
use crate::telemetry::{self, Counter};
use local::Local;

static CHECK: Script =
    Script::new("rate_limit.check", concat!(include_str!("../redis/clock.lua"), include_str!("check.lua")));

/// The rate limiter of this environment. Cheap to clone; the clones share what they have seen.
#[derive(Clone, Default)]
pub struct Limiter(Arc<Local>);

impl Limiter {
    /// A command that charges one call of `caller` to `policies`, all or none. Answers with a [`Verdict`].
    pub fn check(&self, caller: &Identity, policies: &[Policy]) -> Check {
        self.ask(Purpose::Admit, caller, policies)
    }

    /// A command that only reads what is left: for whoever must not be able to use up what is another's. Answers with
    /// the [`Verdict`] that a call would get.
    pub fn look(&self, caller: &Identity, policies: &[Policy]) -> Check {
        self.ask(Purpose::Look, caller, policies)
    }

    /// Like [`Limiter::check`], for what is counted and refuses nobody.
    pub fn note(&self, caller: &Identity, policies: &[Policy]) -> Check {
        self.ask(Purpose::Note, caller, policies)
    }

    fn ask(&self, purpose: Purpose, caller: &Identity, policies: &[Policy]) -> Check {
        let keys = policies.iter().map(|policy| caller.key(policy)).collect();
        Check { purpose, local: self.0.clone(), keys, policies: policies.to_vec() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Admit,
    Look,
    Note,
}

/// A command that checks one call. See [`Limiter::check`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Check {
    purpose: Purpose,
    local: Arc<Local>,
    /// Of the caller's windows, one for each policy.
    keys: Vec<String>,
    policies: Vec<Policy>,
}

impl Command for Check {
    type Output = Verdict;

    fn calls(&self, calls: &mut Calls) {
        if self.policies.is_empty() {
            return;
        }
        let call = CHECK.on(&self.keys).arg(BUCKETS);
        let call =
            self.policies.iter().fold(call, |call, policy| call.arg(policy.limit).arg(policy.window_ms()));
        calls.push(if self.purpose == Purpose::Look { call.arg("look") } else { call });
    }

    fn read(self, replies: &mut Replies) -> Verdict {
        if self.policies.is_empty() {
            return Verdict { allowed: true, quotas: Vec::new(), degraded: false };
        }
        let purpose = self.purpose;
        let verdict =
            match replies.next::<Vec<u64>>().filter(|reply| reply.len() == 1 + 3 * self.policies.len()) {
                Some(reply) => self.shared(&reply),
                None => self.degraded(),
            };
        if purpose == Purpose::Admit {
            observe(&verdict);
        }
        verdict
    }
}

impl Check {
    fn shared(self, reply: &[u64]) -> Verdict {
        let allowed = reply[0] == 1;
        if allowed && self.purpose != Purpose::Look {
            self.local.note(&self.keys, &self.policies, now());
        }
        let quota = |(policy, values): (&Policy, &[u64])| Quota {
            policy: *policy,
            remaining: u32::try_from(values[0]).unwrap_or(u32::MAX),
            reset: Duration::from_millis(values[1]),
            wait: Duration::from_millis(values[2]),
        };
        let quotas = self.policies.iter().zip(reply[1..].chunks_exact(3)).map(quota).collect();
        Verdict { allowed, quotas, degraded: false }
    }

    fn degraded(self) -> Verdict {
        let readings = match self.purpose {
            Purpose::Look => self.local.look(&self.keys, &self.policies, now()),
            Purpose::Admit | Purpose::Note => self.local.check(&self.keys, &self.policies, now()).1,
        };
        let allowed = readings.iter().all(|reading| reading.wait == 0);
        let quota = |(policy, reading): (&Policy, Reading)| Quota {
            policy: policy.without_redis(),
            remaining: policy.degraded_limit.saturating_sub(reading.used),
            reset: Duration::from_millis(reading.reset),
            wait: Duration::from_millis(reading.wait),
        };
        let quotas = self.policies.iter().zip(readings).map(quota).collect();
        Verdict { allowed, quotas, degraded: true }
    }
}

/// The one place where the outcome of each check is known.
fn observe(verdict: &Verdict) {
    let violated: Vec<&str> = verdict.violated().map(|policy| policy.name).collect();
    let outcome = if verdict.allowed { "allowed" } else { "rejected" };
    debug!(outcome, degraded = verdict.degraded, violated = violated.join(","), "rate limit");
    telemetry::count(if verdict.allowed { Counter::RateAllowed } else { Counter::RateLimited });
    if verdict.degraded {
        telemetry::count(Counter::RateDegraded);
    }
}

/// Wall clock: it runs on while an environment is frozen. A window copes with its stepping back.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
