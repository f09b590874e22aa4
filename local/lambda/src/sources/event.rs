//! The events that functions get from queues and schedules, in the shapes that AWS documents.

use aws_sdk_sqs::types::Message;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::aws::{AWS_ACCOUNT, AWS_REGION};

/// A batch of messages.
pub(super) fn of_messages(queue: &str, messages: &[Message]) -> Value {
    let records: Vec<_> = messages.iter().map(|message| record(queue, message)).collect();
    json!({ "Records": records })
}

fn record(queue: &str, message: &Message) -> Value {
    let attributes: Map<String, Value> = message
        .attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str().to_owned(), Value::from(value.as_str())))
        .collect();
    let message_attributes: Map<String, Value> = message
        .message_attributes()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let value = json!({
                "stringValue": value.string_value(),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.data_type(),
            });
            (name.clone(), value)
        })
        .collect();
    json!({
        "messageId": message.message_id(),
        "receiptHandle": message.receipt_handle(),
        "body": message.body(),
        "attributes": attributes,
        "messageAttributes": message_attributes,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:{AWS_REGION}:{AWS_ACCOUNT}:{queue}"),
        "awsRegion": AWS_REGION,
    })
}

/// What `EventBridge` Scheduler sends when a schedule has no input of its own.
pub fn of_schedule(function: &str) -> Value {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    json!({
        "version": "0",
        "id": Uuid::now_v7(),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": AWS_ACCOUNT,
        "time": now.format(&Rfc3339).unwrap_or_default(),
        "region": AWS_REGION,
        "resources": [format!("arn:aws:scheduler:{AWS_REGION}:{AWS_ACCOUNT}:schedule/default/{function}")],
        "detail": "{}",
    })
}
