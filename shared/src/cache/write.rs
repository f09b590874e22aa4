//! The commands that change an entry: store, abandon, invalidate.

use std::time::Duration;

use super::entry::Value;
use super::region::JITTER;
use super::{Cache, Region};
use crate::redis::{Call, Calls, Command, Replies, Script};
use crate::telemetry::{self, Counter};

static STORE: Script = Script::new(
    "cache.store",
    concat!(include_str!("../redis/clock.lua"), include_str!("fields.lua"), include_str!("store.lua")),
);
static ABANDON: Script =
    Script::new("cache.abandon", concat!(include_str!("../redis/clock.lua"), include_str!("abandon.lua")));
static INVALIDATE: Script = Script::new(
    "cache.invalidate",
    concat!(include_str!("../redis/clock.lua"), include_str!("fields.lua"), include_str!("invalidate.lua")),
);
static RENEW: Script =
    Script::new("cache.renew", concat!(include_str!("../redis/clock.lua"), include_str!("renew.lua")));

/// A floor outlives every fill that may still be under way; a Lambda function runs for at most 15 minutes.
const FLOOR_KEPT: Duration = Duration::from_mins(15);

/// Keeps a fill. `None` when Redis is away.
pub(super) struct Store(Call);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Kept,
    /// The lease was no longer this fill's.
    Overtaken,
    /// The origin's answer is older than an update that was already announced.
    Outdated,
}

impl Store {
    pub(super) fn new(region: &Region, key: &str, token: &str, value: &Value, cost: Duration) -> Self {
        let jitter = 1.0 + JITTER * (2.0 * fastrand::f64() - 1.0);
        let call = STORE.on([key]).arg(token);
        let call = match value {
            Some(entry) => call
                .arg("found")
                .arg(entry.version)
                .bytes(entry.body.as_ref())
                .arg(region.fresh.mul_f64(jitter).as_millis())
                .arg(region.stale.as_millis()),
            // What is not there is not served stale: it may have come to be.
            None => {
                call.arg("missing").arg(0).arg("").arg(region.not_found.mul_f64(jitter).as_millis()).arg(0)
            }
        };
        Self(call.arg(cost.as_millis()))
    }
}

impl Command for Store {
    type Output = Option<Stored>;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) -> Self::Output {
        match replies.next::<String>()?.as_str() {
            "stored" => Some(Stored::Kept),
            "overtaken" => Some(Stored::Overtaken),
            "outdated" => Some(Stored::Outdated),
            _ => None,
        }
    }
}

/// Gives a lease back because the origin failed.
pub(super) struct Abandon(Call);

impl Abandon {
    pub(super) fn new(region: &Region, key: &str, token: &str) -> Self {
        Self(give_back(key, token, region.rest))
    }
}

/// Ends a lease. For `rest`, whoever has a stale value is served with it.
pub(super) fn give_back(key: &str, token: &str, rest: Duration) -> Call {
    ABANDON.on([key]).arg(token).arg(rest.as_millis())
}

impl Command for Abandon {
    type Output = ();

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) {
        // Whether it arrived does not matter: the lease ends on its own.
        let _ = replies.next::<i64>();
    }
}

/// A command that removes what an update made old. Answers whether Redis got it.
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Invalidate(Call);

impl Cache {
    /// A command for after the commit of `version`: removes what is older and keeps fills that are under way from
    /// storing it. Its answer says whether Redis got it; if not, it has to be sent again later.
    pub fn invalidate(&self, key: &str, version: i64) -> Invalidate {
        Invalidate::of(&self.0.region.key(key), Some(version))
    }

    /// Like [`Cache::invalidate`], for entries that have no version of their own, such as a list of many things.
    pub fn evict(&self, key: &str) -> Invalidate {
        evict(&self.0.region.key(key))
    }
}

impl Invalidate {
    fn of(key: &str, version: Option<i64>) -> Self {
        let version = version.map(|version| version.to_string()).unwrap_or_default();
        Self(INVALIDATE.on([key]).arg(version).arg(FLOOR_KEPT.as_millis()))
    }
}

/// Removes what is under a key of Redis, but for the floor.
pub(super) fn evict(key: &str) -> Invalidate {
    Invalidate::of(key, None)
}

impl Command for Invalidate {
    /// True if Redis has confirmed. If false, readers may get the old value until it expires; send it again.
    type Output = bool;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) -> bool {
        confirmed(replies)
    }
}

fn confirmed(replies: &mut Replies) -> bool {
    let delivered = replies.next::<String>().is_some();
    if !delivered {
        telemetry::count(Counter::InvalidationLost);
    }
    delivered
}

/// A command that makes all entries of a region old at once. Answers whether Redis got it.
#[must_use = "a command does nothing until it is sent in a batch"]
pub struct Renew(Option<Call>);

impl Cache {
    /// A command for after the commit of a change that any entry may hold, for a region that is kept [in
    /// generations](Region::in_generations): entries of before are not served, and fills that are under way store in
    /// vain. Of another region it does nothing.
    pub fn renew(&self) -> Renew {
        Renew(self.0.generation.as_ref().map(|key| RENEW.on([key])))
    }
}

impl Command for Renew {
    /// As of [`Invalidate`].
    type Output = bool;

    fn calls(&self, calls: &mut Calls) {
        if let Some(call) = &self.0 {
            calls.push(call.clone());
        }
    }

    fn read(self, replies: &mut Replies) -> bool {
        self.0.is_none() || confirmed(replies)
    }
}
