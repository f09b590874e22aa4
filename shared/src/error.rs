//! One error for HTTP: what the caller sees, apart from what the log gets.
//!
//! A [`Problem`] goes out as RFC 9457 problem details. The cause stays inside: [`Error`] has no `Display`, so it cannot
//! reach a caller by accident, and it is logged once, where the response is made.
//!
//! Constructors read like prose: `Err(not_found("product"))`.

use std::error::Error as StdError;
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::aws::secrets;
use crate::database;

/// What handlers return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kinds of problem the API knows. Their `type` URN is part of the contract and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be read.
    BadRequest,
    /// No `Idempotency-Key` where one is required.
    IdempotencyKeyMissing,
    /// No access token, or one that does not verify.
    Unauthorized,
    /// The payment was declined; nothing was charged.
    PaymentDeclined,
    /// The caller is known, and may not.
    Forbidden,
    /// The password was chosen by somebody else, and is good for choosing another.
    PasswordChangeRequired,
    /// People sign in at the shop's identity provider, and not here.
    SignInElsewhere,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The thing's state does not allow the request.
    Conflict,
    /// Somebody is at work on the order of this `Idempotency-Key`.
    RequestInProgress,
    /// Not enough of a product is left.
    OutOfStock,
    /// A cart does not come to what its customer expects.
    TotalChanged,
    /// A customer's unpaid orders hold as much as they may.
    TooManyUnpaid,
    /// `If-Match` names another version than the current one.
    PreconditionFailed,
    /// The body is over the limit.
    PayloadTooLarge,
    /// The body is not of a media type this endpoint reads.
    UnsupportedMediaType,
    /// The request can be read and some of its values are wrong.
    Validation,
    /// The `Idempotency-Key` was used before, with another body.
    IdempotencyKeyReused,
    /// A rate limit was exceeded.
    TooManyRequests,
    /// Our fault.
    Internal,
    /// Something we depend on is away.
    Unavailable,
}

impl Kind {
    /// Status, last part of the `type` URN, and title, side by side.
    const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "Bad request"),
            Self::IdempotencyKeyMissing => {
                (StatusCode::BAD_REQUEST, "idempotency-key-missing", "Idempotency-Key missing")
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Authentication required"),
            Self::PaymentDeclined => (StatusCode::PAYMENT_REQUIRED, "payment-declined", "Payment declined"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Forbidden"),
            Self::PasswordChangeRequired => {
                (StatusCode::FORBIDDEN, "password-change-required", "Password change required")
            }
            Self::SignInElsewhere => (StatusCode::NOT_FOUND, "sign-in-elsewhere", "Sign in elsewhere"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Conflict"),
            Self::RequestInProgress => (StatusCode::CONFLICT, "request-in-progress", "Request in progress"),
            Self::OutOfStock => (StatusCode::CONFLICT, "out-of-stock", "Out of stock"),
            Self::TotalChanged => (StatusCode::CONFLICT, "total-changed", "Total changed"),
            Self::TooManyUnpaid => (StatusCode::CONFLICT, "too-many-unpaid", "Too many unpaid orders"),
            Self::PreconditionFailed => {
                (StatusCode::PRECONDITION_FAILED, "precondition-failed", "Precondition failed")
            }
            Self::PayloadTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", "Payload too large")
            }
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Unsupported media type")
            }
            Self::Validation => (StatusCode::UNPROCESSABLE_ENTITY, "validation", "Validation failed"),
            Self::IdempotencyKeyReused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency-Key reused")
            }
            Self::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable"),
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        self.parts().0
    }
}

/// One value of a request that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Path of the value: `items[0].quantity`, `Idempotency-Key`.
    pub field: String,
    /// What is wrong with it, in a sentence.
    pub message: String,
}

/// What the caller sees: RFC 9457 problem details.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
    about: Option<String>,
    replayed: bool,
    encoded: bool,
}

impl Problem {
    /// The kind of the problem.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The values that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// A sentence for the caller.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Its `type`: a URN that is part of the contract.
    pub fn type_uri(&self) -> String {
        format!("urn:millrace:problem:{}", self.kind.parts().1)
    }

    /// When another try may be worth its while.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The path of what it is about.
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// Whether it is how an earlier request with the same `Idempotency-Key` ended.
    pub fn is_replayed(&self) -> bool {
        self.replayed
    }

    /// Whether it is about the coding of the body.
    pub fn is_encoded(&self) -> bool {
        self.encoded
    }

    /// The body, without the request id, which only the edge knows.
    pub fn body(&self) -> Map<String, Value> {
        let (status, _, title) = self.kind.parts();
        let mut body = Map::new();
        body.insert("type".into(), self.type_uri().into());
        body.insert("title".into(), title.into());
        body.insert("status".into(), status.as_u16().into());
        body.insert("detail".into(), self.detail.clone().into());
        if !self.errors.is_empty() {
            body.insert("errors".into(), serde_json::to_value(&self.errors).unwrap_or_default());
        }
        body.extend(self.members.clone());
        body
    }
}

/// A failed request: the [`Problem`] for the caller and, inside, the cause for the log.
#[derive(Debug)]
pub struct Error {
    problem: Box<Problem>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind; `detail` is a sentence for the caller.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let problem = Problem {
            kind,
            detail: detail.into(),
            errors: vec![],
            members: Map::new(),
            retry_after: None,
            about: None,
            replayed: false,
            encoded: false,
        };
        Self { problem: Box::new(problem), cause: None }
    }

    /// Names a value that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.problem.errors.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    /// Adds an extension member to the body (RFC 9457, section 3.2).
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.problem.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.problem.retry_after = Some(wait);
        self
    }

    /// Says what it is about, by its path.
    #[must_use]
    pub fn about(mut self, path: String) -> Self {
        self.problem.about = Some(path);
        self
    }

    /// Says that this is how an earlier request with the same `Idempotency-Key` ended.
    #[must_use]
    pub fn replayed(mut self, replayed: bool) -> Self {
        self.problem.replayed = replayed;
        self
    }

    /// Says that it is the coding of the body that is not read, and not its media type.
    #[must_use]
    pub fn encoded(mut self) -> Self {
        self.problem.encoded = true;
        self
    }

    /// Says in place of the detail of a 5xx what its caller can rely on. Refusals know what they say, and keep it.
    #[must_use]
    pub fn if_unknown(mut self, detail: &str) -> Self {
        if self.problem.kind.status().is_server_error() {
            detail.clone_into(&mut self.problem.detail);
        }
        self
    }

    /// Keeps the cause, for the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What the caller sees.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The cause and the causes behind it, in one line, for the log.
    pub fn cause(&self) -> Option<String> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(self.cause.as_deref()?);
        let mut line = String::new();
        while let Some(error) = next {
            let text = error.to_string();
            // Many libraries repeat their source's text in their own.
            if !line.contains(&text) {
                line = if line.is_empty() { text } else { format!("{line}: {text}") };
            }
            next = error.source();
        }
        Some(line)
    }
}

/// 400: the request cannot be read.
pub fn bad_request(detail: impl Into<String>) -> Error {
    Error::new(Kind::BadRequest, detail)
}

/// 400: a parameter of the address cannot be what it is.
pub fn bad_parameter(name: impl Into<String>, message: impl Into<String>) -> Error {
    bad_request("A parameter of the address is not valid.").field(name, message)
}

/// 422: the request can be read, and the fields named with [`Error::field`] are wrong.
pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(Kind::Validation, "Some values of the request are not valid.").field(field, message)
}

/// 401: no access token, or one that does not verify.
pub fn unauthorized(detail: impl Into<String>) -> Error {
    Error::new(Kind::Unauthorized, detail)
}

/// 401: a token outlives its account.
pub fn account_is_gone() -> Error {
    unauthorized("The account of this access token no longer exists. Log in again.")
}

/// 403: the caller is known, and may not.
pub fn forbidden(detail: impl Into<String>) -> Error {
    Error::new(Kind::Forbidden, detail)
}

/// 404: there is no such `thing`.
pub fn not_found(thing: &str) -> Error {
    Error::new(Kind::NotFound, format!("There is no such {thing}."))
}

/// 409: the thing's state does not allow the request.
pub fn conflict(detail: impl Into<String>) -> Error {
    Error::new(Kind::Conflict, detail)
}

/// 503: something we depend on is away. Worth another try after `wait`. It says nothing of what was done: a statement
/// that was under way may have been carried out, and an order placed and charged before the next one failed.
pub fn unavailable(wait: Duration) -> Error {
    let detail = "The service is unavailable, and the request may have been carried out. Only a request with an \
        Idempotency-Key is safe to repeat.";
    Error::new(Kind::Unavailable, detail).retry_after(wait)
}

/// 500: our fault. The caller learns nothing but the request id.
pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(Kind::Internal, "Something went wrong on our side. The request id helps us find it.")
        .caused_by(cause)
}

/// What refuses an order or a refund of a user who is not there: a token outlives its account.
const CALLER_IS_GONE: [&str; 2] = ["orders_user_id_fkey", "refunds_actor_fkey"];

/// A database that is away is nobody's fault here, and worth another try soon; a caller whose account is gone has to
/// log in again; everything else is a mistake of ours.
impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        if error.constraint().is_some_and(|name| CALLER_IS_GONE.contains(&name)) {
            account_is_gone().caused_by(error)
        } else if error.is_unavailable() {
            unavailable(Duration::from_secs(2)).caused_by(error)
        } else {
            internal(error)
        }
    }
}

/// A secret that cannot be read at the moment is worth another try soon; one that is missing or not usable is the
/// operator's mistake.
impl From<secrets::Error> for Error {
    fn from(error: secrets::Error) -> Self {
        match error {
            secrets::Error::Away(_) => unavailable(Duration::from_secs(2)).caused_by(error),
            secrets::Error::Missing(_) | secrets::Error::Unusable(_) => internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_carries_its_type_status_and_fields_but_not_its_cause() {
        let error = invalid("price.amount", "must not be negative").caused_by("secret host refused");
        let body = Value::from(error.problem().body()).to_string();
        assert!(body.contains("urn:millrace:problem:validation"));
        assert!(body.contains(r#""errors":[{"field":"price.amount","message":"must not be negative"}]"#));
        assert!(!body.contains("secret"));
        assert_eq!(error.cause().as_deref(), Some("secret host refused"));
    }

    #[test]
    fn who_meets_an_outage_is_not_told_that_nothing_was_done() {
        let body = Value::from(unavailable(Duration::ZERO).problem().body()).to_string();
        assert!(
            body.contains("may have been carried out") && body.contains("Idempotency-Key is safe"),
            "{body}"
        );
    }

    #[test]
    fn only_what_is_unknown_is_told_as_unknown() {
        for (error, unknown) in
            [(unavailable(Duration::ZERO), true), (internal("a bug"), true), (conflict("It is paid."), false)]
        {
            let error = error.if_unknown("Perhaps.");
            assert_eq!(error.problem().body()["detail"] == "Perhaps.", unknown);
        }
    }
}
