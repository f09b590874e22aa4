//! A request as the event that a function gets: an HTTP API's, payload version 2.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use url::form_urlencoded;

use super::route::Matched;
use crate::aws::AWS_ACCOUNT;

/// Stands for the API's id, of which its address is made on AWS.
const API: &str = "local";

/// An HTTP request, as far as an event tells of it.
pub struct HttpRequest<'a> {
    /// GET, POST.
    pub method: &'a str,
    /// As it was sent, percent-encoding included.
    pub path: &'a str,
    /// Without the question mark.
    pub query: &'a str,
    /// Names in lower case; a name may come several times.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The address that the connection comes from.
    pub source: &'a str,
    /// As it came.
    pub body: &'a [u8],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    version: &'static str,
    route_key: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<&'a str>,
    headers: BTreeMap<&'a str, Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'a str, Cow<'a, str>>,
    request_context: Context<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'static str,
    domain_name: &'a str,
    domain_prefix: &'static str,
    http: Http<'a>,
    request_id: String,
    route_key: &'a str,
    stage: &'static str,
    time_epoch: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Http<'a> {
    method: &'a str,
    path: &'a str,
    protocol: &'static str,
    source_ip: &'a str,
    user_agent: &'a str,
}

/// The event for a request that goes to a function.
pub fn event(matched: &Matched<'_>, request: &HttpRequest<'_>) -> serde_json::Result<Bytes> {
    let first = |name| request.headers.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| *value);
    let (cookies, others): (Vec<_>, Vec<_>) = request.headers.iter().partition(|(name, _)| *name == "cookie");
    let (body, is_base64_encoded) = body(request.body, first("content-type"));
    let parameters = matched.parameters.iter();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let event = Event {
        version: "2.0",
        route_key: matched.key,
        raw_path: request.path,
        raw_query_string: request.query,
        cookies: cookies.iter().flat_map(|(_, cookies)| cookies.split("; ")).collect(),
        headers: joined(others.iter().map(|(name, value)| (*name, Cow::Borrowed(*value)))),
        query_string_parameters: joined(form_urlencoded::parse(request.query.as_bytes())),
        path_parameters: parameters
            .map(|(name, value)| (*name, percent_decode_str(value).decode_utf8_lossy()))
            .collect(),
        request_context: Context {
            account_id: AWS_ACCOUNT,
            api_id: API,
            domain_name: first("host"),
            domain_prefix: API,
            http: Http {
                method: request.method,
                path: request.path,
                protocol: "HTTP/1.1",
                source_ip: request.source,
                user_agent: first("user-agent"),
            },
            request_id: format!("{:016x}", fastrand::u64(..)),
            route_key: matched.key,
            stage: "$default",
            time_epoch: u64::try_from(since_1970.as_millis()).unwrap_or_default(),
        },
        body,
        is_base64_encoded,
    };
    serde_json::to_vec(&event).map(Bytes::from)
}

/// Values of one name, with commas between them.
fn joined<'a, K: Ord>(pairs: impl Iterator<Item = (K, Cow<'a, str>)>) -> BTreeMap<K, Cow<'a, str>> {
    let mut joined = BTreeMap::<K, Cow<'a, str>>::new();
    for (name, value) in pairs {
        match joined.entry(name) {
            Entry::Vacant(place) => drop(place.insert(value)),
            Entry::Occupied(mut values) => values.get_mut().to_mut().extend([",", &value]),
        }
    }
    joined
}

/// Text goes as it is, everything else in base64. What is text is said by its media type, as on AWS.
fn body<'a>(body: &'a [u8], media_type: &str) -> (Option<Cow<'a, str>>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = essence.is_empty()
        || essence.starts_with("text/")
        || ["json", "xml", "javascript"].iter().any(|kind| essence.ends_with(kind));
    match std::str::from_utf8(body) {
        Ok(text) if is_text => (Some(Cow::Borrowed(text)), false),
        _ => (Some(Cow::Owned(BASE64_STANDARD.encode(body))), true),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Result;
    use serde_json::{Value, json};

    use super::*;

    fn made(request: &HttpRequest<'_>) -> Result<Value> {
        let parameters = vec![("id", "oak%20chair")];
        let matched = Matched { key: "GET /products/{id}", function: "get-product", parameters };
        Ok(serde_json::from_slice(&event(&matched, request)?)?)
    }

    fn request<'a>(headers: &[(&'a str, &'a str)], body: &'a [u8]) -> HttpRequest<'a> {
        let (path, query) = ("/products/oak%20chair", "q=a+b&tag=x&tag=y");
        HttpRequest { method: "GET", path, query, headers: headers.to_vec(), source: "203.0.113.7", body }
    }

    #[test]
    fn an_event_has_all_that_the_sample_events_have() -> Result<()> {
        let sample: Value = serde_json::from_str(include_str!("../../../../events/get-product.json"))?;
        let made = made(&request(&[("host", "shop.example.com"), ("accept", "*/*")], b""))?;
        let names = |value: &Value| {
            value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect::<Vec<_>>()
        };
        for path in ["", "/requestContext", "/requestContext/http"] {
            let ours = made.pointer(path).map(names).unwrap_or_default();
            for name in sample.pointer(path).map(names).unwrap_or_default() {
                // API Gateway's time of day in words: nobody reads it, and each event would pay for it.
                assert!(ours.contains(&name) || name == "time", "{path}/{name} is missing in {made}");
            }
        }
        Ok(())
    }

    #[test]
    fn it_decodes_parameters_and_joins_values_of_one_name() -> Result<()> {
        let event = made(&request(&[("accept", "a"), ("accept", "b"), ("cookie", "c=1; d=2")], b""))?;
        assert_eq!(event["pathParameters"], json!({ "id": "oak chair" }));
        assert_eq!(event["queryStringParameters"], json!({ "q": "a b", "tag": "x,y" }));
        assert_eq!(event["headers"], json!({ "accept": "a,b" }));
        assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
        assert_eq!(event["requestContext"]["http"]["sourceIp"], "203.0.113.7");
        Ok(())
    }

    #[test]
    fn a_body_is_text_where_its_media_type_is_and_else_base64() -> Result<()> {
        for (media_type, bytes, text, base64) in [
            ("application/json; charset=utf-8", b"{}".as_slice(), "{}", false),
            ("application/problem+json", b"{}", "{}", false),
            ("", b"hello", "hello", false),
            ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
            ("text/plain", b"\xff", "/w==", true),
        ] {
            let event = made(&request(&[("content-type", media_type)], bytes))?;
            assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(text), &json!(base64)));
        }
        Ok(())
    }
}
