//! The paths that a runtime calls: `/<environment>/2018-06-01/runtime/…`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::environment::{Environment, Snapshot};
use super::function::Function;
use super::invocation::deadline_ms;

/// All environments of a fleet.
#[derive(Default)]
pub(super) struct Environments {
    last: AtomicU64,
    table: RwLock<BTreeMap<u64, Entry>>,
    fewer: Notify,
}

#[derive(Clone)]
struct Entry {
    environment: Arc<Environment>,
    function: Arc<Function>,
}

impl Environments {
    /// A new one of a function. It is known before its process is, which may ask for an event at once.
    pub(super) fn add(&self, function: &Arc<Function>) -> Arc<Environment> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let environment = Arc::new(Environment::new(id, function.name().to_owned()));
        let entry = Entry { environment: Arc::clone(&environment), function: Arc::clone(function) };
        self.table.write().unwrap_or_else(PoisonError::into_inner).insert(id, entry);
        environment
    }

    pub(super) fn remove(&self, id: u64) {
        self.table.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        self.fewer.notify_waiters();
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Environment>> {
        self.entry(id).map(|entry| entry.environment)
    }

    pub(super) fn snapshots(&self) -> Vec<Snapshot> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.values().map(|entry| entry.environment.snapshot()).collect()
    }

    pub(super) async fn until_empty(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.table.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
            fewer.await;
        }
    }

    fn entry(&self, id: u64) -> Option<Entry> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

/// Serves until it is aborted; its connections end with their environments.
pub(super) async fn serve(listener: TcpListener, environments: Arc<Environments>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: some come back when environments end.
            tokio::task::yield_now().await;
            continue;
        };
        stream.set_nodelay(true).ok();
        let environments = Arc::clone(&environments);
        tokio::spawn(async move {
            let service = service_fn(|request| respond(&environments, request));
            // An environment that dies breaks its connection; that is no news.
            http1::Builder::new()
                .auto_date_header(false)
                .serve_connection(TokioIo::new(stream), service)
                .await
                .ok();
        });
    }
}

async fn respond(
    environments: &Environments,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Some((id, path)) = split(head.uri.path()) else { return Ok(status(StatusCode::NOT_FOUND)) };
    let Some(entry) = environments.entry(id) else { return Ok(status(StatusCode::GONE)) };
    if head.method == Method::GET && path == "invocation/next" {
        return Ok(next(&entry).await);
    }
    // It died while it was speaking; its watcher has noticed.
    let Ok(body) = body.collect().await else { return Ok(status(StatusCode::BAD_REQUEST)) };
    Ok(status(match head.method {
        Method::POST => report(&entry, path, body.to_bytes()),
        _ => StatusCode::NOT_FOUND,
    }))
}

/// What came of an invocation, or of a start.
fn report(Entry { environment, function }: &Entry, path: &str, body: Bytes) -> StatusCode {
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
async fn next(entry: &Entry) -> Response<Full<Bytes>> {
    let Some(invocation) = entry.function.next(&entry.environment).await else {
        return status(StatusCode::GONE);
    };
    let limit = entry.function.settings().time_limit;
    let response = Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.request_id)
        .header("lambda-runtime-deadline-ms", deadline_ms(limit).to_string())
        .header("lambda-runtime-trace-id", &invocation.trace_id)
        .header("lambda-runtime-invoked-function-arn", entry.function.arn())
        .body(Full::new(invocation.event));
    entry.environment.becomes_busy(invocation.request_id, invocation.outcome, limit);
    response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
