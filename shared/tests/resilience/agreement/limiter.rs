//! The limiter's window: a list of admissions, `rate_limit/window.rs` and `rate_limit/check.lua`.

use proptest::prelude::*;
use redis::Script;
use shared::rate_limit::{BUCKETS, Window};

use super::{histories, script_at};
use crate::server::Server;

const CHECK: &str = script_at!("../../../src/rate_limit/check.lua");
const KEYS: [&str; 2] = ["{agreement}:a", "{agreement}:b"];
/// Limit and window of two policies that are checked together.
const POLICIES: [(u32, u64); 2] = [(5, 60_000), (3, 20_000)];

/// How far the clock goes on, and how far it steps back then.
fn step() -> impl Strategy<Value = (u64, u64)> {
    let back = prop_oneof![9 => Just(0), 1 => 1..90_000_u64];
    (prop_oneof![4 => 0..3_000_u64, 1 => 3_000..70_000_u64], back)
}

/// The definition, without any cleverness: every admission, by a time that never runs backwards.
#[derive(Default)]
struct List(Vec<u64>);

impl List {
    fn used(&self, now: u64, length: u64) -> u32 {
        let width = length.div_ceil(BUCKETS as u64);
        let inside = self.0.iter().filter(|at| **at / width + BUCKETS as u64 >= now / width).count();
        u32::try_from(inside).expect("few admissions")
    }
}

fn agree(server: &Server, steps: &[(u64, u64)]) -> Result<(), TestCaseError> {
    let mut redis = server.raw();
    redis::cmd("DEL").arg(&KEYS).exec(&mut redis).expect("deleted");
    let script = Script::new(CHECK);
    let mut clock = 1_700_000_000_000;
    let (mut steady, mut latest) = (clock, clock);
    let mut windows = POLICIES.map(|_| Window::new(clock));
    let mut list = List::default();
    let mut charged = false;
    for (on, back) in steps {
        // A rejected call writes nothing to Redis, which then does not know how late it had been: a step back after one
        // makes it wait longer than the other two. It is left out here, and part of `clocks.rs`.
        clock = clock + on - if charged { *back } else { 0 };
        // What the clock loses by stepping back, nobody can know; a steady time goes on from where it was.
        steady += clock.saturating_sub(latest);
        latest = clock;
        let mut call = script.key(&KEYS[..]);
        call.arg(BUCKETS);
        for (limit, length) in POLICIES {
            call.arg(limit).arg(length);
        }
        let lua: Vec<u64> = call.arg(clock).invoke(&mut redis).expect("the script runs");

        for (window, (_, length)) in windows.iter_mut().zip(POLICIES) {
            prop_assert!(!window.is_over(clock, length) || list.used(steady, length) == 0);
            window.advance(clock, length);
        }
        let read = |windows: &[Window; 2]| [0, 1].map(|i| windows[i].read(POLICIES[i].0, POLICIES[i].1));
        let before = read(&windows);
        let allowed = before.iter().all(|reading| reading.wait == 0);
        if allowed {
            windows.iter_mut().for_each(Window::charge);
        }
        let after = read(&windows);

        prop_assert_eq!(lua[0] == 1, allowed);
        for (i, (limit, length)) in POLICIES.into_iter().enumerate() {
            prop_assert_eq!(before[i].used, list.used(steady, length));
            let ours = [u64::from(limit.saturating_sub(after[i].used)), after[i].reset, before[i].wait];
            prop_assert_eq!(&ours, &lua[1 + 3 * i..4 + 3 * i]);
        }
        charged = allowed;
        if allowed {
            list.0.push(steady);
        }
    }
    Ok(())
}

#[test]
fn the_limiter_in_rust_and_in_lua_agree_step_by_step() {
    let server = Server::start();
    proptest!(histories(150), |(steps in prop::collection::vec(step(), 1..100))| agree(&server, &steps)?);
}
