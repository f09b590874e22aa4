//! An HTTP API's event, as far as it is read here.
//!
//! `lambda_http` makes an `http::Request` of a whole event: a URI, header and query maps, extensions. Handlers ask for
//! a few members; what reading only those saves stands in `docs/benchmarks/changes.md`. Tests hold this reading to that
//! one: by every sample event that is published with it, and by events that are made up.

mod pairs;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use url::form_urlencoded;

use pairs::Pairs;

/// An event of
/// [payload version 2](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
#[derive(Debug)]
pub struct Event {
    members: Members,
    http: Http,
    body: Vec<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    version: Option<String>,
    /// The gateway writes the names in lower case, and joins the values of one name with commas. Others who send
    /// events, such as SAM's local gateway, write the names as they came.
    headers: Option<Pairs>,
    path_parameters: Option<Pairs>,
    raw_query_string: Option<String>,
    query_string_parameters: Option<Pairs>,
    request_context: Option<RequestContext>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    http: Option<Http>,
    request_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: Option<String>,
    source_ip: Option<String>,
}

impl<'de> Deserialize<'de> for Event {
    /// In two steps: the runtime keeps the path to whatever it reads, for its error messages, and that costs more than
    /// the reading. So it gets to see a single value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?;
        let mut members: Members = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let Some(http) = members.request_context.as_mut().and_then(|context| context.http.take()) else {
            let version = members.version.as_deref().unwrap_or("1.0");
            return Err(D::Error::custom(format!(
                "this is not an event of an HTTP API with payload version 2.0: it has no requestContext.http, and its \
                 version is {version}. REST APIs, load balancers and integrations with PayloadFormatVersion 1.0 send others"
            )));
        };
        let body = members.body.take().unwrap_or_default();
        let body = if members.is_base64_encoded.unwrap_or_default() {
            BASE64_STANDARD.decode(body).map_err(|error| D::Error::custom(format!("the body: {error}")))?
        } else {
            body.into_bytes()
        };
        Ok(Self { members, http, body })
    }
}

impl Event {
    /// A header's value, whatever it holds: one that nobody can read is not one that is missing. Names of headers have
    /// no case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.members.headers.as_ref()?.get_in_any_case(name)
    }

    /// `GET`, `HEAD` and so on.
    pub(super) fn method(&self) -> &str {
        self.http.method.as_deref().unwrap_or_default()
    }

    /// A part of the path, by its name in the route.
    pub(super) fn path_parameter(&self, name: &str) -> Option<&str> {
        self.members.path_parameters.as_ref()?.get(name)
    }

    /// The first value of a query parameter. The gateway's own reading of the query leaves `+` as it is and joins
    /// several values with commas, so it counts only in events that were written without the query itself.
    pub(super) fn query_parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let Some(query) = &self.members.raw_query_string else {
            let joined = self.members.query_string_parameters.as_ref()?.get(name)?;
            return joined.split(',').next().map(Cow::Borrowed);
        };
        form_urlencoded::parse(query.as_bytes()).find_map(|(own, value)| (own == name).then_some(value))
    }

    /// The address that the connection to the gateway came from.
    pub(super) fn source_ip(&self) -> Option<&str> {
        self.http.source_ip.as_deref()
    }

    /// The gateway's name for the request.
    pub(super) fn request_id(&self) -> Option<&str> {
        self.members.request_context.as_ref()?.request_id.as_deref().filter(|id| !id.is_empty())
    }

    /// As the caller sent it.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}
