//! Secrets in Secrets Manager: read late, kept for a while, and never missed because it is away.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::Client;
use shared::aws::client;
use shared::aws::secrets::{Error, Made, Manager, Rotating};
use shared::error;
use tests::env;
use uuid::Uuid;

const LONG: Duration = Duration::from_hours(1);

/// The local cloud's moto server has a Secrets Manager next to its SQS.
fn config(endpoint: &str) -> SdkConfig {
    let keys = Credentials::new("local", "local", None, None, "tests");
    client::config("us-east-1", keys, Some(endpoint.to_owned()))
        .expect("a configuration")
        .into_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(Duration::from_mins(1)).build())
        .build()
}

struct Stored {
    client: Client,
    arn: String,
}

impl Stored {
    async fn new(value: &str) -> Self {
        let client = Client::new(&config(env("AWS_ENDPOINT_URL_SQS")));
        let name = format!("tests-{}", Uuid::now_v7());
        let created = client.create_secret().name(name).secret_string(value).send().await.expect("creates");
        Self { client, arn: created.arn.expect("an ARN") }
    }

    async fn change(&self, value: &str) {
        let put = self.client.put_secret_value().secret_id(&self.arn).secret_string(value);
        put.send().await.expect("changes");
    }

    async fn delete(&self) {
        let delete = self.client.delete_secret().secret_id(&self.arn).force_delete_without_recovery(true);
        delete.send().await.expect("deletes");
    }

    fn number(&self) -> Rotating<u32> {
        let manager = Manager::with(&config(env("AWS_ENDPOINT_URL_SQS")));
        Rotating::stored("NUMBER", self.arn.clone(), manager, number)
    }
}

fn number(secret: &str) -> Made<u32> {
    secret.parse().map_err(|_| "it is not a number".to_owned())
}

#[tokio::test]
async fn a_secret_is_kept_and_what_was_made_of_it_too() {
    let stored = Stored::new("1").await;
    let number = stored.number();
    let first = number.get().await.expect("reads");
    stored.change("2").await;
    let again = number.get().await.expect("reads");
    assert!(*first == 1 && std::sync::Arc::ptr_eq(&first, &again));
    // And nobody can make us ask each time.
    assert!(number.get_newer(&first).await.is_none());
}

#[tokio::test]
async fn a_changed_secret_is_used_once_the_old_one_was_kept_long_enough() {
    let stored = Stored::new("1").await;
    let number = stored.number().read_again_after(Duration::ZERO, Duration::ZERO);
    let first = number.get().await.expect("reads");
    let same = number.get().await.expect("reads again");
    assert!(std::sync::Arc::ptr_eq(&first, &same), "the same secret is not made anew");
    stored.change("2").await;
    assert_eq!(*number.get().await.expect("reads again"), 2);
}

#[tokio::test]
async fn a_refusal_may_ask_for_a_newer_secret_before_its_time() {
    let stored = Stored::new("1").await;
    let number = stored.number().read_again_after(LONG, Duration::ZERO);
    let first = number.get().await.expect("reads");
    assert!(number.get_newer(&first).await.is_none(), "there is no newer one yet");
    stored.change("2").await;
    assert_eq!(*number.get().await.expect("kept"), 1);
    assert_eq!(number.get_newer(&first).await.as_deref(), Some(&2));
    assert_eq!(*number.get().await.expect("kept"), 2);
}

#[tokio::test]
async fn the_old_secret_is_used_while_there_is_no_new_one_to_be_had() {
    let stored = Stored::new("1").await;
    let number = stored.number().read_again_after(Duration::ZERO, Duration::ZERO);
    number.get().await.expect("reads");
    stored.change("not a number").await;
    assert_eq!(*number.get().await.expect("the old one"), 1);
    stored.delete().await;
    assert_eq!(*number.get().await.expect("the old one"), 1);
}

#[tokio::test]
async fn a_secret_that_was_never_read_makes_the_request_unavailable() {
    let manager = Manager::with(&config("http://127.0.0.1:1"));
    let secret = Rotating::stored("NUMBER", "arn:aws:secretsmanager:none".to_owned(), manager, number);
    let error = secret.get().await.expect_err("nobody answers");
    assert!(matches!(error, Error::Away(_)), "{error:?}");
    let error = error::Error::from(error);
    assert_eq!(error.problem().kind().status().as_u16(), 503);
    assert!(error.cause().is_some_and(|cause| !cause.is_empty()));
}
