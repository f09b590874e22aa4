//! Who may ask, and who may pull switches.
//!
//! Loopback is open to every page of the same browser. So a request must name this address as its host (a name that was
//! bound anew to 127.0.0.1 is another), and whatever reads the cloud's insides or changes anything must come with the
//! secret that only this page's own source holds: another site can send requests here, and can read no answer.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use cloud::service::Service;

use crate::desk::Desk;

/// The header that carries the secret.
const SECRET: &str = "x-console-secret";

/// The page's own files and nothing else: no script of another host, no frame around it, nothing inline.
const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                       base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Lets through what asks for this address, and tells browsers what the answer may do.
pub(crate) async fn asks_for_us(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let port = desk.cloud.port(Service::Console).unwrap_or_default();
    if !is_ours(request.headers(), port) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "This is the console of a local cloud: open it by its own address.\n",
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets through whoever knows the secret.
pub(crate) async fn knows_the_secret(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let given = request.headers().get(SECRET).map_or(&b""[..], HeaderValue::as_bytes);
    if verify_slices_are_equal(given, desk.secret.as_bytes()).is_err() {
        return (
            StatusCode::FORBIDDEN,
            "Only the console's own page may do this. Reload it if it was opened before a restart.\n",
        )
            .into_response();
    }
    next.run(request).await
}

/// Whether a request names this address, and was sent by a page of it if it was sent by a page.
fn is_ours(headers: &HeaderMap, port: u16) -> bool {
    let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let named = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = named(header::HOST).is_some_and(|host| ours.iter().any(|ours| ours == host));
    let origin = named(header::ORIGIN)
        .is_none_or(|origin| ours.iter().any(|ours| origin.strip_prefix("http://") == Some(ours)));
    host && origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(header::HeaderName, &'static str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        is_ours(&headers.collect(), 4000)
    }

    #[test]
    fn a_request_must_name_this_address_as_its_host() {
        assert!(ours(&[(header::HOST, "127.0.0.1:4000")]) && ours(&[(header::HOST, "localhost:4000")]));
        for host in ["127.0.0.1:4001", "rebound.example:4000", "127.0.0.1", "localhost:4000.example", ""] {
            assert!(!ours(&[(header::HOST, host)]), "{host}");
        }
        assert!(!ours(&[]));
    }

    #[test]
    fn a_page_of_another_site_is_refused_whatever_it_asks_for() {
        for origin in ["http://shop.example", "null", "http://127.0.0.1:4001", "https://127.0.0.1:4000"] {
            assert!(!ours(&[(header::HOST, "127.0.0.1:4000"), (header::ORIGIN, origin)]), "{origin}");
        }
        assert!(ours(&[(header::HOST, "127.0.0.1:4000"), (header::ORIGIN, "http://localhost:4000")]));
    }
}
