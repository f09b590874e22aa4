//! A response as the gateway reads it.

use http::HeaderMap;
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::Response;

/// See the module.
#[derive(Debug)]
pub(super) struct Answer(pub(super) Response);

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Answer", 5)?;
        answer.serialize_field("statusCode", &self.0.status().as_u16())?;
        answer.serialize_field("headers", &Headers(self.0.headers()))?;
        answer.serialize_field("body", self.0.body())?;
        answer.serialize_field("isBase64Encoded", &false)?;
        // cargo-lambda's emulator reads no answer without them.
        answer.serialize_field("cookies", &[(); 0])?;
        answer.end()
    }
}

/// Each name once: responses insert headers and append none.
struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut headers = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            headers.serialize_entry(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
        }
        headers.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_what_the_gateway_reads() {
        let response = http::Response::builder().status(404).header("etag", "\"1\"");
        let answer = Answer(response.body("\"hi\"".to_owned()).expect("a response"));
        let expected = json!({
            "statusCode": 404, "headers": { "etag": "\"1\"" }, "body": "\"hi\"", "isBase64Encoded": false,
            "cookies": []
        });
        assert_eq!(serde_json::to_value(answer).expect("JSON"), expected);
    }
}
