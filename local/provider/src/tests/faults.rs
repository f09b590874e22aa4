//! Every fault, and what the client makes of it.

use std::time::Duration;

use serde_json::{Value, json};
use shared::payments::{Health, Intent, IntentStatus, NeverSent, Outcome, Reply, Unknown};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::testing::{Double, client, soon};

/// An order with an intent that was not confirmed yet, at a provider that works.
async fn ready() -> (Double, Uuid, String) {
    let double = Double::start().await;
    let order = Uuid::now_v7();
    let intent = double.intent(order, "pm_card_visa").await;
    (double, order, intent.id)
}

/// Confirms while the fault strikes `times` requests.
async fn confirm_under(
    kind: &str,
    times: u32,
    (double, order, intent): &(Double, Uuid, String),
) -> Reply<Intent> {
    double.fault(json!({ "kind": kind, "operation": "confirm", "times": times })).await;
    let deadline = if kind.ends_with("hang") { Instant::now() + Duration::from_secs(4) } else { soon() };
    double.payments.confirm_intent(*order, intent, 1, None, deadline).await
}

fn status(reply: &Reply<Intent>) -> Option<IntentStatus> {
    match &reply.outcome {
        Outcome::Answered(intent) => Some(intent.status),
        _ => None,
    }
}

#[tokio::test]
async fn it_knows_that_nothing_was_sent_when_the_connection_is_refused() {
    let (double, order, intent) = ready().await;
    double.control("POST", "refuse", json!({ "for_ms": 60_000 })).await;
    let reply = double.confirm(order, &intent).await;
    assert!(matches!(reply.outcome, Outcome::NeverSent(NeverSent::Connect(_))), "{reply:?}");
    assert_eq!(reply.health(), Health::Failed);
}

#[tokio::test]
async fn it_knows_that_nothing_was_sent_when_the_connection_takes_too_long() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    // Nobody accepts: when the listener's queue is full, the next connection waits.
    let brief = Duration::from_secs(2);
    let mut queue = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, brief) {
        queue.push(stream);
    }
    let payments = client(&format!("http://{address}"));
    let reply = payments.retrieve_intent("pi_1", soon()).await;
    assert!(matches!(reply.outcome, Outcome::NeverSent(NeverSent::Connect(_))), "{reply:?}");
}

#[tokio::test]
async fn it_knows_that_nothing_was_sent_when_the_other_side_does_not_speak_tls() {
    let double = Double::start().await;
    let reply = client(&double.url.replace("http:", "https:")).retrieve_intent("pi_1", soon()).await;
    assert!(matches!(reply.outcome, Outcome::NeverSent(NeverSent::Connect(_))), "{reply:?}");
    assert!(double.seen().await.is_empty());
}

#[tokio::test]
async fn it_charges_once_when_a_request_arrives_twice() {
    let ready = ready().await;
    let reply = confirm_under("act_twice", 1, &ready).await;
    assert_eq!(status(&reply), Some(IntentStatus::Succeeded));
    assert!(reply.replayed);
    assert_eq!(ready.0.charged(ready.1).await, (1, 0));
}

#[tokio::test]
async fn it_pays_when_connections_are_accepted_again() {
    let (double, order, intent) = ready().await;
    double.control("POST", "refuse", json!({ "for_ms": 50 })).await;
    double.listens_again().await;
    let reply = double.confirm(order, &intent).await;
    assert_eq!(status(&reply), Some(IntentStatus::Succeeded));
    assert!(!reply.replayed);
}

#[tokio::test]
async fn it_sends_nothing_when_no_time_is_left() {
    let (double, order, intent) = ready().await;
    let reply = double.payments.confirm_intent(order, &intent, 1, None, Instant::now()).await;
    assert_eq!(reply.outcome, Outcome::NeverSent(NeverSent::NoTimeLeft));
    assert_eq!(reply.health(), Health::Skipped);
    assert_eq!(double.seen().await, ["create 200"]);
}

#[tokio::test]
async fn it_tries_again_at_once_when_a_connection_breaks() {
    for (kind, replayed) in [("drop", false), ("act_then_drop", true)] {
        let ready = ready().await;
        let reply = confirm_under(kind, 1, &ready).await;
        assert_eq!(status(&reply), Some(IntentStatus::Succeeded), "{kind}");
        assert_eq!(reply.replayed, replayed, "{kind}");
        assert_eq!(ready.0.charged(ready.1).await, (1, 0), "{kind}");
    }
}

#[tokio::test]
async fn it_does_not_know_the_outcome_when_connections_keep_breaking() {
    for (kind, charges) in [("drop", 0), ("act_then_drop", 1)] {
        let ready = ready().await;
        let reply = confirm_under(kind, 2, &ready).await;
        assert_eq!(reply.outcome, Outcome::Unknown(Unknown::Dropped), "{kind}");
        assert_eq!(reply.health(), Health::Failed, "{kind}");
        assert_eq!(ready.0.charged(ready.1).await.0, charges, "{kind}");
    }
}

#[tokio::test]
async fn it_does_not_let_a_refused_second_try_hide_that_the_first_may_have_charged() {
    let ready = ready().await;
    let (double, order, _) = &ready;
    double.fault(json!({ "kind": "act_then_drop", "operation": "confirm" })).await;
    let reply = confirm_under("rate_limit", 1, &ready).await;
    assert_eq!(reply.outcome, Outcome::Unknown(Unknown::Dropped));
    assert_eq!(double.charged(*order).await, (1, 0));
}

#[tokio::test]
async fn it_gives_up_at_its_deadline_without_knowing_the_outcome() {
    for (kind, charges) in [("hang", 0), ("act_then_hang", 1)] {
        let ready = ready().await;
        let reply = confirm_under(kind, 1, &ready).await;
        assert_eq!(reply.outcome, Outcome::Unknown(Unknown::TimedOut), "{kind}");
        assert_eq!(reply.health(), Health::Failed, "{kind}");
        let (double, order, intent) = &ready;
        assert_eq!(double.charged(*order).await.0, charges, "{kind}");
        // The same key tells.
        let again = double.confirm(*order, intent).await;
        assert_eq!(status(&again), Some(IntentStatus::Succeeded), "{kind}");
        assert_eq!(again.replayed, charges == 1, "{kind}");
        assert_eq!(double.charged(*order).await, (1, 0), "{kind}");
    }
}

#[tokio::test]
async fn it_never_waits_longer_than_five_seconds() {
    let (double, order, intent) = ready().await;
    double.fault(json!({ "kind": "hang", "operation": "confirm" })).await;
    let late = Instant::now() + Duration::from_hours(1);
    let asked = double.payments.confirm_intent(order, &intent, 1, None, late);
    let reply = timeout(Duration::from_mins(1), asked).await.expect("a limit of its own");
    assert_eq!(reply.outcome, Outcome::Unknown(Unknown::TimedOut));
}

#[tokio::test]
async fn it_sees_a_confirmation_finish_that_it_had_stopped_waiting_for() {
    let (double, order, intent) = ready().await;
    double.fault(json!({ "kind": "delay", "operation": "confirm", "delay_ms": 5_000 })).await;
    let impatient = Instant::now() + Duration::from_secs(3);
    let reply = double.payments.confirm_intent(order, &intent, 1, None, impatient).await;
    assert_eq!(reply.outcome, Outcome::Unknown(Unknown::TimedOut));
    // A look at the intent alone may come too early: this is why the same key is asked first.
    let early = double.payments.retrieve_intent(&intent, soon()).await;
    assert!(matches!(early.outcome, Outcome::Answered(_)), "{early:?}");
    let settled = double.until_settled(order, &intent).await;
    assert!(settled.replayed);
    assert_eq!(double.charged(order).await, (1, 0));
}

#[tokio::test]
async fn it_does_not_know_the_outcome_of_a_500() {
    for (kind, charges) in [("fail", 0), ("act_then_fail", 1)] {
        let ready = ready().await;
        let reply = confirm_under(kind, 1, &ready).await;
        assert_eq!(reply.outcome, Outcome::Unknown(Unknown::ServerError(500)), "{kind}");
        assert_eq!((reply.replayed, reply.health()), (false, Health::Failed), "{kind}");
        let (double, order, intent) = &ready;
        assert_eq!(double.charged(*order).await.0, charges, "{kind}");
        let again = double.confirm(*order, intent).await;
        assert_eq!(status(&again), Some(IntentStatus::Succeeded), "{kind}");
        assert_eq!(double.charged(*order).await, (1, 0), "{kind}");
    }
}

#[tokio::test]
async fn it_recognises_a_500_that_its_key_replays_for_ever() {
    for (kind, attempted) in [("fail_for_ever", false), ("act_then_fail_for_ever", true)] {
        let ready = ready().await;
        let first = confirm_under(kind, 1, &ready).await;
        assert_eq!(first.outcome, Outcome::Unknown(Unknown::ServerError(500)), "{kind}");
        let (double, order, intent) = &ready;
        for _again in 0..3 {
            let reply = double.confirm(*order, intent).await;
            assert_eq!(reply.outcome, Outcome::Unknown(Unknown::ServerError(500)), "{kind}");
            assert_eq!((reply.replayed, reply.health()), (true, Health::Skipped), "{kind}");
        }
        let Outcome::Answered(truth) = double.payments.retrieve_intent(intent, soon()).await.outcome else {
            panic!("not answered")
        };
        assert_eq!(truth.attempted(), attempted, "{kind}");
        let next = double.payments.confirm_intent(*order, intent, 2, None, soon()).await;
        assert_eq!(status(&next), Some(IntentStatus::Succeeded), "{kind}");
        assert_eq!(double.charged(*order).await, (1, 0), "{kind}");
    }
}

#[tokio::test]
async fn it_tries_again_when_the_provider_says_that_it_should() {
    let (double, order, intent) = ready().await;
    double
        .fault(json!({ "kind": "fail", "operation": "confirm", "status": 503, "should_retry": true }))
        .await;
    let reply = double.confirm(order, &intent).await;
    assert_eq!(status(&reply), Some(IntentStatus::Succeeded));
    assert_eq!(double.seen().await, ["create 200", "confirm 503", "confirm 200"]);
}

#[tokio::test]
async fn it_slows_down_when_it_is_told_to() {
    let (double, order, intent) = ready().await;
    double.fault(json!({ "kind": "rate_limit", "operation": "confirm", "retry_after": 7 })).await;
    let reply = double.confirm(order, &intent).await;
    let (retry_after, reason) = (Some(Duration::from_secs(7)), Some("endpoint-rate".to_owned()));
    assert_eq!(reply.outcome, Outcome::RateLimited { retry_after, reason });
    assert_eq!(reply.health(), Health::Skipped);
    assert_eq!(double.charged(order).await, (0, 0));
}

#[tokio::test]
async fn it_does_not_believe_an_answer_that_it_cannot_read() {
    let ready = ready().await;
    let reply = confirm_under("act_then_garble", 1, &ready).await;
    assert_eq!(reply.outcome, Outcome::Unknown(Unknown::Unreadable));
    assert_eq!(ready.0.charged(ready.1).await, (1, 0));
}

#[tokio::test]
async fn it_ends_faults_on_command() {
    let (double, order, intent) = ready().await;
    double.fault(json!({ "kind": "hang", "times": null })).await;
    double.control("DELETE", "faults", Value::Null).await;
    let reply = double.confirm(order, &intent).await;
    assert_eq!(status(&reply), Some(IntentStatus::Succeeded));
}

#[tokio::test]
async fn it_takes_a_proxys_refusal_of_what_was_forwarded_for_no_proof_that_nothing_was_done() {
    let (double, order, intent) = ready().await;
    for body in [json!({ "error": { "type": "invalid_request_error" } }), json!("<html>Bad request</html>")] {
        double.fault(json!({ "kind": "act_then_refuse", "operation": "confirm", "body": body })).await;
        let reply = double.confirm(order, &intent).await;
        assert!(matches!(reply.outcome, Outcome::Refused(_)), "{reply:?}");
    }
    // As a look shows, and the key's own answer.
    let looked = double.payments.retrieve_intent(&intent, soon()).await;
    assert_eq!(status(&looked), Some(IntentStatus::Succeeded));
    assert_eq!(double.charged(order).await, (1, 0));
}
