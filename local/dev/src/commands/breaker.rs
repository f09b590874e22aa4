//! `breaker`: how a circuit breaker stands, and an operator's orders to it.

use std::fmt::Write;

use anyhow::{Result, anyhow, ensure};
use clap::ValueEnum;
use shared::app::BREAKERS;
use shared::breaker::{Breaker, Forced, Part, Phase, Settings, Shown};
use shared::redis::{self, NoAnswer, Redis};

use super::shells::setting;
use cloud::folder::Folder;
use cloud::progress::tell;

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    Show,
    ForceOpen,
    ForceClose,
    Auto,
}

/// Carries out an order, then shows how the breaker stands.
pub(crate) async fn breaker(folder: &Folder, order: Order, name: &str) -> Result<()> {
    let redis = Redis::new(redis::Settings::new(setting(folder, "REDIS_URL")?))?;
    // Orders and state are in Redis; the settings matter to those who call.
    let breaker = Breaker::new(name, Settings::DEFAULT, redis, "operator");
    let forced = match order {
        Order::Show => None,
        Order::ForceOpen => Some(Forced::Open),
        Order::ForceClose => Some(Forced::Closed),
        Order::Auto => Some(Forced::Auto),
    };
    let unanswered = |why: NoAnswer| match why {
        NoAnswer::Silence(why) => anyhow!("Redis does not answer ({why}): {} status", folder.dev),
        NoAnswer::Failure(why) => anyhow!("Redis answers, but not how {name} stands: {why}"),
    };
    let before = breaker.examine().await.map_err(unanswered)?;
    // One of a function that was added since is known to Redis, once it was called.
    let is_called = !is_unknown(&before);
    ensure!(
        BREAKERS.contains(&name) || is_called,
        "there is no breaker {name:?}: there is {}",
        BREAKERS.join(", ")
    );
    let shown = if let Some(forced) = forced {
        breaker.order(forced).await.map_err(unanswered)?;
        breaker.examine().await.map_err(unanswered)?
    } else {
        before
    };
    tell(describe(name, &shown).trim_end());
    if order == Order::Show && !is_called {
        tell("  nobody has called it for a day");
    }
    Ok(())
}

/// A breaker that Redis does not know begins at this very millisecond.
fn is_unknown(Shown { now, machine }: &Shown) -> bool {
    machine.generation == *now && machine.tally.parts.is_empty() && machine.forced == Forced::Auto
}

fn describe(name: &str, Shown { now, machine }: &Shown) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    let until = |time: u64| seconds(time.saturating_sub(*now));
    match (machine.forced, machine.phase) {
        (Forced::Open, _) => line(format_args!("{name}: forced open, until `breaker auto {name}`")),
        (Forced::Closed, _) => line(format_args!("{name}: forced closed, until `breaker auto {name}`")),
        (Forced::Auto, Phase::Closed) => line(format_args!("{name}: closed")),
        (Forced::Auto, Phase::Open) if machine.until <= *now => {
            line(format_args!("{name}: open; the next call will be a probe"));
        }
        (Forced::Auto, Phase::Open) => line(format_args!("{name}: open; probes in {}", until(machine.until))),
        (Forced::Auto, Phase::HalfOpen) => {
            let (live, successes) = (machine.leases.len(), machine.successes);
            line(format_args!("{name}: half-open; {live} probes under way, {successes} succeeded"));
        }
    }
    if machine.interval > 0 {
        line(format_args!(
            "  opened for {} last time; doubles when a probe fails",
            seconds(machine.interval)
        ));
    }
    let sum = |of: fn(&Part) -> u32| machine.tally.parts.values().map(of).sum::<u32>();
    let (calls, failed, slow) = (sum(|part| part.calls), sum(|part| part.failed), sum(|part| part.slow));
    let (streak, environments) = (machine.tally.streak, machine.tally.failing.len());
    line(format_args!(
        "  lately: {calls} calls, {failed} failed, {slow} slow, in {environments} environments"
    ));
    line(format_args!("  failures since the last success: {streak}"));
    text
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use shared::breaker::Machine;

    use super::*;

    fn shown(change: impl FnOnce(&mut Machine)) -> Shown {
        let mut machine = Machine::new(1_000_000);
        change(&mut machine);
        Shown { now: 1_000_500, machine }
    }

    #[test]
    fn it_says_when_an_open_breaker_lets_probes_through() {
        let open = shown(|machine| {
            (machine.phase, machine.until, machine.interval) = (Phase::Open, 1_041_700, 60_000);
        });
        let text = describe("payments", &open);
        assert!(text.starts_with("payments: open; probes in 41.2 s\n  opened for 60.0 s"), "{text}");
    }

    #[test]
    fn it_says_how_to_take_an_order_back() {
        let forced = shown(|machine| machine.forced = Forced::Open);
        assert!(
            describe("payments", &forced).starts_with("payments: forced open, until `breaker auto payments`")
        );
    }

    #[test]
    fn it_knows_a_breaker_that_nobody_has_called() {
        let unknown = Shown { now: 1_000_000, machine: Machine::new(1_000_000) };
        assert!(is_unknown(&unknown));
        assert!(!is_unknown(&shown(|_| {})));
    }
}
