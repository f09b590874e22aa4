//! The same random histories in Rust and in Lua on a real Redis, compared step by step: answers and state.
//!
//! Both sides get their time from the history. On the Redis side that replaces one function at the head of each script.

mod breaker;
mod cache;
mod limiter;
mod token_bucket;

use std::env;

use proptest::test_runner::Config;

/// A script as it is deployed, but for its clock, which reads the last argument.
macro_rules! script_at {
    ($($file:literal),+) => {
        concat!("local function clock() return tonumber(ARGV[#ARGV]) end\n", $(include_str!($file)),+)
    };
}
pub(crate) use script_at;

/// How many histories are tried. `RESILIENCE_DEPTH` multiplies it.
fn histories(count: u32) -> Config {
    // The regressions that proptest writes beside the source would be lost with the build folder of a CI run; a history
    // that once failed belongs into a test of its own.
    Config { cases: count * depth(), failure_persistence: None, ..Config::default() }
}

/// How much deeper than in the gate the proofs look.
pub(crate) fn depth() -> u32 {
    env::var("RESILIENCE_DEPTH").ok().and_then(|depth| depth.parse().ok()).unwrap_or(1)
}
