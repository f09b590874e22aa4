//! The store of one environment: the same state machine, for as long as Redis is away.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Answer, Effect, Limits, Machine, Phase, Report};

pub(super) struct Local {
    limits: Limits,
    machine: Mutex<Machine>,
}

impl Local {
    pub(super) fn new(limits: Limits, now: u64) -> Self {
        // Alone, there is one environment to fail.
        let limits = Limits { minimum_environments: 1, ..limits };
        Self { limits, machine: Mutex::new(Machine::new(now)) }
    }

    pub(super) fn acquire(&self, now: u64, token: &str) -> Answer {
        self.machine().acquire(&self.limits, now, fastrand::f64(), token)
    }

    pub(super) fn report(&self, now: u64, report: &Report<'_>) -> Effect {
        self.machine().report(&self.limits, now, fastrand::f64(), report)
    }

    /// A report of a call that was allowed by Redis, which has gone since.
    pub(super) fn witness(&self, now: u64, report: &Report<'_>) -> Effect {
        let mut machine = self.machine();
        let generation = machine.generation;
        machine.report(&self.limits, now, fastrand::f64(), &Report { generation, ..*report })
    }

    /// Takes over what Redis has just said, so that an outage of Redis does not close an open breaker.
    pub(super) fn learn(&self, answer: &Answer, now: u64) {
        let mut machine = self.machine();
        match answer {
            Answer::Deny { wait } => {
                let fresh = Machine::new(machine.generation.max(now));
                *machine =
                    Machine { phase: Phase::Open, until: now + wait, interval: self.limits.open_ms, ..fresh };
            }
            Answer::Allow { .. } if machine.phase != Phase::Closed => *machine = Machine::new(now),
            Answer::Allow { .. } | Answer::Probe { .. } => {}
        }
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
