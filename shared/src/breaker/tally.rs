//! What a closed breaker knows of its calls: a streak for low traffic, a sliding window for high.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settings::Limits;

/// The window is counted in this many parts, so it sees between 9/10 and all of its length.
const PARTS: u64 = 10;

/// The most environments remembered as having failed; more evidence than this is not needed.
const MOST_ENVIRONMENTS: usize = 16;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer, and in time. A declined card and other 4xx are answers.
    Ok,
    /// Connect or TLS error, time-out, 5xx, unreadable answer.
    Failed,
    /// An answer that took too long.
    Slow,
    /// The call was not made, was cancelled by us, or met a limit (429): it says nothing about the dependency.
    Skipped,
}

impl Outcome {
    /// What scripts, logs and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Slow => "slow",
            Self::Skipped => "skipped",
        }
    }
}

/// The counts of a closed breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Failed or slow calls since the last success.
    pub streak: u32,
    /// When the streak began.
    pub streak_since: u64,
    /// The window's parts that saw anything: part number → what it saw.
    pub parts: BTreeMap<u64, Part>,
    /// Environments that saw a failure, and when they last did.
    pub failing: BTreeMap<String, u64>,
}

/// One part of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    /// Calls that were let through.
    pub calls: u32,
    /// Reports of failure.
    pub failed: u32,
    /// Reports of slowness.
    pub slow: u32,
}

impl Tally {
    /// A call was let through.
    pub(super) fn call(&mut self, limits: &Limits, now: u64) {
        self.part(limits, now).calls += 1;
    }

    /// A call was reported. True if that speaks against the dependency.
    pub(super) fn count(&mut self, limits: &Limits, now: u64, outcome: Outcome, environment: &str) -> bool {
        match outcome {
            Outcome::Skipped => return false,
            Outcome::Ok => {
                (self.streak, self.streak_since) = (0, 0);
                return false;
            }
            Outcome::Failed => self.part(limits, now).failed += 1,
            Outcome::Slow => self.part(limits, now).slow += 1,
        }
        if self.streak == 0 {
            self.streak_since = now;
        }
        self.streak += 1;
        self.failing.insert(environment.to_owned(), now);
        if self.failing.len() > MOST_ENVIRONMENTS {
            let oldest =
                self.failing.iter().min_by_key(|(name, at)| (**at, *name)).map(|(name, _)| name.clone());
            oldest.map(|name| self.failing.remove(&name));
        }
        true
    }

    /// Whether this is enough to open. With few calls a rate means nothing, so a streak decides; with many a streak
    /// happens by chance (three in a row once in 8,000 calls at 5 % failures), so the rates decide. But a streak that
    /// lasts for the whole window is no chance: of those who were let through and called nothing, or met a limit, there
    /// may be so many that failures are no share of all, and a success would have been reported.
    pub(super) fn says_open(&self, limits: &Limits, now: u64) -> bool {
        let (mut calls, mut failed, mut slow) = (0, 0, 0);
        for part in self.parts.values() {
            calls += part.calls;
            failed += part.failed;
            slow += part.slow;
        }
        let few = calls < limits.minimum_calls;
        let long = now.saturating_sub(self.streak_since) >= limits.window_ms;
        let row = self.streak >= limits.consecutive && self.environments(limits, self.streak_since);
        let over =
            failed * 100 >= limits.failure_percent * calls || slow * 100 >= limits.slow_percent * calls;
        (few || long) && row
            || !few && over && self.environments(limits, now.saturating_sub(limits.window_ms))
    }

    /// Whether enough environments have failed since then: one sick environment must not open it for all.
    fn environments(&self, limits: &Limits, since: u64) -> bool {
        let failing = self.failing.values().filter(|at| **at >= since).count();
        failing >= limits.minimum_environments as usize
    }

    /// The current part. Those that have left the window are dropped, as are those of a time yet to come, which a
    /// clock that stepped back has left behind.
    fn part(&mut self, limits: &Limits, now: u64) -> &mut Part {
        let current = now / (limits.window_ms / PARTS).max(1);
        self.parts.retain(|part, _| *part <= current && *part + PARTS > current);
        self.parts.entry(current).or_default()
    }
}
