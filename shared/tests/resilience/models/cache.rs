//! The cache's leases under lost replies, crashes, expiry and evictions, with updates and fills in every order.

use stateright::{Model, Property};

use super::check;
use crate::agreement::depth;
use crate::protocol::{Fill, Found, Invalidated, Region, Slot, Stored, Times};
use crate::protocol::{abandon, expire, invalidate, lookup, lookup_in, renew, store};

const LEASE: u64 = 2;
const KEEP: u64 = 100;
/// What is stored is fresh for two and stale for one.
const TIMES: Times = Times { lease_ms: LEASE, longest_ms: 3, early: 0.0 };

/// What is explored, and how far.
struct Cache {
    readers: usize,
    lookups: u8,
    versions: i64,
    ticks: u64,
    /// Replies that get lost, and stores that arrive twice.
    losses: u8,
    evictions: u8,
    /// Whether the origin may answer with the version before the committed one, as a read replica does.
    lagging: bool,
    /// Whether an update begins a generation, instead of telling the entry.
    generations: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    slot: Slot,
    /// Where the region has generations.
    region: Option<Region>,
    now: u64,
    committed: i64,
    /// The newest version whose invalidation was acknowledged.
    acknowledged: i64,
    /// Versions whose invalidation has not been acknowledged.
    pending: Vec<i64>,
    readers: Vec<Reader>,
    lookups: u8,
    losses: u8,
    evictions: u8,
    /// Grows when an update or an eviction takes a lease away.
    epoch: u8,
    broken: Option<&'static str>,
    last: Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reader {
    Idle,
    Waiting { token: u32 },
    Filling { token: u32, epoch: u8, ends: u64, read: Option<i64> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Last {
    Other,
    Hit,
    Stale,
    Refresh,
    Wait,
    Overtaken,
    Outdated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Tick,
    Commit,
    Invalidate { version: i64, reply_lost: bool },
    Evict,
    EvictGeneration,
    Lookup { reader: usize, reply_lost: bool },
    LookAgain { reader: usize },
    Read { reader: usize, lag: bool },
    Store { reader: usize, twice: bool },
    Abandon { reader: usize },
    Crash { reader: usize },
}

impl State {
    fn lookup(&mut self, reader: usize, token: u32, reply_lost: bool) {
        let before = self.region;
        let found = look(&mut self.region, &mut self.slot, self.now, token);
        if before != self.region {
            self.epoch += 1;
        }
        if reply_lost {
            // The caller goes on without the cache; a lease it was granted ends on its own.
            self.readers[reader] = Reader::Idle;
            return;
        }
        let (last, next) = match found {
            Found::Hit(_) => (Last::Hit, Reader::Idle),
            Found::Stale(_) => (Last::Stale, Reader::Idle),
            Found::Refresh(_) | Found::Fill => {
                let (epoch, ends) = (self.epoch, self.now + LEASE);
                let last = if found == Found::Fill { Last::Other } else { Last::Refresh };
                (last, Reader::Filling { token, epoch, ends, read: None })
            }
            Found::Wait(ms) => {
                if ms > LEASE {
                    self.broken = Some("a reader waits longer than a lease lasts");
                }
                (Last::Wait, Reader::Waiting { token })
            }
        };
        (self.last, self.readers[reader]) = (last, next);
        let (Found::Hit(value) | Found::Stale(value) | Found::Refresh(value)) = found else { return };
        if value.is_none_or(|version| version < self.acknowledged) {
            self.broken = Some("a reader got a value from before an acknowledged update");
        }
    }

    fn store(&mut self, token: u32, version: i64) {
        let fill = Fill { version: Some(version), fresh_ms: 2, stale_ms: 1, cost_ms: 0 };
        self.last = match store(&mut self.slot, self.now, token, fill) {
            Stored::Kept => Last::Other,
            Stored::Overtaken => Last::Overtaken,
            Stored::Outdated => Last::Outdated,
        };
    }

    /// Readers that may fill at this moment, unless an update or an eviction came between.
    fn live_fills(&self) -> usize {
        let live = |reader: &&Reader| matches!(reader, Reader::Filling { epoch, ends, .. } if *epoch == self.epoch && self.now < *ends);
        self.readers.iter().filter(live).count()
    }
}

fn look(region: &mut Option<Region>, slot: &mut Slot, now: u64, token: u32) -> Found {
    match region {
        Some(region) => lookup_in(region, slot, now, token, TIMES),
        None => lookup(slot, now, token, TIMES),
    }
}

impl Model for Cache {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            slot: None,
            region: self.generations.then_some(None),
            now: 1,
            committed: 1,
            acknowledged: 1,
            pending: Vec::new(),
            readers: vec![Reader::Idle; self.readers],
            lookups: self.lookups,
            losses: self.losses,
            evictions: self.evictions,
            epoch: 0,
            broken: None,
            last: Last::Other,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.now <= self.ticks {
            actions.push(Action::Tick);
        }
        if state.committed < self.versions {
            actions.push(Action::Commit);
        }
        for version in &state.pending {
            actions.push(Action::Invalidate { version: *version, reply_lost: false });
            if state.losses > 0 {
                actions.push(Action::Invalidate { version: *version, reply_lost: true });
            }
        }
        if state.evictions > 0 && state.slot.is_some() {
            actions.push(Action::Evict);
        }
        if state.evictions > 0 && state.region.is_some_and(|region| region.is_some()) {
            actions.push(Action::EvictGeneration);
        }
        for (reader, doing) in state.readers.iter().enumerate() {
            match doing {
                Reader::Idle if state.lookups > 0 => {
                    actions.push(Action::Lookup { reader, reply_lost: false });
                    if state.losses > 0 {
                        actions.push(Action::Lookup { reader, reply_lost: true });
                    }
                }
                Reader::Idle => {}
                Reader::Waiting { .. } => actions.push(Action::LookAgain { reader }),
                Reader::Filling { read: None, .. } => {
                    actions.extend([Action::Read { reader, lag: false }, Action::Crash { reader }]);
                    actions.push(Action::Abandon { reader });
                    if self.lagging && state.committed > 1 {
                        actions.push(Action::Read { reader, lag: true });
                    }
                }
                Reader::Filling { read: Some(_), .. } => {
                    actions.push(Action::Store { reader, twice: false });
                    if state.losses > 0 {
                        actions.push(Action::Store { reader, twice: true });
                    }
                    actions.push(Action::Crash { reader });
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.last = Last::Other;
        match action {
            Action::Tick => {
                state.now += 1;
                expire(&mut state.slot, state.now);
            }
            Action::Commit => {
                state.committed += 1;
                state.pending.push(state.committed);
            }
            Action::Invalidate { version, reply_lost } => {
                if let Some(region) = &mut state.region {
                    renew(region);
                    state.epoch += 1;
                } else if invalidate(&mut state.slot, state.now, Some(version), KEEP) == Invalidated::Removed
                {
                    state.epoch += 1;
                }
                if reply_lost {
                    state.losses -= 1;
                } else {
                    state.pending.retain(|pending| *pending != version);
                    state.acknowledged = state.acknowledged.max(version);
                }
            }
            Action::Evict => {
                state.evictions -= 1;
                state.slot = None;
                state.epoch += 1;
            }
            Action::EvictGeneration => {
                state.evictions -= 1;
                state.region = Some(None);
            }
            Action::Lookup { reader, reply_lost } => {
                state.lookups -= 1;
                state.losses -= u8::from(reply_lost);
                let token = u32::from(self.lookups - state.lookups);
                state.lookup(reader, token, reply_lost);
            }
            Action::LookAgain { reader } => {
                let Reader::Waiting { token } = state.readers[reader] else { return None };
                state.lookup(reader, token, false);
            }
            Action::Read { reader, lag } => {
                let Reader::Filling { read, .. } = &mut state.readers[reader] else { return None };
                *read = Some(state.committed - i64::from(lag));
            }
            Action::Store { reader, twice } => {
                let Reader::Filling { token, read: Some(version), .. } = state.readers[reader] else {
                    return None;
                };
                state.store(token, version);
                if twice {
                    state.losses -= 1;
                } else {
                    state.readers[reader] = Reader::Idle;
                }
            }
            Action::Abandon { reader } => {
                let Reader::Filling { token, .. } = state.readers[reader] else { return None };
                abandon(&mut state.slot, state.now, token, 1);
                state.readers[reader] = Reader::Idle;
            }
            Action::Crash { reader } => state.readers[reader] = Reader::Idle,
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("no step breaks a rule", |_, state: &State| state.broken.is_none()),
            Property::always("an entry has one filler at a time", |_, state: &State| state.live_fills() <= 1),
            Property::always("a dead filler holds nobody up", |_, state: &State| {
                let (mut slot, mut region) = (state.slot.clone(), state.region);
                let later = state.now + LEASE;
                expire(&mut slot, later);
                !matches!(look(&mut region, &mut slot, later, 99), Found::Wait(_))
            }),
            Property::sometimes("a reader hits", |_, state: &State| state.last == Last::Hit),
            Property::sometimes("a reader waits", |_, state: &State| state.last == Last::Wait),
            Property::sometimes("a fill is overtaken", |_, state: &State| state.last == Last::Overtaken),
        ];
        // A value lives for two ticks.
        if self.ticks > 2 {
            let stale = |_: &Self, state: &State| state.last == Last::Stale;
            properties.push(Property::sometimes("a reader gets a stale value", stale));
            let refreshes = |_: &Self, state: &State| state.last == Last::Refresh;
            properties.push(Property::sometimes("a reader refreshes", refreshes));
        }
        if self.lagging {
            let outdated = |_: &Self, state: &State| state.last == Last::Outdated;
            properties.push(Property::sometimes("a fill is outdated", outdated));
        }
        properties
    }
}

const TROUBLE: Cache = Cache {
    readers: 2,
    lookups: 3,
    versions: 2,
    ticks: 3,
    losses: 1,
    evictions: 1,
    lagging: false,
    generations: false,
};

#[test]
fn the_cache_survives_lost_replies_crashes_and_evictions() {
    let (lookups, ticks) = if depth() > 1 { (5, 5) } else { (3, 3) };
    check("cache, lost replies, crashes and evictions", Cache { lookups, ticks, ..TROUBLE });
}

#[test]
fn a_region_in_generations_survives_lost_replies_crashes_and_evictions() {
    let (lookups, ticks) = if depth() > 1 { (4, 3) } else { (3, 1) };
    let model = Cache { lookups, ticks, versions: 3, generations: true, ..TROUBLE };
    check("cache, generations", model);
}

/// An origin that lags can be told from a newer one only while the floor is known, so nothing is evicted here.
#[test]
fn the_cache_does_not_believe_an_origin_that_lags() {
    let (lookups, ticks) = if depth() > 1 { (5, 5) } else { (3, 3) };
    let model = Cache { lookups, ticks, versions: 3, losses: 0, evictions: 0, lagging: true, ..TROUBLE };
    check("cache, lagging origin", model);
}
