//! Stripe's answers, read: from status, headers and body to an [`Outcome`].

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Decline, Intent, Outcome, Rejection, Unknown};

/// An answer as it came over the wire.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) should_retry: bool,
    pub(super) replayed: bool,
    pub(super) request_id: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Stripe's error object. Documented types: `api_error`, `card_error`, `idempotency_error`, `invalid_request_error`.
#[derive(Deserialize)]
struct WireError {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    param: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    payment_intent: Option<Box<Intent>>,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    error: T,
}

impl Answer {
    /// Whether the provider may have acted although its answer does not say so.
    pub(super) fn leaves_it_open(&self) -> bool {
        is_indeterminate(self.status) || self.status == StatusCode::CONFLICT
    }

    /// What the answer means.
    pub(super) fn outcome<T: DeserializeOwned>(&self) -> Outcome<T> {
        if self.status.is_success() {
            return match serde_json::from_slice(&self.body) {
                Ok(answer) => Outcome::Answered(answer),
                Err(_) => Outcome::Unknown(Unknown::Unreadable),
            };
        }
        if is_indeterminate(self.status) {
            return Outcome::Unknown(Unknown::ServerError(self.status.as_u16()));
        }
        if !self.status.is_client_error() {
            return Outcome::Unknown(Unknown::Unreadable);
        }
        let error = serde_json::from_slice::<Enveloped<WireError>>(&self.body).ok().map(|body| body.error);
        let code = error.as_ref().and_then(|error| error.code.as_deref());
        match (self.status, error.as_ref().map(|error| error.kind.as_str())) {
            // The type and not the status: Stripe's own sources name 400, 409 and 422 for it.
            (_, Some("idempotency_error")) if code != Some("idempotency_key_in_use") => Outcome::KeyReused,
            (StatusCode::CONFLICT, _) => Outcome::Running,
            // Another request holds the intent, which has nothing to do with how many requests we send.
            (StatusCode::TOO_MANY_REQUESTS, _) if code == Some("lock_timeout") => Outcome::Running,
            (StatusCode::TOO_MANY_REQUESTS, _) => Outcome::RateLimited { retry_after: self.retry_after },
            (StatusCode::PAYMENT_REQUIRED, Some(_)) | (_, Some("card_error")) => self.decline(),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (_, None) => {
                Outcome::AccessDenied { status: self.status.as_u16() }
            }
            (_, Some(_)) => {
                error.map_or(Outcome::Unknown(Unknown::Unreadable), |error| self.rejection(error))
            }
        }
    }

    fn decline<T>(&self) -> Outcome<T> {
        match serde_json::from_slice::<Enveloped<Decline>>(&self.body) {
            Ok(body) => Outcome::Declined(body.error),
            Err(_) => Outcome::Unknown(Unknown::Unreadable),
        }
    }

    fn rejection<T>(&self, error: WireError) -> Outcome<T> {
        Outcome::Rejected(Rejection {
            status: self.status.as_u16(),
            code: error.code,
            param: error.param,
            message: error.message.unwrap_or_else(|| "no reason given".to_owned()),
            intent: error.payment_intent,
        })
    }
}

/// 424: something that Stripe depends on failed. 408: a proxy lost patience. Neither says that nothing was done.
fn is_indeterminate(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::FAILED_DEPENDENCY
        || status == StatusCode::REQUEST_TIMEOUT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome<Intent> {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            retry_after: Some(Duration::from_secs(2)),
            should_retry: false,
            replayed: false,
            request_id: None,
            body: body.into(),
        }
        .outcome()
    }

    #[test]
    fn it_knows_key_misuse_by_the_error_type_whatever_the_status() {
        for status in [400, 409, 422] {
            let body =
                r#"{"error": {"type": "idempotency_error", "message": "Keys for idempotent requests…"}}"#;
            assert_eq!(outcome(status, body), Outcome::KeyReused, "{status}");
        }
    }

    #[test]
    fn it_asks_again_later_when_the_key_or_the_intent_is_busy() {
        let in_use = r#"{"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}"#;
        let locked = r#"{"error": {"type": "invalid_request_error", "code": "lock_timeout"}}"#;
        assert_eq!(outcome(409, in_use), Outcome::Running);
        assert_eq!(outcome(409, "{}"), Outcome::Running);
        assert_eq!(outcome(429, locked), Outcome::Running);
    }

    #[test]
    fn it_reads_the_wait_of_a_rate_limit() {
        let retry_after = Some(Duration::from_secs(2));
        assert_eq!(outcome(429, "slow down"), Outcome::RateLimited { retry_after });
    }

    #[test]
    fn it_reads_the_banks_code_of_a_decline() {
        let body = r#"{"error": {"type": "card_error", "code": "card_declined", "charge": "ch_1",
            "decline_code": "insufficient_funds", "message": "Your card has insufficient funds."}}"#;
        let Outcome::Declined(decline) = outcome(402, body) else { panic!("not declined") };
        assert_eq!(decline.code, "insufficient_funds");
        assert_eq!(decline.charge_id.as_deref(), Some("ch_1"));
    }

    #[test]
    fn it_never_takes_a_broken_answer_for_a_final_one() {
        for (status, body) in [(200, "<html>"), (200, "{\"id\": 7}"), (301, ""), (100, "")] {
            assert_eq!(outcome(status, body), Outcome::Unknown(Unknown::Unreadable), "{status} {body}");
        }
        for status in [408, 424, 500, 502, 503, 504] {
            assert_eq!(outcome(status, "<html>"), Outcome::Unknown(Unknown::ServerError(status)), "{status}");
        }
    }

    #[test]
    fn it_does_not_blame_the_order_when_we_are_not_let_in() {
        let revoked =
            r#"{"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}"#;
        assert_eq!(outcome(401, revoked), Outcome::AccessDenied { status: 401 });
        assert_eq!(outcome(403, revoked), Outcome::AccessDenied { status: 403 });
        assert_eq!(outcome(404, "<html>a proxy's page</html>"), Outcome::AccessDenied { status: 404 });
        assert_eq!(outcome(402, "<html>a proxy's page</html>"), Outcome::AccessDenied { status: 402 });
    }

    #[test]
    fn it_names_the_reason_of_a_refusal() {
        let body = r#"{"error": {"type": "invalid_request_error", "code": "resource_missing",
            "param": "payment_method", "message": "No such PaymentMethod: 'pm_x'"}}"#;
        let Outcome::Rejected(rejection) = outcome(400, body) else { panic!("not rejected") };
        assert_eq!(rejection.param.as_deref(), Some("payment_method"));
        assert_eq!(rejection.code.as_deref(), Some("resource_missing"));
    }
}
