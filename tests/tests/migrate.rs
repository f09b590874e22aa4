//! The migration, as a deployment invokes it and as people do. Its failures are tested beside its code.

use std::sync::{Arc, Mutex};

use axum::routing::put;
use serde_json::{Value, json};
use tests::{Logs, env, invoke};
use tokio::net::TcpListener;

/// Part of the address at which CloudFormation waits, which whoever has it could answer in our name.
const SIGNATURE: &str = "c3b1e2f4-signature-of-the-tests";

#[tokio::test]
async fn a_deployment_is_answered_at_its_signed_address_which_no_log_shows() {
    let received = Arc::new(Mutex::new(Vec::<Value>::new()));
    let keep = Arc::clone(&received);
    let take = put(move |body: String| async move {
        keep.lock().expect("no panic").push(serde_json::from_str(&body).expect("JSON"));
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/answer", take)).await });

    for (kind, key) in [("Create", true), ("Update", true), ("Delete", false)] {
        let event = json!({
            "RequestType": kind,
            "ResponseURL": format!("http://127.0.0.1:{port}/answer?X-Amz-Signature={SIGNATURE}"),
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/millrace/5b1c2d30",
            "RequestId": kind,
            "LogicalResourceId": "Migration",
            "ResourceType": "Custom::Migration",
            "ResourceProperties": { "Version": "1", "TokenKeyRotation": "1" }
        });
        invoke("migrate", &event).await;
        let answer = received.lock().expect("no panic").pop().expect("an answer");
        assert_eq!(answer["Status"], "SUCCESS", "{answer}");
        assert_eq!(answer["RequestId"], kind);
        assert_eq!(answer["PhysicalResourceId"], "millrace-migration");
        let expected = if key { env("TOKEN_PUBLIC_KEY").into() } else { Value::Null };
        assert_eq!(answer["Data"]["TokenPublicKey"], expected);
    }
    assert!(received.lock().expect("no panic").is_empty(), "each is answered once");
    assert!(!Logs::whole("functions.log").contains(SIGNATURE), "the address was logged");
}

#[tokio::test]
async fn people_learn_what_would_run_and_what_ran() {
    for dry_run in [true, false] {
        let answer = invoke("migrate", &json!({ "dry_run": dry_run })).await;
        assert_eq!(answer, json!({ "dry_run": dry_run, "migrations": [] }), "the cloud is migrated already");
    }
}
