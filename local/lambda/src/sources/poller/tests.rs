//! Against the SQS server of a running local cloud, with a function that answers what the test says.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::aws::{AWS_ACCOUNT, AWS_REGION, sqs_client};
use crate::tell::nobody;

fn message(id: &str) -> Message {
    Message::builder().message_id(id).receipt_handle(id).build()
}

fn ids_done(answer: &str, reports_failures: bool) -> Vec<String> {
    let messages = [message("a"), message("b"), message("c")];
    let done = succeeded(&messages, &Answer::Returned(answer.to_owned()), reports_failures);
    done.iter().filter_map(|message| message.message_id()).map(str::to_owned).collect()
}

#[test]
fn it_deletes_all_but_the_messages_that_the_function_names() {
    assert_eq!(ids_done(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, true), ["a", "c"]);
}

#[test]
fn it_takes_an_empty_answer_for_success_as_lambda_does() {
    for answer in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#] {
        assert_eq!(ids_done(answer, true), ["a", "b", "c"], "{answer}");
    }
}

#[test]
fn it_takes_an_answer_it_cannot_trust_for_failure_of_the_whole_batch() {
    for answer in [
        "nonsense",
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"wrong":"a"}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"stranger"}]}"#,
    ] {
        assert_eq!(ids_done(answer, true), [""; 0], "{answer}");
    }
}

#[test]
fn it_ignores_reports_that_the_mapping_did_not_ask_for() {
    assert_eq!(ids_done(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, false), ["a", "b", "c"]);
}

#[test]
fn it_deletes_nothing_when_the_function_fails() {
    assert!(succeeded(&[message("a")], &Answer::Failed("panic".to_owned()), false).is_empty());
}

/// What a function answers to an event.
type Behaviour = fn(&Value) -> (StatusCode, String);

/// A queue with a dead-letter queue, and a function behind the invoke API.
struct Bench {
    sqs: Client,
    poller: Poller,
    dead_letters: String,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Bench {
    async fn new(visibility_seconds: u32, behave: Behaviour) -> Result<Self> {
        let endpoint = std::env::var("AWS_ENDPOINT_URL_SQS").context(
            "no SQS server: run `./dev up`, then `set -a; . .dev/env`, or run the tests by `./dev test`",
        )?;
        let sqs = sqs_client(&endpoint)?;
        let name = format!("poller-test-{}", Uuid::now_v7());
        let dead = sqs.create_queue().queue_name(format!("{name}-dead")).send().await?;
        let dead_letters = dead.queue_url.context("a URL")?;
        let arn = format!("arn:aws:sqs:{AWS_REGION}:{AWS_ACCOUNT}:{name}-dead");
        let redrive = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": 2 });
        let queue = sqs
            .create_queue()
            .queue_name(&name)
            .attributes(QueueAttributeName::VisibilityTimeout, visibility_seconds.to_string())
            .attributes(QueueAttributeName::RedrivePolicy, redrive.to_string());
        let queue_url = queue.send().await?.queue_url.context("a URL")?;
        let events = Arc::new(Mutex::new(Vec::new()));
        let invoker = Invoker::new(serve(Arc::clone(&events), behave).await?)?;
        let source = QueueSource {
            function: "charge-worker".to_owned(),
            queue: String::new(),
            batch_size: 5,
            concurrency: 1,
            reports_failures: true,
        };
        let queue = Polled { name, url: queue_url, source };
        let poller = Poller::new(sqs.clone(), invoker, queue, nobody);
        Ok(Self { sqs, poller, dead_letters, events })
    }

    async fn send(&self, body: &str) -> Result<()> {
        self.sqs.send_message().queue_url(&self.poller.queue.url).message_body(body).send().await?;
        Ok(())
    }

    /// Polls until something holds.
    async fn poll_until(&self, holds: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let started = Instant::now();
        while !holds().await? {
            ensure!(started.elapsed() < Duration::from_mins(1), "it never came to hold: {:?}", self.bodies());
            self.poller.poll().await.ok();
        }
        Ok(())
    }

    /// The bodies of each batch that the function got.
    fn bodies(&self) -> Vec<Vec<String>> {
        let events = self.events.lock().map(|events| events.clone()).unwrap_or_default();
        let body = |record: &Value| record["body"].as_str().unwrap_or_default().to_owned();
        let records = |event: &Value| event["Records"].as_array().cloned().unwrap_or_default();
        events.iter().map(|event| records(event).iter().map(body).collect()).collect()
    }

    async fn count(&self, url: &str) -> Result<u32> {
        let name = QueueAttributeName::All;
        let answer = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name).send().await?;
        let attributes = answer.attributes.unwrap_or_default();
        let both = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        Ok(both.iter().filter_map(|name| attributes.get(name)?.parse::<u32>().ok()).sum())
    }
}

async fn serve(events: Arc<Mutex<Vec<Value>>>, behave: Behaviour) -> Result<String> {
    let handler = async move |body: String| {
        let event: Value = serde_json::from_str(&body).unwrap_or_default();
        if let Ok(mut events) = events.lock() {
            events.push(event.clone());
        }
        behave(&event)
    };
    let app = Router::new().route("/2015-03-31/functions/charge-worker/invocations", post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}"))
}

/// Fails every message whose body says so.
fn fail_the_bad(event: &Value) -> (StatusCode, String) {
    let records = event["Records"].as_array().cloned().unwrap_or_default();
    let failures: Vec<_> = records
        .iter()
        .filter(|record| record["body"] == "bad")
        .map(|record| json!({ "itemIdentifier": record["messageId"] }))
        .collect();
    (StatusCode::OK, json!({ "batchItemFailures": failures }).to_string())
}

#[tokio::test]
async fn it_retries_only_the_failed_message_and_then_gives_it_to_the_dead_letter_queue() -> Result<()> {
    let bench = Bench::new(5, fail_the_bad).await?;
    for body in ["good", "bad", "fine"] {
        bench.send(body).await?;
    }
    bench.poll_until(async || Ok(bench.count(&bench.dead_letters).await? == 1)).await?;
    let mut bodies: Vec<_> = bench.bodies().concat();
    bodies.sort();
    assert_eq!(bodies, ["bad", "bad", "fine", "good"]);
    assert_eq!(bench.count(&bench.poller.queue.url).await?, 0);
    Ok(())
}

#[tokio::test]
async fn it_shows_the_function_what_lambda_would() -> Result<()> {
    let bench = Bench::new(30, fail_the_bad).await?;
    bench.send("good").await?;
    bench.poll_until(async || Ok(!bench.bodies().is_empty())).await?;
    let events = bench.events.lock().map(|events| events.clone()).unwrap_or_default();
    let record = &events[0]["Records"][0];
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert!(record["attributes"]["SentTimestamp"].is_string());
    assert!(record["eventSourceARN"].as_str().is_some_and(|arn| arn.ends_with(&bench.poller.queue.name)));
    Ok(())
}

#[tokio::test]
async fn it_keeps_every_message_when_the_function_fails() -> Result<()> {
    let bench = Bench::new(30, |_| (StatusCode::INTERNAL_SERVER_ERROR, "it panicked".to_owned())).await?;
    bench.send("good").await?;
    bench.poll_until(async || Ok(!bench.bodies().is_empty())).await?;
    assert_eq!(bench.count(&bench.poller.queue.url).await?, 1);
    Ok(())
}

#[tokio::test]
async fn it_leaves_a_message_invisible_for_the_visibility_timeout() -> Result<()> {
    let bench = Bench::new(30, fail_the_bad).await?;
    bench.send("bad").await?;
    bench.poll_until(async || Ok(!bench.bodies().is_empty())).await?;
    bench.poller.poll().await?;
    assert_eq!(bench.bodies(), [["bad"]]);
    Ok(())
}
