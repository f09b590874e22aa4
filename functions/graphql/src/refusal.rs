//! Errors in GraphQL's shape, with no more in them than an HTTP problem has.

use async_graphql::{Error, ErrorExtensions};
use shared::error::Kind;

/// The problem's detail as the message, and its type as `extensions.type`. The cause goes to the log, here and nowhere
/// else: GraphQL answers 200, so nothing further out takes it for a failure.
pub(crate) fn refuse(error: &shared::error::Error) -> Error {
    let status = error.problem().kind().status();
    if status.is_server_error() {
        let cause = error.cause().unwrap_or_default();
        tracing::error!(cause, "a field of a GraphQL query failed: {cause}");
    }
    let body = error.problem().body();
    let text = |name: &str| body.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    Error::new(text("detail")).extend_with(|_, extensions| extensions.set("type", text("type")))
}

/// An argument that cannot be read.
pub(crate) fn refuse_argument(name: &str, message: impl std::fmt::Display) -> Error {
    refuse(&shared::error::Error::new(Kind::Validation, format!("{name} {message}")))
}
