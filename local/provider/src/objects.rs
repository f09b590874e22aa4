//! The ledger's objects in Stripe's JSON.

use serde_json::{Value, json};

use super::ledger::{Charge, ChargeStatus, Intent, Refund, Status};

/// Stripe's `payment_intent`. The charge is shown whole where it was asked for (`expand[]=latest_charge`).
pub(super) fn intent(intent: &Intent, charge: Option<&Charge>, expand: bool) -> Value {
    let latest_charge = match charge {
        Some(whole) if expand => self::charge(whole),
        _ => json!(intent.latest_charge),
    };
    let next_action = (intent.status == Status::RequiresAction).then(
        || json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } }),
    );
    let received = if intent.status == Status::Succeeded { intent.amount } else { 0 };
    json!({
        "id": intent.id, "object": "payment_intent", "amount": intent.amount, "amount_received": received,
        "capture_method": "automatic_async", "client_secret": intent.client_secret,
        "confirmation_method": "automatic", "created": intent.created, "currency": intent.currency,
        "last_payment_error": intent.last_payment_error, "latest_charge": latest_charge, "livemode": false,
        "metadata": intent.metadata, "next_action": next_action, "payment_method": intent.payment_method,
        "payment_method_types": ["card"], "status": intent.status,
    })
}

/// Stripe's `charge`.
pub(super) fn charge(charge: &Charge) -> Value {
    let paid = charge.status == ChargeStatus::Succeeded;
    json!({
        "id": charge.id, "object": "charge", "amount": charge.amount, "amount_refunded": charge.amount_refunded,
        "captured": paid, "created": charge.created, "currency": charge.currency,
        "failure_code": charge.failure_code, "livemode": false, "paid": paid,
        "payment_intent": charge.payment_intent, "refunded": charge.amount_refunded == charge.amount,
        "status": charge.status,
    })
}

/// Stripe's `refund`. The charge is shown whole where it is given.
pub(super) fn refund(refund: &Refund, charge: Option<&Charge>) -> Value {
    let charge = charge.map_or_else(|| json!(refund.charge), self::charge);
    json!({
        "id": refund.id, "object": "refund", "amount": refund.amount, "charge": charge,
        "created": refund.created, "currency": refund.currency, "metadata": refund.metadata,
        "payment_intent": refund.payment_intent, "status": "succeeded",
    })
}
