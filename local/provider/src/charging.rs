//! Taking money: confirming an intent, and what its customer and the bank do later.

use super::cards::{BANK_SAID_NO, Card, NOT_AUTHENTICATED, Refusal};
use super::effect::{Effect, expands, known_card, new_id, now, unexpected_state};
use super::error::ApiError;
use super::form::Form;
use super::ledger::{Charge, ChargeStatus, Fact, Intent, State, Status};
use super::objects;

/// Confirms: charges the card, unless the card or the bank wants something first.
pub(super) fn confirm(state: &State, id: &str, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["payment_method", "expand"])?;
    let mut intent = state.intent(id)?.clone();
    if let Some(payment_method) = form.get("payment_method") {
        intent.payment_method = Some(known_card(payment_method)?);
    }
    let why_not = match intent.status {
        Status::RequiresConfirmation | Status::RequiresPaymentMethod | Status::RequiresAction => None,
        Status::Succeeded => Some("it has already succeeded after being previously confirmed"),
        Status::Processing => Some("it is already being processed"),
        Status::Canceled => Some("it was canceled"),
    };
    let card = intent.payment_method.as_deref().and_then(Card::find);
    let (None, Some(card)) = (why_not, card) else {
        let why_not = why_not.unwrap_or("it is missing a payment method");
        return Ok(unexpected_state(
            state,
            &intent,
            &format!("You cannot confirm this PaymentIntent because {why_not}."),
        ));
    };
    Ok(charge(intent, card, expands(form)))
}

/// Confirms an intent in the call that creates it (`confirm=true`).
pub(super) fn confirm_new(intent: Intent, expand: bool) -> Result<Effect, ApiError> {
    let card = intent.payment_method.as_deref().and_then(Card::find);
    let missing = || ApiError::invalid("You cannot confirm without a payment method.".to_owned());
    Ok(charge(intent, card.ok_or_else(missing)?, expand))
}

fn charge(intent: Intent, card: Card, expand: bool) -> Effect {
    match card {
        Card::Pays => pay(intent, None, None, expand),
        Card::Declines(refusal) => pay(intent, None, Some(refusal), expand),
        Card::AsksFirst(_) => wait(intent, Status::RequiresAction, expand),
        Card::TakesItsTime => wait(intent, Status::Processing, expand),
    }
}

/// What a customer (3-D Secure) or a bank does later: the control interface stands in for them.
pub(super) fn settle(state: &State, id: &str, succeeds: bool) -> Result<Effect, ApiError> {
    let intent = state.intent(id)?.clone();
    let charge = state.charge_of(&intent).cloned();
    let card = intent.payment_method.as_deref().and_then(Card::find);
    let refusal = match (intent.status, card) {
        (Status::RequiresAction, _) if !succeeds => Some(NOT_AUTHENTICATED),
        (Status::RequiresAction, Some(Card::AsksFirst(then))) => then,
        (Status::Processing, _) => (!succeeds).then_some(BANK_SAID_NO),
        _ => {
            let message =
                format!("{id} waits for nobody: only requires_action and processing can be settled.");
            return Err(ApiError::invalid(message));
        }
    };
    Ok(pay(intent, charge, refusal, true))
}

/// The moment money moves, or does not.
fn pay(mut intent: Intent, charge: Option<Charge>, refusal: Option<Refusal>, expand: bool) -> Effect {
    let mut charge = charge.unwrap_or_else(|| new_charge(&intent));
    charge.status = if refusal.is_some() { ChargeStatus::Failed } else { ChargeStatus::Succeeded };
    charge.failure_code = refusal.map(|refusal| refusal.code.to_owned());
    intent.latest_charge = Some(charge.id.clone());
    let error = refusal.map(|refusal| ApiError::declined(refusal, Some(&charge.id)));
    intent.last_payment_error = error.as_ref().map(ApiError::object);
    if error.is_some() {
        intent.status = Status::RequiresPaymentMethod;
        intent.payment_method = None;
    } else {
        intent.status = Status::Succeeded;
    }
    let shown = objects::intent(&intent, Some(&charge), expand);
    let events = match &error {
        None => ["charge.succeeded", "payment_intent.succeeded"],
        Some(_) => ["charge.failed", "payment_intent.payment_failed"],
    };
    let event_objects = [objects::charge(&charge), objects::intent(&intent, None, false)];
    let answer = match error {
        None => Effect::answer(shown),
        Some(error) => Effect::error(&error.with("payment_intent", shown)),
    };
    Effect {
        facts: vec![Fact::Charge(charge), Fact::Intent(intent)],
        events: events.into_iter().zip(event_objects).collect(),
        ..answer
    }
}

/// The payment waits for someone.
fn wait(mut intent: Intent, status: Status, expand: bool) -> Effect {
    intent.status = status;
    let charge = (status == Status::Processing).then(|| new_charge(&intent));
    intent.latest_charge = charge.as_ref().map(|charge| charge.id.clone());
    let event = match status {
        Status::Processing => "payment_intent.processing",
        _ => "payment_intent.requires_action",
    };
    let body = objects::intent(&intent, charge.as_ref(), expand);
    let events = vec![(event, objects::intent(&intent, None, false))];
    let facts = charge.map(Fact::Charge).into_iter().chain([Fact::Intent(intent)]).collect();
    Effect { facts, events, ..Effect::answer(body) }
}

fn new_charge(intent: &Intent) -> Charge {
    Charge {
        id: new_id("ch"),
        payment_intent: intent.id.clone(),
        amount: intent.amount,
        amount_refunded: 0,
        currency: intent.currency.clone(),
        status: ChargeStatus::Pending,
        failure_code: None,
        created: now(),
    }
}
