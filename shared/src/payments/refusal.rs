//! Whose fault a refusal is: the customer's payment method, or the shop's own setup.
//!
//! Only a refusal that names the payment method is a decline. Whatever else the provider refuses (an account that may
//! not charge, a version of the API that is gone, an amount it does not take, a proxy's page) another card would not
//! mend. The codes: <https://docs.stripe.com/error-codes>, <https://docs.stripe.com/declines/codes> (2026-11-28).

use super::intent::{Decline, Intent, WireError};

/// Codes with which even a `card_error` blames the shop: its account or its keys may not charge this card.
const SHOPS: [&str; 3] = ["testmode_charges_only", "test_mode_live_card", "livemode_mismatch"];

/// Codes that name the customer's payment method, whatever the error's type, unless its parameter is another one: some
/// are said of an address or of a text as well.
const METHODS: [&str; 27] = [
    "authentication_required",
    "card_decline_rate_limit_exceeded",
    "card_declined",
    "expired_card",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_zip",
    "insufficient_funds",
    "invalid_card_type",
    "invalid_characters",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "payment_intent_authentication_failure",
    "payment_intent_incompatible_payment_method",
    "payment_intent_payment_attempt_expired",
    "payment_intent_payment_attempt_failed",
    "payment_method_currency_mismatch",
    "payment_method_customer_decline",
    "payment_method_invalid_parameter",
    "payment_method_provider_decline",
    "payment_method_unexpected_state",
    "payment_method_unsupported_type",
    "postal_code_invalid",
    "processing_error",
];

/// Of these, what says nothing of the payment method unless its parameter does.
const OF_ANY_TEXT: &str = "invalid_characters";

/// Codes that say that a charge cannot be given back, or not so much of it.
const REFUNDS: [&str; 6] = [
    "amount_too_large",
    "amount_too_small",
    "charge_already_refunded",
    "charge_disputed",
    "charge_not_refundable",
    "refund_disputed_payment",
];

/// Of a payment method that was used before, the provider says so in words alone.
const USED_UP: &str = "The provided PaymentMethod was previously used";

/// The most of the provider's own words that goes into our log.
const LONGEST_MESSAGE: usize = 300;

/// Prefixes of what must not be logged although the provider repeats it: payment methods, keys.
const SECRETS: [&str; 7] = ["pm_", "card_", "tok_", "src_", "sk_", "rk_", "whsec_"];

/// Refused, and not because of the customer's payment method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider refused with status {status}: {message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The provider's code: `resource_missing`, `amount_too_small`, `charge_already_refunded`, …
    pub code: Option<String>,
    /// The parameter at fault.
    pub param: Option<String>,
    /// For an operator, without what must not be logged.
    pub message: String,
    /// Whether it came in the provider's own language. A proxy's page does not, and says nothing of what was done.
    pub providers: bool,
    /// How the intent stands, where the error shows it.
    pub intent: Option<Box<Intent>>,
}

impl Refusal {
    /// The provider knows no such object: another account's, or the other mode's.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.providers && (self.status == 404 || self.code.as_deref() == Some("resource_missing"))
    }

    /// The same by its code, which it writes once it has looked for the object. An address that is wrong has the status
    /// as well.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.providers && self.code.as_deref() == Some("resource_missing")
    }

    /// It is about the refund that was asked for. Any other is the shop's fault, and passes once that is mended; and a
    /// proxy may write what it likes.
    #[must_use]
    pub fn is_of_the_refund(&self) -> bool {
        let code = self.code.as_deref();
        let names_it = code.is_some_and(|code| REFUNDS.contains(&code))
            || (code.is_none() && self.param.as_deref() == Some("amount"));
        self.providers && !is_about_access(self.status) && names_it
    }

    /// The charge has gone back already, as the provider says.
    #[must_use]
    pub fn is_already_refunded(&self) -> bool {
        self.is_of_the_refund() && self.code.as_deref() == Some("charge_already_refunded")
    }
}

/// 401 and 403: whoever asks is not let in, so nothing of what was asked for was looked at.
pub(super) fn is_about_access(status: u16) -> bool {
    matches!(status, 401 | 403)
}

impl WireError {
    /// Whether it is the customer's payment method that is refused.
    pub(super) fn names_the_payment_method(&self) -> bool {
        !self.blames_the_shop()
            && (self.kind.as_deref() == Some("card_error") || self.has_methods_code_or_param())
    }

    fn has_methods_code_or_param(&self) -> bool {
        let code = self.code.as_deref();
        self.has_methods_code()
            || (self.param.as_deref() == Some("payment_method")
                && matches!(code, None | Some("resource_missing")))
            || self.message.as_ref().is_some_and(|message| message.starts_with(USED_UP))
    }

    fn has_methods_code(&self) -> bool {
        let of_any_parameter = self.code.as_deref() != Some(OF_ANY_TEXT);
        let of_this_one = self.param.as_deref().map_or(of_any_parameter, is_payment_method);
        of_this_one && self.code.as_deref().is_some_and(|code| METHODS.contains(&code))
    }

    /// An object that exists in the other mode was made with the shop's other key. And who is not let in has shown no
    /// payment method.
    fn blames_the_shop(&self) -> bool {
        if self.kind.as_deref() == Some("authentication_error") {
            return true;
        }
        let is_shops = |code: &Option<String>| code.as_deref().is_some_and(|code| SHOPS.contains(&code));
        let other_mode = |message: &String| {
            message.contains("exists in test mode") || message.contains("exists in live mode")
        };
        is_shops(&self.code) || is_shops(&self.decline_code) || self.message.as_ref().is_some_and(other_mode)
    }

    pub(super) fn into_refusal(self, status: u16) -> Refusal {
        let message = self.message.as_deref().or(self.code.as_deref()).unwrap_or("no reason given");
        Refusal {
            status,
            message: loggable(message),
            providers: self.kind.is_some(),
            code: self.code,
            param: self.param,
            intent: self.payment_intent,
        }
    }
}

impl From<WireError> for Decline {
    fn from(wire: WireError) -> Self {
        let names_method = wire.names_the_payment_method();
        let nameless = if names_method { None } else { wire.kind };
        Self {
            blames_the_shop: !names_method,
            code: wire.decline_code.or(wire.code).or(nameless).unwrap_or_else(|| "card_declined".to_owned()),
            message: wire.message,
            charge_id: wire.charge,
            intent: wire.payment_intent,
        }
    }
}

/// Whether a parameter is the payment method, or a part of it. `payment_method_types` and `payment_method_options` are
/// the shop's own.
fn is_payment_method(param: &str) -> bool {
    let part = param.strip_prefix("payment_method_data");
    param == "payment_method" || part.is_some_and(|part| part.is_empty() || part.starts_with(['[', '.']))
}

/// The provider's words, one line of them, without payment methods and keys.
fn loggable(message: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "_*-".contains(character);
    let mut told = String::new();
    for word in message.split_inclusive(|character| !is_part(character)) {
        let name = word.trim_end_matches(|character| !is_part(character));
        match SECRETS.iter().find(|prefix| name.len() > prefix.len() && name.starts_with(**prefix)) {
            Some(prefix) => told.extend([prefix, "…", &word[name.len()..]]),
            None => told.push_str(word),
        }
    }
    told.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(LONGEST_MESSAGE)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn error(json: Value) -> WireError {
        serde_json::from_value(json).expect("whatever it holds")
    }

    #[test]
    fn an_error_that_holds_something_unexpected_is_still_read() {
        let odd =
            error(serde_json::json!({ "type": "card_error", "code": 7, "payment_intent": { "id": null } }));
        assert!(odd.names_the_payment_method());
        let bare = error(serde_json::json!({})).into_refusal(400);
        assert_eq!((bare.message.as_str(), bare.providers), ("no reason given", false));
    }

    #[test]
    fn what_goes_into_the_log_holds_neither_payment_methods_nor_keys_and_is_one_line() {
        let message =
            "No such PaymentMethod: 'pm_1Abc'; key sk_live_51H*****xyz.\nSee https://docs.stripe.com";
        assert_eq!(loggable(message), "No such PaymentMethod: 'pm_…'; key sk_…. See https://docs.stripe.com");
        assert_eq!(loggable(&"é".repeat(1000)).chars().count(), LONGEST_MESSAGE);
    }
}
