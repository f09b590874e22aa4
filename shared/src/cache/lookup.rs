//! The lookup command and its answer.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use tracing::warn;

use super::entry::{Entry, Value, is_json};
use super::write::{evict, give_back};
use super::{Cache, Region};
use crate::redis::{Call, Calls, Command, Replies, Script};

static LOOKUP: Script = Script::new(
    "cache.lookup",
    concat!(include_str!("../redis/clock.lua"), include_str!("fields.lua"), include_str!("lookup.lua")),
);

/// A command that looks up one key. Answers with [`LookedUp`].
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Lookup {
    cache: Cache,
    key: String,
    token: String,
}

/// What a lookup found; [`LookedUp::or_fill`] makes it a value.
#[must_use = "a lookup may hold the right to fill, which others wait for"]
pub struct LookedUp {
    pub(super) cache: Cache,
    pub(super) key: String,
    pub(super) token: String,
    pub(super) found: Found,
    pub(super) deadline: Instant,
}

pub(super) enum Found {
    Hit(Value),
    Stale(Value),
    /// Here is the value; this caller is to refresh it.
    Refresh(Value),
    /// Nothing there; this caller is to fill it.
    Fill,
    /// Nothing there; another is filling, for at most this long.
    Wait(Duration),
    /// There is something that can be no value of ours.
    Unreadable,
    /// Redis is away.
    Degraded,
}

impl Cache {
    /// A command that looks up `key`. Check the shape of keys that callers choose before: each is a Redis key.
    pub fn lookup(&self, key: &str) -> Lookup {
        Lookup::new(self.clone(), key)
    }
}

impl Lookup {
    fn new(cache: Cache, key: &str) -> Self {
        // A token of its own for each lookup: it fences this fill from every other.
        Self { key: cache.0.region.key(key), token: cache.next_token(), cache }
    }

    fn call(&self) -> Call {
        // The exponential draw that XFetch asks for; 1 - u lies in (0, 1], so the logarithm is finite.
        let early = -(1.0 - fastrand::f64()).ln();
        let Region { lease, .. } = self.cache.0.region;
        let keys = [Some(&self.key), self.cache.0.generation.as_ref()];
        let call = LOOKUP.on(keys.into_iter().flatten()).arg(&self.token).arg(lease.as_millis()).arg(early);
        call.arg(self.cache.0.region.longest().as_millis())
    }
}

impl Command for Lookup {
    type Output = LookedUp;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.call());
    }

    fn read(self, replies: &mut Replies) -> LookedUp {
        let found = replies.next().and_then(found).unwrap_or(Found::Degraded);
        let deadline = Instant::now() + self.cache.0.region.wait;
        LookedUp { cache: self.cache, key: self.key, token: self.token, found, deadline }
    }

    /// Gives the right to fill to whoever comes next.
    fn undo(looked_up: LookedUp, calls: &mut Calls) {
        if matches!(looked_up.found, Found::Fill | Found::Refresh(_)) {
            calls.push(give_back(&looked_up.key, &looked_up.token, Duration::ZERO));
        }
    }
}

type Reply = (String, String, i64, Vec<u8>, u64);

fn found((state, kind, version, body, wait_ms): Reply) -> Option<Found> {
    let value = match kind.as_str() {
        "found" if is_json(&body) => Some(Some(Entry { body: Bytes::from(body), version })),
        "missing" => Some(None),
        _ => None,
    };
    match (state.as_str(), value) {
        ("hit", Some(value)) => Some(Found::Hit(value)),
        ("stale", Some(value)) => Some(Found::Stale(value)),
        ("refresh", Some(value)) => Some(Found::Refresh(value)),
        ("hit" | "stale", None) => Some(Found::Unreadable),
        // Who is to refresh it may fill as well.
        ("refresh", None) | ("fill", _) => Some(Found::Fill),
        ("wait", _) => Some(Found::Wait(Duration::from_millis(wait_ms))),
        _ => None,
    }
}

impl LookedUp {
    /// Bounds the wait for another caller's fill: at `deadline` the origin is read instead.
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: deadline.min(self.deadline), ..self }
    }

    /// What is there goes, and the same lookup again: for what can be no value of ours.
    pub(super) async fn anew(self) -> Self {
        warn!(region = self.cache.0.region.name, "an entry of the cache was unreadable, and is read anew");
        let redis = &self.cache.0.redis;
        // One after the other: of a batch, a script that Redis does not know yet comes last.
        redis.batch(evict(&self.key)).await;
        redis.batch(self.same_lookup()).await.until(self.deadline)
    }

    /// The same lookup once more, under the same token.
    pub(super) fn same_lookup(&self) -> Lookup {
        Lookup { cache: self.cache.clone(), key: self.key.clone(), token: self.token.clone() }
    }
}
