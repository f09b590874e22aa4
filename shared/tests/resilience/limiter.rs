//! The rate limiter on a real Redis.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Server, nowhere};
use shared::http::limits::{API, LOGIN, SEARCH};
use shared::rate_limit::{Identity, Limiter, Policy, Verdict};
use shared::redis::Redis;

fn ann() -> Identity {
    Identity::user("ann")
}

async fn check(redis: &Redis, limiter: &Limiter, policies: &[Policy]) -> Verdict {
    redis.batch(limiter.check(&ann(), policies)).await
}

#[tokio::test]
async fn it_allows_as_many_calls_as_the_policy_and_says_when_to_come_back() {
    let server = Server::start();
    let (redis, limiter) = (server.client(), Limiter::default());
    for remaining in (0..5).rev() {
        let verdict = check(&redis, &limiter, &[LOGIN]).await;
        assert!(verdict.allowed && !verdict.degraded);
        assert_eq!(verdict.quotas[0].remaining, remaining);
        assert_eq!(verdict.retry_after(), None);
    }
    let verdict = check(&redis, &limiter, &[LOGIN]).await;
    assert!(!verdict.allowed);
    let wait = verdict.retry_after().expect("a rejected call is told");
    assert!(!wait.is_zero() && wait <= Duration::from_secs(65), "{wait:?}");
    assert_eq!(wait, verdict.quotas[0].reset);
    let bob = redis.batch(limiter.check(&Identity::user("bob"), &[LOGIN])).await;
    assert!(bob.allowed, "another caller has a quota of his own");
}

#[tokio::test]
async fn environments_share_the_quota() {
    let server = Server::start();
    let mut allowed = 0;
    for _ in 0..8 {
        allowed += u32::from(check(&server.client(), &Limiter::default(), &[LOGIN]).await.allowed);
    }
    assert_eq!(allowed, 5);
}

#[tokio::test]
async fn all_policies_are_charged_or_none() {
    let server = Server::start();
    let (redis, limiter) = (server.client(), Limiter::default());
    for _ in 0..30 {
        assert!(check(&redis, &limiter, &[API, SEARCH]).await.allowed);
    }
    let verdict = check(&redis, &limiter, &[API, SEARCH]).await;
    assert_eq!(verdict.violated().collect::<Vec<_>>(), [&SEARCH]);
    assert_eq!(verdict.quotas[0].remaining, 70);
    assert!(!check(&redis, &limiter, &[SEARCH, API]).await.allowed, "in whatever order");
    assert_eq!(check(&redis, &limiter, &[API]).await.quotas[0].remaining, 69);
}

#[tokio::test]
async fn a_rejected_call_is_free() {
    let server = Server::start();
    let (redis, limiter) = (server.client(), Limiter::default());
    let policy = Policy::per_minute("one", 1);
    assert!(check(&redis, &limiter, &[policy]).await.allowed);
    let before = server.calls(&["set"]);
    let wait = check(&redis, &limiter, &[policy]).await.retry_after();
    for _ in 0..20 {
        assert!(check(&redis, &limiter, &[policy]).await.retry_after() <= wait);
    }
    assert_eq!(server.calls(&["set"]), before);
}

#[tokio::test]
async fn who_only_looks_uses_up_nothing_and_sees_what_others_have() {
    let server = Server::start();
    for (redis, limit) in [(server.client(), LOGIN.limit), (nowhere(), LOGIN.degraded_limit)] {
        let limiter = Limiter::default();
        let look = async || redis.batch(limiter.look(&ann(), &[LOGIN])).await;
        for _ in 0..10 {
            assert_eq!((look().await.allowed, look().await.quotas[0].remaining), (true, limit));
        }
        for _ in 0..limit {
            assert!(redis.batch(limiter.note(&ann(), &[LOGIN])).await.allowed);
        }
        let seen = look().await;
        assert!(!seen.allowed && seen.retry_after().is_some());
    }
}

#[tokio::test]
async fn who_waits_as_long_as_told_is_allowed() {
    let server = Server::start();
    let (redis, limiter) = (server.client(), Limiter::default());
    let policy = Policy { window: Duration::from_millis(600), ..Policy::per_minute("short", 2) };
    for _ in 0..5 {
        let wait = loop {
            if let Some(wait) = check(&redis, &limiter, &[policy]).await.retry_after() {
                break wait;
            }
        };
        tokio::time::sleep(wait).await;
        assert!(check(&redis, &limiter, &[policy]).await.allowed);
    }
}

#[test]
fn no_window_ever_sees_more_than_the_limit_from_16_threads() {
    let server = Server::start();
    let policy = Policy { window: Duration::from_millis(500), ..Policy::per_minute("race", 20) };
    // The time before the check is sent and after it has come back: the admission lies between.
    let admitted = Mutex::new(Vec::<(Instant, Instant)>::new());
    let enough = || admitted.lock().expect("the list").len() > 150;
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(async {
                    let (redis, limiter) = (server.client(), Limiter::default());
                    while !enough() {
                        let sent = Instant::now();
                        if check(&redis, &limiter, &[policy]).await.allowed {
                            admitted.lock().expect("the list").push((sent, Instant::now()));
                        }
                    }
                });
            });
        }
    });
    let mut admitted = admitted.into_inner().expect("the list");
    admitted.sort();
    // If more than `limit` admissions surely lay within one window, the latest of them came back within it.
    for span in admitted.windows(21) {
        let (first_sent, last_back) = (span[0].0, span.iter().map(|call| call.1).max().expect("calls"));
        assert!(last_back - first_sent >= policy.window, "21 calls within {:?}", last_back - first_sent);
    }
}

/// Runs the script under a clock that the test sets: the real one is one function, at the head of each script.
fn check_at(connection: &mut ::redis::Connection, now: u64, limit: u32) -> Vec<u64> {
    let body = concat!(
        "local function clock() return tonumber(ARGV[#ARGV]) end\n",
        include_str!("../../src/rate_limit/check.lua")
    );
    let script = ::redis::Script::new(body);
    let mut call = script.key("{ann}:one");
    call.arg(12).arg(limit).arg(60_000).arg(now);
    call.invoke(connection).expect("the script runs")
}

#[test]
fn a_clock_that_steps_back_neither_frees_nor_locks_out() {
    let server = Server::start();
    let mut connection = server.raw();
    let at = |connection: &mut _, now| check_at(connection, now, 2)[0] == 1;
    assert!(at(&mut connection, 7_200_000) && at(&mut connection, 7_201_000));
    assert!(!at(&mut connection, 3_600_000), "an hour back: the quota is still used up");
    assert!(!at(&mut connection, 3_600_000 + 58_000));
    assert!(at(&mut connection, 3_600_000 + 65_000), "and comes back after a window, not after an hour");
}

#[test]
fn the_wait_is_exact_to_the_millisecond() {
    let server = Server::start();
    let mut connection = server.raw();
    for now in [1_001_000, 1_002_000, 1_017_000] {
        assert_eq!(check_at(&mut connection, now, 3)[0], 1);
    }
    let wait = check_at(&mut connection, 1_020_000, 3)[3];
    assert_eq!(wait, 45_000);
    assert_eq!(check_at(&mut connection, 1_020_000 + wait - 1, 3)[0], 0);
    assert_eq!(check_at(&mut connection, 1_020_000 + wait, 3)[0], 1);
}

#[tokio::test]
async fn a_caller_costs_little_memory_and_is_forgotten() {
    let server = Server::start();
    let (redis, limiter) = (server.client(), Limiter::default());
    for _ in 0..100 {
        assert!(check(&redis, &limiter, &[API]).await.allowed);
    }
    let keys: Vec<String> = server.query(&["KEYS", "*"]);
    let bytes: u64 = server.query(&["MEMORY", "USAGE", &keys[0]]);
    assert!(bytes <= 272, "{bytes} bytes");
    let left: i64 = server.query(&["PTTL", &keys[0]]);
    assert!((1..=65_000).contains(&left));
}

#[tokio::test]
async fn without_redis_it_limits_alone_and_remembers_what_it_has_seen() {
    let mut server = Server::start();
    let (redis, limiter) = (server.client(), Limiter::default());
    for _ in 0..99 {
        assert!(check(&redis, &limiter, &[API]).await.allowed);
    }
    server.stop();
    let verdict = check(&redis, &limiter, &[API]).await;
    assert!(verdict.allowed && verdict.degraded);
    let verdict = check(&redis, &limiter, &[API]).await;
    assert!(!verdict.allowed && verdict.retry_after().is_some());
}

#[tokio::test]
async fn without_redis_a_sensitive_policy_is_stricter() {
    let (redis, limiter) = (nowhere(), Limiter::default());
    assert!(
        check(&redis, &limiter, &[LOGIN]).await.allowed && check(&redis, &limiter, &[LOGIN]).await.allowed
    );
    assert!(!check(&redis, &limiter, &[LOGIN]).await.allowed);
}

#[tokio::test]
async fn a_route_without_policies_asks_nobody() {
    let verdict = check(&nowhere(), &Limiter::default(), &[]).await;
    assert!(verdict.allowed && !verdict.degraded && verdict.headers().is_empty());
}
