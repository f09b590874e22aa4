//! A read-through cache whose fills are fenced: after an acknowledged update no reader gets an older value.
//!
//! ```no_run
//! # use shared::{cache::{Cache, Entry}, catalog::{self, ProductId}, database::Database, error::Result, redis::Redis};
//! # async fn example(redis: Redis, products: Cache, database: Database, id: ProductId, version: i64) -> Result<()> {
//! # let key = id.to_string();
//! let looked_up = redis.batch(products.lookup(&key)).await;
//! let product: Option<Entry> = looked_up.or_fill(async || catalog::find(&database, id).await).await?;
//! // … and after the commit of an update:
//! let delivered = redis.insist(products.invalidate(&key, version)).await;
//! # Ok(())
//! # }
//! ```
//!
//! The first reader of a missing entry gets a *lease* and fills it; the others wait for the value instead of asking
//! the origin too. An invalidation takes the lease away, so a fill that read before the update cannot store what it
//! read. (Leases: Nishtala et al., *Scaling Memcache at Facebook*, NSDI 2013.) Shortly before an entry expires one
//! lucky reader refreshes it while the others are still served (`XFetch`: Vattani et al., *Optimal Probabilistic Cache
//! Stampede Prevention*, VLDB 2015).
//!
//! Where one change may make any entry of a region old, as it does with answers to searches, the region has a
//! *generation*, which the change begins anew: entries remember theirs, and one of another is as good as evicted. That
//! costs one more command of a lookup's script and no round trip, however many entries there are.
//!
//! Without Redis the origin is read, by the readers of one environment together.

mod entry;
mod fill;
mod flights;
mod lookup;
mod region;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::debug;
use uuid::Uuid;

pub use entry::Entry;
pub use lookup::{LookedUp, Lookup};
pub use region::Region;
pub use write::{Invalidate, Renew};

use crate::redis::Redis;
use crate::telemetry::{self, Counter};
use flights::Flights;

/// The entries of one [`Region`].
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    region: Region,
    /// The key of its generation, where it has one.
    generation: Option<String>,
    redis: Redis,
    flights: Flights,
    /// Different in every environment.
    id: String,
    lookups: AtomicU64,
}

/// How one read of the cache ended. Each read has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Served from the cache.
    Hit,
    /// Served from the cache after its time, because another refreshes it or the origin fails.
    Stale,
    /// Served from the cache after another caller's fill was awaited.
    Waited,
    /// Read from the origin and stored.
    Filled,
    /// Read from the origin and not stored: an update, a takeover or an eviction came between.
    Overtaken,
    /// Read from the origin because the wait for another's fill became too long.
    GaveUp,
    /// Read from the origin because Redis is away.
    Degraded,
    /// The origin failed, and there was nothing to serve instead.
    Failed,
}

impl Outcome {
    /// What logs and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Waited => "waited",
            Self::Filled => "filled",
            Self::Overtaken => "overtaken",
            Self::GaveUp => "gave_up",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }

    /// Hit or miss, and how.
    fn counters(self) -> (Counter, Option<Counter>) {
        match self {
            Self::Hit => (Counter::CacheHit, None),
            Self::Stale => (Counter::CacheHit, Some(Counter::CacheStale)),
            Self::Waited => (Counter::CacheHit, Some(Counter::CacheWaited)),
            Self::Filled => (Counter::CacheMiss, Some(Counter::CacheFilled)),
            Self::Overtaken => (Counter::CacheMiss, Some(Counter::CacheFillDropped)),
            Self::GaveUp => (Counter::CacheMiss, Some(Counter::CacheGaveUp)),
            Self::Degraded => (Counter::CacheMiss, Some(Counter::CacheDegraded)),
            Self::Failed => (Counter::CacheMiss, Some(Counter::CacheFailed)),
        }
    }
}

impl Cache {
    /// The cache of `region` in `redis`.
    #[must_use]
    pub fn new(region: Region, redis: Redis) -> Self {
        let id = Uuid::now_v7().simple().to_string();
        Self(Arc::new(Inner {
            generation: region.generation(),
            region,
            redis,
            flights: Flights::default(),
            id,
            lookups: AtomicU64::new(0),
        }))
    }

    /// Never given twice, by any environment. Numbered, because drawing a random one takes two system calls.
    fn next_token(&self) -> String {
        format!("{}-{}", self.0.id, self.0.lookups.fetch_add(1, Ordering::Relaxed))
    }

    /// The one place where the outcome of each read is known.
    fn observe(&self, outcome: Outcome) {
        debug!(region = self.0.region.name, outcome = outcome.name(), "cache read");
        let (kind, more) = outcome.counters();
        telemetry::count(kind);
        if let Some(counter) = more {
            telemetry::count(counter);
        }
    }
}
