//! What the provider can do. Each operation looks at the state and says what would change; nothing has happened until
//! its facts are committed, together with the answer that its key will replay.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::catalog::{Misfit, Rule};
use uuid::Uuid;

use super::effect::{Effect, expands, known_card, new_id, now, unexpected_state};
use super::error::ApiError;
use super::form::Form;
use super::ledger::{Fact, Intent, State, Status};
use super::{charging, objects, page, refunding};

/// The operations, as faults name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /v1/payment_intents`
    Create,
    /// `POST /v1/payment_intents/{id}/confirm`
    Confirm,
    /// `GET /v1/payment_intents/{id}`
    Retrieve,
    /// `POST /v1/payment_intents/{id}/cancel`
    Cancel,
    /// `GET /v1/payment_intents`
    List,
    /// `GET /v1/payment_intents/search`
    Search,
    /// `POST /v1/refunds`
    Refund,
    /// `GET /v1/refunds`
    ListRefunds,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Confirm,
        Self::Retrieve,
        Self::Cancel,
        Self::List,
        Self::Search,
        Self::Refund,
        Self::ListRefunds,
    ];
}

/// Runs one. An `Err` was refused before it began, and its key forgets it; a failure inside `Ok` is an answer like
/// any other, which the key replays.
pub(super) fn run(state: &State, operation: Operation, id: &str, form: &Form) -> Result<Effect, ApiError> {
    match operation {
        Operation::Create => create(form),
        Operation::Confirm => charging::confirm(state, id, form),
        Operation::Retrieve => retrieve(state, id, form),
        Operation::Cancel => cancel(state, id, form),
        Operation::List => list(state, form),
        Operation::Search => search(state, form),
        Operation::Refund => refunding::refund(state, form),
        Operation::ListRefunds => refunding::list(state, form),
    }
}

fn create(form: &Form) -> Result<Effect, ApiError> {
    form.only(&[
        "amount",
        "currency",
        "payment_method",
        "payment_method_types",
        "metadata",
        "confirm",
        "expand",
    ])?;
    form.require("amount")?;
    let amount = form.integer("amount")?.unwrap_or_default();
    let currency = form.require("currency")?.to_owned();
    chargeable(amount, &currency)?;
    let payment_method = form.get("payment_method").map(known_card).transpose()?;
    let id = new_id("pi");
    let intent = Intent {
        amount,
        currency,
        status: if payment_method.is_some() {
            Status::RequiresConfirmation
        } else {
            Status::RequiresPaymentMethod
        },
        payment_method,
        metadata: form.map("metadata"),
        client_secret: format!("{id}_secret_{}", Uuid::now_v7().simple()),
        created: now(),
        latest_charge: None,
        last_payment_error: None,
        id,
    };
    let body = objects::intent(&intent, None, false);
    let created = ("payment_intent.created", body.clone());
    if form.get("confirm") == Some("true") {
        let effect = charging::confirm_new(intent, expands(form))?;
        let events = [created].into_iter().chain(effect.events).collect();
        return Ok(Effect { events, ..effect });
    }
    Ok(Effect { facts: vec![Fact::Intent(intent)], events: vec![created], ..Effect::answer(body) })
}

/// Stripe's refusals of currencies and amounts. To it nothing is too little, too.
fn chargeable(amount: i64, currency: &str) -> Result<(), ApiError> {
    let Some(rule) = Rule::of(currency) else {
        let all = Rule::all().flat_map(|rule| rule.currencies.split(' ')).collect::<Vec<_>>().join(", ");
        let message =
            format!("Invalid currency: {currency}. Stripe currently supports these currencies: {all}");
        return Err(ApiError::invalid(message).param("currency"));
    };
    let (code, bound) = match rule.misfit(amount).or_else(|| (amount < 1).then_some(Misfit::TooSmall)) {
        None => return Ok(()),
        Some(Misfit::TooSmall) => ("amount_too_small", format!("at least {}", rule.smallest)),
        Some(Misfit::TooLarge) => ("amount_too_large", format!("no more than {}", rule.largest)),
        Some(Misfit::Uneven) => ("parameter_invalid_integer", format!("a multiple of {}", rule.multiple)),
    };
    let message = format!("Amount must be {bound} in the minor unit of {currency}.");
    Err(ApiError::invalid(message).code(code).param("amount"))
}

fn retrieve(state: &State, id: &str, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["expand"])?;
    let intent = state.intent(id)?;
    Ok(Effect::answer(objects::intent(intent, state.charge_of(intent), expands(form))))
}

fn cancel(state: &State, id: &str, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["cancellation_reason", "expand"])?;
    let mut intent = state.intent(id)?.clone();
    if matches!(intent.status, Status::Succeeded | Status::Canceled | Status::Processing) {
        let status = json!(intent.status);
        let message = format!("You cannot cancel this PaymentIntent because it has a status of {status}.");
        return Ok(unexpected_state(state, &intent, &message));
    }
    intent.status = Status::Canceled;
    let body = objects::intent(&intent, state.charge_of(&intent), expands(form));
    let events = vec![("payment_intent.canceled", body.clone())];
    Ok(Effect { facts: vec![Fact::Intent(intent)], events, ..Effect::answer(body) })
}

fn list(state: &State, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["limit", "starting_after", "created", "expand"])?;
    let (from, to) = (form.integer("created[gte]")?, form.integer("created[lte]")?);
    let made = |at: i64| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at <= to);
    let intents = state.intents.iter().filter(|(_, intent)| made(intent.created));
    let show = |intent: &Intent| objects::intent(intent, state.charge_of(intent), false);
    page::page("/v1/payment_intents", form, intents, show)
}

/// By `metadata['order_id']:'…'` alone. Stripe's may lag; ours does not.
fn search(state: &State, form: &Form) -> Result<Effect, ApiError> {
    form.only(&["limit", "query", "page", "expand"])?;
    let query = form.require("query")?;
    let order = query.strip_prefix("metadata['order_id']:'").and_then(|rest| rest.strip_suffix('\''));
    let order = order.ok_or_else(|| ApiError::invalid(format!("Invalid query: {query}")).param("query"))?;
    let of_order = |intent: &&Intent| intent.metadata.get("order_id").is_some_and(|id| id == order);
    let found: Vec<Value> = (state.intents.values().rev().filter(of_order))
        .map(|intent| objects::intent(intent, state.charge_of(intent), false))
        .collect();
    Ok(Effect::answer(json!({
        "object": "search_result", "url": "/v1/payment_intents/search", "has_more": false, "data": found,
    })))
}
