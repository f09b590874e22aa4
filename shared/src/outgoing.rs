//! HTTP clients for other people's servers, with the limits that all of them need.

use std::{error::Error, io, time::Duration};

use http::HeaderMap;
use reqwest::{Client, Response, redirect::Policy};
use rustls::ClientConfig;
use url::{Host, Url};

/// The ceiling on making a connection. Who has to wait longer is better told so.
const CONNECT: Duration = Duration::from_secs(1);

/// A client that sends these headers with every request, and keeps idle connections for `idle`.
pub(crate) fn client(headers: HeaderMap, tls: ClientConfig, idle: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .default_headers(headers)
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("millrace/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(idle)
        // Nobody may send a payment, or us for the keys that we trust, somewhere else.
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

/// The body of an answer; `None` if it is larger than this.
pub(crate) async fn body(mut response: Response, largest: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > largest {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// The cause that a person can act on ("connection refused"), without the chain of wrappers around it.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Whether the server's certificate was the reason.
pub(crate) fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(one) = cause {
        if blames_a_certificate(one) {
            return true;
        }
        cause = one.source();
    }
    false
}

fn blames_a_certificate(error: &(dyn Error + 'static)) -> bool {
    // What an I/O error wraps is no source of it, and it may be another I/O error.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => blames_a_certificate(wrapped),
        None => matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))),
    }
}

/// Whether nobody on the way can read or change what is asked there: TLS, or a server on this machine.
pub(crate) fn is_private(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}
