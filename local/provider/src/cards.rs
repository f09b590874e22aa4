//! Stripe's test payment methods: what happens when each of them is charged.

/// What a card does when it is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Card {
    /// Pays.
    Pays,
    /// Is declined.
    Declines(Refusal),
    /// Wants its holder to authenticate first (3-D Secure), and then pays or is declined.
    AsksFirst(Option<Refusal>),
    /// Leaves the payment in `processing` until it is settled by hand.
    TakesItsTime,
}

/// Why a card is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Stripe's code.
    pub(super) code: &'static str,
    /// The bank's reason, which only `card_declined` has.
    pub(super) decline_code: Option<&'static str>,
    /// For the customer.
    pub(super) message: &'static str,
}

impl Card {
    /// The card with this id, if Stripe (or we, where it says so) know one.
    pub(super) fn find(payment_method: &str) -> Option<Self> {
        Some(match payment_method {
            "pm_card_visa" | "pm_card_visa_debit" | "pm_card_mastercard" | "pm_card_amex"
            | "pm_card_discover" | "pm_card_jcb" => Self::Pays,
            "pm_card_visa_chargeDeclined" | "pm_card_chargeDeclined" | "pm_card_chargeCustomerFail" => {
                Self::Declines(declined("generic_decline", "Your card was declined."))
            }
            "pm_card_visa_chargeDeclinedInsufficientFunds" | "pm_card_chargeDeclinedInsufficientFunds" => {
                Self::Declines(INSUFFICIENT_FUNDS)
            }
            "pm_card_visa_chargeDeclinedLostCard" => {
                Self::Declines(declined("lost_card", "Your card was declined."))
            }
            "pm_card_visa_chargeDeclinedStolenCard" => {
                Self::Declines(declined("stolen_card", "Your card was declined."))
            }
            "pm_card_chargeDeclinedFraudulent" => {
                Self::Declines(declined("fraudulent", "Your card was declined."))
            }
            "pm_card_chargeDeclinedExpiredCard" => {
                Self::Declines(failed("expired_card", "Your card has expired."))
            }
            "pm_card_chargeDeclinedIncorrectCvc" => {
                Self::Declines(failed("incorrect_cvc", "Your card's security code is incorrect."))
            }
            "pm_card_chargeDeclinedProcessingError" => {
                Self::Declines(failed("processing_error", "An error occurred while processing your card."))
            }
            "pm_card_authenticationRequired" | "pm_card_threeDSecure2Required" => Self::AsksFirst(None),
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds" => {
                Self::AsksFirst(Some(INSUFFICIENT_FUNDS))
            }
            // Ours: Stripe keeps only bank debits in `processing`, which a card-only intent does not take.
            "pm_card_processing" => Self::TakesItsTime,
            _ => return None,
        })
    }
}

/// Authentication was refused by the customer or the bank.
pub(super) const NOT_AUTHENTICATED: Refusal = Refusal {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "The provided PaymentMethod has failed authentication.",
};

/// What a payment in `processing` ends with when it is settled as failed.
pub(super) const BANK_SAID_NO: Refusal = declined("generic_decline", "Your card was declined.");

const INSUFFICIENT_FUNDS: Refusal = declined("insufficient_funds", "Your card has insufficient funds.");

const fn declined(reason: &'static str, message: &'static str) -> Refusal {
    Refusal { code: "card_declined", decline_code: Some(reason), message }
}

const fn failed(code: &'static str, message: &'static str) -> Refusal {
    Refusal { code, decline_code: None, message }
}
