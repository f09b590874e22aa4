//! When a breaker opens, for how long, and how it finds out that it may close.

use std::time::Duration;

use serde::Serialize;

/// The settings of one dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// With few calls in the window, this many bad ones in a row open it.
    pub consecutive: u32,
    /// From this many calls in the window on, the rates decide instead of the streak.
    pub minimum_calls: u32,
    /// The share of failed calls that opens it.
    pub failure_percent: u32,
    /// The share of slow calls that opens it.
    pub slow_percent: u32,
    /// The length of the window. Short, so that an outage is not diluted by the good calls before it.
    pub window: Duration,
    /// How many environments must have failed: 1 where there may be only one, 2 in a fleet.
    pub minimum_environments: u32,
    /// How long it stays open first. Doubled each time a probe fails.
    pub open_for: Duration,
    /// The most that doubling leads to.
    pub open_at_most: Duration,
    /// The calls that may probe at a time, and that must succeed to close it.
    pub probes: u32,
    /// How long a probe may take before it counts as failed. Longer than the call's own time-out, or a slow success
    /// would be taken for a crash.
    pub lease: Duration,
}

impl Settings {
    /// For a service whose calls have a limit of 5 s: 3 failures in a row (one is an accident), 60 s, 3 probes (one
    /// success proves little), leases of 10 s. From 20 calls in 10 s on, half of them must fail, or four fifths be
    /// slow.
    pub const DEFAULT: Self = Self {
        consecutive: 3,
        minimum_calls: 20,
        failure_percent: 50,
        slow_percent: 80,
        window: Duration::from_secs(10),
        minimum_environments: 1,
        open_for: Duration::from_mins(1),
        open_at_most: Duration::from_mins(10),
        probes: 3,
        lease: Duration::from_secs(10),
    };

    /// As the state machine reads them.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            consecutive: self.consecutive,
            minimum_calls: self.minimum_calls,
            failure_percent: self.failure_percent,
            slow_percent: self.slow_percent,
            window_ms: ms(self.window),
            minimum_environments: self.minimum_environments,
            open_ms: ms(self.open_for),
            open_most_ms: ms(self.open_at_most),
            probes: self.probes,
            lease_ms: ms(self.lease),
        }
    }
}

/// [`Settings`] as the state machine reads them: times in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "each is the field of Settings with its name")]
pub struct Limits {
    pub consecutive: u32,
    pub minimum_calls: u32,
    pub failure_percent: u32,
    pub slow_percent: u32,
    pub window_ms: u64,
    pub minimum_environments: u32,
    pub open_ms: u64,
    pub open_most_ms: u64,
    pub probes: u32,
    pub lease_ms: u64,
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
