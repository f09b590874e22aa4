//! An HTTP API's event, as far as it is read here.
//!
//! `lambda_http` makes an `http::Request` of a whole event: a URI, header and query maps, extensions. Handlers ask for a
//! few members; what reading only those saves stands in `docs/benchmarks/changes.md`. A test holds this reading to that one.

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use url::form_urlencoded;

/// An event of
/// [payload version 2](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
#[derive(Debug)]
pub struct Event {
    members: Members,
    body: Vec<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    /// The gateway writes the names in lower case, and joins the values of one name with commas.
    headers: Option<Pairs>,
    path_parameters: Option<Pairs>,
    raw_query_string: Option<String>,
    request_context: RequestContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    http: Http,
    request_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    source_ip: Option<String>,
}

impl<'de> Deserialize<'de> for Event {
    /// In two steps: the runtime keeps the path to whatever it reads, for its error messages, and that costs more than the
    /// reading. So it gets to see a single value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        let mut members: Members = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let body = members.body.take().unwrap_or_default();
        let body = if members.is_base64_encoded {
            BASE64_STANDARD.decode(body).map_err(D::Error::custom)?
        } else {
            body.into_bytes()
        };
        Ok(Self { members, body })
    }
}

impl Event {
    /// A header's value if it is there and is text; `name` in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let value = self.members.headers.as_ref()?.get(name)?;
        value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)).then_some(value)
    }

    /// A part of the path, by its name in the route.
    pub(super) fn path_parameter(&self, name: &str) -> Option<&str> {
        self.members.path_parameters.as_ref()?.get(name)
    }

    /// The first value of a query parameter. The gateway's own reading of the query leaves `+` as it is.
    pub(super) fn query_parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let query = self.members.raw_query_string.as_deref()?;
        form_urlencoded::parse(query.as_bytes()).find_map(|(own, value)| (own == name).then_some(value))
    }

    /// The address that the connection to the gateway came from.
    pub(super) fn source_ip(&self) -> Option<&str> {
        self.members.request_context.http.source_ip.as_deref()
    }

    /// The gateway's name for the request.
    pub(super) fn request_id(&self) -> Option<&str> {
        self.members.request_context.request_id.as_deref().filter(|id| !id.is_empty())
    }

    /// As the caller sent it.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Names and their values: a dozen, so looking through them costs less than making a map of them would.
#[derive(Debug, Default)]
struct Pairs {
    /// Each name, and after it its value.
    text: String,
    /// Where each of these ends.
    ends: Vec<usize>,
}

impl Pairs {
    /// The value of a name, the last if there are several.
    fn get(&self, name: &str) -> Option<&str> {
        let start = |pair: usize| if pair == 0 { 0 } else { self.ends[2 * pair - 1] };
        (0..self.ends.len() / 2).rev().find_map(|pair| {
            let middle = self.ends[2 * pair];
            (&self.text[start(pair)..middle] == name).then(|| &self.text[middle..self.ends[2 * pair + 1]])
        })
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Pairs { text: String::with_capacity(512), ends: Vec::with_capacity(32) };
        while map.next_key_seed(Append(&mut pairs.text))?.is_some() {
            pairs.ends.push(pairs.text.len());
            map.next_value_seed(Append(&mut pairs.text))?;
            pairs.ends.push(pairs.text.len());
        }
        Ok(pairs)
    }
}

/// Reads a text to the end of another.
struct Append<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Append<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Append<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::{RequestExt, request::RequestContext};
    use serde_json::{Value, json};

    use super::*;

    fn event(more: &[(&str, Value)]) -> Event {
        let mut event =
            json!({ "requestContext": { "http": { "sourceIp": "192.0.2.1" }, "requestId": "a=" } });
        for (name, value) in more {
            event[name] = value.clone();
        }
        // From bytes, as the runtime does.
        serde_json::from_slice(&serde_json::to_vec(&event).expect("text")).expect("an event")
    }

    #[test]
    fn it_reads_every_sample_event_as_lambda_http_does() {
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        let mut compared = 0;
        for sample in std::fs::read_dir(samples).expect("the sample events") {
            let path = sample.expect("a sample").path();
            let text = std::fs::read_to_string(&path).expect("text");
            if !text.contains("\"requestContext\"") {
                continue;
            }
            let ours: Event = serde_json::from_str(&text).expect("an event");
            let theirs = lambda_http::request::from_str(&text).expect("an event");
            for (name, value) in theirs.headers() {
                assert_eq!(ours.header(name.as_str()), value.to_str().ok(), "{name} in {}", path.display());
            }
            for (name, value) in theirs.query_string_parameters_ref().into_iter().flat_map(|all| all.iter()) {
                assert_eq!(
                    ours.query_parameter(name).as_deref(),
                    Some(value),
                    "{name} in {}",
                    path.display()
                );
            }
            for (name, value) in theirs.path_parameters_ref().into_iter().flat_map(|all| all.iter()) {
                assert_eq!(ours.path_parameter(name), Some(value), "{name} in {}", path.display());
            }
            let Some(RequestContext::ApiGatewayV2(context)) = theirs.request_context_ref() else {
                panic!("{} is no event of an HTTP API", path.display());
            };
            assert_eq!(ours.source_ip(), context.http.source_ip.as_deref(), "{}", path.display());
            assert_eq!(ours.request_id(), context.request_id.as_deref(), "{}", path.display());
            assert_eq!(ours.body(), &**theirs.body(), "{}", path.display());
            compared += 1;
        }
        assert!(compared > 50, "only {compared} samples");
    }

    #[test]
    fn members_that_are_missing_or_null_are_empty() {
        for event in [event(&[]), event(&[("headers", Value::Null), ("body", Value::Null)])] {
            assert_eq!((event.header("accept"), event.query_parameter("q")), (None, None));
            assert_eq!((event.path_parameter("id"), event.body()), (None, &b""[..]));
        }
    }

    #[test]
    fn a_query_is_decoded_as_browsers_encode_it_and_its_first_value_counts() {
        let event = event(&[("rawQueryString", json!("q=oak+%26+%C3%B6l&limit=5&limit=6&broken=%zz"))]);
        assert_eq!(event.query_parameter("q").as_deref(), Some("oak & öl"));
        assert_eq!(event.query_parameter("limit").as_deref(), Some("5"));
        assert_eq!(event.query_parameter("broken").as_deref(), Some("%zz"));
    }

    #[test]
    fn a_body_may_be_bytes_that_are_no_text() {
        let event = event(&[("body", json!("/wA=")), ("isBase64Encoded", json!(true))]);
        assert_eq!(event.body(), [0xff, 0x00]);
    }

    #[test]
    fn a_header_that_is_no_plain_text_is_none() {
        let event = event(&[("headers", json!({ "if-match": "\"1\"", "idempotency-key": "clé" }))]);
        assert_eq!((event.header("if-match"), event.header("idempotency-key")), (Some("\"1\""), None));
    }

    #[test]
    fn a_name_is_found_among_many_and_counts_as_it_was_written_last() {
        let headers = r#"{ "a": "1", "": "", "b": "\"2\"", "ab": "3", "a": "4" }"#;
        let event = format!(r#"{{ "headers": {headers}, "requestContext": {{ "http": {{}} }} }}"#);
        let event: Event = serde_json::from_str(&event).expect("an event");
        let found = ["a", "", "b", "ab", "c"].map(|name| event.header(name));
        assert_eq!(found, [Some("4"), Some(""), Some("\"2\""), Some("3"), None]);
    }

    #[test]
    fn what_is_no_event_of_a_gateway_is_refused() {
        assert!(serde_json::from_str::<Event>("{}").is_err());
        let number = r#"{ "headers": { "a": 1 }, "requestContext": { "http": {} } }"#;
        assert!(serde_json::from_str::<Event>(number).is_err());
        assert!(serde_json::from_str::<Event>("[]").is_err());
    }
}
