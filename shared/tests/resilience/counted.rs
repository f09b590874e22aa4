//! Each outcome of the mechanisms is counted once, for the invocation that it happened in.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join;
use shared::breaker::{Breaker, Forced, Outcome, Settings};
use shared::cache::{Cache, Entry, LookedUp, Region};
use shared::rate_limit::{Identity, Limiter, Policy};
use shared::redis::Redis;
use shared::telemetry::{Counter, Record, Timer};
use shared::token_bucket::{Class, Limit, TokenBuckets, Turn};

use crate::breaker::{call, permit};
use crate::cache::{REGION, look, start};
use crate::server::{Server, eventually, nowhere};

/// What `work` is counted as: `CacheHit` and the like, `CacheMiss*2` for what happened twice. Not the round trips,
/// which `budgets` counts from the other side.
async fn counted(work: impl Future) -> Vec<String> {
    let record = Record::begin("", None);
    // Boxed, as two of them at once are a large future.
    record.observe(Box::pin(work)).await;
    let not_here = [Counter::ColdStart, Counter::RedisRoundTrips, Counter::RedisConnected];
    let happened = Counter::ALL.iter().filter(|counter| !not_here.contains(counter));
    let happened = happened.map(|counter| (counter.name(), record.count_of(*counter)));
    let happened: BTreeMap<_, _> = happened.filter(|(_, times)| *times > 0).collect();
    let words = happened.into_iter().map(|(name, times)| match times {
        1 => name.to_owned(),
        _ => format!("{name}*{times}"),
    });
    words.collect()
}

async fn fill(looked_up: LookedUp) {
    let entry = Entry { body: "{}".into(), version: 1 };
    looked_up.or_fill(async || Ok::<_, ()>(Some(entry))).await.expect("the origin answers");
}

async fn fail(looked_up: LookedUp) {
    let _ = looked_up.or_fill(async || Err("the origin is away")).await;
}

#[tokio::test]
async fn a_read_is_a_hit_or_a_miss_and_says_how() {
    let (_server, redis, cache) = start(REGION);
    assert_eq!(counted(async { fail(look(&redis, &cache).await).await }).await, ["CacheFailed", "CacheMiss"]);

    let filler = look(&redis, &cache).await;
    let waiter = look(&redis, &cache).await;
    let (filled, waited) = join(counted(fill(filler)), counted(fill(waiter))).await;
    assert_eq!(filled, ["CacheFilled", "CacheMiss"]);
    assert_eq!(waited, ["CacheHit", "CacheWaited"]);
    assert_eq!(counted(async { fill(look(&redis, &cache).await).await }).await, ["CacheHit"]);

    redis.batch(cache.evict("1")).await;
    let overtaken = look(&redis, &cache).await;
    redis.batch(cache.evict("1")).await;
    assert_eq!(counted(fill(overtaken)).await, ["CacheFillDropped", "CacheMiss"]);

    let impatient = Region { name: "impatient", wait: Duration::ZERO, ..REGION };
    let impatient = Cache::new(impatient, redis.clone());
    let _filler = look(&redis, &impatient).await;
    assert_eq!(
        counted(async { fill(look(&redis, &impatient).await).await }).await,
        ["CacheGaveUp", "CacheMiss"]
    );
}

#[tokio::test]
async fn who_waits_for_anothers_fill_says_how_long_and_nobody_else_does() {
    let (_server, redis, cache) = start(REGION);
    let (filler, waiter) = (look(&redis, &cache).await, look(&redis, &cache).await);
    let [fills, waits] = [(), ()].map(|()| Record::begin("", None));
    join(fills.observe(fill(filler)), waits.observe(fill(waiter))).await;
    assert!(waits.time_of(Timer::CacheWait).is_some());
    assert_eq!(fills.time_of(Timer::CacheWait), None);
}

#[tokio::test]
async fn an_expired_value_is_refreshed_by_one_and_served_stale_to_others() {
    let (_server, redis, cache) = start(Region { fresh: Duration::ZERO, ..REGION });
    fill(look(&redis, &cache).await).await;
    let refresher = look(&redis, &cache).await;
    let stale = counted(async { fill(look(&redis, &cache).await).await }).await;
    assert_eq!(stale, ["CacheHit", "CacheStale"]);
    assert_eq!(counted(fill(refresher)).await, ["CacheFilled", "CacheMiss", "CacheRefreshed"]);
    let failing = look(&redis, &cache).await;
    assert_eq!(counted(fail(failing)).await, ["CacheHit", "CacheRefreshed", "CacheStale"]);
}

#[tokio::test]
async fn without_redis_reads_and_invalidations_are_counted_as_such() {
    let redis = nowhere();
    let cache = Cache::new(Region::new("product"), redis.clone());
    let read = counted(async { fill(look(&redis, &cache).await).await }).await;
    assert_eq!(read, ["CacheDegraded", "CacheMiss", "RedisAway", "RedisFailed"]);
    let lost = counted(async { redis.batch(cache.invalidate("1", 2)).await }).await;
    assert_eq!(lost, ["InvalidationLost", "RedisAway", "RedisFailed"]);
    let redis_again = nowhere();
    let lost = counted(async { redis_again.insist(cache.invalidate("1", 2)).await }).await;
    assert_eq!(lost, ["InvalidationLost", "RedisAway", "RedisFailed*2"], "tried twice, lost once");
    let two = async || {
        redis.batch(cache.invalidate("1", 2)).await;
        redis.batch(cache.invalidate("1", 2)).await
    };
    // A request that met the same outage twice was still one request without Redis. Which is left alone for a second
    // at least; after a longer one somebody has tried again.
    let expected = ["InvalidationLost*2", "RedisAway", "RedisLeftAlone*2"];
    eventually("Redis is left alone", async || counted(two()).await == expected).await;
}

#[tokio::test]
async fn each_check_of_the_limiter_is_counted() {
    let (server, limiter, policy) = (Server::start(), Limiter::default(), Policy::per_minute("one", 1));
    let redis = server.client();
    let check = async |redis: &Redis| {
        let _ = redis.batch(limiter.check(&Identity::user("ann"), &[policy])).await;
    };
    assert_eq!(counted(check(&redis)).await, ["RateAllowed"]);
    assert_eq!(counted(check(&redis)).await, ["RateLimited"]);
    let degraded = counted(check(&nowhere())).await;
    assert_eq!(degraded, ["RateDegraded", "RateLimited", "RedisAway", "RedisFailed"]);
}

#[tokio::test]
async fn each_call_behind_a_breaker_is_counted() {
    let server = Server::start();
    let redis = server.client();
    let settings = Settings { consecutive: 2, probes: 1, open_for: Duration::ZERO, ..Settings::DEFAULT };
    let breaker = Breaker::new("payments", settings, redis.clone(), "a");
    for (outcome, expected) in [
        (Outcome::Ok, &["BreakerAllowed"][..]),
        (Outcome::Slow, &["BreakerAllowed", "BreakerSlow"]),
        (Outcome::Failed, &["BreakerAllowed", "BreakerFailed", "BreakerOpened"]),
        (Outcome::Failed, &["BreakerFailed", "BreakerOpened", "BreakerProbed"]),
        (Outcome::Ok, &["BreakerClosed", "BreakerProbed"]),
    ] {
        assert_eq!(counted(call(&redis, &breaker, outcome)).await, expected);
    }
    // At once: what comes of it is told when the request may have been answered.
    let given_up = async { permit(&redis, &breaker).await.calling() };
    assert_eq!(counted(given_up).await, ["BreakerAllowed", "BreakerFailed"]);
    redis.batch(breaker.force(Forced::Open)).await;
    assert_eq!(counted(redis.batch(breaker.acquire())).await, ["BreakerDenied"]);

    let away = nowhere();
    let breaker = Breaker::new("payments", settings, away.clone(), "a");
    let degraded = ["BreakerAllowed", "BreakerDegraded", "RedisAway", "RedisFailed"];
    assert_eq!(counted(call(&away, &breaker, Outcome::Ok)).await, degraded);
}

#[tokio::test]
async fn a_call_that_is_held_back_is_counted_where_somebody_waits_for_it() {
    let server = Server::start();
    let redis = server.client();
    let buckets = TokenBuckets::new("payments", Limit::new(Limit::LEAST));
    for (class, expected) in [(Class::Interactive, &["ProviderHeldBack"][..]), (Class::Background, &[])] {
        // What flows in meanwhile is granted.
        let mut turn = None;
        let mut held_back = Vec::new();
        while !matches!(turn, Some(Turn::Refused { .. })) {
            held_back =
                counted(async { turn = Some(redis.batch(buckets.take("create", class)).await) }).await;
        }
        assert_eq!(held_back, expected);
    }
}

#[tokio::test]
async fn a_batch_is_one_round_trip_and_its_time_is_measured() {
    let server = Server::start();
    let redis = server.client();
    let (limiter, cache) = (Limiter::default(), Cache::new(Region::new("product"), redis.clone()));
    let check = || limiter.check(&Identity::user("ann"), &[Policy::per_minute("one", 1)]);
    // Scripts that Redis does not know yet cost a second round trip.
    let first = Record::begin("", None);
    let _ = first.observe(redis.batch((check(), cache.lookup("1")))).await;
    let seen = |record: &Record| {
        [Counter::RedisConnected, Counter::RedisRoundTrips].map(|counter| record.count_of(counter))
    };
    assert_eq!(seen(&first), [1, 2]);
    let second = Record::begin("", None);
    let _ = second.observe(redis.batch((check(), cache.lookup("2")))).await;
    assert_eq!(seen(&second), [0, 1]);
    assert!(second.time_of(Timer::RedisTime).is_some());
}
