//! Which files an event tells of.

use serde_json::Value;
use shared::error::{Result, internal};
use url::form_urlencoded;

/// The keys of the files. There are four shapes: SQS' batch of messages, S3's notification, alone or as such a message,
/// S3's test that a notification arrives, and `{"key": …}` of ourselves or of a person.
///
/// # Errors
/// For anything else.
pub(crate) fn keys(event: &Value) -> Result<Vec<String>> {
    if let Some(key) = event["key"].as_str() {
        return Ok(vec![key.to_owned()]);
    }
    if event["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    let records = event["Records"].as_array().ok_or_else(|| internal("the event tells of no file"))?;
    let mut keys = Vec::new();
    for record in records {
        match record["eventSource"].as_str() {
            Some("aws:sqs") => {
                let body = record["body"].as_str().unwrap_or_default();
                keys.extend(self::keys(&serde_json::from_str(body).map_err(internal)?)?);
            }
            Some("aws:s3") => {
                let key = record["s3"]["object"]["key"].as_str();
                keys.push(decoded(key.ok_or_else(|| internal("S3's event has no key"))?));
            }
            _ => return Err(internal("the event is neither S3's nor SQS'")),
        }
    }
    Ok(keys)
}

/// S3 writes keys as forms do: a space is a plus.
fn decoded(key: &str) -> String {
    form_urlencoded::parse(key.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(body: &Value) -> Value {
        json!({ "Records": [{ "eventSource": "aws:sqs", "body": body.to_string() }] })
    }

    #[test]
    fn it_knows_the_file_of_every_event_that_there_is() {
        let told = json!({ "Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "b" }, "object": { "key": "products/spring+2026+%28b%2Bw%29.csv" } },
        }] });
        let key = "products/spring 2026 (b+w).csv";
        for event in [told.clone(), message(&told), json!({ "key": key }), message(&json!({ "key": key }))] {
            assert_eq!(keys(&event).ok(), Some(vec![key.to_owned()]), "{event}");
        }
        let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b" });
        assert_eq!(keys(&message(&test)).ok(), Some(Vec::new()));
    }

    #[test]
    fn it_takes_no_other_event() {
        let odd = [
            json!({}),
            json!([]),
            json!({ "Records": [{ "eventSource": "aws:kinesis" }] }),
            message(&json!(7)),
        ];
        for event in odd {
            assert!(keys(&event).is_err(), "{event}");
        }
    }
}
