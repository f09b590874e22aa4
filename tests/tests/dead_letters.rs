//! Messages that nobody could handle, and the way back for them.

use serde_json::json;
use tests::{Customer, Logs, dev, env, new_product};

const MOVED: &str = "messages: deferred-charges-dead-letters → deferred-charges";

/// Puts a message where SQS puts what failed ten times.
async fn dead_letter(body: &str) {
    let queue = format!("{}-dead-letters", env("DEFERRED_CHARGES_QUEUE_URL"));
    // The local server takes the region from the signature, and does not verify it.
    let scope = format!("Credential=local/20261124/{}/sqs/aws4_request", env("AWS_REGION"));
    let answer = reqwest::Client::new()
        .post(env("AWS_ENDPOINT_URL_SQS"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "AmazonSQS.SendMessage")
        .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0"))
        .json(&json!({ "QueueUrl": queue, "MessageBody": body }))
        .send()
        .await
        .expect("SQS answers");
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test]
async fn a_dead_letter_that_is_sent_back_is_handled_like_any_message() {
    let (logs, customer) = (Logs::from_now(), Customer::register().await);
    let product = new_product(1250, 5).await;
    let order = customer.buys(&product).await.expect(201).order();
    dead_letter(&json!({ "order_id": order }).to_string()).await;

    assert!(dev(&["redrive"]).contains(&format!("1 {MOVED}")));
    // Paid long ago: the worker looks, and has nothing to do.
    let looked = format!("order {order} is in other hands");
    logs.line("the worker's look", |line| line["message"] == looked).await;
    assert!(dev(&["redrive"]).contains(&format!("0 {MOVED}")), "nothing is left there");
}
