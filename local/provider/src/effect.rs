//! What an operation does when it is committed, and what all operations need.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::cards::Card;
use super::error::ApiError;
use super::form::Form;
use super::ledger::{Fact, Intent, State};
use super::objects;

/// What an operation does when it is committed.
#[derive(Debug)]
pub(super) struct Effect {
    pub(super) facts: Vec<Fact>,
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) events: Vec<(&'static str, Value)>,
}

impl Effect {
    pub(super) fn answer(body: Value) -> Self {
        Self { facts: Vec::new(), status: 200, body, events: Vec::new() }
    }

    pub(super) fn error(error: &ApiError) -> Self {
        Self { status: error.status, ..Self::answer(error.body()) }
    }
}

pub(super) fn unexpected_state(state: &State, intent: &Intent, message: &str) -> Effect {
    let shown = objects::intent(intent, state.charge_of(intent), false);
    Effect::error(&ApiError::unexpected_state(message.to_owned(), shown))
}

pub(super) fn known_card(payment_method: &str) -> Result<String, ApiError> {
    match Card::find(payment_method) {
        Some(_) => Ok(payment_method.to_owned()),
        None => Err(ApiError::invalid(format!("No such PaymentMethod: '{payment_method}'"))
            .code("resource_missing")
            .param("payment_method")),
    }
}

pub(super) fn expands(form: &Form) -> bool {
    form.list("expand").contains(&"latest_charge")
}

pub(super) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", Uuid::now_v7().simple())
}

pub(super) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
