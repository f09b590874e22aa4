//! One environment: a process, and what it is doing.

use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::invocation::{InvokeError, Outcome};
use super::version::Version;

/// Lambda's limit for the time from the start to the first request for an event.
pub(super) const INIT_LIMIT: Duration = Duration::from_secs(10);

/// One environment.
pub(super) struct Environment {
    pub(super) id: u64,
    pub(super) function: String,
    /// Which build it runs, where that may change.
    pub(super) version: Option<Version>,
    /// Unknown for the moment in which the process is being started.
    pid: OnceLock<i32>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    invocations: u64,
    /// What it said of its own failure to start.
    init_error: Option<Bytes>,
}

enum Phase {
    /// Until it asks for its first event.
    Starting {
        deadline: Instant,
    },
    /// It has asked for an event.
    Idle,
    Busy {
        request_id: String,
        outcome: Outcome,
        deadline: Instant,
    },
    /// It has answered and not asked for the next event yet. Until it does, Lambda counts the invocation as running.
    Answered {
        deadline: Instant,
    },
    /// Killed because its time was up; the process may still be there for a moment.
    TimedOut,
    Gone,
}

/// What an environment was doing when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    WhileStarting,
    /// After an answer, before it asked for the next event.
    BetweenEvents,
    /// While it had an event, or waited for one.
    Unexpected,
}

/// An environment as it was at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Counted from 1 in its fleet.
    pub id: u64,
    /// Whose it is.
    pub function: String,
    /// Unknown for the moment in which the process is being started.
    pub pid: Option<i32>,
    /// Whether it has an invocation, or has not asked for the next one yet.
    pub busy: bool,
    /// Invocations that it has been given.
    pub invocations: u64,
}

impl Environment {
    pub(super) fn new(id: u64, function: String, version: Option<Version>) -> Self {
        let phase = Phase::Starting { deadline: Instant::now() + INIT_LIMIT };
        let state = State { phase, invocations: 0, init_error: None };
        Self { id, function, version, pid: OnceLock::new(), state: Mutex::new(state) }
    }

    /// Its process runs.
    pub(super) fn has_started(&self, pid: Option<i32>) {
        if let Some(pid) = pid {
            self.pid.get_or_init(|| pid);
        }
    }

    /// It asks for an event. Tells whether that was to be expected.
    pub(super) fn becomes_idle(&self) -> bool {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::Idle) {
            Phase::Starting { .. } | Phase::Answered { .. } => return true,
            Phase::Busy { outcome, .. } => {
                let reason = "it asked for the next event without answering this one";
                outcome.send(Err(InvokeError::Died(reason.to_owned()))).ok();
            }
            Phase::Idle => {}
            // It is as good as dead.
            over @ (Phase::TimedOut | Phase::Gone) => state.phase = over,
        }
        false
    }

    /// It is given an invocation.
    pub(super) fn becomes_busy(&self, request_id: String, outcome: Outcome, limit: Duration) {
        let mut state = self.lock();
        state.invocations += 1;
        state.phase = Phase::Busy { request_id, outcome, deadline: Instant::now() + limit };
    }

    /// It answers its invocation. `None` if it has none with this id; else whom to tell, and whether it was the first.
    pub(super) fn answers(&self, request_id: &str) -> Option<(Outcome, bool)> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::Idle) {
            Phase::Busy { request_id: own, outcome, deadline } if own == request_id => {
                state.phase = Phase::Answered { deadline };
                Some((outcome, state.invocations == 1))
            }
            other => {
                state.phase = other;
                None
            }
        }
    }

    /// It says why it cannot start.
    pub(super) fn cannot_start(&self, reason: Bytes) {
        self.lock().init_error = Some(reason);
    }

    /// When it has to be looked at again; `None` while it is idle.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.lock().phase {
            Phase::Starting { deadline } | Phase::Busy { deadline, .. } | Phase::Answered { deadline } => {
                Some(deadline)
            }
            Phase::Idle | Phase::TimedOut | Phase::Gone => None,
        }
    }

    /// Its time is up: kills it, which fails its invocation.
    pub(super) fn times_out(&self, limit: Duration) {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::TimedOut) {
            Phase::Busy { outcome, .. } => {
                outcome.send(Err(InvokeError::TimedOut(limit))).ok();
            }
            other => state.phase = other,
        }
        state.init_error.get_or_insert_with(|| format!("it asked for no event within {INIT_LIMIT:?}").into());
        drop(state);
        self.signal(Signal::SIGKILL);
    }

    /// Its process has ended.
    pub(super) fn is_gone(&self, status: &str) -> End {
        match std::mem::replace(&mut self.lock().phase, Phase::Gone) {
            Phase::Starting { .. } => return End::WhileStarting,
            Phase::Answered { .. } => return End::BetweenEvents,
            Phase::Busy { outcome, .. } => {
                outcome.send(Err(InvokeError::Died(status.to_owned()))).ok();
            }
            Phase::Idle | Phase::TimedOut | Phase::Gone => {}
        }
        End::Unexpected
    }

    /// What it said of its failure to start, else how it ended.
    pub(super) fn last_words(&self, status: &str) -> String {
        let words = self.lock().init_error.take();
        words.map_or_else(|| status.to_owned(), |words| String::from_utf8_lossy(&words).into_owned())
    }

    /// Sends a signal to its process, if there still is one.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        // A process that was reaped an instant ago is not marked yet; no system hands out its pid again that soon.
        let state = self.lock();
        let pid = self.pid.get().filter(|_| !matches!(state.phase, Phase::Gone));
        pid.is_some_and(|pid| kill(Pid::from_raw(*pid), signal).is_ok())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let busy = matches!(state.phase, Phase::Busy { .. } | Phase::Answered { .. });
        let pid = self.pid.get().copied();
        Snapshot { id: self.id, function: self.function.clone(), pid, busy, invocations: state.invocations }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it can panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a process ended, in words.
pub(super) fn describe(status: &std::io::Result<ExitStatus>) -> String {
    status.as_ref().map_or_else(ToString::to_string, ToString::to_string)
}
