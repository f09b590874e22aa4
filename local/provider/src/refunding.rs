//! Money that goes back, and the list of what did.

use shared::catalog::Rule;

use super::effect::{Effect, new_id, now};
use super::error::ApiError;
use super::form::Form;
use super::ledger::{ChargeStatus, Fact, Refund, State};
use super::{objects, page};

/// All of a payment's, or all there are.
pub(super) fn list(state: &State, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["limit", "starting_after", "payment_intent", "expand"])?;
    let intent = form.get("payment_intent");
    if let Some(intent) = intent {
        state.intent(intent)?;
    }
    let refunds = state
        .refunds
        .iter()
        .filter(|(_, refund)| intent.is_none_or(|intent| refund.payment_intent == intent));
    page::page("/v1/refunds", form, refunds, |refund| objects::refund(refund, None))
}

/// Gives back what is asked for, or all that is left.
pub(super) fn refund(state: &State, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["payment_intent", "amount", "metadata", "reason", "expand"])?;
    let intent = state.intent(form.require("payment_intent")?)?;
    let charge = state.charge_of(intent).filter(|charge| charge.status == ChargeStatus::Succeeded);
    let Some(mut charge) = charge.cloned() else {
        let message =
            format!("This PaymentIntent ({}) does not have a successful charge to refund.", intent.id);
        return Err(ApiError::invalid(message));
    };
    let left = charge.amount - charge.amount_refunded;
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Ok(Effect::error(&ApiError::invalid(message).code("charge_already_refunded")));
    }
    let amount = form.integer("amount")?.unwrap_or(left);
    if !(1..=left).contains(&amount) {
        let message =
            format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
        return Err(ApiError::invalid(message).param("amount"));
    }
    if Rule::of(&charge.currency).is_some_and(|rule| amount % rule.multiple != 0) {
        let message = format!("Refund amount ({amount}) is not one of {}.", charge.currency);
        return Err(ApiError::invalid(message).code("parameter_invalid_integer").param("amount"));
    }
    charge.amount_refunded += amount;
    let refund = Refund {
        id: new_id("re"),
        charge: charge.id.clone(),
        payment_intent: intent.id.clone(),
        amount,
        currency: charge.currency.clone(),
        metadata: form.map("metadata"),
        created: now(),
    };
    let whole = form.list("expand").contains(&"charge");
    let body = objects::refund(&refund, whole.then_some(&charge));
    let events = vec![
        ("refund.created", objects::refund(&refund, None)),
        ("charge.refunded", objects::charge(&charge)),
    ];
    Ok(Effect { facts: vec![Fact::Refund(refund), Fact::Charge(charge)], events, ..Effect::answer(body) })
}
