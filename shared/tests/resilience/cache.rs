//! The cache on a real Redis: what it promises about fills, updates and failures.

use std::cell::Cell;
use std::time::Duration;

use crate::server::{PATIENCE, Server, nowhere};
use bytes::Bytes;
use futures::future::{join, join_all};
use shared::cache::{Cache, Entry, LookedUp, Lookup, Region};
use shared::http::limits::API;
use shared::rate_limit::{Identity, Limiter};
use shared::redis::Redis;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// Nobody takes a lease over because a machine was slow.
pub(crate) const REGION: Region =
    Region { lease: Duration::from_mins(10), wait: PATIENCE, ..Region::new("product") };
/// As it is in production.
const HURRIED: Region = Region::new("product");
/// Where the key "1" of the region is kept.
const KEY: &str = "cache:product:1";

#[expect(clippy::unnecessary_wraps, reason = "it is what origins answer")]
pub(crate) fn entry(version: i64) -> Option<Entry> {
    Some(Entry { body: Bytes::from(format!("{{\"version\":{version}}}")), version })
}

/// An empty Redis, a client of it, and a cache there.
pub(crate) fn start(region: Region) -> (Server, Redis, Cache) {
    let server = Server::start();
    let redis = server.client();
    let cache = Cache::new(region, redis.clone());
    (server, redis, cache)
}

pub(crate) async fn look(redis: &Redis, cache: &Cache) -> LookedUp {
    redis.batch(cache.lookup("1")).await
}

/// Reads through the cache; the origin answers `version`.
pub(crate) async fn read(redis: &Redis, cache: &Cache, version: i64) -> Option<Entry> {
    look(redis, cache)
        .await
        .or_fill(async || Ok::<_, &str>(entry(version)))
        .await
        .expect("the origin answers")
}

/// Reads through the cache, where the origin must not be needed.
async fn cached(redis: &Redis, cache: &Cache) -> Option<Entry> {
    look(redis, cache).await.or_fill(async || Err("the origin was read")).await.expect("a cached value")
}

/// A cache whose right to fill is soon over.
fn short_lived(redis: &Redis) -> Cache {
    Cache::new(Region { lease: Duration::from_millis(200), ..REGION }, redis.clone())
}

fn expire(server: &Server) {
    server.query::<()>(&["HSET", KEY, "fresh", "0"]);
}

#[tokio::test]
async fn a_value_is_read_once_and_comes_back_byte_for_byte() {
    let (server, redis, cache) = start(HURRIED);
    let body = Bytes::from_static(b"{\"name\" : \"caf\xc3\xa9\\r\\n\"\r\n}");
    let value = Some(Entry { body, version: 7 });
    let seconds = || server.query::<(u64, u64)>(&["TIME"]).0;
    let before = seconds();
    let filled = look(&redis, &cache).await.or_fill(async || Ok::<_, ()>(value.clone())).await;
    assert_eq!(filled, Ok(value.clone()));
    assert_eq!(cached(&redis, &cache).await, value);
    let expires: u64 = server.query(&["EXPIRETIME", KEY]);
    let (least, most) = (before + 569, seconds() + 631);
    assert!(
        (least..=most).contains(&expires),
        "270–330 s fresh and 300 s stale: {least} to {most}, not {expires}"
    );
}

#[tokio::test]
async fn entries_stored_together_do_not_expire_together() {
    let (server, redis, cache) = start(HURRIED);
    let mut lives = Vec::new();
    for key in 0..20 {
        let looked_up = redis.batch(cache.lookup(&key.to_string())).await;
        looked_up.or_fill(async || Ok::<_, ()>(entry(1))).await.expect("the origin answers");
        let expiry: u64 = server.query(&["PEXPIRETIME", &format!("cache:product:{key}")]);
        lives.push(expiry);
    }
    let (first, last) = (lives.iter().min().expect("twenty"), lives.iter().max().expect("twenty"));
    // Spread over 60 s by chance; what all of them share is the moment, which the test's own length moves by less.
    assert!(last - first > 10_000, "within {} ms", last - first);
}

#[tokio::test]
async fn what_is_not_there_is_remembered_briefly() {
    let (server, redis, cache) = start(HURRIED);
    assert_eq!(look(&redis, &cache).await.or_fill(async || Ok::<_, ()>(None)).await, Ok(None));
    assert_eq!(cached(&redis, &cache).await, None);
    assert!(server.query::<i64>(&["PTTL", KEY]) <= 11_000);
    redis.batch(cache.invalidate("1", 1)).await;
    assert_eq!(read(&redis, &cache, 1).await, entry(1), "it has come to be");
}

#[tokio::test]
async fn sixty_four_cold_readers_cause_one_fill() {
    let server = Server::start();
    let reads = Cell::new(0);
    let readers: Vec<_> = (0..64).map(|_| server.client()).collect();
    let values = join_all(readers.iter().map(async |redis| {
        let cache = Cache::new(REGION, redis.clone());
        let slow = async || {
            reads.set(reads.get() + 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, ()>(entry(1))
        };
        look(redis, &cache).await.or_fill(slow).await
    }));
    assert!(values.await.into_iter().all(|value| value == Ok(entry(1))));
    assert_eq!(reads.get(), 1);
}

#[tokio::test]
async fn when_the_filler_dies_one_reader_takes_over() {
    let server = Server::start();
    let redis = server.client();
    drop(look(&redis, &short_lived(&redis)).await);
    let cache = Cache::new(REGION, redis.clone());
    let reads = Cell::new(0);
    let values = join_all((0..16).map(async |_| {
        let counted = async || {
            reads.set(reads.get() + 1);
            Ok::<_, ()>(entry(1))
        };
        look(&redis, &cache).await.or_fill(counted).await
    }));
    assert!(values.await.into_iter().all(|value| value == Ok(entry(1))));
    assert_eq!(reads.get(), 1);
}

#[tokio::test]
async fn a_refused_reader_gives_the_right_to_fill_to_the_next_at_once() {
    let (server, redis, cache) = start(REGION);
    let refused = look(&redis, &cache).await;
    redis.undo::<(Lookup,)>((refused,)).await;
    assert_eq!(read(&redis, &cache, 1).await, entry(1), "nobody waits for who was refused");
    assert_eq!(server.query::<i64>(&["HGET", KEY, "version"]), 1, "and the next one's value is kept");

    // The same where a value has become stale: the next reader refreshes it.
    expire(&server);
    let refused = look(&redis, &cache).await;
    redis.undo::<Option<Lookup>>(Some(refused)).await;
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
}

#[tokio::test]
async fn a_refused_reader_takes_nothing_from_who_fills_already() {
    let (_server, redis, cache) = start(REGION);
    fill_while(&redis, &cache, async || {
        let refused = look(&redis, &cache).await;
        redis.undo::<Vec<Lookup>>(vec![refused]).await;
    })
    .await;
    assert_eq!(cached(&redis, &cache).await, entry(1));
}

/// Fills with version 1; what `meanwhile` does happens after the origin was read and before the store.
async fn fill_while(redis: &Redis, cache: &Cache, meanwhile: impl AsyncFnOnce()) -> Option<Entry> {
    let looked_up = look(redis, cache).await;
    let slow = async || {
        meanwhile().await;
        Ok::<_, ()>(entry(1))
    };
    looked_up.or_fill(slow).await.expect("the origin answers")
}

#[tokio::test]
async fn a_fill_that_an_update_overtook_is_not_stored() {
    let (_server, redis, cache) = start(REGION);
    let filled =
        fill_while(&redis, &cache, async || assert!(redis.batch(cache.invalidate("1", 2)).await)).await;
    assert_eq!(filled, entry(1), "its own reader came before the update was acknowledged");
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
    assert_eq!(cached(&redis, &cache).await, entry(2));
}

#[tokio::test]
async fn a_fill_overtaken_by_update_and_newer_fill_does_not_replace_it() {
    let (_server, redis, cache) = start(REGION);
    fill_while(&redis, &cache, async || {
        redis.batch(cache.invalidate("1", 2)).await;
        read(&redis, &cache, 2).await;
    })
    .await;
    assert_eq!(cached(&redis, &cache).await, entry(2));
}

#[tokio::test]
async fn a_fill_whose_lease_another_took_over_is_not_stored() {
    let (_server, redis, cache) = start(REGION);
    fill_while(&redis, &short_lived(&redis), async || assert_eq!(read(&redis, &cache, 2).await, entry(2)))
        .await;
    assert_eq!(cached(&redis, &cache).await, entry(2));
}

#[tokio::test]
async fn a_fill_whose_entry_was_evicted_is_not_stored() {
    let (server, redis, cache) = start(REGION);
    fill_while(&redis, &cache, async || server.query::<()>(&["FLUSHALL"])).await;
    assert_eq!(server.query::<i64>(&["EXISTS", KEY]), 0);
}

#[tokio::test]
async fn an_origin_that_lags_behind_an_announced_update_is_not_believed() {
    let (_server, redis, cache) = start(REGION);
    redis.batch(cache.invalidate("1", 5)).await;
    read(&redis, &cache, 4).await;
    assert_eq!(read(&redis, &cache, 5).await, entry(5), "version 4 was not kept, and the lease is free");
    assert_eq!(cached(&redis, &cache).await, entry(5));
}

/// A replica may lag for longer than a value lives: what is remembered of an update must not go with the value.
#[tokio::test]
async fn a_value_does_not_take_the_floor_with_it() {
    let (server, redis, cache) = start(REGION);
    redis.batch(cache.invalidate("1", 5)).await;
    assert_eq!(look(&redis, &cache).await.or_fill(async || Ok::<_, ()>(None)).await, Ok(None));
    assert!(
        server.query::<i64>(&["PTTL", KEY]) > 800_000,
        "15 minutes, and not the 10 s of what is not there"
    );
    read(&redis, &Cache::new(Region::new("other"), redis.clone()), 5).await;
    redis.batch(Cache::new(Region::new("other"), redis.clone()).invalidate("1", 5)).await;
    assert!(server.query::<i64>(&["PTTL", "cache:other:1"]) > 800_000);
}

#[tokio::test]
async fn a_new_generation_makes_all_entries_old_at_once_and_no_others() {
    let (server, redis, cache) = start(REGION.in_generations());
    let other = Cache::new(Region::new("other").in_generations(), redis.clone());
    let of = async |cache: &Cache, key: &str, version| {
        let looked_up = redis.batch(cache.lookup(key)).await;
        looked_up.or_fill(async || Ok::<_, ()>(entry(version))).await.expect("the origin answers")
    };
    for key in ["1", "2"] {
        assert_eq!((of(&cache, key, 1).await, of(&other, key, 1).await), (entry(1), entry(1)));
        assert_eq!(of(&cache, key, 2).await, entry(1), "kept");
    }
    assert!(redis.batch(cache.renew()).await);
    for key in ["1", "2"] {
        assert_eq!((of(&cache, key, 2).await, of(&other, key, 2).await), (entry(2), entry(1)));
        assert_eq!(of(&cache, key, 3).await, entry(2), "kept");
    }
    // Where the generation is lost, nobody knows what changed meanwhile.
    server.query::<()>(&["DEL", "cache:{product}"]);
    assert_eq!((of(&cache, "1", 3).await, of(&cache, "1", 4).await), (entry(3), entry(3)));
}

#[tokio::test]
async fn a_fill_that_a_new_generation_overtook_is_not_served() {
    let (_server, redis, cache) = start(REGION.in_generations());
    fill_while(&redis, &cache, async || assert!(redis.batch(cache.renew()).await)).await;
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
    assert!(redis.batch(cache.renew()).await);
    fill_while(&redis, &cache, async || {
        assert!(redis.batch(cache.renew()).await);
        assert_eq!(read(&redis, &cache, 3).await, entry(3), "nobody waits for who fills in vain");
    })
    .await;
    assert_eq!(cached(&redis, &cache).await, entry(3), "nor does that one replace what came after it");
}

#[tokio::test]
async fn a_value_that_is_too_old_is_not_served() {
    let (server, redis, cache) = start(REGION);
    redis.batch(cache.invalidate("1", 1)).await;
    read(&redis, &cache, 1).await;
    server.query::<()>(&["HSET", KEY, "fresh", "0", "stale", "1"]);
    let failing = look(&redis, &cache).await.or_fill(async || Err::<Option<Entry>, _>("away")).await;
    assert_eq!(failing, Err("away"), "its key is still there, for the floor");
}

#[tokio::test]
async fn an_update_announced_twice_or_late_costs_no_refill() {
    let (_server, redis, cache) = start(REGION);
    read(&redis, &cache, 5).await;
    for version in [4, 5] {
        assert!(redis.batch(cache.invalidate("1", version)).await);
        assert_eq!(cached(&redis, &cache).await, entry(5));
    }
    assert!(redis.batch(cache.evict("1")).await);
    assert_eq!(read(&redis, &cache, 6).await, entry(6), "without a version, whatever is there goes");
}

#[tokio::test]
async fn a_stale_value_is_served_while_another_refreshes_it() {
    let (server, redis, cache) = start(REGION);
    read(&redis, &cache, 1).await;
    expire(&server);
    let (began, has_begun) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel::<()>();
    let refresher = look(&redis, &cache).await.or_fill(async || {
        let _ = began.send(());
        let _ = may_go_on.await;
        Ok::<_, ()>(entry(2))
    });
    let other = async {
        has_begun.await.expect("the refresh begins");
        let stale = cached(&redis, &cache).await;
        go_on.send(()).expect("the refresh waits");
        stale
    };
    assert_eq!(join(refresher, other).await, (Ok(entry(2)), entry(1)));
    assert_eq!(cached(&redis, &cache).await, entry(2));
}

#[tokio::test]
async fn when_the_refresher_dies_another_refreshes() {
    let (server, redis, cache) = start(REGION);
    read(&redis, &cache, 1).await;
    expire(&server);
    drop(look(&redis, &cache).await);
    assert_eq!(read(&redis, &cache, 2).await, entry(1), "the dead one's lease still runs");
    server.query::<()>(&["HSET", KEY, "lease", "1"]);
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
}

#[tokio::test]
async fn a_value_is_refreshed_before_it_expires() {
    let (server, redis, cache) = start(REGION);
    read(&redis, &cache, 1).await;
    // An origin that takes ten minutes is asked well before the five minutes are over.
    server.query::<()>(&["HSET", KEY, "cost", "600000"]);
    let mut reads = 0;
    while read(&redis, &cache, 2).await == entry(1) {
        reads += 1;
        assert!(reads < 1_000, "nobody refreshes");
    }
}

#[tokio::test]
async fn when_the_origin_fails_the_stale_value_is_served_and_the_origin_spared() {
    let (server, redis, cache) = start(Region { rest: Duration::from_mins(1), ..REGION });
    read(&redis, &cache, 1).await;
    expire(&server);
    let failing = look(&redis, &cache).await.or_fill(async || Err::<Option<Entry>, _>("away")).await;
    assert_eq!(failing, Ok(entry(1)));
    for _ in 0..5 {
        assert_eq!(read(&redis, &cache, 2).await, entry(1), "the origin rests");
    }
    server.query::<()>(&["HSET", KEY, "rest", "0"]);
    assert_eq!(read(&redis, &cache, 2).await, entry(2));
}

#[tokio::test]
async fn when_the_origin_fails_and_nothing_is_there_the_next_reader_tries() {
    let (_server, redis, cache) = start(REGION);
    let failing = look(&redis, &cache).await.or_fill(async || Err::<Option<Entry>, _>("away")).await;
    assert_eq!(failing, Err("away"));
    assert_eq!(read(&redis, &cache, 1).await, entry(1));
}

#[tokio::test]
async fn a_reader_waits_no_longer_than_its_deadline() {
    let server = Server::start();
    let redis = server.client();
    let ten_minutes = Duration::from_mins(10);
    let cache = Cache::new(Region { lease: ten_minutes, wait: ten_minutes, ..REGION }, redis.clone());
    drop(look(&redis, &cache).await);
    let deadline = Instant::now() + Duration::from_millis(50);
    let looked_up = look(&redis, &cache).await.until(deadline);
    let value = looked_up.or_fill(async || Ok::<_, ()>(entry(1)));
    let value = timeout(PATIENCE, value).await.expect("not after ten minutes");
    assert_eq!(value, Ok(entry(1)));
    assert_eq!(server.query::<Option<String>>(&["HGET", KEY, "value"]), None, "it has no right to store");
}

#[tokio::test]
async fn without_redis_the_origin_is_read_once_for_those_who_ask_together() {
    let redis = nowhere();
    let cache = Cache::new(REGION, redis.clone());
    let lookups: Vec<_> = join_all((0..64).map(|_| look(&redis, &cache))).await;
    let reads = Cell::new(0);
    let values = join_all(lookups.into_iter().map(|looked_up| {
        looked_up.or_fill(async || {
            reads.set(reads.get() + 1);
            Ok::<_, ()>(entry(1))
        })
    }));
    assert!(values.await.into_iter().all(|value| value == Ok(entry(1))));
    assert_eq!(reads.get(), 1);
    assert!(!redis.batch(cache.invalidate("1", 2)).await, "an update that Redis did not hear of says so");
    let in_generations = Cache::new(REGION.in_generations(), redis.clone());
    assert!(!redis.batch(in_generations.renew()).await, "in whatever way it is told");
}

/// It would serve what it holds for as long as that lives, and no update could tell it.
#[tokio::test]
async fn a_redis_that_takes_no_writes_serves_nothing_either() {
    let server = Server::start();
    let redis = server.client();
    let (cache, limiter) = (Cache::new(REGION, redis.clone()), Limiter::default());
    assert_eq!(read(&redis, &cache, 1).await, entry(1));
    server.query::<()>(&["CONFIG", "SET", "min-replicas-to-write", "3"]);
    assert!(!redis.insist(cache.invalidate("1", 2)).await, "it says so");
    let admitted = (limiter.check(&Identity::user("ann"), &[API]), cache.lookup("1"));
    let (verdict, looked_up) = redis.batch(admitted).await;
    assert!(verdict.allowed);
    assert_eq!(looked_up.or_fill(async || Ok::<_, ()>(entry(2))).await, Ok(entry(2)));
}

#[tokio::test]
async fn a_new_generation_begins_where_memory_is_full_too() {
    let (server, redis, cache) = start(REGION.in_generations());
    assert_eq!(read(&redis, &cache, 1).await, entry(1));
    server.query::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(redis.batch(cache.renew()).await);
    assert_eq!(read(&redis, &cache, 2).await, entry(2), "while it is");
    server.query::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(read(&redis, &cache, 3).await, entry(3), "and when it is no longer");
}

#[tokio::test]
async fn redis_may_go_away_between_lookup_and_store() {
    let (mut server, redis, cache) = start(REGION);
    let looked_up = look(&redis, &cache).await;
    server.stop();
    assert_eq!(looked_up.or_fill(async || Ok::<_, ()>(entry(1))).await, Ok(entry(1)));
}

#[tokio::test]
async fn a_read_costs_two_commands_when_cached_and_two_round_trips_when_not() {
    let (server, redis, cache) = start(REGION);
    read(&redis, &cache, 1).await;
    server.query::<()>(&["CONFIG", "RESETSTAT"]);
    cached(&redis, &cache).await;
    assert_eq!(server.calls(&["evalsha", "eval", "hmget", "time", "hset"]), [1, 0, 1, 1, 0]);
    redis.batch(cache.evict("1")).await;
    read(&redis, &cache, 1).await;
    server.query::<()>(&["CONFIG", "RESETSTAT"]);
    redis.batch(cache.evict("1")).await;
    read(&redis, &cache, 1).await;
    assert_eq!(server.calls(&["evalsha", "eval"]), [3, 0], "evict, lookup, store");
}

#[tokio::test]
async fn a_generation_costs_a_read_one_command_and_no_round_trip() {
    let (server, redis, cache) = start(REGION.in_generations());
    read(&redis, &cache, 1).await;
    server.query::<()>(&["CONFIG", "RESETSTAT"]);
    cached(&redis, &cache).await;
    assert_eq!(server.calls(&["evalsha", "eval", "hmget", "time", "get", "hset"]), [1, 0, 1, 1, 1, 0]);
}

/// Handlers run on a runtime that may move them between threads.
#[tokio::test]
async fn a_fill_can_be_sent_between_threads() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let redis = nowhere();
    let cache = Cache::new(REGION, redis.clone());
    let find = async |version: &i64| Ok::<_, ()>(entry(*version));
    let version = 1;
    let whole = async {
        let (looked_up,) = redis.batch((cache.lookup("1"),)).await;
        looked_up.or_fill(|| find(&version)).await
    };
    assert_eq!(sendable(whole).await, Ok(entry(1)));
}
