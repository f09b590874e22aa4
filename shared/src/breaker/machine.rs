//! The state machine, free of clocks, chance and storage: everything it needs comes with the event.
//!
//! It is the breaker of an environment without Redis, the text that `machine.lua` is tested against, step by step, and
//! what the model checker explores. Both languages keep their state in the same JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::settings::Limits;
use super::tally::{Outcome, Tally};

/// The state of one dependency.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Machine {
    /// Grows with every change of phase, and never below the server's milliseconds, so that an eviction or a failover
    /// cannot issue one again. Results that carry an older one are ignored.
    pub generation: u64,
    /// What an operator has ordered.
    pub forced: Forced,
    /// Where the breaker stands on its own account.
    pub phase: Phase,
    /// When an open breaker lets probes through, in milliseconds since 1970; 0 unless open.
    pub until: u64,
    /// How long the current or last opening is meant to last, in milliseconds, before jitter; 0 when it was healthy.
    pub interval: u64,
    /// Live probes: token and when its lease ends.
    pub leases: BTreeMap<String, u64>,
    /// Probes that succeeded in this generation.
    pub successes: u32,
    /// What calls came to while closed.
    pub tally: Tally,
}

/// The three states of the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Healthy: calls pass and are counted.
    Closed,
    /// Tripped: no call passes.
    Open,
    /// A few probes pass, to find out.
    HalfOpen,
}

/// An operator's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forced {
    /// None: the breaker decides.
    Auto,
    /// No call passes.
    Open,
    /// Every call passes, whatever comes of it.
    Closed,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Call.
    Allow {
        /// To be given with the report.
        generation: u64,
        /// Failures have been seen, so a success is worth reporting.
        watched: bool,
    },
    /// Call, as one of the few that find out how the dependency is.
    Probe {
        /// To be given with the report.
        generation: u64,
    },
    /// Do not call.
    Deny {
        /// For so many milliseconds.
        wait: u64,
    },
}

/// What a report changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it came from an older generation, its lease has ended, or an operator decides.
    Ignored,
    /// It was counted.
    Counted,
    /// It opened the breaker.
    Opened,
    /// It closed the breaker.
    Closed,
}

impl Effect {
    /// What scripts, logs and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Counted => "counted",
            Self::Opened => "opened",
            Self::Closed => "closed",
        }
    }
}

impl Machine {
    /// A healthy dependency.
    pub fn new(now: u64) -> Self {
        Self {
            generation: now,
            forced: Forced::Auto,
            phase: Phase::Closed,
            until: 0,
            interval: 0,
            leases: BTreeMap::new(),
            successes: 0,
            tally: Tally::default(),
        }
    }

    /// May this caller call? `token` names the call; asking again with the same one changes nothing further.
    pub fn acquire(&mut self, limits: &Limits, now: u64, jitter: f64, token: &str) -> Answer {
        match self.forced {
            Forced::Open => return Answer::Deny { wait: limits.open_ms },
            Forced::Closed => return Answer::Allow { generation: self.generation, watched: false },
            Forced::Auto => self.settle(limits, now, jitter),
        }
        let generation = self.generation;
        match self.phase {
            Phase::Closed => {
                self.tally.call(limits, now);
                Answer::Allow { generation, watched: self.tally.streak > 0 }
            }
            Phase::Open => Answer::Deny { wait: self.until - now },
            Phase::HalfOpen if self.leases.contains_key(token) => Answer::Probe { generation },
            Phase::HalfOpen if self.has_room(limits) => {
                self.leases.insert(token.to_owned(), now + limits.lease_ms);
                Answer::Probe { generation }
            }
            Phase::HalfOpen => {
                let next = self.leases.values().min().copied().unwrap_or(now);
                Answer::Deny { wait: next.saturating_sub(now).max(1) }
            }
        }
    }

    /// Whether every call passes, as it was last written.
    pub fn is_closed(&self) -> bool {
        match self.forced {
            Forced::Open => false,
            Forced::Closed => true,
            Forced::Auto => self.phase == Phase::Closed,
        }
    }

    /// What became of the call `token` that was allowed in `generation`.
    pub fn report(&mut self, limits: &Limits, now: u64, jitter: f64, report: &Report<'_>) -> Effect {
        if self.forced != Forced::Auto {
            return Effect::Ignored;
        }
        self.settle(limits, now, jitter);
        if report.generation != self.generation {
            return Effect::Ignored;
        }
        match self.phase {
            Phase::Open => Effect::Ignored,
            Phase::Closed => {
                let against = self.tally.count(limits, now, report.outcome, report.environment);
                if !(against && self.tally.says_open(limits, now)) {
                    return Effect::Counted;
                }
                self.open(limits, now, now, jitter);
                Effect::Opened
            }
            Phase::HalfOpen if self.leases.remove(report.token).is_none() => Effect::Ignored,
            Phase::HalfOpen => self.probed(limits, now, jitter, report.outcome),
        }
    }

    /// Carries out an operator's order. What was measured before is forgotten. Orders are given to Redis alone.
    pub fn force(&mut self, now: u64, forced: Forced) {
        *self = Self { generation: self.next_generation(now), forced, ..Self::new(now) };
    }

    fn probed(&mut self, limits: &Limits, now: u64, jitter: f64, outcome: Outcome) -> Effect {
        match outcome {
            Outcome::Skipped => Effect::Counted,
            Outcome::Failed | Outcome::Slow => {
                self.open(limits, now, now, jitter);
                Effect::Opened
            }
            Outcome::Ok => {
                self.successes += 1;
                if self.successes < limits.probes {
                    return Effect::Counted;
                }
                *self = Self { generation: self.next_generation(now), ..Self::new(now) };
                Effect::Closed
            }
        }
    }

    /// Brings the state up to `now`: what time alone decides does not depend on when somebody looks.
    pub fn settle(&mut self, limits: &Limits, now: u64, jitter: f64) {
        // No opening and no lease lasts longer than it may, where the clock was set back or a hand wrote them.
        self.until = self.until.min(now + limits.open_ms.max(limits.open_most_ms));
        for ends in self.leases.values_mut() {
            *ends = (*ends).min(now + limits.lease_ms);
        }
        // A lease that ended without a report is a failed probe: its environment died or hangs.
        let ended = self.leases.values().min().copied().filter(|end| *end <= now);
        if let Some(end) = ended {
            self.open(limits, now, end, jitter);
        }
        if self.phase == Phase::Open && self.until <= now {
            self.phase = Phase::HalfOpen;
            self.generation = self.next_generation(now);
            self.until = 0;
            self.successes = 0;
        }
    }

    /// Opens as from `at`: for the plain interval when it was healthy, for twice the last one (jittered, so that
    /// breakers that opened together do not probe together) when a probe failed.
    fn open(&mut self, limits: &Limits, now: u64, at: u64, jitter: f64) {
        let healthy = self.interval == 0;
        self.interval = if healthy { limits.open_ms } else { (self.interval * 2).min(limits.open_most_ms) };
        let length =
            if healthy { self.interval } else { jittered(self.interval, jitter).min(limits.open_most_ms) };
        self.phase = Phase::Open;
        self.generation = self.next_generation(now);
        self.until = at + length;
        self.leases.clear();
        self.successes = 0;
        self.tally = Tally::default();
    }

    /// Each success uses up its place, so a generation sees as many successful probes as it takes, and no more.
    fn has_room(&self, limits: &Limits) -> bool {
        self.leases.len() + (self.successes as usize) < limits.probes as usize
    }

    fn next_generation(&self, now: u64) -> u64 {
        now.max(self.generation + 1)
    }
}

/// A report as it reaches the machine.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What the call was acquired with.
    pub token: &'a str,
    /// What acquiring it answered.
    pub generation: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Who made it.
    pub environment: &'a str,
}

/// `jitter` in 0..1 becomes a factor of 0.75..1.25.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "intervals are positive and far below 2^53 ms"
)]
fn jittered(interval: u64, jitter: f64) -> u64 {
    (interval as f64 * (0.75 + 0.5 * jitter)).floor() as u64
}

#[cfg(test)]
mod tests;
