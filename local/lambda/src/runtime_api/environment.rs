//! One environment: a process, and what it is doing.

use std::collections::VecDeque;
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
    life: Life,
    /// For each invocation that it may take and has not asked for yet, until when it has to: it is starting, or has
    /// answered. Until it asks, Lambda counts the invocation before as running.
    coming: VecDeque<Instant>,
    /// What it has under way, the oldest first.
    busy: Vec<Busy>,
    invocations: u64,
    /// What it said of its own failure to start.
    init_error: Option<Bytes>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Until it asks for its first event.
    Starting,
    /// It has asked for an event.
    Serving,
    /// Killed because its time was up; the process may still be there for a moment.
    TimedOut,
    Gone,
}

struct Busy {
    request_id: String,
    outcome: Outcome,
    deadline: Instant,
    cold: bool,
}

/// An environment that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// It never asked for an event.
    pub(super) while_starting: bool,
    /// So many invocations it would have asked for.
    pub(super) coming: usize,
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
    /// One that takes so many invocations at a time.
    pub(super) fn new(id: u64, function: String, version: Option<Version>, at_a_time: usize) -> Self {
        let coming = VecDeque::from(vec![Instant::now() + INIT_LIMIT; at_a_time]);
        let state =
            State { life: Life::Starting, coming, busy: Vec::new(), invocations: 0, init_error: None };
        Self { id, function, version, pid: OnceLock::new(), state: Mutex::new(state) }
    }

    /// Its process runs.
    pub(super) fn has_started(&self, pid: Option<i32>) {
        if let Some(pid) = pid {
            self.pid.get_or_init(|| pid);
        }
    }

    /// It asks for an event. Tells whether that was to be expected.
    pub(super) fn asks(&self) -> bool {
        let mut state = self.lock();
        if state.life == Life::Starting {
            state.life = Life::Serving;
        }
        if state.life != Life::Serving {
            // It is as good as dead.
            return false;
        }
        let expected = state.coming.pop_front().is_some();
        if !expected && !state.busy.is_empty() {
            let reason = "it asked for the next event without answering this one";
            state.busy.remove(0).outcome.send(Err(InvokeError::Died(reason.to_owned()))).ok();
        }
        expected
    }

    /// It is given an invocation.
    pub(super) fn is_given(&self, request_id: String, outcome: Outcome, limit: Duration) {
        let mut state = self.lock();
        state.invocations += 1;
        let cold = state.invocations == 1;
        state.busy.push(Busy { request_id, outcome, deadline: Instant::now() + limit, cold });
    }

    /// It answers an invocation. `None` if it has none with this id; else whom to tell, and whether it was the first.
    pub(super) fn answers(&self, request_id: &str) -> Option<(Outcome, bool)> {
        let mut state = self.lock();
        let index = state.busy.iter().position(|busy| busy.request_id == request_id)?;
        let Busy { outcome, deadline, cold, .. } = state.busy.remove(index);
        state.coming.push_back(deadline);
        Some((outcome, cold))
    }

    /// Whether it has an invocation.
    pub(super) fn is_busy(&self) -> bool {
        !self.lock().busy.is_empty()
    }

    /// It says why it cannot start.
    pub(super) fn cannot_start(&self, reason: Bytes) {
        self.lock().init_error = Some(reason);
    }

    /// When it has to be looked at again; `None` while it is idle.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.lock();
        if matches!(state.life, Life::TimedOut | Life::Gone) {
            return None;
        }
        state.busy.iter().map(|busy| busy.deadline).chain(state.coming.iter().copied()).min()
    }

    /// The time of one of its invocations is up: kills it, which fails all of them.
    pub(super) fn times_out(&self, limit: Duration) {
        let mut state = self.lock();
        if state.life == Life::Serving {
            state.life = Life::TimedOut;
        }
        for busy in state.busy.drain(..) {
            busy.outcome.send(Err(InvokeError::TimedOut(limit))).ok();
        }
        state.init_error.get_or_insert_with(|| format!("it asked for no event within {INIT_LIMIT:?}").into());
        drop(state);
        self.signal(Signal::SIGKILL);
    }

    /// Its process has ended.
    pub(super) fn is_gone(&self, status: &str) -> Left {
        let mut state = self.lock();
        let while_starting = std::mem::replace(&mut state.life, Life::Gone) == Life::Starting;
        for busy in state.busy.drain(..) {
            busy.outcome.send(Err(InvokeError::Died(status.to_owned()))).ok();
        }
        Left { while_starting, coming: std::mem::take(&mut state.coming).len() }
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
        let pid = self.pid.get().filter(|_| state.life != Life::Gone);
        pid.is_some_and(|pid| kill(Pid::from_raw(*pid), signal).is_ok())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let busy = !state.busy.is_empty() || (state.life == Life::Serving && !state.coming.is_empty());
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
