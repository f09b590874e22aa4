//! What the provider's answers mean for an order, and which of them are believed.

use std::time::Duration;

use crate::checkout::Lease;
use crate::checkout::settle::Step;
use crate::orders::{self, ClientSecret, OrderStatus};
use crate::payments::{Decline, Intent, IntentStatus, Outcome, Reply, Unknown};

/// When to try again, where the provider said nothing about it.
pub(super) const RETRY: Duration = Duration::from_secs(10);

/// When to look again at a payment that the bank has not answered.
const PROCESSING: Duration = Duration::from_mins(1);

/// Said where the key after it is spent as well.
pub(super) const KEY_REUSED: &str = "its idempotency key was used with other parameters";

/// Said of an answer that may be somebody else's.
pub(super) const NOT_ITS_OWN: &str =
    "the payment provider answers about a payment that is not its own, or of another amount";

/// What is said of a payment counts where that is this order's: of its amount, and made for it. A proxy, a double or a
/// cache in between may answer with another's.
pub(super) fn believed(lease: &Lease, mut reply: Reply<Intent>) -> Reply<Intent> {
    match &mut reply.outcome {
        Outcome::Answered(intent) if !is_of(lease, intent) => {
            reply.outcome = Outcome::Unknown(Unknown::AnotherPayment);
        }
        Outcome::Declined(decline) => {
            decline.intent = decline.intent.take().filter(|intent| is_of(lease, intent));
        }
        _ => {}
    }
    reply
}

/// An intent says for which order it was made. Whose says nothing (its metadata were changed at the dashboard) is the
/// order's if that knew it before.
fn is_of(lease: &Lease, intent: &Intent) -> bool {
    let named = match intent.order_id {
        Some(order) => order == lease.order.0,
        None => lease.intent_id.as_ref() == Some(&intent.id),
    };
    named && intent.money == lease.money()
}

/// What an intent's state means for its order.
pub(super) fn interpret(lease: &Lease, intent: Intent) -> Step {
    match intent.status {
        IntentStatus::Succeeded => paid(intent),
        IntentStatus::RequiresAction => action_required(lease, intent),
        IntentStatus::Canceled => Step::Cancelled,
        IntentStatus::RequiresPaymentMethod => match intent.last_error {
            Some(decline) => failed(lease, decline),
            None => Step::Unknown(RETRY),
        },
        IntentStatus::RequiresConfirmation => Step::Unknown(RETRY),
        IntentStatus::Processing | IntentStatus::RequiresCapture | IntentStatus::Unrecognised => {
            Step::Unknown(PROCESSING)
        }
    }
}

/// The answer may be of long after the charge, and show that somebody has given it back at the provider since.
fn paid(intent: Intent) -> Step {
    let gone = intent.charge.as_ref().and_then(|charge| charge.refunded);
    Step::Paid {
        charge_id: intent.charge.map_or(intent.id, |charge| charge.id),
        given_back: gone.is_some_and(|gone| gone > 0),
    }
}

/// Its customer has to authenticate it, and can with its secret alone: without one nothing is begun, and it is asked
/// again. An order that waits for its customer already was given one.
fn action_required(lease: &Lease, intent: Intent) -> Step {
    let client_secret = intent.client_secret.map(|secret| ClientSecret::new(secret.reveal()));
    if client_secret.is_none() && lease.status != OrderStatus::ActionRequired {
        let order = lease.order;
        tracing::warn!(%order, "order {order} is to be authenticated, and its payment's secret is not shown");
        return Step::Unknown(RETRY);
    }
    Step::ActionRequired { client_secret }
}

/// A confirmation was declined, and this is how the intent stands.
pub(super) fn declined(lease: &Lease, decline: Decline, found: Intent) -> Step {
    match found.status {
        IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation => failed(lease, decline),
        _ => interpret(lease, found),
    }
}

/// The customer's payment method was refused: the order fails. Unless the shop is at fault all the same: then it waits.
pub(super) fn failed(lease: &Lease, decline: Decline) -> Step {
    if decline.blames_the_shop {
        let why = format!("its payment failed with {}, which no other card would mend", decline.code);
        return Step::Deferred(operator(lease, &why));
    }
    Step::Failed { decline_code: decline.code, charge_id: decline.charge_id }
}

/// What is left where the provider was asked about an intent and did not say how it stands: the order stays as it is.
pub(super) fn unanswered<T>(lease: &Lease, outcome: Outcome<T>) -> Step {
    Step::Unknown(match outcome {
        // Another account's, or the other mode's. It will not be known a minute later either.
        Outcome::Refused(refusal) if refusal.is_not_found() => {
            operator(lease, "the payment provider does not know its payment; were keys exchanged?")
        }
        Outcome::Refused(refusal) => operator(lease, &refusal.to_string()),
        Outcome::Declined(decline) => operator(lease, &format!("the payment provider says {}", decline.code)),
        Outcome::KeyReused => operator(lease, KEY_REUSED),
        Outcome::Unknown(Unknown::AnotherPayment) => operator(lease, NOT_ITS_OWN),
        Outcome::RateLimited { retry_after, .. } => retry_after.unwrap_or(RETRY),
        Outcome::Answered(_) | Outcome::NeverSent(_) | Outcome::Unknown(_) | Outcome::Running => RETRY,
    })
}

/// Nothing was done under the order's key. Who used it first knows that nobody has; anybody else does not.
pub(super) fn unsent(lease: &Lease, wait: Duration) -> Step {
    if lease.key.is_ours { Step::Unsent(wait) } else { Step::Deferred(wait) }
}

/// It was paid and is not wanted: the money goes back.
pub(super) fn unwanted(intent: Intent) -> Step {
    Step::RefundPending { charge_id: intent.charge.map_or(intent.id, |charge| charge.id) }
}

/// Whether it was charged after its order's deadline.
pub(super) fn is_late(lease: &Lease, intent: &Intent) -> bool {
    let made = intent.charge.as_ref().and_then(|charge| charge.created);
    made.is_some_and(|made| made > lease.deadline.unix_timestamp())
}

/// Logs what another try will not mend, and has an alarm go off; the order waits for it all the same.
pub(super) fn operator(lease: &Lease, what: &str) -> Duration {
    orders::call_operator(lease.order, what);
    lease.wait_for_operator()
}
