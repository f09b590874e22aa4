//! `/api/…`: passed on to the functions as it came, and their answer likewise.
//!
//! A browser lets a page read answers of its own address alone, and the API stands at another.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use cloud::service::Service;

use crate::desk::{Desk, Sorry};

/// What belongs to one connection, and to the browser's dealings with this address.
const OURS: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::COOKIE,
    header::ORIGIN,
];

/// Sends a request to the functions and hands back what they answer.
pub(crate) async fn pass_on(
    State(desk): State<Desk>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Sorry> {
    if !stays(uri.path()) {
        return Ok((StatusCode::BAD_REQUEST, "The path leads out of /api/.\n").into_response());
    }
    let address =
        desk.cloud.http(Service::Functions)? + uri.path_and_query().map_or("/", |path| path.as_str());
    let sent = desk.client.request(method, address).headers(kept(&headers)).body(body).send().await;
    let Ok(answer) = sent else {
        return Ok((StatusCode::BAD_GATEWAY, "The functions do not answer.\n").into_response());
    };
    let (status, headers) = (answer.status(), kept(answer.headers()));
    if let Some(id) = headers.get("x-request-id").and_then(|id| id.to_str().ok()) {
        desk.lines.want(id, |line| desk.tell("line", line));
    }
    let Ok(body) = answer.bytes().await else {
        return Ok((StatusCode::BAD_GATEWAY, "The answer broke off.\n").into_response());
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Whether it is still below `/api/` once its parts `.` and `..` are resolved, as they are before it is sent, however
/// they are written. Beside it the functions are invoked, which takes the secret here.
fn stays(path: &str) -> bool {
    // A client takes a backslash for a slash.
    let mut segments =
        path.split(['/', '\\']).map(|segment| segment.to_ascii_lowercase().replace("%2e", "."));
    path.starts_with("/api/") && !segments.any(|segment| segment == "." || segment == "..")
}

fn kept(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !OURS.contains(name));
    let mut kept: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    // The page's own requests are those of any client; what browsers add about pages is left out.
    for name in ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "x-console-secret"] {
        kept.remove(name);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the client makes of a path before it sends it.
    fn sent(path: &str) -> String {
        let url = reqwest::Url::parse(&format!("http://127.0.0.1:9000{path}"));
        url.map(|url| url.path().to_owned()).unwrap_or_default()
    }

    #[test]
    fn what_leads_out_of_the_api_is_not_passed_on() {
        for path in [
            "/api/../2015-03-31/functions/migrate/invocations",
            "/api/%2e%2e/2015-03-31/functions/migrate/invocations",
            "/api/%2E./2015-03-31/functions/migrate/invocations",
            "/api/.%2e/x",
            "/api/a/../../x",
            "/api/..\\x",
            "/api/a\\..\\..\\x",
            "/api/..",
        ] {
            assert!(!sent(path).starts_with("/api/"), "{path}: else it would be no danger");
            assert!(!stays(path), "{path}");
        }
        for path in ["/api/./x", "/api/x/%2e", "/apiary/x", "/", "/2015-03-31/functions/migrate/invocations"]
        {
            assert!(!stays(path), "{path}");
        }
        for path in ["/api/products", "/api/products/..a", "/api/a.b/...", "/api/%252e%252e/x", "/api//x"] {
            assert!(stays(path) && sent(path).starts_with("/api/"), "{path}");
        }
    }
}
