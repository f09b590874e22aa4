//! `protocol.rs` against the scripts of the cache.

use std::collections::HashMap;

use proptest::prelude::*;
use redis::{Connection, Script};

use super::{histories, script_at};
use crate::protocol::{Entry, Fill, Found, Generation, Invalidated, Region, Slot, Stored, Times, Value};
use crate::protocol::{abandon, expire, invalidate, lookup, lookup_in, renew, store};
use crate::server::Server;

const LOOKUP: &str = script_at!("../../../src/cache/fields.lua", "../../../src/cache/lookup.lua");
const STORE: &str = script_at!("../../../src/cache/fields.lua", "../../../src/cache/store.lua");
const ABANDON: &str = script_at!("../../../src/cache/abandon.lua");
const INVALIDATE: &str = script_at!("../../../src/cache/fields.lua", "../../../src/cache/invalidate.lua");
const RENEW: &str = script_at!("../../../src/cache/renew.lua");
const KEY: &str = "cache:{agreement}:1";
const GENERATION: &str = "cache:{agreement}";

/// Milliseconds of a history's smallest step. Redis' own clock, by which keys expire, goes on by far less than that
/// between two steps, so it can be set to the history's time before each.
const UNIT: u64 = 100_000;
const LEASE: u64 = 2 * UNIT;
const KEEP: u64 = 9 * UNIT;
/// Of what is stored, the longest.
const LONGEST: u64 = 8 * UNIT;

/// No generations.
const GARBAGE: [&str; 4] = ["", "garbage", "a:b", "1:1x"];

#[derive(Clone, Debug)]
enum Step {
    Elapse(u64),
    SetBack(u64),
    Lookup {
        token: u32,
        early: f64,
    },
    Store {
        token: u32,
        version: Option<i64>,
        fresh: u64,
        stale: u64,
        cost: u64,
    },
    Abandon {
        token: u32,
    },
    Invalidate {
        version: Option<i64>,
    },
    Evict,
    Renew,
    EvictGeneration,
    /// Somebody writes there what is none.
    GarbleGeneration(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let early = prop_oneof![Just(0.0), 0.0..3.0_f64];
    let store = (1..6_u32, prop::option::weighted(0.8, 1..5_i64), 1..6_u64, 0..4_u64, 0..300_u64);
    prop_oneof![
        6 => (1..4_u64).prop_map(Step::Elapse),
        1 => (1..4_u64).prop_map(Step::SetBack),
        6 => (1..6_u32, early).prop_map(|(token, early)| Step::Lookup { token, early }),
        4 => store.prop_map(|(token, version, fresh, stale, cost)| Step::Store { token, version, fresh, stale, cost }),
        1 => (1..6_u32).prop_map(|token| Step::Abandon { token }),
        2 => prop::option::weighted(0.8, 1..5_i64).prop_map(|version| Step::Invalidate { version }),
        1 => Just(Step::Evict),
        1 => Just(Step::Renew),
        1 => Just(Step::EvictGeneration),
        1 => prop::sample::select(GARBAGE.to_vec()).prop_map(Step::GarbleGeneration),
    ]
}

/// With the region's generation, where it has one.
struct Lua(Connection, bool);

impl Lua {
    /// Sets what is left of the key's life, then runs the script.
    fn call<T: redis::FromRedisValue>(
        &mut self,
        slot: &Slot,
        script: &str,
        arguments: &[String],
        now: u64,
    ) -> T {
        if let Some(entry) = slot {
            redis::cmd("PEXPIRE")
                .arg(KEY)
                .arg(entry.expires - now)
                .exec(&mut self.0)
                .expect("a time to live");
        } else {
            redis::cmd("DEL").arg(KEY).exec(&mut self.0).expect("deleted");
        }
        let script = Script::new(script);
        let mut call = script.key(KEY);
        if self.1 {
            call.key(GENERATION);
        }
        for argument in arguments {
            call.arg(argument);
        }
        call.arg(now).invoke(&mut self.0).expect("the script runs")
    }

    fn renew(&mut self) -> String {
        Script::new(RENEW).key(GENERATION).invoke(&mut self.0).expect("the script runs")
    }

    fn generation(&mut self) -> Region {
        let text: Option<String> = redis::cmd("GET").arg(GENERATION).query(&mut self.0).expect("a text");
        text.as_deref().filter(|text| !GARBAGE.contains(text)).map(generation)
    }

    /// The entry, with the expiry rounded to the history's units.
    fn entry(&mut self, now: u64) -> Slot {
        let fields: HashMap<String, String> =
            redis::cmd("HGETALL").arg(KEY).query(&mut self.0).expect("a hash");
        let left: i64 = redis::cmd("PTTL").arg(KEY).query(&mut self.0).expect("a time to live");
        let number = |name: &str| fields.get(name).and_then(|text| text.parse().ok()).unwrap_or(0_i64);
        let time = |name: &str| u64::try_from(number(name)).expect("a time");
        let value = fields.get("kind").map(|kind| Value {
            version: (kind == "found").then(|| number("version")),
            fresh: time("fresh"),
            stale: time("stale"),
            cost: time("cost"),
        });
        (!fields.is_empty()).then(|| Entry {
            value,
            token: u32::try_from(number("token")).expect("a token"),
            lease: time("lease"),
            rest: time("rest"),
            floor: number("floor"),
            generation: fields.get("generation").map(String::as_str).map(generation),
            expires: now + u64::try_from(left).expect("every key expires").next_multiple_of(UNIT),
        })
    }
}

fn generation(text: &str) -> Generation {
    let (token, count) = text.split_once(':').expect("a token and a number");
    Generation { token: token.parse().expect("a token"), count: count.parse().expect("a number") }
}

fn found(reply: (String, String, i64, Option<String>, u64)) -> Found {
    let (state, kind, version, body, wait) = reply;
    let value = (kind == "found").then_some(version);
    assert_eq!(body.unwrap_or_default(), value.map(|version| format!("v{version}")).unwrap_or_default());
    match state.as_str() {
        "hit" => Found::Hit(value),
        "stale" => Found::Stale(value),
        "refresh" => Found::Refresh(value),
        "fill" => Found::Fill,
        _ => Found::Wait(wait),
    }
}

fn run(
    step: &Step,
    region: &mut Option<Region>,
    slot: &mut Slot,
    lua: &mut Lua,
    now: u64,
) -> Result<(), TestCaseError> {
    let before = slot.clone();
    match *step {
        Step::Elapse(_)
        | Step::SetBack(_)
        | Step::Evict
        | Step::Renew
        | Step::EvictGeneration
        | Step::GarbleGeneration(_) => {}
        Step::Lookup { token, early } => {
            let arguments = [token.to_string(), LEASE.to_string(), early.to_string(), LONGEST.to_string()];
            let times = Times { lease_ms: LEASE, longest_ms: LONGEST, early };
            let theirs = found(lua.call(&before, LOOKUP, &arguments, now));
            let ours = match region {
                Some(region) => lookup_in(region, slot, now, token, times),
                None => lookup(slot, now, token, times),
            };
            prop_assert_eq!(ours, theirs);
        }
        Step::Store { token, version, fresh, stale, cost } => {
            let fill =
                Fill { version, fresh_ms: fresh * UNIT, stale_ms: stale * UNIT, cost_ms: cost * 1_000 };
            let arguments = [
                token.to_string(),
                if version.is_some() { "found" } else { "missing" }.to_owned(),
                version.unwrap_or(0).to_string(),
                version.map(|version| format!("v{version}")).unwrap_or_default(),
                fill.fresh_ms.to_string(),
                fill.stale_ms.to_string(),
                fill.cost_ms.to_string(),
            ];
            let theirs: String = lua.call(&before, STORE, &arguments, now);
            let ours = match store(slot, now, token, fill) {
                Stored::Kept => "stored",
                Stored::Overtaken => "overtaken",
                Stored::Outdated => "outdated",
            };
            prop_assert_eq!(ours, theirs);
        }
        Step::Abandon { token } => {
            let theirs: bool = lua.call(&before, ABANDON, &[token.to_string(), UNIT.to_string()], now);
            prop_assert_eq!(abandon(slot, now, token, UNIT), theirs);
        }
        Step::Invalidate { version } => {
            let text = version.map(|version| version.to_string()).unwrap_or_default();
            let theirs: String = lua.call(&before, INVALIDATE, &[text, KEEP.to_string()], now);
            let ours = match invalidate(slot, now, version, KEEP) {
                Invalidated::Removed => "removed",
                Invalidated::Current => "current",
            };
            prop_assert_eq!(ours, theirs);
        }
    }
    Ok(())
}

fn agree(lua: &mut Lua, steps: &[Step]) -> Result<(), TestCaseError> {
    let (mut now, mut slot) = (17_000_000 * UNIT, None);
    let mut region = lua.1.then_some(None);
    redis::cmd("DEL").arg(KEY).arg(GENERATION).exec(&mut lua.0).expect("deleted");
    for step in steps {
        match *step {
            Step::Elapse(units) => now += units * UNIT,
            Step::SetBack(units) => now -= units * UNIT,
            Step::Evict => slot = None,
            Step::EvictGeneration => {
                redis::cmd("DEL").arg(GENERATION).exec(&mut lua.0).expect("deleted");
                region = region.map(|_| None);
            }
            Step::GarbleGeneration(garbage) => {
                redis::cmd("SET").arg(GENERATION).arg(garbage).exec(&mut lua.0).expect("written");
                region = region.map(|_| None);
            }
            Step::Renew => {
                let theirs = lua.renew();
                if let Some(region) = &mut region {
                    prop_assert_eq!(if renew(region) { "renewed" } else { "lost" }, theirs);
                    prop_assert_eq!(*region, lua.generation());
                }
            }
            _ => {}
        }
        expire(&mut slot, now);
        let asks = matches!(
            step,
            Step::Lookup { .. } | Step::Store { .. } | Step::Abandon { .. } | Step::Invalidate { .. }
        );
        if !asks {
            continue;
        }
        run(step, &mut region, &mut slot, lua, now)?;
        prop_assert_eq!(&slot, &lua.entry(now));
        if let Some(region) = region {
            prop_assert_eq!(region, lua.generation());
        }
    }
    Ok(())
}

#[test]
fn the_cache_in_rust_and_in_lua_agree_step_by_step() {
    let server = Server::start();
    proptest!(histories(200), |(steps in prop::collection::vec(step(), 1..100), generations: bool)| {
        agree(&mut Lua(server.raw(), generations), &steps)?;
    });
}
