//! Stripe's error objects.

use serde_json::{Map, Value, json};

use super::cards::Refusal;

/// An error as the caller sees it.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    /// The HTTP status.
    pub(super) status: u16,
    fields: Map<String, Value>,
}

impl ApiError {
    fn new(status: u16, kind: &str, message: String) -> Self {
        let mut fields = Map::new();
        fields.insert("type".to_owned(), kind.into());
        fields.insert("message".to_owned(), message.into());
        Self { status, fields }
    }

    /// 400: the request makes no sense.
    pub(super) fn invalid(message: String) -> Self {
        Self::refusal(400, message)
    }

    fn refusal(status: u16, message: String) -> Self {
        Self::new(status, "invalid_request_error", message)
    }

    /// 404: no such object. (A payment method that does not exist is the caller's 400: it is only a parameter.)
    pub(super) fn missing(kind: &str, id: &str) -> Self {
        Self::refusal(404, format!("No such {kind}: '{id}'")).code("resource_missing").param(kind)
    }

    /// 404: no such address.
    pub(super) fn no_such_url(method: &str, path: &str) -> Self {
        Self::refusal(404, format!("Unrecognized request URL ({method}: {path})."))
    }

    /// 401: the key is not ours. The key itself is not repeated.
    pub(super) fn unauthorised() -> Self {
        Self::refusal(401, "Invalid API Key provided.".to_owned())
    }

    /// 402: the card was declined.
    pub(super) fn declined(refusal: Refusal, charge: Option<&str>) -> Self {
        let error = Self::new(402, "card_error", refusal.message.to_owned()).code(refusal.code);
        let error = error.maybe("decline_code", refusal.decline_code);
        error.maybe("charge", charge)
    }

    /// 400: the intent is in a state in which that cannot be done. The error shows the intent.
    pub(super) fn unexpected_state(message: String, intent: Value) -> Self {
        Self::invalid(message).code("payment_intent_unexpected_state").with("payment_intent", intent)
    }

    /// 409: a request with this key is still running.
    pub(super) fn key_in_use() -> Self {
        let message = "There is currently another in-progress request using this Idempotency Key.".to_owned();
        Self::new(409, "idempotency_error", message).code("idempotency_key_in_use")
    }

    /// 400: the key was used with other parameters.
    pub(super) fn key_reused() -> Self {
        let message =
            "Keys for idempotent requests can only be used with the parameters they were first used with.";
        Self::new(400, "idempotency_error", message.to_owned())
    }

    /// 429: another request is working on this object.
    pub(super) fn locked() -> Self {
        let message = "This object cannot be accessed right now because another API request is accessing it.";
        Self::refusal(429, message.to_owned()).code("lock_timeout")
    }

    /// 429: too many requests.
    pub(super) fn rate_limited() -> Self {
        Self::refusal(429, "Too many requests hit the API too quickly.".to_owned()).code("rate_limit")
    }

    /// 5xx: the provider failed.
    pub(super) fn broken(status: u16) -> Self {
        Self::new(status, "api_error", "An unknown error occurred.".to_owned())
    }

    pub(super) fn code(self, code: &str) -> Self {
        self.with("code", code.into())
    }

    pub(super) fn param(self, param: &str) -> Self {
        self.with("param", param.into())
    }

    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.to_owned(), value);
        self
    }

    fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value.into()),
            None => self,
        }
    }

    /// The error alone, as an intent's `last_payment_error` holds it.
    pub(super) fn object(&self) -> Value {
        Value::Object(self.fields.clone())
    }

    /// The whole answer.
    pub(super) fn body(&self) -> Value {
        json!({ "error": self.fields })
    }
}
