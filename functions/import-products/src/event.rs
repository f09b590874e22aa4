//! Which files an event tells of.

use serde_json::{Value, json};
use shared::error::{Result, internal};
use url::form_urlencoded;

/// A file that an event tells of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) key: String,
    /// How many invocations told the next one of it before.
    pub(crate) turn: u64,
}

impl Told {
    /// What the next invocation is sent.
    pub(crate) fn next(&self) -> Value {
        json!({ "key": self.key, "turn": self.turn + 1 })
    }
}

/// The files. There are four shapes: SQS' batch of messages, S3's notification, alone or as such a message, S3's test
/// that a notification arrives, and `{"key": …}`, of a person, or with a `turn` of ourselves.
///
/// # Errors
/// For anything else.
pub(crate) fn files(event: &Value) -> Result<Vec<Told>> {
    if let Some(key) = event["key"].as_str() {
        return Ok(vec![Told { key: key.to_owned(), turn: event["turn"].as_u64().unwrap_or_default() }]);
    }
    if event["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    let records = event["Records"].as_array().ok_or_else(|| internal("the event tells of no file"))?;
    let mut files = Vec::new();
    for record in records {
        match record["eventSource"].as_str() {
            Some("aws:sqs") => {
                let body = record["body"].as_str().unwrap_or_default();
                files.extend(self::files(&serde_json::from_str(body).map_err(internal)?)?);
            }
            Some("aws:s3") => {
                let key = record["s3"]["object"]["key"].as_str();
                let key = decoded(key.ok_or_else(|| internal("S3's event has no key"))?);
                // What its console calls a folder is an empty object.
                if !key.ends_with('/') {
                    files.push(Told { key, turn: 0 });
                }
            }
            _ => return Err(internal("the event is neither S3's nor SQS'")),
        }
    }
    Ok(files)
}

/// S3 writes keys as forms do: a space is a plus.
fn decoded(key: &str) -> String {
    form_urlencoded::parse(key.as_bytes()).next().map(|(key, _)| key.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
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
            let told = Told { key: key.to_owned(), turn: 0 };
            assert_eq!(files(&message(&told.next())).ok(), Some(vec![Told { key: key.to_owned(), turn: 1 }]));
            assert_eq!(files(&event).ok(), Some(vec![told]), "{event}");
        }
        let folder = json!({ "Records": [{
            "eventSource": "aws:s3", "s3": { "object": { "key": "products/spring+2026/" } },
        }] });
        assert_eq!(files(&message(&folder)).ok(), Some(Vec::new()));
        let test = json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b" });
        assert_eq!(files(&message(&test)).ok(), Some(Vec::new()));
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
            assert!(files(&event).is_err(), "{event}");
        }
    }
}
