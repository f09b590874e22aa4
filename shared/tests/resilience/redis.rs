//! The Redis client in each bad situation, with the time that a caller loses to it.

use std::time::{Duration, Instant};

use crate::ask::{Ask, BROKEN, COUNT, ECHO, OTHER, ask, some};
use crate::relay::Relay;
use crate::server::{Server, client, eventually, free_port, patient};
use shared::redis::{Redis, Settings};

/// A client with the limits of production.
fn in_production(url: &str) -> Redis {
    Redis::new(Settings::new(url)).expect("a valid URL")
}

/// A client that takes its time to connect, and little for an answer.
fn impatient_with_silence(relay: &Relay) -> Redis {
    let settings = Settings { response_limit: Duration::from_millis(300), ..Settings::new(relay.url()) };
    Redis::new(Settings { batch_limit: Duration::from_secs(20), ..settings }).expect("a valid URL")
}

/// What a caller may lose to a Redis that is away: 300 ms, the limit of a batch, and what a busy machine adds to it.
const FELT: Duration = Duration::from_secs(1);

/// Asks; the answer and how long it took.
async fn timed(redis: &Redis) -> (Option<String>, Duration) {
    let began = Instant::now();
    (redis.batch(ask(&ECHO, "x")).await, began.elapsed())
}

#[tokio::test]
async fn a_batch_of_any_shape_is_one_round_trip_with_typed_answers() {
    let server = Server::start();
    let redis = server.client();
    let batch =
        (ask(&ECHO, "a"), Some(ask(&OTHER, "b")), None::<Ask>, vec![ask(&ECHO, "c"), ask(&ECHO, "d")]);
    let answers = redis.batch(batch).await;
    assert_eq!(answers, (some("a"), Some(some("other b")), None, vec![some("c"), some("d")]));
}

#[tokio::test]
async fn an_entry_that_fails_harms_no_other() {
    let server = Server::start();
    let answers = server.client().batch((ask(&ECHO, "a"), ask(&BROKEN, ""), ask(&OTHER, "b"))).await;
    assert_eq!(answers, (some("a"), None, some("other b")));
}

#[tokio::test]
async fn an_unknown_script_is_sent_again_alone_with_its_body() {
    let server = Server::start();
    let redis = server.client();
    redis.batch(ask(&COUNT, "")).await;
    server.query::<()>(&["CONFIG", "RESETSTAT"]);
    let answers = redis.batch((ask(&COUNT, ""), ask(&OTHER, "b"), ask(&COUNT, ""))).await;
    assert_eq!(answers, (some("2"), some("other b"), some("3")), "the counts went up once each");
    assert_eq!(server.calls(&["evalsha", "eval"]), [3, 1]);
    server.query::<()>(&["SCRIPT", "FLUSH"]);
    assert_eq!(redis.batch((ask(&COUNT, ""), ask(&ECHO, "a"))).await, (some("4"), some("a")));
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_use_nor_for_an_empty_batch() {
    let server = Server::start();
    let redis = server.client();
    redis.batch(((), None::<Ask>, Vec::<Ask>::new())).await;
    let clients: String = server.query(&["CLIENT", "LIST"]);
    assert_eq!(clients.lines().count(), 1, "only the connection that asks");
}

#[tokio::test]
async fn a_useless_url_is_refused_without_being_repeated() {
    let error =
        Redis::new(Settings::new("postgres://:secret@host")).err().expect("not a Redis URL").to_string();
    assert!(error.contains("redis://host:6379") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn nothing_listens() {
    let redis = in_production(&format!("redis://127.0.0.1:{}", free_port()));
    for _ in 0..2 {
        let (answer, took) = timed(&redis).await;
        assert_eq!(answer, None);
        assert!(took < FELT, "{took:?}");
    }
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(timed(&redis).await.0, None);
    }
    assert!(began.elapsed() < Duration::from_millis(500), "a hundred requests wait for nothing");
}

#[tokio::test]
async fn packets_are_dropped_without_a_word() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    relay.swallow_all();
    let redis = in_production(&relay.url());
    for _ in 0..2 {
        let (answer, took) = timed(&redis).await;
        assert!(answer.is_none() && took < FELT, "{took:?}");
    }
    let (answer, took) = timed(&redis).await;
    assert!(answer.is_none() && took < Duration::from_millis(100), "left alone: {took:?}");
}

#[tokio::test]
async fn a_password_is_answered_with_silence() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    relay.swallow_all();
    let redis = in_production(&relay.url().replace("redis://", "redis://:secret@"));
    for _ in 0..2 {
        let (answer, took) = timed(&redis).await;
        assert!(answer.is_none() && took < FELT, "{took:?}");
    }
}

#[tokio::test]
async fn redis_is_too_slow() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let redis = in_production(&relay.url());
    eventually("Redis answers", async || timed(&redis).await.0.is_some()).await;
    relay.delay(Duration::from_millis(400));
    for _ in 0..2 {
        let (answer, took) = timed(&redis).await;
        assert!(answer.is_none() && took < FELT, "{took:?}");
    }
    let (answer, took) = timed(&redis).await;
    assert!(answer.is_none() && took < Duration::from_millis(100), "left alone: {took:?}");
    relay.delay(Duration::ZERO);
    eventually("Redis answers again", async || timed(&redis).await.0.is_some()).await;
}

#[tokio::test]
async fn redis_hangs_and_comes_back() {
    let server = Server::start();
    let redis = in_production(&server.url());
    eventually("Redis answers", async || timed(&redis).await.0.is_some()).await;
    server.pause();
    for _ in 0..2 {
        let (answer, took) = timed(&redis).await;
        assert_eq!(answer, None);
        assert!(took < FELT, "{took:?}");
    }
    let (answer, took) = timed(&redis).await;
    assert!(answer.is_none() && took < Duration::from_millis(100), "left alone: {took:?}");
    server.resume();
    let resumed = Instant::now();
    eventually("Redis answers again", async || timed(&redis).await.0.is_some()).await;
    assert!(resumed.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn redis_is_restarted_empty() {
    let mut server = Server::start();
    let redis = server.client();
    assert!(timed(&redis).await.0.is_some());
    server.stop();
    server.start_again();
    assert!(timed(&redis).await.0.is_some(), "the close was noticed, the script sent again");
}

#[tokio::test]
async fn what_must_not_be_missed_is_sent_although_redis_was_away_a_moment_ago() {
    let mut server = Server::start();
    let redis = in_production(&server.url());
    server.stop();
    for _ in 0..2 {
        assert!(timed(&redis).await.0.is_none());
    }
    server.start_again();
    assert!(redis.insist(ask(&ECHO, "x")).await.is_some());
    assert!(timed(&redis).await.0.is_some(), "and it is known that Redis is back");
}

#[tokio::test]
async fn what_must_not_be_missed_is_tried_again_on_a_fresh_connection() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let redis = impatient_with_silence(&relay);
    assert!(timed(&redis).await.0.is_some());
    relay.swallow();
    assert!(redis.insist(ask(&ECHO, "x")).await.is_some());
}

#[tokio::test]
async fn an_idle_connection_is_closed_by_the_server() {
    let server = Server::start();
    let redis = server.client();
    assert!(timed(&redis).await.0.is_some());
    for _ in 0..50 {
        server.query::<i64>(&["CLIENT", "KILL", "TYPE", "normal"]);
        assert!(timed(&redis).await.0.is_some());
    }
}

#[tokio::test]
async fn a_connection_that_died_silently_is_replaced_after_the_first_time_out() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let redis = impatient_with_silence(&relay);
    assert!(timed(&redis).await.0.is_some());
    relay.swallow();
    let (answer, took) = timed(&redis).await;
    assert!(answer.is_none() && took < FELT, "{took:?}");
    assert!(timed(&redis).await.0.is_some(), "a fresh connection");
}

#[tokio::test]
async fn a_connection_that_idled_too_long_is_replaced_before_it_is_used() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let settings = Settings { idle_limit: Duration::ZERO, ..patient(&relay.url()) };
    let redis = Redis::new(settings).expect("a valid URL");
    assert!(timed(&redis).await.0.is_some());
    relay.swallow();
    assert!(timed(&redis).await.0.is_some());
}

#[tokio::test]
async fn a_password_is_refused_and_later_right() {
    let server = Server::start();
    let redis = client(&format!("redis://:right@127.0.0.1:{}", server.port()));
    server.query::<()>(&["CONFIG", "SET", "requirepass", "wrong"]);
    let (answer, took) = timed(&redis).await;
    assert!(answer.is_none() && took < FELT, "{took:?}");
    let mut raw = ::redis::Client::open(format!("redis://:wrong@127.0.0.1:{}", server.port()))
        .and_then(|client| client.get_connection())
        .expect("the right password for now");
    let set = ::redis::cmd("CONFIG").arg(&["SET", "requirepass", "right"]).exec(&mut raw);
    set.expect("the password can be changed");
    assert!(timed(&redis).await.0.is_some());
}

#[tokio::test]
async fn a_primary_that_became_a_replica_is_left() {
    let server = Server::start();
    let redis = server.client();
    assert!(redis.batch(ask(&COUNT, "")).await.is_some());
    let connections = || server.query::<String>(&["INFO", "stats"]);
    let received = |stats: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.and_then(|count| count.trim().parse::<u64>().ok()).expect("the statistic")
    };
    let before = received(&connections());
    server.query::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(redis.batch(ask(&COUNT, "")).await, None);
    server.query::<()>(&["REPLICAOF", "NO", "ONE"]);
    assert!(redis.batch(ask(&COUNT, "")).await.is_some());
    // Four connections of this test itself, and a fresh one of the client.
    assert_eq!(received(&connections()) - before, 4);
}
