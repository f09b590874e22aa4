//! Stripe's answers, read: from status, headers and body to an [`Outcome`].

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::intent::WireError;
use super::refusal::is_about_access;
use super::{Intent, Intents, Outcome, Refund, Refunds, Unknown};

/// An answer as it came over the wire.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    /// Which limit a 429 is about.
    pub(super) limited_by: Option<String>,
    pub(super) should_retry: bool,
    pub(super) replayed: bool,
    pub(super) request_id: Option<String>,
    pub(super) body: Vec<u8>,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    error: T,
}

/// What an answer may hold.
pub(super) trait Told: DeserializeOwned {
    /// Whether it may be the customer's payment method that is refused. Nothing is taken from it by a refund:
    /// `insufficient_funds` is said there of the shop's own balance.
    const BY_CARD: bool;
}

impl Told for Intent {
    const BY_CARD: bool = true;
}

impl Told for Intents {
    const BY_CARD: bool = true;
}

impl Told for Refund {
    const BY_CARD: bool = false;
}

impl Told for Refunds {
    const BY_CARD: bool = false;
}

impl Answer {
    /// Whether the provider may have acted although its answer does not say so.
    pub(super) fn leaves_it_open(&self) -> bool {
        is_indeterminate(self.status) || self.status == StatusCode::CONFLICT
    }

    /// Another request holds the intent, for a moment.
    pub(super) fn is_locked_out(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS && self.error().code.as_deref() == Some("lock_timeout")
    }

    /// A body that is not an error of the provider's leaves an error that says nothing.
    fn error(&self) -> WireError {
        serde_json::from_slice::<Enveloped<WireError>>(&self.body).map(|body| body.error).unwrap_or_default()
    }

    /// What the answer means.
    pub(super) fn outcome<T: Told>(&self) -> Outcome<T> {
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
        let error = self.error();
        let code = error.code.as_deref();
        let by_card = T::BY_CARD && !is_about_access(self.status.as_u16());
        match (self.status, error.kind.as_deref()) {
            // The type and not the status: Stripe's own sources name 400, 409 and 422 for it.
            (_, Some("idempotency_error")) if code != Some("idempotency_key_in_use") => Outcome::KeyReused,
            (StatusCode::CONFLICT, _) => Outcome::Running,
            // Another request holds the intent, which has nothing to do with how many requests we send.
            (StatusCode::TOO_MANY_REQUESTS, _) if code == Some("lock_timeout") => Outcome::Running,
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                Outcome::RateLimited { retry_after: self.retry_after, reason: self.limited_by.clone() }
            }
            _ if by_card && error.names_the_payment_method() => Outcome::Declined(error.into()),
            _ => Outcome::Refused(error.into_refusal(self.status.as_u16())),
        }
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
    use crate::payments::Refusal;

    fn outcome(status: u16, body: &str) -> Outcome<Intent> {
        answer(status, body).outcome()
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            retry_after: Some(Duration::from_secs(2)),
            limited_by: Some("endpoint-rate".to_owned()),
            should_retry: false,
            replayed: false,
            request_id: None,
            body: body.into(),
        }
    }

    #[test]
    fn a_refund_is_refused_and_never_declined() {
        for fields in [
            r#""type": "invalid_request_error", "code": "insufficient_funds""#,
            r#""type": "card_error", "code": "processing_error""#,
        ] {
            let refused = answer(400, &format!("{{\"error\": {{{fields}}}}}")).outcome::<Refund>();
            assert!(matches!(refused, Outcome::Refused(_)), "{refused:?}");
        }
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
    fn it_reads_the_wait_and_the_reason_of_a_rate_limit() {
        let (retry_after, reason) = (Some(Duration::from_secs(2)), Some("endpoint-rate".to_owned()));
        assert_eq!(outcome(429, "slow down"), Outcome::RateLimited { retry_after, reason });
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
    fn a_code_that_could_not_be_stored_is_kept_as_far_as_it_can_be() {
        for (told, code) in
            [("a\\u0000b", "ab"), ("", "card_declined"), (&"x".repeat(20_000), &"x".repeat(255))]
        {
            let body = format!(
                r#"{{"error": {{"type": "card_error", "code": "card_declined", "decline_code": "{told}"}}}}"#
            );
            let Outcome::Declined(decline) = outcome(402, &body) else { panic!("not declined") };
            assert_eq!(decline.code, code);
        }
    }

    #[test]
    fn an_id_that_could_not_be_stored_or_asked_for_is_none() {
        for id in ["", "pi_\\u0000", "pi_1/cancel", &"p".repeat(256)] {
            let body = format!(r#"{{"id": "{id}", "status": "succeeded", "amount": 1, "currency": "usd"}}"#);
            assert_eq!(outcome(200, &body), Outcome::Unknown(Unknown::Unreadable), "{id}");
        }
    }

    #[test]
    fn a_charge_that_an_error_names_is_an_id_or_none() {
        for (told, charge) in
            [(r#""ch_1""#, Some("ch_1")), (r#""a charge/""#, None), ("{}", None), ("null", None)]
        {
            let body = format!(r#"{{"error": {{"type": "card_error", "charge": {told}}}}}"#);
            let Outcome::Declined(decline) = outcome(402, &body) else { panic!("not declined") };
            assert_eq!(decline.charge_id.as_deref(), charge, "{told}");
        }
    }

    #[test]
    fn a_refusal_is_about_the_refund_only_where_the_provider_says_so_and_has_let_us_in() {
        let of_the_refund =
            |status: u16, fields: &str| match answer(status, &format!("{{\"error\": {{{fields}}}}}"))
                .outcome::<Refund>()
            {
                Outcome::Refused(refusal) => (refusal.is_of_the_refund(), refusal.is_already_refunded()),
                other => panic!("{other:?}"),
            };
        for (status, fields, expected) in [
            (400, r#""type": "invalid_request_error", "code": "charge_already_refunded""#, (true, true)),
            (400, r#""type": "invalid_request_error", "code": "charge_disputed""#, (true, false)),
            (400, r#""type": "invalid_request_error", "param": "amount""#, (true, false)),
            (400, r#""code": "charge_already_refunded""#, (false, false)),
            (403, r#""type": "invalid_request_error", "code": "charge_already_refunded""#, (false, false)),
            (401, r#""type": "invalid_request_error", "code": "amount_too_large""#, (false, false)),
        ] {
            assert_eq!(of_the_refund(status, fields), expected, "{status} {fields}");
        }
    }

    fn refusal(status: u16, body: &str) -> Refusal {
        match outcome(status, body) {
            Outcome::Refused(refusal) => refusal,
            other => panic!("{status} {body}: {other:?}"),
        }
    }

    #[test]
    fn it_blames_the_shop_for_whatever_does_not_name_the_payment_method() {
        for (status, fields) in [
            (400, r#""type": "invalid_request_error", "message": "Invalid API version""#),
            (400, r#""type": "invalid_request_error""#),
            (400, r#""type": "a_type_of_tomorrow", "message": "?""#),
            (401, r#""type": "invalid_request_error", "message": "Invalid API Key provided""#),
            (401, r#""type": "authentication_error", "code": "api_key_expired""#),
            (403, r#""type": "invalid_request_error", "message": "You may not", "code": "account_invalid""#),
            (404, r#""type": "invalid_request_error", "code": "resource_missing", "param": "intent""#),
            (
                402,
                r#""type": "invalid_request_error", "message": "Your account cannot currently make live charges.""#,
            ),
            (402, r#""type": "card_error", "code": "testmode_charges_only""#),
            (402, r#""type": "card_error", "code": "card_declined", "decline_code": "test_mode_live_card""#),
            (400, r#""type": "invalid_request_error", "code": "amount_too_small", "param": "amount""#),
            (400, r#""type": "invalid_request_error", "code": "invalid_characters""#),
            (
                400,
                r#""type": "invalid_request_error", "code": "invalid_characters",
                "param": "statement_descriptor_suffix""#,
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "payment_method_unsupported_type",
                "param": "payment_method_types[0]""#,
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "payment_method_invalid_parameter",
                "param": "payment_method_options[card][x]""#,
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "postal_code_invalid",
                "param": "shipping[address][postal_code]""#,
            ),
            (400, r#""type": "invalid_request_error", "code": "processing_error", "param": "currency""#),
            (400, r#""type": "invalid_request_error", "code": "invalid_number", "param": "amount""#),
            (401, r#""type": "authentication_error", "code": "card_declined""#),
            (400, r#""type": "authentication_error", "code": "card_declined""#),
            (401, r#""type": "card_error", "code": "card_declined""#),
            (403, r#""type": "invalid_request_error", "param": "payment_method""#),
            (
                400,
                r#""type": "invalid_request_error", "message": "Invalid currency: xyz", "param": "currency""#,
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "parameter_unknown", "param": "payment_method_options""#,
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "payment_method_unactivated", "param": "payment_method""#,
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "resource_missing", "param": "payment_method",
                "message": "No such PaymentMethod: 'pm_1'; a similar object exists in test mode, but a live mode key was used.""#,
            ),
        ] {
            let refused = refusal(status, &format!("{{\"error\": {{{fields}}}}}"));
            assert!(refused.providers && refused.status == status, "{refused:?}");
        }
        for (status, body) in [
            (404, "<html>a proxy's page</html>"),
            (402, "<html>"),
            (400, "{}"),
            (403, r#"{"error": "no"}"#),
            (413, ""),
        ] {
            assert!(!refusal(status, body).providers, "{status} {body}");
        }
    }

    #[test]
    fn it_knows_a_refused_payment_method_by_its_code_or_parameter_whatever_type_and_status() {
        for (status, fields, code) in [
            (
                400,
                r#""type": "invalid_request_error", "code": "resource_missing", "param": "payment_method",
                "message": "No such PaymentMethod: 'pm_x'""#,
                "resource_missing",
            ),
            (
                404,
                r#""type": "invalid_request_error", "code": "resource_missing", "param": "payment_method""#,
                "resource_missing",
            ),
            (
                400,
                r#""type": "invalid_request_error", "param": "payment_method", "message": "may not be used again""#,
                "card_declined",
            ),
            (
                402,
                r#""type": "invalid_request_error", "code": "payment_method_provider_decline""#,
                "payment_method_provider_decline",
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "payment_intent_authentication_failure""#,
                "payment_intent_authentication_failure",
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "invalid_characters",
                "param": "payment_method_data[billing_details][name]""#,
                "invalid_characters",
            ),
            (
                400,
                r#""type": "invalid_request_error", "code": "payment_method_unsupported_type",
                "param": "payment_method""#,
                "payment_method_unsupported_type",
            ),
            (
                400,
                r#""type": "card_error", "code": "incorrect_number", "param": "number""#,
                "incorrect_number",
            ),
            (402, r#""type": "card_error""#, "card_declined"),
            (400, r#""type": "card_error", "code": "incorrect_cvc""#, "incorrect_cvc"),
        ] {
            match outcome(status, &format!("{{\"error\": {{{fields}}}}}")) {
                Outcome::Declined(decline) => assert_eq!(decline.code, code),
                other => panic!("{status} {fields}: {other:?}"),
            }
        }
    }

    #[test]
    fn it_names_the_reason_of_a_refusal() {
        let body = r#"{"error": {"type": "invalid_request_error", "code": "amount_too_large",
            "param": "amount", "message": "Amount must be no more than $999,999.99"}}"#;
        let refused = refusal(400, body);
        assert_eq!(
            (refused.code.as_deref(), refused.param.as_deref()),
            (Some("amount_too_large"), Some("amount"))
        );
        assert_eq!(
            refused.to_string(),
            "the payment provider refused with status 400: Amount must be no more than $999,999.99"
        );
    }
}
