//! A page of a list.

use serde_json::{Value, json};

use super::effect::Effect;
use super::error::ApiError;
use super::form::Form;

/// Ids are `UUIDv7`: their order is that of creation, and Stripe lists the newest first.
pub(super) fn page<'a, T: 'a>(
    url: &str,
    form: &Form,
    all: impl DoubleEndedIterator<Item = (&'a String, &'a T)>,
    show: impl Fn(&T) -> Value,
) -> Result<Effect, ApiError> {
    let limit = usize::try_from(form.integer("limit")?.unwrap_or(10).clamp(1, 100)).unwrap_or(100);
    let after = form.get("starting_after");
    let older = all.rev().skip_while(|(id, _)| after.is_some_and(|after| id.as_str() >= after));
    let mut page: Vec<Value> = older.take(limit + 1).map(|(_, object)| show(object)).collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    Ok(Effect::answer(json!({ "object": "list", "url": url, "has_more": has_more, "data": page })))
}
