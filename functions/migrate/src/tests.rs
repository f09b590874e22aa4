//! CloudFormation is answered whatever happens. That the migrations run is shown in `tests/tests/migrate.rs`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use serde_json::{Value, json};
use shared::database::Settings as Database;
use shared::time_limit::TimeLimit;
use tokio::net::TcpListener;

use crate::work::Settings;
use crate::{Failure, invoke};

const KEY: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// What S3 does with the answer: refuses the first few, and keeps the rest.
#[derive(Clone, Default)]
struct Bucket {
    received: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Bucket {
    /// The pre-signed address at which it listens.
    async fn listen(&self) -> String {
        let bucket = self.clone();
        let route = put(move |headers: HeaderMap, body: String| async move { bucket.take(headers, &body) });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("an address").port();
        let app = axum::Router::new().route("/answer", route);
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://127.0.0.1:{port}/answer?X-Amz-Signature=do-not-log-me")
    }

    fn take(&self, headers: HeaderMap, body: &str) -> StatusCode {
        let mut refusals = self.refusals.lock().expect("no panic");
        if *refusals > 0 {
            *refusals -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let body = serde_json::from_str(body).expect("JSON");
        self.received.lock().expect("no panic").push((headers, body));
        StatusCode::OK
    }

    /// The one answer.
    fn answer(&self) -> Value {
        let received = self.received.lock().expect("no panic");
        let [(headers, answer)] = received.as_slice() else { panic!("{} answers", received.len()) };
        assert!(!headers.contains_key("content-type"), "the signature is over an empty content type");
        for (field, expected) in [
            ("PhysicalResourceId", "millrace-migration"),
            ("StackId", "stack"),
            ("RequestId", "request"),
            ("LogicalResourceId", "Migration"),
        ] {
            assert_eq!(answer[field], expected, "{field}");
        }
        answer.clone()
    }
}

fn request(kind: &str, url: &str) -> Value {
    json!({
        "RequestType": kind,
        "ResponseURL": url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Migration",
        "ResourceType": "Custom::Migration",
        "ResourceProperties": { "Version": "1" }
    })
}

fn nowhere() -> Result<Settings, Failure> {
    let database = Database::new("postgres://owner:secret@localhost/shop?host=/nowhere")?;
    Ok(Settings {
        database,
        functions: None,
        token_private_key: KEY.to_owned(),
        edge_secret: None,
        administrator: None,
    })
}

fn limit() -> TimeLimit {
    TimeLimit::of_long_invocation(None, Duration::from_secs(20), Duration::ZERO)
}

/// What CloudFormation is told of such a request.
async fn answer(settings: Result<Settings, Failure>, kind: &str, limit: TimeLimit) -> Value {
    let bucket = Bucket::default();
    invoke(settings, request(kind, &bucket.listen().await), limit).await.expect("answered");
    bucket.answer()
}

#[tokio::test]
async fn it_answers_that_it_failed_when_the_database_is_away() {
    for kind in ["Create", "Update"] {
        let answer = answer(nowhere(), kind, limit()).await;
        assert_eq!(answer["Status"], "FAILED");
        let reason = answer["Reason"].as_str().expect("a reason");
        assert!(reason.contains("the database is unavailable") && !reason.contains("secret"), "{reason}");
    }
}

#[tokio::test]
async fn it_answers_that_it_failed_when_a_setting_is_wrong() {
    let wrong_key = nowhere().map(|settings| Settings { token_private_key: "abc".into(), ..settings });
    let wrong_secret = nowhere().map(|settings| Settings { edge_secret: Some("short".into()), ..settings });
    for (settings, expected) in [
        (Err("the environment variable DATABASE_DIRECT_URL is not set".into()), "DATABASE_DIRECT_URL"),
        (wrong_key, "TOKEN_PRIVATE_KEY is not an Ed25519 key"),
        (wrong_secret, "EDGE_SECRET must be of 32 characters"),
    ] {
        let answer = answer(settings, "Create", limit()).await;
        assert_eq!(answer["Status"], "FAILED");
        assert!(answer["Reason"].as_str().is_some_and(|reason| reason.contains(expected)), "{answer}");
    }
}

#[tokio::test]
async fn it_answers_a_deletion_without_touching_anything() {
    assert_eq!(answer(nowhere(), "Delete", limit()).await["Status"], "SUCCESS");
}

#[tokio::test]
async fn it_answers_a_request_that_it_does_not_know() {
    assert_eq!(answer(nowhere(), "Import", limit()).await["Status"], "FAILED");
}

#[tokio::test]
async fn it_answers_before_its_time_is_over() {
    // Takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = silent.local_addr().expect("an address").port();
    let database = Database::new(&format!("postgres://owner@127.0.0.1:{port}/shop")).expect("valid");
    let settings = nowhere().map(|settings| Settings { database, ..settings });
    let soon = TimeLimit::of_long_invocation(None, Duration::from_millis(100), Duration::ZERO);
    let answer = answer(settings, "Create", soon).await;
    assert_eq!(answer["Reason"], "the migration did not end within the function's time limit");
}

#[tokio::test]
async fn it_tries_again_when_the_answer_is_not_taken() {
    let bucket = Bucket::default();
    *bucket.refusals.lock().expect("no panic") = 1;
    invoke(nowhere(), request("Delete", &bucket.listen().await), limit()).await.expect("answered");
    assert_eq!(bucket.answer()["Status"], "SUCCESS");
}

#[tokio::test]
async fn it_fails_without_showing_the_address_when_nobody_takes_the_answer() {
    let url = "http://127.0.0.1:1/answer?X-Amz-Signature=do-not-log-me";
    let failure = invoke(nowhere(), request("Delete", url), limit()).await.expect_err("refused").to_string();
    assert!(failure.contains("did not take the answer") && !failure.contains("do-not-log-me"), "{failure}");
    let mut incomplete = request("Delete", "do-not-log-me");
    incomplete["StackId"] = Value::Null;
    let failure = invoke(nowhere(), incomplete, limit()).await.expect_err("incomplete").to_string();
    assert!(!failure.contains("do-not-log-me"), "{failure}");
}

#[tokio::test]
async fn it_refuses_an_event_that_it_does_not_know_before_it_changes_anything() {
    for event in [json!({ "dryrun": true }), json!({ "dry_run": "yes" }), json!(null)] {
        let failure = invoke(nowhere(), event.clone(), limit()).await.expect_err("refused").to_string();
        assert!(failure.starts_with("the event: "), "{event}: {failure}");
    }
}
