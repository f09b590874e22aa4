//! A circuit breaker whose state all environments share.
//!
//! ```no_run
//! # use shared::{breaker::{Admission, Breaker, Outcome}, redis::Redis};
//! # async fn example(redis: Redis, carrier: Breaker, price: impl Future<Output = Result<u32, ()>>) -> Option<u32> {
//! match redis.batch(carrier.acquire()).await {
//!     Admission::Deny { .. } => None,
//!     Admission::Allow(mut permit) | Admission::Probe(mut permit) => {
//!         permit.calling();
//!         let price = price.await;
//!         permit.report(if price.is_ok() { Outcome::Ok } else { Outcome::Failed }).await;
//!         price.ok()
//!     }
//! }
//! # }
//! ```
//!
//! Closed, calls pass and are counted; open, none passes; half-open, a few *probes* find out whether to close. A probe
//! holds a lease: if its environment dies, the lease ends and the breaker opens again, so a crashed probe cannot wedge
//! it. Every change of phase begins a new *generation*, and what an older one reports is ignored. (The pattern:
//! Nygard, *Release It!*; kept in the memory of one process, a breaker protects nothing where each request may meet
//! another one.)
//!
//! Acquiring is a command and travels in the handler's batch; a report is sent only where it can change something. When
//! Redis is away the same state machine runs in this environment alone.

mod local;
mod machine;
mod permit;
mod settings;
mod tally;
mod telling;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

pub use machine::{Answer, Effect, Forced, Machine, Phase, Report};
pub use permit::Permit;
pub use settings::{Limits, Settings};
pub use tally::{Outcome, Part, Tally};
pub use telling::{Force, Reported, Show, Shown};

use crate::redis::{Call, Calls, Command, Redis, Replies, Script};
use crate::telemetry::{self, Counter};
use local::Local;
use permit::{Grant, Kind, Store};

static ACQUIRE: Script = Script::new(
    "breaker.acquire",
    concat!(include_str!("../redis/clock.lua"), include_str!("machine.lua"), include_str!("acquire.lua")),
);

/// The breaker of one dependency. Cheap to clone.
#[derive(Clone)]
pub struct Breaker(Arc<Inner>);

struct Inner {
    name: String,
    key: String,
    environment: String,
    limits_json: String,
    redis: Redis,
    local: Local,
}

/// Whether a call may be made.
#[derive(Debug)]
#[must_use = "an admission decides whether the call may be made"]
pub enum Admission {
    /// The dependency is healthy.
    Allow(Permit),
    /// The dependency was ill; this call is one of the few that find out whether it still is.
    Probe(Permit),
    /// The call must not be made now.
    Deny {
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

impl Breaker {
    /// The breaker called `name`. `environment` tells this environment from the others; any unique text will do.
    pub fn new(
        name: impl Into<String>,
        settings: Settings,
        redis: Redis,
        environment: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let limits = settings.limits();
        Self(Arc::new(Inner {
            key: format!("breaker:{name}"),
            name,
            environment: environment.into(),
            limits_json: serde_json::to_string(&limits).unwrap_or_default(),
            local: Local::new(limits, now()),
            redis,
        }))
    }

    /// A command that asks for one call. Answers with an [`Admission`].
    pub fn acquire(&self) -> Acquire {
        Acquire { breaker: self.clone(), token: Uuid::now_v7().simple().to_string() }
    }

    fn call(&self, script: &'static Script) -> Call {
        script.on([self.0.key.as_str()]).arg(&self.0.limits_json).arg(fastrand::f64())
    }

    fn admission(&self, answer: Answer, token: String, store: Store) -> Admission {
        let permit = |generation, kind| Permit::new(self, Grant { token, generation, kind, store });
        let (outcome, counter, admission) = match answer {
            Answer::Allow { generation, watched } => {
                let kind = if watched { Kind::Watched } else { Kind::Plain };
                ("allow", Counter::BreakerAllowed, Admission::Allow(permit(generation, kind)))
            }
            Answer::Probe { generation } => {
                ("probe", Counter::BreakerProbed, Admission::Probe(permit(generation, Kind::Probe)))
            }
            Answer::Deny { wait } => {
                let retry_after = Duration::from_millis(wait);
                ("deny", Counter::BreakerDenied, Admission::Deny { retry_after })
            }
        };
        // The one place where the outcome of each acquire is known.
        let degraded = store == Store::Local;
        tracing::debug!(breaker = self.0.name, outcome, degraded, "breaker acquire");
        telemetry::count(counter);
        if degraded {
            telemetry::count(Counter::BreakerDegraded);
        }
        admission
    }
}

/// A command that asks for one call. See [`Breaker::acquire`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Acquire {
    breaker: Breaker,
    token: String,
}

impl Command for Acquire {
    type Output = Admission;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.breaker.call(&ACQUIRE).arg(&self.token));
    }

    fn read(self, replies: &mut Replies) -> Admission {
        let local = &self.breaker.0.local;
        let shared = replies.next::<(String, u64, u64, u8)>().and_then(|reply| answer(&reply));
        if let Some(answer) = shared {
            local.learn(&answer, now());
            return self.breaker.admission(answer, self.token, Store::Shared);
        }
        let answer = local.acquire(now(), &self.token);
        self.breaker.admission(answer, self.token, Store::Local)
    }

    /// Lets another probe at once.
    fn undo(admission: Admission, calls: &mut Calls) {
        if let Admission::Allow(permit) | Admission::Probe(permit) = admission {
            permit.take_back(calls);
        }
    }
}

fn answer((kind, generation, wait, watched): &(String, u64, u64, u8)) -> Option<Answer> {
    match kind.as_str() {
        "allow" => Some(Answer::Allow { generation: *generation, watched: *watched == 1 }),
        "probe" => Some(Answer::Probe { generation: *generation }),
        "deny" => Some(Answer::Deny { wait: *wait }),
        _ => None,
    }
}

/// Wall clock: it runs on while an environment is frozen, so an open breaker does not stay open longer.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
