//! The shop's door: requests as API Gateway hands them to the functions, and the provider's webhooks over HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Deserialize;
use serde_json::Value;
use shared::payments::webhook::SIGNATURE_HEADER;
use tokio::net::TcpListener;

use lambda::gateway::{HttpRequest, Router as Routes, event};
use lambda::runtime_api::Fleet;
use lambda::template::Function;

/// What API Gateway waits for at most.
const GATEWAY: Duration = Duration::from_secs(30);

/// A request to a function.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) function: &'static str,
    pub(super) method: &'static str,
    /// With what stands behind a question mark.
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    /// The address that the gateway saw.
    pub(super) source: String,
    pub(super) body: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status_code: u16,
    #[serde(default)]
    body: Option<String>,
}

/// The door.
#[derive(Clone)]
pub(super) struct Door {
    fleet: Arc<Fleet>,
    routes: Arc<Routes>,
}

impl Door {
    pub(super) fn new(fleet: Arc<Fleet>, functions: &[Function]) -> Self {
        Self { fleet, routes: Arc::new(Routes::new(functions)) }
    }

    /// Sends a request. `None`: no answer came within `patience`, or none will; whether it was served is not known.
    pub(super) async fn send(&self, request: &Request, patience: Duration) -> Option<Reply> {
        let event = self.event(request)?;
        let invoked = tokio::time::timeout(patience.min(GATEWAY), self.fleet.invoke(request.function, event));
        let answer = invoked.await.ok()?.ok()?;
        let response: Response = serde_json::from_slice(&answer.body).ok()?;
        let body = response.body.unwrap_or_default();
        Some(Reply { status: response.status_code, body: serde_json::from_str(&body).unwrap_or_default() })
    }

    fn event(&self, request: &Request) -> Option<Bytes> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let matched = self.routes.find(request.method, path)?;
        let request = HttpRequest {
            method: request.method,
            path,
            query,
            headers: request.headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            source: &request.source,
            body: request.body.as_deref().unwrap_or_default().as_bytes(),
        };
        event(&matched, &request).ok()
    }

    /// Takes the provider's webhooks for as long as what it returns is polled.
    pub(super) async fn listen(&self, port: u16) -> Result<impl Future<Output = ()> + use<>> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.context("no door for webhooks")?;
        let router = Router::new().route("/api/webhooks/payments", post(webhook)).with_state(self.clone());
        Ok(async move { drop(axum::serve(listener, router).await) })
    }
}

async fn webhook(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let request = Request {
        function: "payment-webhook",
        method: "POST",
        path: "/api/webhooks/payments".to_owned(),
        headers: vec![(SIGNATURE_HEADER, signature.to_owned())],
        source: "203.0.113.7".to_owned(),
        body: Some(String::from_utf8_lossy(&body).into_owned()),
    };
    let reply = door.send(&request, GATEWAY).await;
    // The gateway's own answer where a function died or was too slow.
    let status = reply.map_or(502, |reply| reply.status);
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
}
