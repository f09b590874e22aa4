//! The gate before the payment provider, on a real Redis: the breaker and the tokens, asked at once.

use std::time::Duration;

use shared::breaker::{Breaker, Forced, Outcome, Settings};
use shared::checkout::{Entry, Gate};
use shared::orders::WaitsFor;
use shared::payments::Operation;
use shared::redis::Redis;
use shared::telemetry::{Counter, Record};
use shared::token_bucket::{Limit, TokenBuckets};

use crate::server::{Server, nowhere};

struct Way {
    redis: Redis,
    breaker: Breaker,
    gate: Gate,
}

impl Way {
    fn new(redis: Redis) -> Self {
        // Whoever waits for a token asks often: it is by failures in a row that it opens here.
        let settings = Settings {
            minimum_calls: u32::MAX,
            probes: 1,
            open_for: Duration::ZERO,
            lease: Duration::from_mins(10),
            ..Settings::DEFAULT
        };
        let breaker = Breaker::new("payments", settings, redis.clone(), "a");
        // Two at once.
        let tokens = TokenBuckets::new("payments", Limit::new(15));
        let gate = Gate::new(breaker.clone(), tokens, redis.clone());
        Self { redis, breaker, gate }
    }

    async fn enter(&self) -> Entry {
        self.redis.batch(self.gate.enter(Operation::Create)).await
    }

    /// What it waits for who comes when there are no tokens left.
    async fn crowded(&self) -> WaitsFor {
        loop {
            if let Entry::Shut(shut) = self.enter().await {
                return shut.waits_for;
            }
        }
    }
}

async fn round_trips(work: impl Future<Output = ()>) -> u32 {
    let record = Record::begin("", None);
    record.observe(work).await;
    record.count_of(Counter::RedisRoundTrips)
}

#[tokio::test]
async fn it_says_whether_the_provider_is_away_or_takes_no_more() {
    let server = Server::start();
    let way = Way::new(server.client());
    assert_eq!(way.crowded().await, WaitsFor::ProvidersLimit);
    way.redis.batch(way.breaker.force(Forced::Open)).await;
    assert_eq!(way.crowded().await, WaitsFor::Provider);
}

#[tokio::test]
async fn a_pass_that_is_not_used_is_given_back_with_one_more_round_trip_and_none_where_nobody_misses_it() {
    let server = Server::start();
    let way = Way::new(server.client());
    drop(way.enter().await);
    for _ in 0..20 {
        let entry = way.enter().await;
        assert!(matches!(entry, Entry::Open(_)), "what was given back is there again");
        assert_eq!(round_trips(way.gate.give_back(entry)).await, 1);
    }
    let unlimited = Gate::new(way.breaker.clone(), TokenBuckets::new("payments", None), way.redis.clone());
    let entry = way.redis.batch(unlimited.enter(Operation::Create)).await;
    assert_eq!(round_trips(unlimited.give_back(entry)).await, 0);
    let shut = loop {
        if let shut @ Entry::Shut(_) = way.enter().await {
            break shut;
        }
    };
    assert_eq!(round_trips(way.gate.give_back(shut)).await, 0);
}

#[tokio::test]
async fn a_probe_needs_no_token_and_is_given_back_too() {
    let server = Server::start();
    let way = Way::new(server.client());
    let mut opened = 0;
    while opened < 3 {
        if let Entry::Open(pass) = way.enter().await {
            pass.permit.report(Outcome::Failed).await;
            opened += 1;
        }
    }
    // Half-open, and there is no token: the burst went into its opening.
    let probe = way.enter().await;
    assert!(matches!(probe, Entry::Open(_)));
    let Entry::Shut(shut) = way.enter().await else { panic!("one probe at a time") };
    assert_eq!(shut.waits_for, WaitsFor::Provider);
    assert_eq!(round_trips(way.gate.give_back(probe)).await, 1);
    assert!(matches!(way.enter().await, Entry::Open(_)), "another one may probe");
}

#[tokio::test]
async fn without_redis_it_is_open_and_nothing_is_given_back() {
    let way = Way::new(nowhere());
    for _ in 0..40 {
        let entry = way.enter().await;
        assert!(matches!(entry, Entry::Open(_)));
        assert_eq!(round_trips(way.gate.give_back(entry)).await, 0);
    }
}
