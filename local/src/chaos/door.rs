//! The shop's door: requests as API Gateway hands them to the functions, and the provider's webhooks over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::payments::webhook::SIGNATURE_HEADER;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use uuid::Uuid;

use crate::runtime_api::Fleet;

/// What API Gateway waits for at most.
const GATEWAY: Duration = Duration::from_secs(30);

/// A request to a function.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) function: &'static str,
    pub(super) method: &'static str,
    pub(super) path: String,
    /// The parameter `id` of the path.
    pub(super) id: Option<Uuid>,
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
pub(super) struct Door(Arc<Fleet>);

impl Door {
    pub(super) fn new(fleet: Arc<Fleet>) -> Self {
        Self(fleet)
    }

    /// Sends a request. `None`: no answer came within `patience`, or none will; whether it was served is not known.
    pub(super) async fn send(&self, request: &Request, patience: Duration) -> Option<Reply> {
        let event = Bytes::from(event(request).to_string());
        let invoked = tokio::time::timeout(patience.min(GATEWAY), self.0.invoke(request.function, event));
        let answer = invoked.await.ok()?.ok()?;
        let response: Response = serde_json::from_slice(&answer.body).ok()?;
        let body = response.body.unwrap_or_default();
        Some(Reply { status: response.status_code, body: serde_json::from_str(&body).unwrap_or_default() })
    }

    /// Listens for the provider's webhooks.
    pub(super) async fn listen(&self, port: u16) -> Result<AbortHandle> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.context("no door for webhooks")?;
        let router = Router::new().route("/api/webhooks/payments", post(webhook)).with_state(self.clone());
        Ok(tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle())
    }
}

async fn webhook(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let request = Request {
        function: "payment-webhook",
        method: "POST",
        path: "/api/webhooks/payments".to_owned(),
        id: None,
        headers: vec![(SIGNATURE_HEADER, signature.to_owned())],
        source: "203.0.113.7".to_owned(),
        body: Some(String::from_utf8_lossy(&body).into_owned()),
    };
    let reply = door.send(&request, GATEWAY).await;
    // The gateway's own answer where a function died or was too slow.
    let status = reply.map_or(502, |reply| reply.status);
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
}

/// An event of an HTTP API, version 2.
fn event(request: &Request) -> Value {
    let headers: BTreeMap<_, _> = request.headers.iter().map(|(name, value)| (*name, value)).collect();
    let parameters = request.id.map(|id| json!({ "id": id }));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": "",
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": {
            "accountId": crate::cloud::AWS_ACCOUNT,
            "apiId": "api-id",
            "domainName": "shop.example.com",
            "domainPrefix": "shop",
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source,
                "userAgent": "millrace-chaos",
            },
            "requestId": format!("chaos-{:016x}", fastrand::u64(..)),
            "routeKey": "$default",
            "stage": "$default",
            "time": "24/Nov/2026:08:00:00 +0000",
            "timeEpoch": 1_795_507_200_000_i64,
        },
        "body": request.body,
        "isBase64Encoded": false,
    })
}
