//! From what a lookup found to a value.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use super::entry::Value;
use super::lookup::{Found, LookedUp};
use super::write::{Abandon, Store, Stored};
use super::{Cache, Outcome};
use crate::kill_point::KillPoint;
use crate::telemetry::{self, Counter, Timer};

/// The first look after this long: a fill takes two round trips and a read, some milliseconds in all.
const FIRST_LOOK: Duration = Duration::from_millis(5);
/// Looks become rarer up to this interval.
const RAREST_LOOK: Duration = Duration::from_millis(100);

impl LookedUp {
    /// The value, read from `origin` where the cache has none or this caller is to refresh it.
    ///
    /// `None` means that there is no such thing, which is cached too. The origin is read at most once. If it fails,
    /// a stale value is served where there is one; otherwise the error is returned. A refresh happens before the
    /// answer: after it, an environment may be frozen.
    pub async fn or_fill<E>(self, origin: impl AsyncFnOnce() -> Result<Value, E>) -> Result<Value, E> {
        let cache = self.cache.clone();
        let (outcome, value) = match self.found {
            Found::Hit(value) => (Outcome::Hit, Ok(value)),
            Found::Stale(value) => (Outcome::Stale, Ok(value)),
            // Boxed: a request's future is moved whole, and a hit should not carry the room that a fill needs.
            _ => Box::pin(self.wait(origin)).await,
        };
        cache.observe(if value.is_err() { Outcome::Failed } else { outcome });
        value
    }

    /// Where another is filling, looks again until the value is there, the lease is free or the deadline has come. Then
    /// fills, or goes without Redis.
    async fn wait<E>(
        mut self,
        origin: impl AsyncFnOnce() -> Result<Value, E>,
    ) -> (Outcome, Result<Value, E>) {
        // Once: if somebody writes it again and again, it is as if Redis were away.
        if matches!(self.found, Found::Unreadable) {
            self = self.anew().await;
        }
        let mut interval = FIRST_LOOK;
        while let Found::Wait(lease) = self.found {
            // Jittered, so that those who wait do not come back together.
            let pause = interval.mul_f64(0.5 + fastrand::f64()).min(lease + Duration::from_millis(1));
            interval = (interval * 2).min(RAREST_LOOK);
            if Instant::now() + pause >= self.deadline {
                return (Outcome::GaveUp, origin().await);
            }
            let began = Instant::now();
            sleep(pause).await;
            telemetry::time(Timer::CacheWait, began.elapsed());
            let again = timeout_at(self.deadline, self.cache.0.redis.batch(self.same_lookup())).await;
            let Ok(looked_up) = again else { return (Outcome::GaveUp, origin().await) };
            self = looked_up.until(self.deadline);
        }
        match self.found {
            Found::Hit(value) | Found::Stale(value) => (Outcome::Waited, Ok(value)),
            Found::Refresh(value) => self.cache.refresh(&self.key, &self.token, value, origin).await,
            Found::Fill => self.cache.fill(&self.key, &self.token, origin).await,
            Found::Wait(_) | Found::Unreadable | Found::Degraded => {
                let shared = self.cache.0.flights.share(&self.key, self.deadline, origin).await;
                (Outcome::Degraded, shared)
            }
        }
    }
}

impl Cache {
    async fn refresh<E>(
        &self,
        key: &str,
        token: &str,
        old: Value,
        origin: impl AsyncFnOnce() -> Result<Value, E>,
    ) -> (Outcome, Result<Value, E>) {
        telemetry::count(Counter::CacheRefreshed);
        let (outcome, value) = self.fill(key, token, origin).await;
        if value.is_err() {
            warn!(region = self.0.region.name, "the origin failed; serving the value of before");
            return (Outcome::Stale, Ok(old));
        }
        (outcome, value)
    }

    async fn fill<E>(
        &self,
        key: &str,
        token: &str,
        origin: impl AsyncFnOnce() -> Result<Value, E>,
    ) -> (Outcome, Result<Value, E>) {
        let began = Instant::now();
        let value = origin().await;
        let Ok(value) = value else {
            self.0.redis.batch(Abandon::new(&self.0.region, key, token)).await;
            return (Outcome::Failed, value);
        };
        KillPoint::BeforeStore.reached();
        let stored =
            self.0.redis.batch(Store::new(&self.0.region, key, token, &value, began.elapsed())).await;
        let outcome = match stored {
            Some(Stored::Kept) => Outcome::Filled,
            Some(Stored::Overtaken | Stored::Outdated) => Outcome::Overtaken,
            None => Outcome::Degraded,
        };
        (outcome, Ok(value))
    }
}
