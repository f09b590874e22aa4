//! Responses.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::Request;
use crate::error::{Error, Kind, Problem, Result, internal};

/// What goes back to the gateway.
pub type Response = http::Response<String>;

/// Says that an answer is that of an earlier request with the same `Idempotency-Key`.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A JSON response. Not to be stored by anybody: what is cacheable goes through [`cached`].
pub fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Result<Response> {
    let body = serde_json::to_string(body).map_err(internal)?;
    with_body(status, "application/json", "no-store", body)
}

/// The same with a body that is JSON already.
pub fn json_text(status: u16, body: &[u8]) -> Result<Response> {
    with_body(status, "application/json", "no-store", text(body)?)
}

/// A response without a body.
pub fn empty(status: u16) -> Result<Response> {
    with_status(status, String::new())
}

/// A cached JSON body as it came in, with its version as the `ETag`; 304 when the caller has that version already.
///
/// `no-cache` lets browsers keep it and makes them ask each time: after an acknowledged update no reader may get the
/// older value, which no `max-age` could promise.
pub fn cached(request: &Request, body: &[u8], etag: &str) -> Result<Response> {
    let unchanged = request.preconditions()?.is_known(etag)?;
    let response =
        if unchanged { empty(304)? } else { with_body(200, "application/json", "no-cache", text(body)?)? };
    response.with(header::CACHE_CONTROL, "no-cache")?.with(header::ETAG, etag)
}

/// The response for an error.
pub(super) fn problem(problem: &Problem, request_id: &str) -> Response {
    let mut body = problem.body();
    body.insert("request_id".to_owned(), request_id.into());
    let body = serde_json::Value::Object(body).to_string();
    let mut response = roomy(problem.kind().status(), body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add_headers(headers, problem);
    response
}

/// What belongs to a problem and goes beside its body: when to come back, what it is about, how to be let in.
pub fn add_headers(headers: &mut HeaderMap, problem: &Problem) {
    if let Some(wait) = problem.retry_after() {
        // Rounded up: who comes back when told is not too early.
        let seconds = u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX);
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(Ok(path)) = problem.about().map(HeaderValue::from_str) {
        headers.insert(header::LOCATION, path);
    }
    if problem.kind() == Kind::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"millrace\""));
    }
    if problem.is_encoded() {
        // So that it is told from a wrong media type (RFC 9110, section 15.5.16).
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if problem.is_replayed() {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
}

fn text(body: &[u8]) -> Result<String> {
    String::from_utf8(body.to_vec()).map_err(internal)
}

fn with_body(
    status: u16,
    media_type: &'static str,
    cache_control: &'static str,
    body: String,
) -> Result<Response> {
    let mut response = with_status(status, body)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    Ok(response)
}

fn with_status(status: u16, body: String) -> Result<Response> {
    Ok(roomy(StatusCode::from_u16(status).map_err(internal)?, body))
}

/// With room for all headers that an answer gets on its way, so that the map never grows.
fn roomy(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().reserve(12);
    response
}

/// Headers on a finished response.
pub trait ResponseExt: Sized {
    /// Sets a header.
    fn with(self, name: header::HeaderName, value: &str) -> Result<Self, Error>;

    /// Notes what failed on our side though the status does not say so: for the log, and for the alarms.
    #[must_use]
    fn hiding(self, failure: Arc<Error>) -> Self;
}

/// What failed behind a response.
#[derive(Clone)]
struct Hidden(Arc<Error>);

/// What failed behind a response whose status does not say so.
pub(super) fn hidden(response: &Response) -> Option<&Error> {
    response.extensions().get().map(|Hidden(failure)| &**failure)
}

impl ResponseExt for Response {
    fn with(mut self, name: header::HeaderName, value: &str) -> Result<Self, Error> {
        self.headers_mut().insert(name, HeaderValue::from_str(value).map_err(internal)?);
        Ok(self)
    }

    fn hiding(mut self, failure: Arc<Error>) -> Self {
        self.extensions_mut().insert(Hidden(failure));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::{unauthorized, unavailable};

    fn headers(error: &Error) -> HeaderMap {
        problem(error.problem(), "an id").headers().clone()
    }

    #[test]
    fn retry_after_is_rounded_up_to_whole_seconds() {
        for (wait, expected) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
            let headers = headers(&unavailable(Duration::from_millis(wait)));
            assert_eq!(headers[header::RETRY_AFTER], expected, "{wait} ms");
        }
    }

    #[test]
    fn a_problem_says_what_it_is_about_how_to_be_let_in_and_that_it_is_told_again() {
        let plain = headers(&unavailable(Duration::ZERO));
        let told = unauthorized("Log in.").about("/api/orders/1".to_owned()).replayed(true).encoded();
        let told = headers(&told);
        let told_of = |name: &str| (plain.get(name), told[name].to_str().expect("text"));
        assert_eq!(told_of("location"), (None, "/api/orders/1"));
        assert_eq!(told_of("www-authenticate"), (None, "Bearer realm=\"millrace\""));
        assert_eq!(told_of("idempotent-replayed"), (None, "true"));
        assert_eq!(told_of("accept-encoding"), (None, "identity"));
    }
}
