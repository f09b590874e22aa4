//! Errors in GraphQL's shape, with no more in them than an HTTP problem has.

use std::sync::Arc;

use async_graphql::{Error, ErrorExtensionValues, ServerError};
use shared::error::{Kind, Problem};

/// The problem's detail as the message, and its type as `extensions.type`. The error itself goes along, for the
/// answer's status and for the log.
pub(crate) fn refuse(error: impl Into<Arc<shared::error::Error>>) -> Error {
    let error = error.into();
    let problem = error.problem();
    let (message, extensions) = (problem.detail().to_owned(), Some(named(problem)));
    Error { message, extensions, source: Some(error) }
}

/// An argument that cannot be read.
pub(crate) fn refuse_argument(argument: &str, message: &str) -> Error {
    refuse(shared::error::Error::new(Kind::Validation, format!("{argument} {message}")))
}

/// A body that is not a GraphQL request: an error for each value that is wrong.
pub(crate) fn refuse_request(problem: &Problem) -> Vec<ServerError> {
    let values = problem.errors().iter().map(|error| format!("{} {}", error.field, error.message));
    let mut messages: Vec<String> = values.collect();
    if messages.is_empty() {
        messages.push(problem.detail().to_owned());
    }
    let refuse =
        |message| ServerError { extensions: Some(named(problem)), ..ServerError::new(message, None) };
    messages.into_iter().map(refuse).collect()
}

fn named(problem: &Problem) -> ErrorExtensionValues {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("type", problem.type_uri());
    extensions
}
