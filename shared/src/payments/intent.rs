//! What the provider tells about a payment, in our own types.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use uuid::Uuid;

use super::Secret;
use super::wire_text::{id, id_if_any, if_any, named_if_any, secret_if_any, text_if_any, word_if_any};

/// An amount in the currency's minor unit (cents; for yen, yen) and the currency as three lower-case letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case, as the provider writes it.
    pub currency: String,
}

/// A `PaymentIntent`: the one object that stands for the payment of an order, whatever is tried on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WireIntent")]
pub struct Intent {
    /// `pi_…`: the once-only token of the order's charge.
    pub id: String,
    /// Where the payment stands.
    pub status: IntentStatus,
    /// What is to be paid.
    pub money: Money,
    /// The order it was made for (`metadata[order_id]`).
    pub order_id: Option<Uuid>,
    /// The latest charge, be it declined or successful.
    pub charge: Option<Charge>,
    /// Something was tried on it: there is a charge or a failure, be it one that can be read or not.
    pub tried: bool,
    /// Why the last attempt failed.
    pub last_error: Option<Decline>,
    /// What the customer's browser needs to authenticate a payment in `requires_action` (Stripe.js
    /// `handleNextAction`).
    pub client_secret: Option<Secret>,
}

/// A page of a list of intents.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WirePage<Listed>")]
pub struct Intents {
    /// The intents, the newest first.
    pub data: Vec<Listed>,
    /// Whether there are older ones, or may be.
    pub has_more: bool,
}

/// What is read of an intent among all that the account has, most of which other programs made in their own ways: one
/// that is odd must not hide the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `pi_…`. A list with one that has no id cannot be read: that one could be any order's.
    pub id: String,
    /// See [`Intent::order_id`].
    pub order_id: Option<Uuid>,
    /// See [`Intent::attempted`]. Who cannot read the rest cannot say that nothing was.
    pub attempted: bool,
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(deserialize_with = "id")]
            id: String,
            #[serde(default)]
            metadata: MadeFor,
        }
        let listed = Value::deserialize(deserializer)?;
        let Named { id, metadata } = Named::deserialize(&listed).map_err(de::Error::custom)?;
        let attempted = Intent::deserialize(&listed).map_or(true, |intent| intent.attempted());
        Ok(Self { id, order_id: metadata.order_id, attempted })
    }
}

impl Intent {
    /// Whether a payment was ever tried on it. Only where none was may a confirmation go out under a new key.
    #[must_use]
    pub fn attempted(&self) -> bool {
        use IntentStatus::{Canceled, RequiresConfirmation, RequiresPaymentMethod};
        // These three alone are also states of an intent on which nothing was tried.
        let says_nothing = matches!(self.status, RequiresPaymentMethod | RequiresConfirmation | Canceled);
        !says_nothing || self.tried
    }

    /// Whether what was tried on it has failed for no fault of the payment method, so that the same one may be tried
    /// again.
    #[must_use]
    pub fn may_be_tried_again(&self) -> bool {
        let blames_the_shop = |error: &Decline| error.blames_the_shop;
        self.status == IntentStatus::RequiresPaymentMethod
            && self.last_error.as_ref().is_some_and(blames_the_shop)
    }
}

/// Where a payment stands. The names are the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    /// Nothing to pay with: never given, or the last attempt was declined (then [`Intent::last_error`] says why).
    RequiresPaymentMethod,
    /// Ready to be confirmed; no money has moved.
    RequiresConfirmation,
    /// The customer has to authenticate (3-D Secure).
    RequiresAction,
    /// The bank has not answered yet; a webhook will tell.
    Processing,
    /// Authorised but not captured: never asked for by us.
    RequiresCapture,
    /// Paid.
    Succeeded,
    /// Cancelled; it can never be confirmed again.
    Canceled,
    /// A status of a later version of the API. Treat it as unfinished and look again later.
    #[serde(other)]
    Unrecognised,
}

/// The latest charge of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// `ch_…`
    pub id: String,
    /// `None` where the answer named the charge without showing it.
    pub status: Option<ChargeStatus>,
    /// How much of it was given back, where the answer shows it; minor units. What is not shown is not known, which is
    /// something else than 0.
    pub refunded: Option<i64>,
    /// When it was made, in seconds since 1970, where the answer shows it.
    pub created: Option<i64>,
}

/// How a charge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeStatus {
    /// The money is ours.
    Succeeded,
    /// The bank has not answered yet.
    Pending,
    /// Declined.
    Failed,
    /// A status of a later version of the API.
    #[serde(other)]
    Unrecognised,
}

impl ChargeStatus {
    /// The provider's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Unrecognised => "unrecognised",
        }
    }
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WireRefund")]
pub struct Refund {
    /// `re_…`
    pub id: String,
    /// `pending`, `requires_action`, `succeeded`, `failed` or `canceled`.
    pub status: RefundStatus,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217, lower case, where the answer shows it.
    pub currency: Option<String>,
    /// When it was made, in seconds since 1970, where the answer shows it.
    pub created: Option<i64>,
    /// The payment that it is of, where the answer names one: to be compared, and for nothing else.
    pub intent_id: Option<String>,
    /// The order that it was made for (`metadata[order_id]`); none of what was made at the dashboard.
    pub order_id: Option<Uuid>,
    /// Which of the order's refunds it is (`metadata[refund_id]`).
    pub refund_id: Option<Uuid>,
    /// What it is given back of, where the answer names it; whole where that was asked for.
    pub charge: Option<Charge>,
}

/// A page of a list of refunds, all of one payment: one that cannot be read may be the very one that is looked for, so
/// then the page cannot be read either.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "WirePage<Refund>")]
pub struct Refunds {
    /// The refunds, the newest first.
    pub data: Vec<Refund>,
    /// Whether there are older ones, or may be.
    pub has_more: bool,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// Needs something from the customer.
    RequiresAction,
    /// Given back, as far as the provider is concerned.
    Succeeded,
    /// The bank would not take it: an operator has to act.
    Failed,
    /// Cancelled by an operator.
    Canceled,
    /// None, or a status of a later version of the API.
    #[serde(other)]
    Unrecognised,
}

/// A page of a list. One that does not say whether there are older ones may have them, if it has any: what is looked
/// for may be on the next.
#[derive(Deserialize)]
struct WirePage<T> {
    data: Vec<T>,
    #[serde(default, deserialize_with = "if_any")]
    has_more: Option<bool>,
}

impl<T> WirePage<T> {
    fn has_more(&self) -> bool {
        self.has_more.unwrap_or(!self.data.is_empty())
    }
}

impl From<WirePage<Listed>> for Intents {
    fn from(page: WirePage<Listed>) -> Self {
        Self { has_more: page.has_more(), data: page.data }
    }
}

impl From<WirePage<Refund>> for Refunds {
    fn from(page: WirePage<Refund>) -> Self {
        Self { has_more: page.has_more(), data: page.data }
    }
}

/// The parts of Stripe's `payment_intent` that we read. Without the first four an answer says nothing; whatever else is
/// missing, null or odd hides none of them.
#[derive(Deserialize)]
struct WireIntent {
    #[serde(deserialize_with = "id")]
    id: String,
    status: IntentStatus,
    amount: i64,
    currency: String,
    #[serde(default)]
    metadata: MadeFor,
    #[serde(default)]
    latest_charge: Value,
    #[serde(default)]
    last_payment_error: Value,
    #[serde(default, deserialize_with = "secret_if_any")]
    client_secret: Option<Secret>,
}

/// What metadata say that something was made for: nothing, where somebody emptied them (null) or wrote others.
#[derive(Default)]
struct MadeFor {
    order_id: Option<Uuid>,
    refund_id: Option<Uuid>,
}

impl<'de> Deserialize<'de> for MadeFor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let metadata = Value::deserialize(deserializer)?;
        let id = |name| metadata.get(name)?.as_str()?.parse().ok();
        Ok(Self { order_id: id("order_id"), refund_id: id("refund_id") })
    }
}

/// The parts of Stripe's `refund` that we read.
#[derive(Deserialize)]
struct WireRefund {
    #[serde(deserialize_with = "id")]
    id: String,
    /// May be null, as Stripe has it.
    #[serde(default, deserialize_with = "if_any")]
    status: Option<RefundStatus>,
    amount: i64,
    #[serde(default, deserialize_with = "text_if_any")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "if_any")]
    created: Option<i64>,
    #[serde(default, deserialize_with = "named_if_any")]
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: MadeFor,
    #[serde(default, deserialize_with = "if_any")]
    charge: Option<Charge>,
}

impl From<WireRefund> for Refund {
    fn from(wire: WireRefund) -> Self {
        Self {
            id: wire.id,
            status: wire.status.unwrap_or(RefundStatus::Unrecognised),
            amount: wire.amount,
            currency: wire.currency,
            created: wire.created,
            intent_id: wire.payment_intent,
            order_id: wire.metadata.order_id,
            refund_id: wire.metadata.refund_id,
            charge: wire.charge,
        }
    }
}

impl From<WireIntent> for Intent {
    fn from(wire: WireIntent) -> Self {
        let error = Some(&wire.last_payment_error).filter(|error| !error.is_null());
        Self {
            id: wire.id,
            status: wire.status,
            money: Money { amount: wire.amount, currency: wire.currency },
            order_id: wire.metadata.order_id,
            charge: Charge::deserialize(&wire.latest_charge).ok(),
            tried: !wire.latest_charge.is_null() || error.is_some(),
            // One that cannot be read is one that says nothing.
            last_error: error.map(|error| WireError::deserialize(error).unwrap_or_default().into()),
            client_secret: wire.client_secret,
        }
    }
}

/// A related object comes as its id, or whole where it was asked for with `expand[]`.
impl<'de> Deserialize<'de> for Charge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Expandable {
            Id(#[serde(deserialize_with = "id")] String),
            Whole {
                #[serde(deserialize_with = "id")]
                id: String,
                #[serde(default, deserialize_with = "if_any")]
                status: Option<ChargeStatus>,
                #[serde(default, deserialize_with = "if_any")]
                amount_refunded: Option<i64>,
                #[serde(default, deserialize_with = "if_any")]
                created: Option<i64>,
            },
        }
        Ok(match Expandable::deserialize(deserializer)? {
            Expandable::Id(id) => Self { id, status: None, refunded: None, created: None },
            Expandable::Whole { id, status, amount_refunded, created } => {
                Self { id, status, refunded: amount_refunded, created }
            }
        })
    }
}

/// Why a payment was declined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The most exact code there is: the bank's (`insufficient_funds`), else the provider's (`card_declined`).
    pub code: String,
    /// A sentence that may be shown to the customer.
    pub message: Option<String>,
    /// The failed charge.
    pub charge_id: Option<String>,
    /// Not the payment method is at fault but the shop's setup, or the provider: although it calls that a card's error,
    /// or an intent shows it as the reason why its last attempt failed.
    pub blames_the_shop: bool,
    /// How the intent stands, where the error shows it.
    pub intent: Option<Box<Intent>>,
}

/// Stripe's error object, as an answer or as an intent's `last_payment_error`. Nothing in it is sure to be there.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WireError {
    #[serde(rename = "type", deserialize_with = "word_if_any")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "word_if_any")]
    pub(super) code: Option<String>,
    #[serde(deserialize_with = "word_if_any")]
    pub(super) decline_code: Option<String>,
    #[serde(deserialize_with = "word_if_any")]
    pub(super) param: Option<String>,
    #[serde(deserialize_with = "text_if_any")]
    pub(super) message: Option<String>,
    #[serde(deserialize_with = "id_if_any")]
    pub(super) charge: Option<String>,
    #[serde(deserialize_with = "if_any")]
    pub(super) payment_intent: Option<Box<Intent>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(json: &serde_json::Value) -> Intent {
        Intent::deserialize(json).expect("readable")
    }

    #[test]
    fn it_reads_the_charge_whether_expanded_or_not() {
        let mut json = serde_json::json!({
            "id": "pi_1", "status": "succeeded", "amount": 1200, "currency": "eur", "latest_charge": "ch_1",
        });
        let named = Charge { id: "ch_1".into(), status: None, refunded: None, created: None };
        assert_eq!(intent(&json).charge, Some(named.clone()));
        json["latest_charge"] =
            serde_json::json!({ "id": "ch_1", "status": "succeeded", "paid": true, "created": 7 });
        let shown = Charge { status: Some(ChargeStatus::Succeeded), created: Some(7), ..named };
        assert_eq!(intent(&json).charge, Some(shown));
    }

    #[test]
    fn it_reads_a_refund_with_whatever_is_shown_of_its_charge() {
        let refund = |json: &serde_json::Value| Refund::deserialize(json).expect("readable");
        let mut json = serde_json::json!({
            "id": "re_1", "status": "succeeded", "amount": 500, "charge": "ch_1", "metadata": null,
        });
        let named = refund(&json);
        assert_eq!(
            (named.refund_id, named.order_id, named.charge.and_then(|charge| charge.refunded)),
            (None, None, None)
        );
        let (order, id) = (Uuid::now_v7(), Uuid::now_v7());
        json["metadata"] = serde_json::json!({ "order_id": order, "refund_id": id });
        json["charge"] = serde_json::json!({ "id": "ch_1", "status": "succeeded", "amount_refunded": 750 });
        let shown = refund(&json);
        assert_eq!(
            (shown.refund_id, shown.order_id, shown.charge.and_then(|charge| charge.refunded)),
            (Some(id), Some(order), Some(750))
        );
        json["metadata"]["refund_id"] = "the customer's second".into();
        assert_eq!(refund(&json).refund_id, None);
    }

    #[test]
    fn what_is_null_or_odd_beside_what_an_answer_says_is_not_known_and_hides_nothing() {
        let odd = serde_json::json!({ "id": 7 });
        for value in [Value::Null, serde_json::json!([]), odd, serde_json::json!("7/")] {
            let mut json = serde_json::json!({ "id": "re_1", "status": "succeeded", "amount": 500 });
            for name in ["created", "payment_intent", "metadata", "charge"] {
                json[name] = value.clone();
            }
            let refund = Refund::deserialize(&json).expect("readable");
            assert_eq!((refund.created, refund.order_id, refund.charge), (None, None, None), "{json}");
            let standing = serde_json::json!({ "id": "re_1", "status": value, "amount": 500 });
            let refund = Refund::deserialize(&standing).expect("readable");
            assert_eq!(refund.status, RefundStatus::Unrecognised, "{standing}");
            let charge = serde_json::json!({
                "id": "ch_1", "status": value, "amount_refunded": value, "created": value,
            });
            let read = Charge::deserialize(&charge).expect("readable");
            assert_eq!((read.refunded, read.created), (None, None), "{charge}");
            let page = serde_json::json!({ "data": [{ "id": "pi_1" }], "has_more": value });
            assert!(Intents::deserialize(&page).expect("readable").has_more, "{page}");
            let empty = serde_json::json!({ "data": [], "has_more": value });
            assert!(!Refunds::deserialize(&empty).expect("readable").has_more, "{empty}");
        }
    }

    #[test]
    fn an_intent_with_a_charge_or_a_failure_that_cannot_be_read_was_attempted() {
        for name in ["latest_charge", "last_payment_error"] {
            for (value, attempted) in [("null", false), ("7", true), (r#"{ "id": "a charge/" }"#, true)] {
                let json = format!(
                    r#"{{ "id": "pi_1", "status": "requires_payment_method", "amount": 1, "currency": "eur",
                    "{name}": {value} }}"#
                );
                let read: Intent = serde_json::from_str(&json).expect("readable");
                assert_eq!(read.attempted(), attempted, "{json}");
            }
        }
    }

    #[test]
    fn it_tells_an_untouched_intent_from_an_attempted_one() {
        let mut json = serde_json::json!({
            "id": "pi_1", "status": "requires_confirmation", "amount": 1200, "currency": "eur",
            "latest_charge": null, "last_payment_error": null,
        });
        assert!(!intent(&json).attempted());
        for status in ["processing", "requires_action", "requires_capture", "succeeded", "one_of_the_future"]
        {
            json["status"] = status.into();
            assert!(intent(&json).attempted(), "{status}");
        }
        json["status"] = "requires_payment_method".into();
        assert!(!intent(&json).attempted());
        json["last_payment_error"] =
            serde_json::json!({ "code": "card_declined", "decline_code": "lost_card" });
        assert!(intent(&json).attempted());
        assert_eq!(intent(&json).last_error.map(|decline| decline.code).as_deref(), Some("lost_card"));
    }

    #[test]
    fn an_intent_whose_metadata_somebody_emptied_or_wrote_says_no_order() {
        let mut json = serde_json::json!({
            "id": "pi_1", "status": "succeeded", "amount": 1200, "currency": "eur",
        });
        for metadata in [Value::Null, serde_json::json!([]), serde_json::json!({ "order_id": 7 })] {
            json["metadata"] = metadata;
            assert_eq!(intent(&json).order_id, None, "{json}");
        }
    }

    #[test]
    fn an_odd_one_of_a_list_does_not_hide_the_others_and_may_have_been_attempted() {
        let order = Uuid::now_v7();
        let list = |id: &str| {
            serde_json::json!({ "data": [
                { "id": "pi_1", "status": "requires_confirmation", "amount": 1200, "currency": "eur" },
                { "id": id, "status": { "is": "another" }, "amount": null, "metadata": { "order_id": order } },
            ] })
        };
        let listed = Intents::deserialize(list("pi_2")).expect("readable").data;
        let read = |listed: &Listed| (listed.id.clone(), listed.order_id, listed.attempted);
        let expected = [("pi_1".to_owned(), None, false), ("pi_2".to_owned(), Some(order), true)];
        assert_eq!(listed.iter().map(read).collect::<Vec<_>>(), expected);
        assert!(Intents::deserialize(list("")).is_err());
    }

    #[test]
    fn it_keeps_the_client_secret_out_of_debug_output() {
        let json = serde_json::json!({
            "id": "pi_1", "status": "requires_action", "amount": 1, "currency": "eur",
            "client_secret": "pi_1_secret_hidden",
        });
        let shown = format!("{:?}", intent(&json));
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
