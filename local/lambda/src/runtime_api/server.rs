//! The paths that a runtime calls: `/<environment>/2018-06-01/runtime/…`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::environment::Environment;
use super::environments::Environments;
use super::function::Function;
use super::invocation::deadline_ms;

/// The functions of a fleet, by name.
pub(super) type Functions = BTreeMap<String, Arc<Function>>;

/// Whom a runtime's request concerns.
#[derive(Clone)]
pub(super) struct Fleet {
    pub(super) functions: Arc<Functions>,
    pub(super) environments: Arc<Environments>,
}

/// The one who asks, and its function.
struct Asking {
    environment: Arc<Environment>,
    function: Arc<Function>,
}

impl Fleet {
    fn asking(&self, id: u64) -> Option<Asking> {
        let environment = self.environments.get(id)?;
        let function = self.functions.get(&environment.function).cloned()?;
        Some(Asking { environment, function })
    }
}

/// Serves until it is aborted; its connections end with their environments.
pub(super) async fn serve(listener: TcpListener, fleet: Fleet) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: some come back when environments end.
            tokio::task::yield_now().await;
            continue;
        };
        stream.set_nodelay(true).ok();
        let fleet = fleet.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| respond(&fleet, request));
            // An environment that dies breaks its connection; nobody needs to be told.
            http1::Builder::new()
                .auto_date_header(false)
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

async fn respond(fleet: &Fleet, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Some((id, path)) = split(head.uri.path()) else { return Ok(status(StatusCode::NOT_FOUND)) };
    let Some(asking) = fleet.asking(id) else { return Ok(status(StatusCode::GONE)) };
    if head.method == Method::GET && path == "invocation/next" {
        return Ok(next(&asking).await);
    }
    // It died while it was speaking; its watcher has noticed.
    let Ok(body) = body.collect().await else { return Ok(status(StatusCode::BAD_REQUEST)) };
    Ok(status(match head.method {
        Method::POST => report(&asking, path, body.to_bytes()),
        _ => StatusCode::NOT_FOUND,
    }))
}

/// What came of an invocation, or of a start.
fn report(Asking { environment, function }: &Asking, path: &str, body: Bytes) -> StatusCode {
    if path == "init/error" {
        environment.cannot_start(body);
        return StatusCode::ACCEPTED;
    }
    let steps = path.strip_prefix("invocation/").and_then(|path| path.split_once('/'));
    let known = match steps {
        Some((id, "response")) => function.answered(environment, id, Ok(body)),
        Some((id, "error")) => function.answered(environment, id, Err(body)),
        _ => return StatusCode::NOT_FOUND,
    };
    if known { StatusCode::ACCEPTED } else { StatusCode::BAD_REQUEST }
}

/// `/7/2018-06-01/runtime/invocation/next` → 7, `invocation/next`.
fn split(path: &str) -> Option<(u64, &str)> {
    let (id, path) = path.strip_prefix('/')?.split_once('/')?;
    Some((id.parse().ok()?, path.strip_prefix("2018-06-01/runtime/")?))
}

/// Waits for an invocation and hands it over.
async fn next(asking: &Asking) -> Response<Full<Bytes>> {
    let Some(invocation) = asking.function.next(&asking.environment).await else {
        return status(StatusCode::GONE);
    };
    let limit = asking.function.settings().time_limit;
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.request_id)
        .header("lambda-runtime-deadline-ms", deadline_ms(limit).to_string())
        .header("lambda-runtime-trace-id", &invocation.trace_id)
        .header("lambda-runtime-invoked-function-arn", asking.function.arn())
        .body(Full::new(invocation.event));
    asking.environment.is_given(invocation.request_id, invocation.outcome, limit);
    response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
