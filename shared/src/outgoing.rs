//! Asking other people's servers, with the limits that all of it needs.

#[cfg(feature = "aws")]
mod client;
mod document;
#[cfg(feature = "aws")]
mod pool;

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use url::{Host, Url};

#[cfg(feature = "aws")]
pub(crate) use client::{body, client, whole};
pub(crate) use document::{NoDocument, document};
#[cfg(feature = "aws")]
pub(crate) use pool::Pool;

/// The ceiling on making a connection. Who has to wait longer is better told so.
const CONNECT: Duration = Duration::from_secs(1);

pub(crate) const USER_AGENT: &str = concat!("millrace/", env!("CARGO_PKG_VERSION"));

/// What an exchange over this connection comes to, and the connection if it goes on. Moves the connection's bytes
/// itself: a task of its own would be woken for each, and would wake this one.
pub(crate) async fn over<C: Future + Unpin, T>(
    connection: C,
    exchange: impl Future<Output = T>,
) -> (T, Option<C>) {
    match select(connection, pin!(exchange)).await {
        // It may have ended before all that it brought is read here. It is dropped, and with it what it has not taken,
        // so that nobody waits for that.
        Either::Left((_, exchange)) => (exchange.await, None),
        Either::Right((done, connection)) => (done, Some(connection)),
    }
}

/// The cause that a person can act on ("connection refused"), without the chain of wrappers around it.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
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
