//! Token buckets on a real Redis, through their public door.

use std::time::Duration;

use shared::redis::Redis;
use shared::token_bucket::{Class, Limit, Take, TokenBuckets, Turn};

use crate::server::{Server, eventually, nowhere};

/// Fifteen a second and four at once for customers, five and one for what was put off.
fn buckets() -> TokenBuckets {
    TokenBuckets::new("payments", Limit::new(25))
}

async fn take(redis: &Redis, class: Class) -> Turn {
    redis.batch(buckets().take("create", class)).await
}

async fn granted(redis: &Redis, class: Class) -> bool {
    matches!(take(redis, class).await, Turn::Granted(_))
}

/// Takes tokens until there is none, and how many there were; what flows in meanwhile is one of them.
async fn drain(redis: &Redis, class: Class) -> usize {
    let mut count = 0;
    while granted(redis, class).await {
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_burst_is_granted_to_all_environments_together_and_then_they_are_told_when_to_come_back() {
    let server = Server::start();
    let environments = [server.client(), server.client()];
    let mut taken = 0;
    let wait = loop {
        if let Turn::Refused { wait } = take(&environments[taken % 2], Class::Interactive).await {
            break wait;
        }
        taken += 1;
    };
    assert!(taken >= 4, "{taken} at once");
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(67), "{wait:?}: a fifteenth of a second");
}

#[tokio::test]
async fn a_crowd_of_customers_takes_nothing_from_orders_that_wait() {
    let server = Server::start();
    let redis = server.client();
    drain(&redis, Class::Interactive).await;
    assert!(granted(&redis, Class::Background).await, "its own share is there");
    let both = async || granted(&redis, Class::Background).await;
    eventually("it flows in again, however many customers ask", async || {
        drain(&redis, Class::Interactive).await;
        both().await
    })
    .await;
}

#[tokio::test]
async fn each_endpoint_has_a_bucket_of_its_own() {
    let server = Server::start();
    let redis = server.client();
    drain(&redis, Class::Interactive).await;
    let other = redis.batch(buckets().take("refund", Class::Interactive)).await;
    assert!(matches!(other, Turn::Granted(_)));
}

#[tokio::test]
async fn a_token_that_was_not_used_comes_back() {
    let server = Server::start();
    let redis = server.client();
    let unused = take(&redis, Class::Background).await;
    assert!(matches!(unused, Turn::Granted(_)), "the only one that is kept");
    redis.undo::<Take>(unused).await;
    let level = || {
        let packed: Vec<u8> =
            redis::cmd("GET").arg("tokens:payments:create").query(&mut server.raw()).expect("there");
        f64::from_be_bytes(packed[8..16].try_into().expect("three numbers"))
    };
    assert!((level() - 1000.0).abs() < 0.5, "{}", level());
}

#[tokio::test]
async fn a_refused_call_uses_up_nothing() {
    let server = Server::start();
    let redis = server.client();
    drain(&redis, Class::Interactive).await;
    let before = server.calls(&["set"]);
    let mut refused = 0;
    for _ in 0..20 {
        refused += u64::from(!granted(&redis, Class::Interactive).await);
    }
    let written = server.calls(&["set"])[0] - before[0];
    assert_eq!(written + refused, 20);
}

#[tokio::test]
async fn without_redis_or_without_a_limit_nobody_is_refused() {
    let away = nowhere();
    let server = Server::start();
    let unlimited = TokenBuckets::new("payments", None);
    for _ in 0..40 {
        assert!(granted(&away, Class::Interactive).await);
        let turn = server.client().batch(unlimited.take("create", Class::Interactive)).await;
        assert!(matches!(turn, Turn::Granted(_)));
    }
    assert_eq!(server.calls(&["evalsha", "eval"]), [0, 0], "and nobody is asked");
}

#[tokio::test]
async fn a_bucket_that_nobody_asks_is_forgotten() {
    let server = Server::start();
    drain(&server.client(), Class::Interactive).await;
    let left: i64 = server.query(&["PTTL", "tokens:payments:create"]);
    assert!((1..=60_000).contains(&left), "{left}");
}
