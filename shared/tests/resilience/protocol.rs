//! The cache's lease protocol as pure functions: what the scripts in `src/cache` do to one entry, in Rust.
//!
//! This is the text that the model checker explores (`models/cache.rs`), and that the scripts are compared with step by
//! step (`agreement/cache.rs`). Times are milliseconds; a token is a number, and 0 is none.

/// Where a region's generation is kept; `None`: the key is lost.
pub(crate) type Region = Option<Generation>;

/// The token is that of the reader who found none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Generation {
    pub(crate) token: u32,
    pub(crate) count: u32,
}

/// A key of Redis, if it exists.
pub(crate) type Slot = Option<Entry>;

/// What is kept under one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) value: Option<Value>,
    pub(crate) token: u32,
    pub(crate) lease: u64,
    /// Until then the origin is left alone.
    pub(crate) rest: u64,
    /// No value of a version below this one is stored.
    pub(crate) floor: i64,
    /// That of the region when the lease was granted, where there are generations.
    pub(crate) generation: Option<Generation>,
    /// When Redis drops the key.
    pub(crate) expires: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Value {
    /// `None`: there is no such thing.
    pub(crate) version: Option<i64>,
    pub(crate) fresh: u64,
    pub(crate) stale: u64,
    pub(crate) cost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Hit(Option<i64>),
    Stale(Option<i64>),
    Refresh(Option<i64>),
    Fill,
    Wait(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Kept,
    Overtaken,
    Outdated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalidated {
    Removed,
    Current,
}

/// What a fill wants to keep, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) version: Option<i64>,
    pub(crate) fresh_ms: u64,
    pub(crate) stale_ms: u64,
    pub(crate) cost_ms: u64,
}

/// With what a lookup comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) lease_ms: u64,
    /// The furthest ahead that any time may lie.
    pub(crate) longest_ms: u64,
    pub(crate) early: f64,
}

/// Drops a key whose time is over.
pub(crate) fn expire(slot: &mut Slot, now: u64) {
    slot.take_if(|entry| entry.expires <= now);
}

/// A lookup in a region that has generations.
pub(crate) fn lookup_in(region: &mut Region, slot: &mut Slot, now: u64, token: u32, times: Times) -> Found {
    let generation = *region.get_or_insert(Generation { token, count: 0 });
    slot.take_if(|entry| entry.generation != Some(generation));
    let found = lookup(slot, now, token, times);
    if let (Some(entry), Found::Fill | Found::Refresh(_)) = (slot, found) {
        entry.generation = Some(generation);
    }
    found
}

/// Whether there was a generation before.
pub(crate) fn renew(region: &mut Region) -> bool {
    let Some(generation) = region else { return false };
    generation.count += 1;
    true
}

#[expect(clippy::cast_precision_loss, reason = "times are far below 2^53 ms")]
pub(crate) fn lookup(slot: &mut Slot, now: u64, token: u32, times: Times) -> Found {
    let Times { lease_ms, longest_ms, early } = times;
    // Further ahead than any of ours: over.
    let time = |at: u64, most: u64| if at <= now + most { at } else { 0 };
    let entry = slot.clone().unwrap_or_default();
    let value = entry.value.filter(|value| now < time(value.stale, longest_ms));
    let fresh = value.map_or(0, |value| time(value.fresh, longest_ms));
    if let Some(value) = value
        && now as f64 + value.cost as f64 * early < fresh as f64
    {
        return Found::Hit(value.version);
    }
    let lease = time(entry.lease, lease_ms);
    let taken = entry.token != 0 && entry.token != token && now < lease;
    if let Some(value) = value
        && (taken || now < time(entry.rest, longest_ms))
    {
        return if now < fresh { Found::Hit(value.version) } else { Found::Stale(value.version) };
    }
    if taken {
        return Found::Wait(lease - now);
    }
    let granted = slot.get_or_insert_default();
    granted.token = token;
    granted.lease = now + lease_ms;
    granted.expires = granted.expires.max(now + lease_ms);
    value.map_or(Found::Fill, |value| Found::Refresh(value.version))
}

pub(crate) fn store(slot: &mut Slot, now: u64, token: u32, fill: Fill) -> Stored {
    let Some(entry) = slot.as_mut().filter(|entry| entry.token == token) else { return Stored::Overtaken };
    if fill.version.is_some_and(|version| version < entry.floor) {
        entry.token = 0;
        return Stored::Outdated;
    }
    let fresh = now + fill.fresh_ms;
    let stale = fresh + fill.stale_ms;
    let value = Value { version: fill.version, fresh, stale, cost: fill.cost_ms };
    let expires = entry.expires.max(stale);
    let Entry { floor, generation, .. } = *entry;
    *entry = Entry { value: Some(value), floor, generation, expires, ..Entry::default() };
    Stored::Kept
}

pub(crate) fn abandon(slot: &mut Slot, now: u64, token: u32, rest_ms: u64) -> bool {
    let Some(entry) = slot.as_mut().filter(|entry| entry.token == token) else { return false };
    (entry.token, entry.lease, entry.rest) = (0, 0, now + rest_ms);
    true
}

pub(crate) fn invalidate(slot: &mut Slot, now: u64, version: Option<i64>, keep_ms: u64) -> Invalidated {
    let entry = slot.clone().unwrap_or_default();
    let floor = entry.floor.max(version.unwrap_or(0));
    let stored = entry.value.and_then(|value| value.version);
    if let (Some(version), Some(stored)) = (version, stored)
        && stored >= version
    {
        *slot = Some(Entry { floor, expires: entry.expires.max(now + keep_ms), ..entry });
        return Invalidated::Current;
    }
    *slot = (floor > 0).then(|| Entry { floor, expires: now + keep_ms, ..Entry::default() });
    Invalidated::Removed
}
