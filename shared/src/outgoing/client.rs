//! The client for servers that are asked often: payments, objects, AWS.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::ClientConfig;

use super::{CONNECT, USER_AGENT};

/// A client that sends these headers with every request, and keeps idle connections for `idle`.
pub(crate) fn client(headers: HeaderMap, tls: ClientConfig, idle: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .default_headers(headers)
        .tls_backend_preconfigured(tls)
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(idle)
        // Nobody may send a payment somewhere else.
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

/// An answer with all of its body, from whom it cannot be too large.
pub(crate) async fn whole(mut answer: reqwest::Response) -> reqwest::Result<Response<Bytes>> {
    let mut whole = Response::new(Bytes::new());
    (*whole.status_mut(), *whole.headers_mut()) = (answer.status(), std::mem::take(answer.headers_mut()));
    *whole.body_mut() = answer.bytes().await?;
    Ok(whole)
}

/// The body of an answer; `None` if it is larger than this.
pub(crate) async fn body(
    mut response: reqwest::Response,
    largest: usize,
) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > largest {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
