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

mod acquiring;
mod grant;
mod local;
mod machine;
mod permit;
mod settings;
mod tally;
mod telling;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub use acquiring::{Acquire, Admission};
pub use machine::{Answer, Effect, Forced, Machine, Phase, Report};
pub use permit::Permit;
pub use settings::{Limits, Settings};
pub use tally::{Outcome, Part, Tally};
pub use telling::{Force, Reported, Show, Shown};

use crate::redis::{Call, Redis, Script};
use local::Local;

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

    fn call(&self, script: &'static Script) -> Call {
        script.on([self.0.key.as_str()]).arg(&self.0.limits_json).arg(fastrand::f64())
    }
}

/// Wall clock: it runs on while an environment is frozen, so an open breaker does not stay open longer.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
