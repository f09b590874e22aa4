use super::*;
use crate::breaker::Settings;

const SECOND: u64 = 1_000;
const START: u64 = 1_700_000_000_000;

/// A breaker whose calls come one after the other.
struct Bench {
    machine: Machine,
    limits: Limits,
    now: u64,
    calls: u32,
}

impl Bench {
    fn new() -> Self {
        let limits = Settings::DEFAULT.limits();
        Self { machine: Machine::new(START), limits, now: START, calls: 0 }
    }

    fn acquire(&mut self) -> (String, Answer) {
        self.calls += 1;
        let token = self.calls.to_string();
        let answer = self.machine.acquire(&self.limits, self.now, 0.5, &token);
        (token, answer)
    }

    fn report(&mut self, call: &(String, Answer), outcome: Outcome, environment: &str) -> Effect {
        let (Answer::Allow { generation, .. } | Answer::Probe { generation }) = call.1 else {
            panic!("{call:?} was denied")
        };
        let report = Report { token: &call.0, generation, outcome, environment };
        self.machine.report(&self.limits, self.now, 0.5, &report)
    }

    fn call(&mut self, outcome: Outcome) -> Effect {
        let call = self.acquire();
        self.report(&call, outcome, "a")
    }

    /// Trips the breaker and waits until it lets probes through.
    fn half_open(&mut self) {
        while self.call(Outcome::Failed) != Effect::Opened {}
        self.now += self.limits.open_ms;
    }
}

#[test]
fn three_failures_in_a_row_open_it_for_a_minute() {
    let mut bench = Bench::new();
    assert_eq!([bench.call(Outcome::Failed), bench.call(Outcome::Failed)], [Effect::Counted; 2]);
    assert_eq!(bench.call(Outcome::Failed), Effect::Opened);
    bench.now += 59 * SECOND;
    assert_eq!(bench.acquire().1, Answer::Deny { wait: SECOND });
    bench.now += SECOND;
    assert!(matches!(bench.acquire().1, Answer::Probe { .. }));
}

#[test]
fn a_success_ends_a_streak() {
    let mut bench = Bench::new();
    for outcome in [Outcome::Failed, Outcome::Slow, Outcome::Ok, Outcome::Failed, Outcome::Failed] {
        assert_eq!(bench.call(outcome), Effect::Counted);
    }
    assert_eq!(bench.call(Outcome::Slow), Effect::Opened);
}

#[test]
fn with_many_calls_the_rate_decides_and_not_the_streak() {
    let mut bench = Bench::new();
    for _ in 0..30 {
        bench.call(Outcome::Ok);
    }
    for _ in 0..29 {
        assert_eq!(bench.call(Outcome::Failed), Effect::Counted);
    }
    assert_eq!(bench.call(Outcome::Failed), Effect::Opened, "half of 60 calls have failed");
}

#[test]
fn those_who_are_let_through_and_call_nothing_do_not_hide_that_nothing_goes_well() {
    let mut bench = Bench::new();
    let mut second = |outcome| {
        for _ in 0..50 {
            bench.acquire();
        }
        let effect = bench.call(outcome);
        bench.now += SECOND;
        effect
    };
    for _ in 0..10 {
        assert_eq!(second(Outcome::Failed), Effect::Counted, "a row of less than a window may be chance");
    }
    assert_eq!(second(Outcome::Ok), Effect::Counted);
    for _ in 0..10 {
        assert_eq!(second(Outcome::Failed), Effect::Counted);
    }
    assert_eq!(second(Outcome::Failed), Effect::Opened, "in a whole window nothing went well");
}

#[test]
fn the_window_forgets() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        bench.call(Outcome::Ok);
    }
    bench.now += 10 * SECOND;
    bench.call(Outcome::Failed);
    bench.call(Outcome::Failed);
    assert_eq!(
        bench.call(Outcome::Failed),
        Effect::Opened,
        "the hundred good calls are no longer in the window"
    );
}

#[test]
fn one_sick_environment_does_not_open_it_for_all() {
    let mut bench = Bench::new();
    bench.limits.minimum_environments = 2;
    for _ in 0..10 {
        assert_eq!(bench.call(Outcome::Failed), Effect::Counted);
    }
    let call = bench.acquire();
    assert_eq!(bench.report(&call, Outcome::Failed, "b"), Effect::Opened);
}

#[test]
fn half_open_it_admits_three_probes_and_closes_when_all_succeed() {
    let mut bench = Bench::new();
    bench.half_open();
    let probes: Vec<_> = (0..3).map(|_| bench.acquire()).collect();
    assert!(probes.iter().all(|(_, answer)| matches!(answer, Answer::Probe { .. })));
    assert!(matches!(bench.acquire().1, Answer::Deny { .. }));
    let effects: Vec<_> = probes.iter().map(|probe| bench.report(probe, Outcome::Ok, "a")).collect();
    assert_eq!(effects, [Effect::Counted, Effect::Counted, Effect::Closed]);
    assert!(matches!(bench.acquire().1, Answer::Allow { watched: false, .. }));
}

#[test]
fn a_succeeded_probe_does_not_make_room_for_another() {
    let mut bench = Bench::new();
    bench.half_open();
    let probes: Vec<_> = (0..3).map(|_| bench.acquire()).collect();
    bench.report(&probes[0], Outcome::Ok, "a");
    assert!(matches!(bench.acquire().1, Answer::Deny { .. }));
    bench.report(&probes[1], Outcome::Skipped, "a");
    assert!(matches!(bench.acquire().1, Answer::Probe { .. }), "a skipped one does");
}

#[test]
fn a_failed_probe_opens_it_for_twice_as_long() {
    let mut bench = Bench::new();
    bench.half_open();
    let late = bench.acquire();
    assert_eq!(bench.call(Outcome::Slow), Effect::Opened);
    assert_eq!(bench.acquire().1, Answer::Deny { wait: 120 * SECOND });
    assert_eq!(bench.report(&late, Outcome::Ok, "a"), Effect::Ignored, "an older generation");
    for _ in 0..10 {
        bench.now = bench.machine.until;
        bench.call(Outcome::Failed);
    }
    assert_eq!(bench.acquire().1, Answer::Deny { wait: 600 * SECOND }, "up to a maximum");
    assert_eq!(bench.machine.interval, 600 * SECOND, "which the interval itself does not leave behind");
}

#[test]
fn a_probe_that_is_never_reported_counts_as_failed() {
    let mut bench = Bench::new();
    bench.half_open();
    let lost = bench.acquire();
    bench.now += 10 * SECOND;
    assert_eq!(bench.acquire().1, Answer::Deny { wait: 120 * SECOND });
    assert_eq!(bench.report(&lost, Outcome::Ok, "a"), Effect::Ignored);
    bench.now += 3_600 * SECOND;
    assert!(matches!(bench.acquire().1, Answer::Probe { .. }));
    bench.now += 3_600 * SECOND;
    assert!(
        matches!(bench.acquire().1, Answer::Probe { .. }),
        "the time it was open for has passed meanwhile"
    );
}

#[test]
fn asking_again_with_the_same_token_takes_no_second_place() {
    let mut bench = Bench::new();
    bench.half_open();
    let (token, first) = bench.acquire();
    for _ in 0..5 {
        assert_eq!(bench.machine.acquire(&bench.limits, bench.now, 0.5, &token), first);
    }
    assert_eq!(bench.machine.leases.len(), 1);
}

#[test]
fn generations_grow_even_when_the_clock_goes_back() {
    let mut bench = Bench::new();
    bench.half_open();
    bench.acquire();
    let before = bench.machine.generation;
    bench.now -= 3_600 * SECOND;
    bench.call(Outcome::Failed);
    assert!(bench.machine.generation > before);
}

/// The replica that takes over may not have seen the last changes of phase.
#[test]
fn after_a_failover_to_an_older_state_no_generation_is_issued_again() {
    let mut bench = Bench::new();
    let older = bench.machine.clone();
    bench.half_open();
    bench.acquire();
    let issued = bench.machine.generation;
    bench.machine = older;
    bench.half_open();
    bench.acquire();
    assert!(bench.machine.generation > issued);
}

#[test]
fn an_operators_order_stands_until_it_is_withdrawn() {
    let mut bench = Bench::new();
    let before = bench.acquire();
    bench.machine.force(bench.now, Forced::Open);
    bench.now += 3_600 * SECOND;
    assert!(matches!(bench.acquire().1, Answer::Deny { .. }));
    bench.machine.force(bench.now, Forced::Closed);
    for _ in 0..10 {
        assert_eq!(bench.call(Outcome::Failed), Effect::Ignored);
    }
    bench.machine.force(bench.now, Forced::Auto);
    assert_eq!(bench.report(&before, Outcome::Failed, "a"), Effect::Ignored, "from before the order");
    assert!(matches!(bench.acquire().1, Answer::Allow { watched: false, .. }));
}
