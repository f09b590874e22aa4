//! Asking for a call.

use std::time::Duration;

use uuid::Uuid;

use super::grant::{Grant, Kind, Store};
use super::machine::Answer;
use super::permit::Permit;
use super::{Breaker, now};
use crate::redis::{Calls, Command, Replies, Script};
use crate::telemetry::{self, Counter};

static ACQUIRE: Script = Script::new(
    "breaker.acquire",
    concat!(include_str!("../redis/clock.lua"), include_str!("machine.lua"), include_str!("acquire.lua")),
);

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
    /// A command that asks for one call. Answers with an [`Admission`].
    pub fn acquire(&self) -> Acquire {
        Acquire { breaker: self.clone(), token: Uuid::now_v7().simple().to_string() }
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
