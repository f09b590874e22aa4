//! The Redis client in each bad situation: what a caller gets, and when Redis is left alone.

use std::time::Duration;

use shared::redis::{Redis, Settings};
use shared::telemetry::{Counter, Record};
use tokio::time::timeout;

use crate::ask::{Ask, BROKEN, COUNT, ECHO, OTHER, ask, some};
use crate::relay::Relay;
use crate::server::{NOWHERE, PATIENCE, Server, client, eventually, patient};

/// A client with the limits of production.
fn in_production(url: &str) -> Redis {
    Redis::new(Settings::new(url)).expect("a valid URL")
}

/// A client that takes all the time to connect, and some for an answer.
fn impatient_with_silence(relay: &Relay) -> Redis {
    let settings = Settings { response_limit: Duration::from_secs(3), ..Settings::new(relay.url()) };
    Redis::new(Settings { batch_limit: Duration::from_hours(1), ..settings }).expect("a valid URL")
}

/// What came of a batch.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    Failed,
    LeftAlone,
}
use Outcome::{Answered, Failed, LeftAlone};

/// Asks. Where Redis is silent the client's own limit ends it, or else nothing would.
async fn outcome(redis: &Redis) -> Outcome {
    let record = Record::begin("", None);
    let asked = record.observe(redis.batch(ask(&ECHO, "x")));
    let answer = timeout(PATIENCE, asked).await.expect("the client has a limit of its own");
    let counts = [Counter::RedisFailed, Counter::RedisLeftAlone].map(|counter| record.count_of(counter));
    match (answer, counts) {
        (Some(_), [0, 0]) => Answered,
        (None, [1, 0]) => Failed,
        (None, [0, 1]) => LeftAlone,
        other => panic!("{other:?}"),
    }
}

/// Two requests find out that Redis is away, and those after them do not try.
async fn is_away(redis: &Redis) {
    for _ in 0..2 {
        assert_eq!(outcome(redis).await, Failed);
    }
    // For a second at least. After a longer one somebody tries again.
    eventually("Redis is left alone", async || outcome(redis).await == LeftAlone).await;
}

async fn answers(redis: &Redis) {
    eventually("Redis answers", async || outcome(redis).await == Answered).await;
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
    is_away(&in_production(NOWHERE)).await;
}

#[tokio::test]
async fn packets_are_dropped_without_a_word() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    relay.swallow_all();
    is_away(&in_production(&relay.url())).await;
}

#[tokio::test]
async fn a_password_is_answered_with_silence() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    relay.swallow_all();
    is_away(&in_production(&relay.url().replace("redis://", "redis://:secret@"))).await;
}

#[tokio::test]
async fn redis_is_too_slow() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let redis = in_production(&relay.url());
    answers(&redis).await;
    relay.delay(PATIENCE * 2);
    is_away(&redis).await;
    relay.delay(Duration::ZERO);
    answers(&redis).await;
}

#[tokio::test]
async fn redis_hangs_and_comes_back() {
    let server = Server::start();
    let redis = in_production(&server.url());
    answers(&redis).await;
    server.pause();
    is_away(&redis).await;
    server.resume();
    answers(&redis).await;
}

#[tokio::test]
async fn redis_is_restarted_empty() {
    let mut server = Server::start();
    let redis = server.client();
    assert_eq!(outcome(&redis).await, Answered);
    server.stop();
    server.start_again();
    assert_eq!(outcome(&redis).await, Answered, "the close was noticed, the script sent again");
}

#[tokio::test]
async fn what_must_not_be_missed_is_sent_although_redis_was_away_a_moment_ago() {
    let mut server = Server::start();
    let redis = server.client();
    server.stop();
    is_away(&redis).await;
    server.start_again();
    assert!(redis.insist(ask(&ECHO, "x")).await.is_some());
    assert_eq!(outcome(&redis).await, Answered, "and it is known that Redis is back");
}

#[tokio::test]
async fn what_must_not_be_missed_is_tried_again_on_a_fresh_connection() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let redis = impatient_with_silence(&relay);
    assert_eq!(outcome(&redis).await, Answered);
    relay.swallow();
    assert!(redis.insist(ask(&ECHO, "x")).await.is_some());
}

#[tokio::test]
async fn an_idle_connection_is_closed_by_the_server() {
    let server = Server::start();
    let redis = server.client();
    assert_eq!(outcome(&redis).await, Answered);
    for _ in 0..50 {
        server.query::<i64>(&["CLIENT", "KILL", "TYPE", "normal"]);
        assert_eq!(outcome(&redis).await, Answered);
    }
}

#[tokio::test]
async fn a_connection_that_died_silently_is_replaced_after_the_first_time_out() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let redis = impatient_with_silence(&relay);
    assert_eq!(outcome(&redis).await, Answered);
    relay.swallow();
    assert_eq!(outcome(&redis).await, Failed);
    assert_eq!(outcome(&redis).await, Answered, "a fresh connection");
}

#[tokio::test]
async fn a_connection_that_idled_too_long_is_replaced_before_it_is_used() {
    let server = Server::start();
    let relay = Relay::to(server.port());
    let settings = Settings { idle_limit: Duration::ZERO, ..patient(&relay.url()) };
    let redis = Redis::new(settings).expect("a valid URL");
    assert_eq!(outcome(&redis).await, Answered);
    relay.swallow();
    assert_eq!(outcome(&redis).await, Answered);
}

#[tokio::test]
async fn a_password_is_refused_and_later_right() {
    let server = Server::start();
    let redis = client(&format!("redis://:right@127.0.0.1:{}", server.port()));
    server.query::<()>(&["CONFIG", "SET", "requirepass", "wrong"]);
    assert_eq!(outcome(&redis).await, Failed);
    let mut raw = ::redis::Client::open(format!("redis://:wrong@127.0.0.1:{}", server.port()))
        .and_then(|client| client.get_connection())
        .expect("the right password for now");
    let set = ::redis::cmd("CONFIG").arg(&["SET", "requirepass", "right"]).exec(&mut raw);
    set.expect("the password can be changed");
    assert_eq!(outcome(&redis).await, Answered);
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
