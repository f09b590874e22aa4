//! The breaker's state machine under lost replies, crashes, late and repeated reports, evictions and operators.

use stateright::{Model, Property};

use shared::breaker::{Answer, Effect, Forced, Limits, Machine, Outcome, Phase, Report};

use super::check;
use crate::agreement::depth;

/// One step of the clock. Many changes of phase fit into it, as they do into a lease of seconds.
const TICK: u64 = 100;
const START: u64 = 10_000;

/// Two probes, leases of two ticks, two ticks open at first and four at most. A streak decides.
const LIMITS: Limits = Limits {
    consecutive: 1,
    minimum_calls: 1_000,
    failure_percent: 50,
    slow_percent: 80,
    window_ms: 1_000_000,
    minimum_environments: 1,
    open_ms: 2 * TICK,
    open_most_ms: 4 * TICK,
    probes: 2,
    lease_ms: 2 * TICK,
};

/// What is explored, and how far.
struct Breaker {
    limits: Limits,
    ticks: u64,
    calls: u8,
    /// Replies that get lost, and reports that arrive twice.
    losses: u8,
    evictions: u8,
    orders: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    machine: Machine,
    now: u64,
    /// Grows with each change of phase that is seen from outside: the truth behind the machine's generations.
    epoch: u8,
    /// Calls that were let through and are not reported for good.
    calls: Vec<Call>,
    made: u8,
    losses: u8,
    evictions: u8,
    orders: u8,
    /// Who has reported a failure in this epoch.
    failing: Vec<u8>,
    /// The rule that a step broke.
    broken: Option<&'static str>,
    last: Last,
}

/// What the last step came to, so that the model can be seen to reach what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Last {
    Other,
    DeniedProbe,
    Closed,
    LeaseEnded,
    StaleIgnored,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Call {
    token: u8,
    generation: u64,
    epoch: u8,
    probe: bool,
    ends: u64,
    caller: Caller,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Caller {
    AtWork,
    /// The answer got lost: it may ask again, but has nothing to report.
    Waits,
    /// It will never report. A lease of its runs on.
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Tick,
    Acquire { reply_lost: bool },
    AcquireAgain { call: usize },
    Report { call: usize, outcome: Outcome, twice: bool },
    Crash { call: usize },
    Evict,
    Force(Forced),
}

/// A jitter of one half leaves intervals as they are.
const JITTER: f64 = 0.5;

impl State {
    /// Lets the machine see the time, and notes what that alone changes.
    fn settle(&mut self, limits: &Limits) {
        if self.machine.forced == Forced::Auto {
            let before = self.machine.clone();
            self.machine.settle(limits, self.now, JITTER);
            if before.leases.values().any(|ends| *ends <= self.now) {
                self.last = Last::LeaseEnded;
            }
            self.compare(&before, limits);
        }
    }

    /// Checks a step from `before` to the machine as it is now.
    fn compare(&mut self, before: &Machine, limits: &Limits) {
        if before.phase != self.machine.phase || before.generation != self.machine.generation {
            self.epoch += 1;
            self.failing.clear();
            if self.machine.generation <= before.generation {
                self.broken = Some("a generation was issued twice");
            }
        }
        let (old, new) = (before.interval, self.machine.interval);
        let doubled = if old == 0 { limits.open_ms } else { (2 * old).min(limits.open_most_ms) };
        if ![old, doubled, 0].contains(&new) {
            self.broken = Some("the interval grew by something else than doubling");
        }
    }

    fn acquire(&mut self, limits: &Limits, token: u8) -> Answer {
        self.settle(limits);
        let before = self.machine.clone();
        let answer = self.machine.acquire(limits, self.now, JITTER, &token.to_string());
        self.compare(&before, limits);
        let denied = matches!(answer, Answer::Deny { .. });
        match (before.forced, before.phase) {
            (Forced::Open, _) | (Forced::Auto, Phase::Open) if !denied => {
                self.broken = Some("a call passed an open breaker");
            }
            (Forced::Closed, _) | (Forced::Auto, Phase::Closed) if denied => {
                self.broken = Some("a call was refused by a closed breaker");
            }
            (Forced::Auto, Phase::HalfOpen) if denied => self.last = Last::DeniedProbe,
            _ => {}
        }
        answer
    }

    fn report(&mut self, limits: &Limits, call: &Call, outcome: Outcome) {
        self.settle(limits);
        let before = self.machine.clone();
        let report = Report {
            token: &call.token.to_string(),
            generation: call.generation,
            outcome,
            // Two environments, so that their number can matter.
            environment: ["a", "b"][usize::from(call.token % 2)],
        };
        let effect = self.machine.report(limits, self.now, JITTER, &report);
        if outcome == Outcome::Failed && call.epoch == self.epoch {
            self.failing.push(call.token % 2);
        }
        self.failing.sort_unstable();
        self.failing.dedup();
        let stale = call.epoch != self.epoch || (call.probe && self.now >= call.ends);
        if stale && (effect != Effect::Ignored || self.machine != before) {
            self.broken = Some("a stale result changed the state");
        }
        if stale {
            self.last = Last::StaleIgnored;
        }
        let enough = self.failing.len() >= limits.minimum_environments as usize;
        if effect == Effect::Opened && before.phase == Phase::Closed && !enough {
            self.broken = Some("one environment opened it for all");
        }
        if effect == Effect::Closed {
            self.last = Last::Closed;
        }
        self.compare(&before, limits);
    }

    /// Probes whose callers may still be at work: let through in a generation, not reported, lease not over.
    fn live_probes(&self, generation: u64) -> usize {
        let live = |call: &&Call| call.probe && call.generation == generation && self.now < call.ends;
        self.calls.iter().filter(live).count()
    }

    /// Whether callers that succeed close it, once the longest interval and every lease are over.
    fn recovers(&self, limits: &Limits) -> bool {
        let mut machine = self.machine.clone();
        if machine.forced != Forced::Auto {
            return true;
        }
        let now = self.now + limits.open_most_ms + limits.lease_ms;
        // A lease that ended counts as failed first, and opens it again.
        machine.acquire(limits, now, JITTER, "first");
        let now = now + limits.open_most_ms + limits.lease_ms;
        for probe in 0..limits.probes {
            let token = format!("probe {probe}");
            let (Answer::Allow { generation, .. } | Answer::Probe { generation }) =
                machine.acquire(limits, now, JITTER, &token)
            else {
                return false;
            };
            let report = Report { token: &token, generation, outcome: Outcome::Ok, environment: "a" };
            machine.report(limits, now, JITTER, &report);
        }
        machine.phase == Phase::Closed
    }
}

impl Model for Breaker {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            machine: Machine::new(START),
            now: START,
            epoch: 0,
            calls: Vec::new(),
            made: 0,
            losses: self.losses,
            evictions: self.evictions,
            orders: self.orders,
            failing: Vec::new(),
            broken: None,
            last: Last::Other,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.now < START + self.ticks * TICK {
            actions.push(Action::Tick);
            if state.evictions > 0 {
                actions.push(Action::Evict);
            }
        }
        if state.made < self.calls {
            actions.push(Action::Acquire { reply_lost: false });
            if state.losses > 0 {
                actions.push(Action::Acquire { reply_lost: true });
            }
        }
        for call in 0..state.calls.len() {
            match state.calls[call].caller {
                Caller::AtWork => {}
                Caller::Waits => {
                    actions.push(Action::AcquireAgain { call });
                    continue;
                }
                Caller::Dead => continue,
            }
            actions.push(Action::Crash { call });
            for outcome in [Outcome::Ok, Outcome::Failed, Outcome::Skipped] {
                actions.push(Action::Report { call, outcome, twice: false });
                if state.losses > 0 {
                    actions.push(Action::Report { call, outcome, twice: true });
                }
            }
        }
        if state.orders > 0 {
            actions.extend([Forced::Auto, Forced::Open, Forced::Closed].map(Action::Force));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.last = Last::Other;
        match action {
            Action::Tick => state.now += TICK,
            Action::Acquire { reply_lost } => {
                state.made += 1;
                state.losses -= u8::from(reply_lost);
                let token = state.made;
                let answer = state.acquire(&self.limits, token);
                if let Answer::Allow { generation, .. } | Answer::Probe { generation } = answer {
                    let probe = matches!(answer, Answer::Probe { .. });
                    let (epoch, ends) = (state.epoch, state.now + self.limits.lease_ms);
                    let caller = if reply_lost { Caller::Waits } else { Caller::AtWork };
                    state.calls.push(Call { token, generation, epoch, probe, ends, caller });
                }
            }
            // The caller, or the network, sends what had no answer once more.
            Action::AcquireAgain { call } => {
                let asked = state.calls.remove(call);
                let answer = state.acquire(&self.limits, asked.token);
                if let Answer::Allow { generation, .. } | Answer::Probe { generation } = answer {
                    let again = generation == asked.generation;
                    let ends = if again { asked.ends } else { state.now + self.limits.lease_ms };
                    let (probe, epoch) = (matches!(answer, Answer::Probe { .. }), state.epoch);
                    let caller = Caller::AtWork;
                    state.calls.push(Call { generation, epoch, probe, ends, caller, ..asked });
                }
            }
            Action::Report { call, outcome, twice } => {
                let reported = state.calls.remove(call);
                state.report(&self.limits, &reported, outcome);
                if twice {
                    state.losses -= 1;
                    let (before, was_probe) = (state.machine.clone(), reported.probe);
                    state.report(&self.limits, &reported, outcome);
                    if was_probe && state.machine != before {
                        state.broken = Some("a probe counted twice");
                    }
                }
            }
            Action::Crash { call } => state.calls[call].caller = Caller::Dead,
            // The key is gone, and the next to look at it comes in a later millisecond: generations are server time, so
            // a new one within the very millisecond could be the same.
            Action::Evict => {
                state.evictions -= 1;
                state.now += TICK;
                state.machine = Machine::new(state.now);
                state.epoch += 1;
                state.failing.clear();
            }
            Action::Force(order) => {
                state.orders -= 1;
                state.machine.force(state.now, order);
                state.epoch += 1;
                state.failing.clear();
            }
        }
        state.calls.sort_unstable_by_key(|call| call.token);
        // What the dead leave behind matters for as long as a lease of theirs runs.
        let now = state.now;
        state.calls.retain(|call| call.caller != Caller::Dead || (call.probe && now < call.ends));
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("at most N live probes in a generation", |model: &Self, state: &State| {
                state
                    .calls
                    .iter()
                    .all(|call| state.live_probes(call.generation) <= model.limits.probes as usize)
            }),
            Property::always("live and successful probes are N together", |model, state: &State| {
                let live = state.live_probes(state.machine.generation);
                live + state.machine.successes as usize <= model.limits.probes as usize
            }),
            Property::always("no step breaks a rule", |_, state: &State| state.broken.is_none()),
            Property::always("it always comes back", |model, state: &State| state.recovers(&model.limits)),
            Property::sometimes("a probe is refused", |_, state: &State| state.last == Last::DeniedProbe),
            Property::sometimes("it closes", |_, state: &State| state.last == Last::Closed),
            Property::sometimes("a lease ends", |_, state: &State| state.last == Last::LeaseEnded),
            Property::sometimes("a stale result comes", |_, state: &State| state.last == Last::StaleIgnored),
        ]
    }
}

fn deeper(by: u8) -> u8 {
    if depth() > 1 { by } else { 0 }
}

#[test]
fn the_breaker_survives_lost_replies_and_crashes() {
    let (calls, ticks) = (4 + deeper(2), 5 + u64::from(deeper(2)));
    let model = Breaker { limits: LIMITS, ticks, calls, losses: 1, evictions: 0, orders: 0 };
    check("breaker, lost replies and crashes", model);
}

#[test]
fn the_breaker_survives_evictions_and_operators() {
    let (calls, ticks) = (4 + deeper(1), 4 + u64::from(deeper(3)));
    let model = Breaker { limits: LIMITS, ticks, calls, losses: 0, evictions: 1, orders: 1 };
    check("breaker, evictions and operators", model);
}

#[test]
fn one_environment_alone_never_opens_it() {
    let limits = Limits { consecutive: 2, minimum_environments: 2, ..LIMITS };
    let (calls, ticks) = (5 + deeper(2), 4 + u64::from(deeper(2)));
    check("breaker, two environments", Breaker { limits, ticks, calls, losses: 0, evictions: 0, orders: 0 });
}
