//! Both doors, on one port.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::answer;
use super::event::{HttpRequest, event};
use super::route::Router;
use crate::runtime_api::{Fleet, InvokeError, MOST_BYTES};
use crate::tell::Tell;
use crate::template::Function;

struct Doors {
    fleet: Arc<Fleet>,
    router: Router,
    tell: Tell,
}

/// Opens both doors of a fleet, for as long as it is waited for. Connections end with this future, so that none keeps a
/// fleet alive.
pub async fn open(listener: &TcpListener, fleet: Arc<Fleet>, functions: &[Function], tell: Tell) {
    let doors = Arc::new(Doors { fleet, router: Router::new(functions), tell });
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors: some come back when connections end.
            tokio::task::yield_now().await;
            continue;
        };
        stream.set_nodelay(true).ok();
        let doors = Arc::clone(&doors);
        connections.spawn(async move {
            let service = service_fn(|request| doors.respond(request, peer.ip()));
            // A caller may hang up: nobody needs to be told.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

impl Doors {
    async fn respond(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return Ok(message(StatusCode::BAD_REQUEST, "Bad Request"));
        };
        let body = body.to_bytes();
        let name = head.uri.path().strip_prefix("/2015-03-31/functions/");
        Ok(match name.and_then(|name| name.strip_suffix("/invocations")) {
            Some(_) if !is_of_a_program(&head) => message(StatusCode::FORBIDDEN, "Forbidden"),
            Some(function) => self.invoke(function, body).await,
            None => self.call(&head, &body, &peer.to_string()).await,
        })
    }

    /// Lambda's invoke API. A function's error is 200 with a header that says so.
    async fn invoke(&self, function: &str, event: Bytes) -> Response<Full<Bytes>> {
        let (body, error) = match self.fleet.invoke(function, event).await {
            Ok(answer) => (answer.body, None),
            Err(InvokeError::Failed(body)) => (body, Some("Unhandled")),
            Err(InvokeError::Unknown(_)) => return message(StatusCode::NOT_FOUND, "Function not found"),
            Err(error @ InvokeError::NotBuilt(_)) => return later(&error),
            Err(error) => {
                (self.tell)(format_args!("{function}: {error}"));
                let body = serde_json::json!({ "errorType": "Runtime", "errorMessage": error.to_string() });
                (body.to_string().into(), Some("Unhandled"))
            }
        };
        let mut response = Response::new(Full::new(body));
        if let Some(error) = error {
            response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static(error));
        }
        response
    }

    /// The HTTP API.
    async fn call(&self, head: &Parts, body: &[u8], source: &str) -> Response<Full<Bytes>> {
        let (method, path) = (head.method.as_str(), head.uri.path());
        let Some(matched) = self.router.find(method, path) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let texts = texts(&head.headers);
        let headers = texts.iter().map(|(name, text)| (*name, &**text)).collect();
        let query = head.uri.query().unwrap_or_default();
        let request = HttpRequest { method, path, query, headers, source, body };
        let Ok(event) = event(&matched, &request) else {
            return message(StatusCode::BAD_REQUEST, "Bad Request");
        };
        // The gateway takes 10 MB, Lambda less.
        if event.len() > MOST_BYTES {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let answered = match self.fleet.invoke(matched.function, event).await {
            Ok(answer) => answer::response(&answer.body),
            Err(error @ InvokeError::NotBuilt(_)) => return later(&error),
            Err(error) => Err(error.into()),
        };
        answered.unwrap_or_else(|error| {
            (self.tell)(format_args!("{}: {error:#}", matched.key));
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        })
    }
}

/// All headers: one that is not ASCII is not one that is missing, and without its `If-Match` a request would overwrite
/// what it was meant to keep. Whether API Gateway, too, hands on as U+FFFD what is not UTF-8 was not seen on AWS.
fn texts(headers: &HeaderMap) -> Vec<(&str, Cow<'_, str>)> {
    headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect()
}

/// Whether a program asks to invoke a function, as with AWS's own signature. Loopback is open to every page in a
/// browser on this machine: what a page posts names its origin, and with a picture it can only get.
fn is_of_a_program(head: &Parts) -> bool {
    head.method == Method::POST && !head.headers.contains_key(ORIGIN)
}

/// For a function whose build is not over; AWS has no such answer.
fn later(error: &InvokeError) -> Response<Full<Bytes>> {
    let mut response = message(StatusCode::SERVICE_UNAVAILABLE, &error.to_string());
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The gateway's own words.
fn message(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!(r#"{{"message":"{text}"}}"#)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::time::Duration;

    use anyhow::Result;

    use super::*;
    use crate::runtime_api::{FunctionSettings, Settings};
    use crate::tell::nobody;
    use crate::template::Route;

    #[test]
    fn a_header_that_is_not_ascii_is_handed_on_and_so_is_one_that_comes_twice() -> Result<()> {
        let mut headers = HeaderMap::new();
        for value in ["\"é\"".as_bytes(), b"\"\xe9\"", b"\"7\""] {
            headers.append("if-match", HeaderValue::from_bytes(value)?);
        }
        let texts = texts(&headers);
        let values: Vec<_> = texts.iter().map(|(name, text)| (*name, &**text)).collect();
        assert_eq!(values, [("if-match", "\"é\""), ("if-match", "\"\u{fffd}\""), ("if-match", "\"7\"")]);
        Ok(())
    }

    #[tokio::test]
    async fn a_function_that_is_not_built_yet_is_503_at_both_doors_and_says_when_to_come_again() -> Result<()>
    {
        let folder = tempfile::tempdir()?;
        let settings = FunctionSettings {
            command: vec!["true".to_owned()],
            program: Some(folder.path().join("get-product")),
            time_limit: Duration::from_secs(10),
            memory_mb: 512,
            environments: 1,
            at_a_time: 1,
            log: File::create(folder.path().join("log"))?,
        };
        let functions = BTreeMap::from([("get-product".to_owned(), settings)]);
        let fleet = Arc::new(Fleet::start(Settings { functions, environment: Vec::new() }).await?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let function = Function {
            name: "get-product".to_owned(),
            time_limit: Duration::from_secs(10),
            memory_mb: 512,
            routes: vec![Route { method: "GET".to_owned(), path: "/products/{id}".to_owned() }],
        };
        let serving = tokio::spawn(async move { open(&listener, fleet, &[function], nobody).await });
        let client = reqwest::Client::new();
        let invocations = format!("{address}/2015-03-31/functions/get-product/invocations");
        for request in [client.get(format!("{address}/products/7")), client.post(&invocations).body("{}")] {
            let answer = request.send().await?;
            assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"5".parse()?));
            assert_eq!(answer.text().await?, r#"{"message":"get-product is not built yet"}"#);
        }
        for of_a_page in [
            client
                .post(&invocations)
                .header("origin", "https://evil.example")
                .header("content-type", "text/plain"),
            client.post(&invocations).header("origin", "null"),
            client.get(&invocations),
        ] {
            assert_eq!(
                of_a_page.body("{}").send().await?.status().as_u16(),
                403,
                "no page invokes a function"
            );
        }
        serving.abort();
        Ok(())
    }
}
