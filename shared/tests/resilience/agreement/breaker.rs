//! `breaker/machine.rs` against `breaker/machine.lua`.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use redis::{Connection, Script};
use shared::breaker::{Answer, Effect, Forced, Limits, Machine, Outcome, Report, Settings};

use super::{histories, script_at};
use crate::server::Server;

const ACQUIRE: &str = script_at!("../../../src/breaker/machine.lua", "../../../src/breaker/acquire.lua");
const REPORT: &str = script_at!("../../../src/breaker/machine.lua", "../../../src/breaker/report.lua");
const FORCE: &str = script_at!("../../../src/breaker/machine.lua", "../../../src/breaker/force.lua");
const KEY: &str = "breaker:agreement";

#[derive(Clone, Debug)]
enum Step {
    Elapse(u64),
    SetBack(u64),
    Acquire {
        token: u8,
        jitter: f64,
    },
    /// Of a call that was acquired, in its generation or, when `stale`, in an older one.
    Report {
        token: u8,
        stale: bool,
        outcome: Outcome,
        environment: u8,
        jitter: f64,
    },
    Force(Forced),
    Evict,
    /// Somebody writes there what is no state.
    Garble(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop::sample::select(vec![
        Outcome::Failed,
        Outcome::Failed,
        Outcome::Failed,
        Outcome::Ok,
        Outcome::Ok,
        Outcome::Slow,
        Outcome::Skipped,
    ]);
    let report = (0..8_u8, prop::bool::weighted(0.1), outcome, 0..20_u8, 0.0..1.0_f64);
    prop_oneof![
        3 => (1..4_000_u64).prop_map(Step::Elapse),
        1 => (4_000..90_000_u64).prop_map(Step::Elapse),
        1 => (1..5_000_u64).prop_map(Step::SetBack),
        1 => (5_000..900_000_u64).prop_map(Step::SetBack),
        8 => (0..8_u8, 0.0..1.0_f64).prop_map(|(token, jitter)| Step::Acquire { token, jitter }),
        8 => report.prop_map(|(token, stale, outcome, environment, jitter)| Step::Report {
            token, stale, outcome, environment, jitter,
        }),
        1 => prop::sample::select(vec![Forced::Auto, Forced::Auto, Forced::Open, Forced::Closed]).prop_map(Step::Force),
        1 => Just(Step::Evict),
        1 => prop::sample::select(vec!["", "garbage", "{}", "null", "{\"phase\":\"open\"}"]).prop_map(Step::Garble),
    ]
}

/// Half of the histories begin where a breaker has just become half-open: chance alone seldom gets far there.
fn history() -> impl Strategy<Value = Vec<Step>> {
    let failed =
        Step::Report { token: 0, stale: false, outcome: Outcome::Failed, environment: 0, jitter: 0.5 };
    let call = [Step::Acquire { token: 0, jitter: 0.5 }, failed];
    let tripped = [vec![call; 3].concat(), vec![Step::Elapse(60_000)]].concat();
    let half_open =
        prop::collection::vec(step(), 1..60).prop_map(move |tail| [tripped.clone(), tail].concat());
    prop_oneof![prop::collection::vec(step(), 1..120), half_open]
}

/// Settings with which a short history comes far: those for payments, ones that open soon and probe for long, and ones
/// where rates and environments decide.
fn limits() -> impl Strategy<Value = Limits> {
    let payments = Settings::DEFAULT;
    let short = Settings {
        consecutive: 1,
        open_for: Duration::from_secs(2),
        open_at_most: Duration::from_secs(30),
        lease: Duration::from_secs(20),
        ..payments
    };
    let rates = Settings { consecutive: 3, minimum_calls: 4, minimum_environments: 2, probes: 2, ..short };
    prop::sample::select(vec![payments, short, rates]).prop_map(|settings| settings.limits())
}

/// Both sides of the comparison.
struct Pair {
    limits: Limits,
    machine: Machine,
    redis: Connection,
}

impl Pair {
    fn call<T: redis::FromRedisValue>(&mut self, script: &str, arguments: &[String], now: u64) -> T {
        let script = Script::new(script);
        let mut call = script.key(KEY);
        for argument in arguments {
            call.arg(argument);
        }
        call.arg(now).invoke(&mut self.redis).expect("the script runs")
    }

    fn acquire(&mut self, now: u64, jitter: f64, token: &str) -> (Answer, Answer) {
        let arguments = [json(self.limits), jitter.to_string(), token.to_owned()];
        let (kind, generation, wait, watched): (String, u64, u64, u8) = self.call(ACQUIRE, &arguments, now);
        let lua = match kind.as_str() {
            "allow" => Answer::Allow { generation, watched: watched == 1 },
            "probe" => Answer::Probe { generation },
            _ => Answer::Deny { wait },
        };
        (self.machine.acquire(&self.limits, now, jitter, token), lua)
    }

    fn report(&mut self, now: u64, jitter: f64, report: &Report<'_>) -> (Effect, String) {
        let arguments = [
            json(self.limits),
            jitter.to_string(),
            report.token.to_owned(),
            report.generation.to_string(),
            report.outcome.name().to_owned(),
            report.environment.to_owned(),
        ];
        let lua = self.call(REPORT, &arguments, now);
        (self.machine.report(&self.limits, now, jitter, report), lua)
    }

    fn force(&mut self, now: u64, forced: Forced) {
        let order = serde_json::to_value(forced).expect("an order");
        let order = order.as_str().expect("text").to_owned();
        self.call::<String>(FORCE, &[order], now);
        self.machine.force(now, forced);
    }

    fn stored(&mut self) -> Machine {
        let stored: String = redis::cmd("GET").arg(KEY).query(&mut self.redis).expect("a state");
        serde_json::from_str(&stored).expect("JSON that Rust reads")
    }
}

fn json(limits: Limits) -> String {
    serde_json::to_string(&limits).expect("JSON")
}

fn agree(server: &Server, limits: Limits, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut now = 1_700_000_000_000;
    let mut pair = Pair { limits, machine: Machine::new(now), redis: server.raw() };
    let clear = |pair: &mut Pair| redis::cmd("DEL").arg(KEY).exec(&mut pair.redis).expect("deleted");
    clear(&mut pair);
    let mut generations = HashMap::new();
    // A key that was evicted begins anew at the first step that looks at it.
    let mut fresh = true;
    for step in steps {
        if fresh {
            pair.machine = Machine::new(now);
        }
        match *step {
            Step::Elapse(ms) => now += ms,
            Step::SetBack(ms) => now -= ms,
            Step::Evict => {
                clear(&mut pair);
                fresh = true;
            }
            Step::Garble(garbage) => {
                redis::cmd("SET").arg(KEY).arg(garbage).exec(&mut pair.redis).expect("written");
                fresh = true;
            }
            Step::Acquire { token, jitter } => {
                let (rust, lua) = pair.acquire(now, jitter, &token.to_string());
                prop_assert_eq!(rust, lua);
                if let Answer::Allow { generation, .. } | Answer::Probe { generation } = rust {
                    generations.insert(token, generation);
                }
            }
            Step::Report { token, stale, outcome, environment, jitter } => {
                let Some(generation) = generations.get(&token) else { continue };
                let (token, environment) = (token.to_string(), environment.to_string());
                let generation = generation - u64::from(stale);
                let report = Report { token: &token, generation, outcome, environment: &environment };
                let (rust, lua) = pair.report(now, jitter, &report);
                prop_assert_eq!(rust.name(), lua);
            }
            Step::Force(forced) => pair.force(now, forced),
        }
        if matches!(step, Step::Acquire { .. } | Step::Report { .. } | Step::Force(_)) {
            fresh = false;
            let stored = pair.stored();
            prop_assert_eq!(&pair.machine, &stored);
        }
    }
    Ok(())
}

#[test]
fn the_breaker_in_rust_and_in_lua_agree_step_by_step() {
    let server = Server::start();
    proptest!(histories(250), |(limits in limits(), steps in history())| {
        agree(&server, limits, &steps)?;
    });
}
