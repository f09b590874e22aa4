//! What somebody else has left at the keys of the mechanisms: another version, an operator's slip, another program on
//! the same Redis. What cannot be read is as good as evicted: it keeps nothing old, locks nobody out, and is mended by
//! the next who writes.

use std::time::Duration;

use shared::breaker::{Admission, Breaker, Effect, Forced, Machine, Outcome, Phase, Reported};
use shared::cache::{Cache, Entry, Region};
use shared::http::limits::API;
use shared::rate_limit::{Identity, Limiter};
use shared::redis::{NoAnswer, Redis};
use shared::token_bucket::{Class, Limit, TokenBuckets, Turn};
use tokio::time::timeout;

use crate::cache::{REGION, entry, read, start};
use crate::server::{PATIENCE, Server, nowhere};

const ENTRY: &str = "cache:product:1";
const GENERATION: &str = "cache:{product}";
const OF_GENERATION: &str = "cache:{product}:1";
const BREAKER: &str = "breaker:payments";
const TOKENS: &str = "tokens:payments:create";
/// A time that no clock reaches, written in full.
const FAR: &str = "9000000000000000";

/// Leaves something at a key instead of what is there: a text, or a value of another type where there is none.
fn leave(server: &Server, key: &str, text: Option<&[u8]>) {
    let mut redis = server.raw();
    redis::cmd("DEL").arg(key).exec(&mut redis).expect("deleted");
    match text {
        Some(text) => redis::cmd("SET").arg(key).arg(text).exec(&mut redis),
        None => redis::cmd("RPUSH").arg(key).arg("a").exec(&mut redis),
    }
    .expect("written");
}

fn leave_field(server: &Server, key: &str, field: &str, value: &[u8]) {
    redis::cmd("HSET").arg(key).arg(field).arg(value).exec(&mut server.raw()).expect("written");
}

#[tokio::test]
async fn an_unreadable_generation_keeps_nothing_old() {
    let (server, redis, cache) = start(REGION.in_generations());
    let odd: [Option<&[u8]>; 7] = [
        Some(b"garbage"),
        Some(b"a:b"),
        Some(b""),
        Some(b":"),
        Some(b"\xff\0:1x"),
        Some(b"token:99999999999999999999"),
        None,
    ];
    for (at, odd) in odd.into_iter().enumerate() {
        let version = i64::try_from(at).expect("few") * 10;
        // Left behind before anybody has read, and then between a read and an update.
        for later in [0, 2] {
            leave(&server, GENERATION, odd);
            assert_eq!(read(&redis, &cache, version + later).await, entry(version + later), "{odd:?}");
            if later > 0 {
                leave(&server, GENERATION, odd);
            }
            assert!(redis.batch(cache.renew()).await, "{odd:?}");
            assert_eq!(
                read(&redis, &cache, version + later + 1).await,
                entry(version + later + 1),
                "{odd:?}"
            );
        }
        assert_eq!(read(&redis, &cache, -1).await, entry(version + 3), "and is kept again");
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_an_entry_that_is_not_there() {
    let server = Server::start();
    let redis = server.client();
    for (region, key) in [(REGION, ENTRY), (REGION.in_generations(), OF_GENERATION)] {
        let cache = Cache::new(region, redis.clone());
        for text in [Some(&b"text"[..]), None] {
            leave(&server, key, text);
            assert_eq!(read(&redis, &cache, 1).await, entry(1));
            assert_eq!(read(&redis, &cache, 2).await, entry(1), "it is kept");

            leave(&server, key, text);
            assert!(redis.batch(cache.invalidate("1", 3)).await, "an update is told");
            assert_eq!(read(&redis, &cache, 3).await, entry(3));

            // While somebody fills.
            let looked_up = redis.batch(cache.lookup("1")).await;
            drop(looked_up);
            server.query::<()>(&["DEL", key]);
            let filling = redis.batch(cache.lookup("1")).await;
            let filled = filling.or_fill(async || {
                leave(&server, key, text);
                Ok::<_, ()>(entry(3))
            });
            assert_eq!(filled.await, Ok(entry(3)));
            assert_eq!(read(&redis, &cache, 4).await, entry(4), "what was left there is not in the way");
            server.query::<()>(&["DEL", key]);
        }
    }
}

#[tokio::test]
async fn a_value_that_can_be_none_of_ours_is_read_anew() {
    let (server, redis, cache) = start(REGION);
    let odd: [(&str, &[u8]); 13] = [
        ("value", b"\xff\xfe"),
        ("value", b"{\"a\":\"\xff\"}"),
        ("value", b"nonsense"),
        ("value", b""),
        ("value", b"{\"version\":1"),
        ("value", b"{\"version\":1]"),
        ("kind", b"nonsense"),
        ("kind", b""),
        ("version", b"1.5"),
        ("version", b"nonsense"),
        ("version", b"99999999999999999999"),
        ("stale", b"nonsense"),
        ("stale", FAR.as_bytes()),
    ];
    for (field, value) in odd {
        server.query::<()>(&["DEL", ENTRY]);
        assert_eq!(read(&redis, &cache, 1).await, entry(1));
        leave_field(&server, ENTRY, field, value);
        assert_eq!(read(&redis, &cache, 2).await, entry(2), "{field} {}", String::from_utf8_lossy(value));
        assert_eq!(read(&redis, &cache, 3).await, entry(2), "{field}: it is kept again");
    }
    for field in ["value", "kind", "version"] {
        server.query::<()>(&["HDEL", ENTRY, field]);
        assert_eq!(read(&redis, &cache, 4).await, entry(4), "without {field}");
        server.query::<()>(&["DEL", ENTRY]);
        assert_eq!(read(&redis, &cache, 1).await, entry(1));
    }
}

/// Where it has to be refreshed anyway, whoever refreshes it has the right to do so already.
#[tokio::test]
async fn an_unreadable_value_that_is_to_be_refreshed_costs_no_round_trip_more() {
    let (server, redis, cache) = start(REGION);
    assert_eq!(read(&redis, &cache, 1).await, entry(1));
    leave_field(&server, ENTRY, "value", b"nonsense");
    leave_field(&server, ENTRY, "fresh", b"0");
    let failing =
        redis.batch(cache.lookup("1")).await.or_fill(async || Err::<Option<Entry>, _>("away")).await;
    assert_eq!(failing, Err("away"), "there is nothing to serve instead");
    server.query::<()>(&["HSET", ENTRY, "rest", "0"]);
    server.query::<()>(&["CONFIG", "RESETSTAT"]);
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
    assert_eq!(server.calls(&["evalsha", "eval"]), [2, 0], "lookup and store");
}

#[tokio::test]
async fn a_lease_that_is_longer_than_any_holds_nobody_up() {
    let (server, redis, cache) = start(Region::new("product"));
    for (field, far) in [("lease", FAR), ("lease", "1e300"), ("lease", "inf"), ("lease", "nan")] {
        server.query::<()>(&["DEL", ENTRY]);
        server.query::<()>(&["HSET", ENTRY, "token", "somebody", field, far]);
        let looked_up = redis.batch(cache.lookup("1")).await;
        let filled = timeout(PATIENCE, looked_up.or_fill(async || Ok::<_, ()>(entry(1)))).await;
        assert_eq!(filled, Ok(Ok(entry(1))), "{far}");
        assert_eq!(read(&redis, &cache, 2).await, entry(1), "{far}: it was kept, so nobody was waited for");
    }
    // Nor does an origin rest for ever that failed once.
    server.query::<()>(&["HSET", ENTRY, "fresh", "0", "rest", FAR]);
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
}

#[tokio::test]
async fn an_unreadable_floor_lets_nothing_be_kept_until_the_next_update() {
    let (server, redis, cache) = start(REGION);
    for odd in ["abc", "", "nan", "-inf", "0x1", "1.5", "-1"] {
        server.query::<()>(&["DEL", ENTRY]);
        assert!(redis.batch(cache.invalidate("1", 5)).await);
        server.query::<()>(&["HSET", ENTRY, "floor", odd]);
        assert_eq!(read(&redis, &cache, 4).await, entry(4), "it may be from before the update");
        assert_eq!(read(&redis, &cache, 5).await, entry(5), "{odd}: and was not kept");
        assert!(redis.batch(cache.invalidate("1", 6)).await, "{odd}: an update is told all the same");
        assert_eq!(server.query::<String>(&["HGET", ENTRY, "floor"]), "6");
        assert_eq!(read(&redis, &cache, 6).await, entry(6));
        assert_eq!(read(&redis, &cache, 7).await, entry(6), "{odd}: it is kept again");
    }
}

#[tokio::test]
async fn an_update_removes_a_value_whose_version_cannot_be_read() {
    let (server, redis, cache) = start(REGION);
    for odd in ["abc", "", "nan", "inf", "1e300", "99999999999999999999"] {
        server.query::<()>(&["DEL", ENTRY]);
        assert_eq!(read(&redis, &cache, 1).await, entry(1));
        server.query::<()>(&["HSET", ENTRY, "version", odd]);
        assert!(redis.batch(cache.invalidate("1", 2)).await, "{odd}");
        assert_eq!(server.query::<i64>(&["HEXISTS", ENTRY, "value"]), 0, "{odd}");
    }
}

/// What `struct.pack` makes of two numbers and thirteen counts.
fn window(last: f64, offset: f64, count: u32) -> Vec<u8> {
    let counts = count.to_be_bytes().repeat(13);
    [&last.to_be_bytes()[..], &offset.to_be_bytes(), &counts].concat()
}

#[tokio::test]
async fn an_odd_window_locks_nobody_out_and_frees_nobody() {
    let server = Server::start();
    let (redis, limiter, ann) = (server.client(), Limiter::default(), Identity::user("ann"));
    let check = async || redis.batch(limiter.check(&ann, &[API])).await;
    assert!(check().await.allowed);
    let keys: Vec<String> = server.query(&["KEYS", "*"]);
    let key = &keys[0];
    let odd = [
        Some(vec![b'x'; 68]),
        Some(vec![0xff; 68]),
        Some(window(f64::NAN, 0.0, 7)),
        Some(window(0.0, f64::NAN, 7)),
        Some(window(f64::INFINITY, 0.0, 7)),
        Some(window(0.0, f64::NEG_INFINITY, 7)),
        Some(window(1e300, 1e300, 7)),
        Some(window(1.0, -1e18, 7)),
        Some(b"short".to_vec()),
        None,
    ];
    for odd in odd {
        leave(&server, key, odd.as_deref());
        let looked = redis.batch(limiter.look(&ann, &[API])).await;
        assert!(looked.allowed && looked.quotas[0].remaining == API.limit, "{odd:?}");
        for left in (API.limit - 5..API.limit).rev() {
            let verdict = check().await;
            let quota = verdict.quotas[0];
            assert_eq!((verdict.allowed, verdict.degraded, quota.remaining), (true, false, left), "{odd:?}");
            assert!(quota.reset <= Duration::from_secs(65), "{odd:?}: {:?}", quota.reset);
        }
    }
}

#[tokio::test]
async fn an_odd_bucket_of_tokens_is_a_full_one() {
    let server = Server::start();
    let redis = server.client();
    let buckets = TokenBuckets::new("payments", Limit::new(25));
    let bucket = |numbers: [f64; 3]| Some(numbers.map(f64::to_be_bytes).concat());
    let odd = [
        Some(vec![b'x'; 24]),
        Some(vec![0xff; 24]),
        bucket([f64::NAN, 0.0, 0.0]),
        bucket([-1e300, -1e300, 0.0]),
        bucket([0.0, 0.0, f64::NAN]),
        bucket([f64::NEG_INFINITY, 0.0, 1e300]),
        Some(b"short".to_vec()),
        None,
    ];
    for odd in odd {
        leave(&server, TOKENS, odd.as_deref());
        for _ in 0..4 {
            let turn = redis.batch(buckets.take("create", Class::Interactive)).await;
            assert!(matches!(turn, Turn::Granted(_)), "{odd:?}");
        }
        let mut taken = 0;
        let wait = loop {
            match redis.batch(buckets.take("create", Class::Interactive)).await {
                Turn::Granted(_) => taken += 1,
                Turn::Refused { wait } => break wait,
            }
            assert!(taken < 1_000, "{odd:?}: nobody counts");
        };
        assert!(wait <= Duration::from_millis(67), "{odd:?}: {wait:?}");
    }
}

fn breaker(redis: &Redis) -> Breaker {
    Breaker::new("payments", shared::breaker::Settings::DEFAULT, redis.clone(), "a")
}

async fn trip(redis: &Redis, breaker: &Breaker) {
    loop {
        let Admission::Allow(permit) = redis.batch(breaker.acquire()).await else { panic!("it is closed") };
        if permit.report(Outcome::Failed).await == Reported::Shared(Effect::Opened) {
            return;
        }
    }
}

/// A state as Redis keeps it, after a change to its JSON.
fn state(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut state = serde_json::to_value(Machine::new(1_700_000_000_000)).expect("JSON");
    change(&mut state);
    state.to_string()
}

fn odd_states() -> Vec<String> {
    let far = serde_json::json!(1e300);
    let mut odd: Vec<String> =
        ["garbage", "", "{}", "[]", "null", "1", "\"text\"", "true", "{\"phase\":", "[{}]"]
            .map(str::to_owned)
            .into();
    for (pointer, value) in [
        ("/until", far.clone()),
        ("/until", (-1).into()),
        ("/until", 1.5.into()),
        ("/generation", far.clone()),
        ("/generation", "7".into()),
        ("/forced", "maybe".into()),
        ("/phase", "ajar".into()),
        ("/phase", 7.into()),
        ("/interval", serde_json::Value::Null),
        ("/leases", serde_json::json!({ "somebody": far })),
        ("/leases", serde_json::json!([1])),
        ("/leases", "none".into()),
        ("/successes", 5_000_000_000_u64.into()),
        ("/tally", serde_json::Value::Null),
        ("/tally/streak", "x".into()),
        ("/tally/parts", serde_json::json!({ "x": { "calls": 1, "failed": 0, "slow": 0 } })),
        ("/tally/parts", serde_json::json!({ "1": { "calls": 1 } })),
        ("/tally/parts", serde_json::json!({ "1": 1 })),
        ("/tally/failing", serde_json::json!({ "a": "x" })),
    ] {
        odd.push(state(|state| {
            state["phase"] = "open".into();
            *state.pointer_mut(pointer).expect("there") = value;
        }));
    }
    odd.push(state(|state| drop(state.as_object_mut().and_then(|state| state.remove("leases")))));
    odd
}

#[tokio::test]
async fn a_breaker_whose_state_cannot_be_read_is_one_that_nobody_knows() {
    let server = Server::start();
    let redis = server.client();
    let odd: Vec<Option<String>> = odd_states().into_iter().map(Some).chain([None]).collect();
    for odd in odd {
        let leave = || leave(&server, BREAKER, odd.as_deref().map(str::as_bytes));
        // An environment of its own each time: one knows by itself what it was told last.
        let breaker = breaker(&redis);
        leave();
        let shown = redis.batch(breaker.show()).await.expect("Redis answers");
        assert_eq!((shown.machine.phase, shown.machine.forced), (Phase::Closed, Forced::Auto), "{odd:?}");
        trip(&redis, &breaker).await;
        assert!(matches!(redis.batch(breaker.acquire()).await, Admission::Deny { .. }), "{odd:?}");
        leave();
        assert!(redis.batch(breaker.force(Forced::Closed)).await, "{odd:?}: an order is obeyed");
        let shown = redis.batch(breaker.show()).await.expect("Redis answers");
        assert_eq!(shown.machine.forced, Forced::Closed, "{odd:?}");
    }
}

#[tokio::test]
async fn no_opening_and_no_lease_lasts_longer_than_it_may() {
    let server = Server::start();
    let redis = server.client();
    let most = shared::breaker::Settings::DEFAULT.open_at_most;
    let open =
        state(|state| (state["phase"], state["until"]) = ("open".into(), 90_000_000_000_000_u64.into()));
    leave(&server, BREAKER, Some(open.as_bytes()));
    let Admission::Deny { retry_after } = redis.batch(breaker(&redis).acquire()).await else {
        panic!("it is open")
    };
    assert!(retry_after <= most, "{retry_after:?}");

    let far = 90_000_000_000_000_u64;
    let leases = serde_json::json!({ "a": far, "b": far, "c": far });
    let probed = state(|state| (state["phase"], state["leases"]) = ("half_open".into(), leases));
    leave(&server, BREAKER, Some(probed.as_bytes()));
    let Admission::Deny { retry_after } = redis.batch(breaker(&redis).acquire()).await else {
        panic!("others probe")
    };
    assert!(retry_after <= shared::breaker::Settings::DEFAULT.lease, "{retry_after:?}");
}

#[tokio::test]
async fn an_operator_can_tell_a_script_that_failed_from_silence() {
    let server = Server::start();
    let redis = server.client();
    assert!(breaker(&redis).examine().await.is_ok() && breaker(&redis).order(Forced::Auto).await.is_ok());
    server.query::<()>(&["ACL", "SETUSER", "default", "-time"]);
    let failed =
        |answer: Result<(), NoAnswer>| matches!(answer, Err(NoAnswer::Failure(why)) if !why.is_empty());
    assert!(failed(breaker(&redis).examine().await.map(drop)));
    assert!(failed(breaker(&redis).order(Forced::Auto).await));
    let silent = breaker(&nowhere()).examine().await.map(drop);
    assert!(matches!(silent, Err(NoAnswer::Silence(why)) if !why.is_empty()));
}
