//! Calling a function the way API Gateway does, with the local gateway's own events.
//!
//! Over the invoke door and not over HTTP, because only here may a test choose its source address; that the routes lead
//! to these functions is shown by the journeys that go over HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda::gateway::{HttpRequest, Matched, event};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{PATIENCE, env};

/// A request in the making.
#[derive(Clone)]
pub struct Call {
    function: &'static str,
    method: &'static str,
    path: String,
    query: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    source: String,
    body: Option<String>,
}

/// Invokes a function with any event, as SQS and schedules do; what it returned.
pub async fn invoke(function: &str, event: &Value) -> Value {
    let url = format!("{}/2015-03-31/functions/{function}/invocations", env("API_URL"));
    let response = reqwest::Client::new().post(url).json(event).send().await.expect("the emulator answers");
    assert!(response.status().is_success(), "{function} was not invoked: {}", response.status());
    response.json().await.expect("a response of a function")
}

/// An address that nobody else calls from.
pub fn new_address() -> String {
    let [a, b, c, d] = std::array::from_fn(|at| fastrand::u8(100..if at == 0 { 224 } else { 255 }));
    format!("{a}.{b}.{c}.{d}")
}

/// An idempotency key that nobody else has.
pub fn new_key() -> String {
    Uuid::now_v7().to_string()
}

/// Every entry of a list, page by page.
pub async fn every_page(call: &Call, list: &str) -> Vec<Value> {
    let (mut entries, mut next) = (Vec::new(), call.clone());
    loop {
        let page = next.send().await.expect(200).json();
        entries.extend_from_slice(page[list].as_array().expect("a list"));
        let Some(cursor) = page["next_cursor"].as_str() else { return entries };
        next = call.clone().query("cursor", cursor);
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers))
    }

    /// The id of the order that it is about.
    pub fn order(&self) -> String {
        self.json()["order_id"].as_str().expect("an id").to_owned()
    }

    /// The answer, if its status is this one.
    #[expect(clippy::return_self_not_must_use, reason = "often the expectation is all")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Call {
    /// From an address nobody else calls from.
    pub fn new(function: &'static str, method: &'static str, path: impl Into<String>) -> Self {
        Self {
            function,
            method,
            path: path.into(),
            query: BTreeMap::new(),
            parameters: BTreeMap::new(),
            headers: BTreeMap::from([("host".to_owned(), "shop.example.com".to_owned())]),
            source: new_address(),
            body: None,
        }
    }

    /// Sends a token along.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.insert(name.to_lowercase(), value.into());
        self
    }

    /// Sets a parameter of the path; the path itself is given in full.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a parameter of the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the address that the gateway saw.
    #[must_use]
    pub fn from(mut self, source: &str) -> Self {
        source.clone_into(&mut self.source);
        self
    }

    /// Sends this JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// Sends this text, whatever it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it.
    pub async fn send(&self) -> Answer {
        let response = invoke(self.function, &self.event()).await;
        let headers = response["headers"].as_object().cloned().unwrap_or_default();
        let status = response["statusCode"].as_u64().unwrap_or_else(|| panic!("no status: {response}"));
        Answer {
            status: u16::try_from(status).expect("an HTTP status"),
            headers: headers
                .into_iter()
                .map(|(k, v)| (k, v.as_str().unwrap_or_default().to_owned()))
                .collect(),
            text: response["body"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// Sends it, and again for as long as a worker looks at what the provider told of the order, as the answer asks.
    pub async fn settled(&self) -> Answer {
        let in_other_hands =
            |answer: &Answer| answer.status == 409 && answer.headers.contains_key("retry-after");
        let mut answer = self.send().await;
        let end = Instant::now() + PATIENCE;
        while in_other_hands(&answer) {
            assert!(Instant::now() < end, "nobody lets go of the order: {}", answer.text);
            sleep(Duration::from_secs(1)).await;
            answer = self.send().await;
        }
        answer
    }

    fn event(&self) -> Value {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        let matched = Matched {
            key: "$default",
            function: self.function,
            parameters: self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        };
        let request = HttpRequest {
            method: self.method,
            path: &self.path,
            query: &query,
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            source: &self.source,
            body: self.body.as_deref().unwrap_or_default().as_bytes(),
        };
        let event = event(&matched, &request).expect("an event");
        serde_json::from_slice(&event).expect("an event")
    }
}
