//! The circuit breaker on a real Redis, seen by several environments.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::Notify;

use crate::server::{Server, eventually, nowhere};
use shared::breaker::{
    Admission, Breaker, Effect, Forced, Machine, Outcome, Permit, Phase, Reported, Settings,
};
use shared::redis::Redis;

const SETTINGS: Settings = Settings::DEFAULT;
/// No test takes so long, on whatever machine.
const LONG: Duration = Duration::from_mins(10);

fn breaker(redis: &Redis, environment: &str, settings: Settings) -> Breaker {
    Breaker::new("payments", settings, redis.clone(), environment)
}

/// An empty Redis, a client of it, and the breaker of one environment there.
fn start(settings: Settings) -> (Server, Redis, Breaker) {
    let server = Server::start();
    let redis = server.client();
    let breaker = breaker(&redis, "a", settings);
    (server, redis, breaker)
}

async fn acquire(redis: &Redis, breaker: &Breaker) -> Admission {
    redis.batch(breaker.acquire()).await
}

pub(crate) async fn permit(redis: &Redis, breaker: &Breaker) -> Permit {
    match acquire(redis, breaker).await {
        Admission::Allow(permit) | Admission::Probe(permit) => permit,
        Admission::Deny { retry_after } => panic!("denied for {retry_after:?}"),
    }
}

pub(crate) async fn call(redis: &Redis, breaker: &Breaker, outcome: Outcome) -> Reported {
    let permit = permit(redis, breaker).await;
    permit.report(outcome).await
}

/// Moves what a breaker has written down: its times come while a test waits for nothing.
pub(crate) fn later(server: &Server, name: &str, pass: impl FnOnce(&mut Machine)) {
    let key = format!("breaker:{name}");
    let mut machine = serde_json::from_str(&server.query::<String>(&["GET", &key])).expect("a breaker");
    pass(&mut machine);
    server.query::<()>(&["SET", &key, &serde_json::to_string(&machine).expect("JSON")]);
}

/// Its opening is over.
pub(crate) fn opening_ends(machine: &mut Machine) {
    assert_eq!(machine.phase, Phase::Open);
    machine.until = 0;
}

/// The leases of those who probe are over: just now, because the next opening begins then.
pub(crate) fn leases_end(machine: &mut Machine) {
    let lease = u64::try_from(LONG.as_millis()).expect("short");
    machine.leases.values_mut().for_each(|ends| *ends -= lease);
}

async fn trip(redis: &Redis, breaker: &Breaker) {
    while call(redis, breaker, Outcome::Failed).await != Reported::Shared(Effect::Opened) {}
}

#[tokio::test]
async fn three_failures_anywhere_open_it_everywhere() {
    let server = Server::start();
    let (one, two) = (server.client(), server.client());
    let (a, b) = (breaker(&one, "a", SETTINGS), breaker(&two, "b", SETTINGS));
    assert_eq!(call(&one, &a, Outcome::Failed).await, Reported::Shared(Effect::Counted));
    assert_eq!(call(&two, &b, Outcome::Failed).await, Reported::Shared(Effect::Counted));
    assert_eq!(call(&one, &a, Outcome::Failed).await, Reported::Shared(Effect::Opened));
    let Admission::Deny { retry_after } = acquire(&two, &b).await else { panic!("it is open") };
    assert!(!retry_after.is_zero() && retry_after <= SETTINGS.open_for);
}

#[tokio::test]
async fn a_success_is_reported_only_while_something_has_failed() {
    let (_server, redis, breaker) = start(SETTINGS);
    assert_eq!(call(&redis, &breaker, Outcome::Ok).await, Reported::NotNeeded);
    call(&redis, &breaker, Outcome::Failed).await;
    assert_eq!(call(&redis, &breaker, Outcome::Ok).await, Reported::Shared(Effect::Counted));
    assert_eq!(call(&redis, &breaker, Outcome::Ok).await, Reported::NotNeeded);
    assert_eq!(call(&redis, &breaker, Outcome::Skipped).await, Reported::NotNeeded);
}

#[tokio::test]
async fn a_fleet_racing_for_a_half_open_breaker_gets_three_probes() {
    let server = Server::start();
    let redis = server.client();
    let settings = Settings { open_for: Duration::ZERO, lease: LONG, ..SETTINGS };
    trip(&redis, &breaker(&redis, "a", settings)).await;
    let racers: Vec<_> = (0..100).map(|n| breaker(&redis, &n.to_string(), settings)).collect();
    let admissions = futures::future::join_all(racers.iter().map(|racer| acquire(&redis, racer))).await;
    let mut probes: Vec<_> = admissions
        .into_iter()
        .filter_map(|admission| match admission {
            Admission::Probe(permit) => Some(permit),
            Admission::Deny { .. } => None,
            Admission::Allow(_) => panic!("it is not closed"),
        })
        .collect();
    assert_eq!(probes.len(), 3);
    let last = probes.pop().expect("three probes");
    for probe in probes {
        assert_eq!(probe.report(Outcome::Ok).await, Reported::Shared(Effect::Counted));
    }
    assert_eq!(last.report(Outcome::Ok).await, Reported::Shared(Effect::Closed));
    assert!(matches!(acquire(&redis, &racers[0]).await, Admission::Allow(_)));
}

#[tokio::test]
async fn a_probe_that_dies_opens_it_for_twice_as_long_and_never_wedges_it() {
    let server = Server::start();
    let redis = server.client();
    let open_for = Duration::from_mins(2);
    let breaker = breaker(&redis, "a", Settings { open_for, lease: LONG, ..SETTINGS });
    trip(&redis, &breaker).await;
    later(&server, "payments", opening_ends);
    // Nobody drops anything in a process that was killed.
    std::mem::forget(permit(&redis, &breaker).await);
    later(&server, "payments", leases_end);
    let Admission::Deny { retry_after } = acquire(&redis, &breaker).await else { panic!("it is open") };
    assert!(retry_after > open_for && retry_after <= open_for * 5 / 2, "{retry_after:?}");
    let shown = redis.batch(breaker.show()).await.expect("Redis is there");
    assert_eq!((shown.machine.phase, shown.machine.interval), (Phase::Open, 240_000));
    later(&server, "payments", opening_ends);
    assert!(matches!(acquire(&redis, &breaker).await, Admission::Probe(_)));
}

#[tokio::test]
async fn a_permit_of_which_nobody_made_a_call_goes_to_the_next() {
    let (server, redis, breaker) = start(Settings { probes: 1, open_for: LONG, lease: LONG, ..SETTINGS });
    trip(&redis, &breaker).await;
    later(&server, "payments", opening_ends);
    drop(permit(&redis, &breaker).await);
    // While the first is under way none is allowed, and none for long if it had failed.
    eventually("another may probe", async || matches!(acquire(&redis, &breaker).await, Admission::Probe(_)))
        .await;
}

#[tokio::test]
async fn calls_that_were_given_up_or_panicked_have_failed() {
    let (_server, redis, breaker) = start(Settings { open_for: LONG, ..SETTINGS });
    let called = Notify::new();
    let call = async |panics: bool| {
        let mut permit = permit(&redis, &breaker).await;
        permit.calling();
        assert!(!panics, "on purpose");
        called.notify_one();
        pending::<()>().await;
    };
    assert!(AssertUnwindSafe(call(true)).catch_unwind().await.is_err());
    for _ in 0..2 {
        tokio::select! {
            () = call(false) => unreachable!("it hangs"),
            () = called.notified() => {}
        }
    }
    eventually("three of them open it", async || {
        let shown = redis.batch(breaker.show()).await.expect("Redis is there");
        shown.machine.phase == Phase::Open
    })
    .await;
}

#[tokio::test]
async fn how_a_call_ended_stands_though_its_permit_is_dropped_or_a_later_one_was_skipped() {
    let (server, redis, breaker) = start(Settings { probes: 1, open_for: LONG, lease: LONG, ..SETTINGS });
    trip(&redis, &breaker).await;
    later(&server, "payments", opening_ends);
    let mut probe = permit(&redis, &breaker).await;
    for outcome in [Outcome::Failed, Outcome::Ok, Outcome::Skipped] {
        probe.calling();
        probe.called(outcome);
    }
    drop(probe);
    eventually("it has closed", async || matches!(acquire(&redis, &breaker).await, Admission::Allow(_)))
        .await;
}

#[tokio::test]
async fn a_permit_that_is_dropped_outside_of_a_runtime_is_left_to_its_lease() {
    let server = Server::start();
    let redis = server.client();
    let mut permit = permit(&redis, &breaker(&redis, "a", SETTINGS)).await;
    permit.calling();
    assert!(std::thread::spawn(move || drop(permit)).join().is_ok());
}

/// Dependencies of one service that fail together are not all asked again at the same moment.
#[tokio::test]
async fn breakers_that_opened_together_do_not_probe_together() {
    let server = Server::start();
    let redis = server.client();
    let settings = Settings { lease: LONG, ..SETTINGS };
    let breakers: Vec<_> =
        (0..32).map(|name| Breaker::new(name.to_string(), settings, redis.clone(), "a")).collect();
    for breaker in &breakers {
        trip(&redis, breaker).await;
    }
    let mut waits = Vec::new();
    for (name, breaker) in breakers.iter().enumerate() {
        later(&server, &name.to_string(), opening_ends);
        assert_eq!(call(&redis, breaker, Outcome::Failed).await, Reported::Shared(Effect::Opened));
        let Admission::Deny { retry_after } = acquire(&redis, breaker).await else { panic!("it is open") };
        waits.push(retry_after);
    }
    // Around the doubled interval of 2 min; by chance all on one side of it once in two thousand million times.
    assert!(waits.iter().any(|wait| *wait > settings.open_for * 2), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < settings.open_for * 2), "{waits:?}");
}

#[tokio::test]
async fn a_result_from_before_the_opening_changes_nothing() {
    let (_server, redis, breaker) = start(Settings { open_for: Duration::ZERO, lease: LONG, ..SETTINGS });
    let early = permit(&redis, &breaker).await;
    trip(&redis, &breaker).await;
    let probe = permit(&redis, &breaker).await;
    assert_eq!(early.report(Outcome::Failed).await, Reported::Shared(Effect::Ignored));
    assert_eq!(probe.report(Outcome::Ok).await, Reported::Shared(Effect::Counted));
}

#[tokio::test]
async fn after_an_eviction_old_permits_are_worth_nothing() {
    let (server, redis, breaker) = start(SETTINGS);
    let early = permit(&redis, &breaker).await;
    server.query::<()>(&["FLUSHALL"]);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(early.report(Outcome::Failed).await, Reported::Shared(Effect::Ignored));
}

#[tokio::test]
async fn an_operator_can_force_it_and_let_it_go() {
    let (server, redis, breaker) = start(SETTINGS);
    assert!(redis.batch(breaker.force(Forced::Open)).await);
    assert!(matches!(acquire(&redis, &breaker).await, Admission::Deny { .. }));
    assert_eq!(server.query::<i64>(&["PTTL", "breaker:payments"]), -1, "an order does not expire");
    assert!(redis.batch(breaker.force(Forced::Closed)).await);
    for _ in 0..5 {
        assert_eq!(call(&redis, &breaker, Outcome::Failed).await, Reported::Shared(Effect::Ignored));
    }
    assert!(redis.batch(breaker.force(Forced::Auto)).await);
    trip(&redis, &breaker).await;
}

#[tokio::test]
async fn without_redis_the_environment_decides_alone() {
    let redis = nowhere();
    let breaker = breaker(&redis, "a", Settings { minimum_environments: 2, ..SETTINGS });
    for _ in 0..2 {
        assert_eq!(call(&redis, &breaker, Outcome::Failed).await, Reported::Local(Effect::Counted));
    }
    assert_eq!(call(&redis, &breaker, Outcome::Failed).await, Reported::Local(Effect::Opened));
    assert!(matches!(acquire(&redis, &breaker).await, Admission::Deny { .. }));
    assert!(!redis.batch(breaker.force(Forced::Closed)).await);
    assert!(redis.batch(breaker.show()).await.is_none());
}

#[tokio::test]
async fn an_open_breaker_stays_open_when_redis_goes_away() {
    let (mut server, redis, breaker) = start(SETTINGS);
    trip(&redis, &breaker).await;
    assert!(matches!(acquire(&redis, &breaker).await, Admission::Deny { .. }));
    server.stop();
    assert!(matches!(acquire(&redis, &breaker).await, Admission::Deny { .. }));
}

#[tokio::test]
async fn failures_that_redis_no_longer_hears_of_count_here() {
    let (mut server, redis, breaker) = start(SETTINGS);
    let mut permits = Vec::new();
    for _ in 0..3 {
        permits.push(permit(&redis, &breaker).await);
    }
    server.stop();
    let mut last = Reported::NotNeeded;
    for permit in permits {
        last = permit.report(Outcome::Failed).await;
    }
    assert_eq!(last, Reported::Local(Effect::Opened));
}
