//! The right to make one call, which cannot be forgotten.

use std::fmt;

use tokio::runtime::Handle;

use super::Breaker;
use super::grant::{Grant, Kind, Store};
use super::tally::Outcome;
use super::telling::Reported;
use crate::redis::Calls;
use crate::telemetry::{self, Counter};

/// The right to make one call. It knows what became of the call so far, and tells the breaker when it is dropped, as by
/// a panic or with a request that was given up. [`Permit::close`] and [`Permit::report`] are better: they are waited
/// for, where an environment may freeze after its answer, and tell only when it works again. (What is lost then, or
/// with a process that was killed, ends with a probe's lease, and has failed.)
#[must_use = "a permit that is dropped at once was for no call"]
pub struct Permit {
    breaker: Breaker,
    grant: Option<Grant>,
    under_way: bool,
    so_far: Outcome,
}

impl Permit {
    pub(super) fn new(breaker: &Breaker, grant: Grant) -> Self {
        Self { breaker: breaker.clone(), grant: Some(grant), under_way: false, so_far: Outcome::Skipped }
    }

    /// A call begins, and Redis rests meanwhile. One that never ends has failed.
    pub fn calling(&mut self) {
        self.under_way = true;
        self.breaker.0.redis.rest();
    }

    /// The call has ended so. Where several are made it is the last one that counts; one that was skipped says nothing.
    pub fn called(&mut self, outcome: Outcome) {
        self.under_way = false;
        if outcome != Outcome::Skipped {
            self.so_far = outcome;
        }
    }

    /// Tells that the call has ended so.
    pub async fn report(mut self, outcome: Outcome) -> Reported {
        self.called(outcome);
        self.close().await
    }

    /// Tells what became of the call: that there was none, if none began. Goes to Redis only where it can change
    /// something: never for the success of a call that was allowed while nothing had failed.
    pub async fn close(mut self) -> Reported {
        match self.end() {
            Some((grant, outcome)) => self.breaker.tell(&grant, outcome).await,
            None => Reported::NotNeeded,
        }
    }

    /// No call was made. Told with others, where Redis is to know: that another may probe.
    pub(super) fn take_back(mut self, calls: &mut Calls) {
        let shared_probe = |grant: &mut Grant| (grant.kind, grant.store) == (Kind::Probe, Store::Shared);
        if let Some(grant) = self.grant.take_if(shared_probe) {
            calls.push(self.breaker.message(&grant, Outcome::Skipped));
        }
    }

    /// What is to be told, once.
    fn end(&mut self) -> Option<(Grant, Outcome)> {
        let outcome = if self.under_way { Outcome::Failed } else { self.so_far };
        let grant = self.grant.take()?;
        match outcome {
            Outcome::Failed => telemetry::count(Counter::BreakerFailed),
            Outcome::Slow => telemetry::count(Counter::BreakerSlow),
            Outcome::Ok | Outcome::Skipped => {}
        }
        Some((grant, outcome))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((grant, outcome)) = self.end()
            && grant.is_news(outcome)
            && let Ok(runtime) = Handle::try_current()
        {
            let breaker = self.breaker.clone();
            runtime.spawn(telemetry::carry(async move { breaker.tell(&grant, outcome).await }));
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Permit").field("so_far", &self.so_far).finish_non_exhaustive()
    }
}
