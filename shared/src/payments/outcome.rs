//! How a call to the provider ended, in words that an order's state machine can act on without knowing HTTP.

use std::time::Duration;

use super::{Decline, Intent};

/// Above this a call counts as slow for the circuit breaker: well under the 5 s at which we give up, well over the
/// 1–2 s that a card network may take on a good day.
const SLOW: Duration = Duration::from_secs(3);

/// An [`Outcome`] and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// What it means.
    pub outcome: Outcome<T>,
    /// The provider had answered this key before and said the same again (`Idempotent-Replayed: true`): nothing was
    /// done now, and nothing is told about its health.
    pub replayed: bool,
    /// The provider's id of the request, for its support desk and its dashboard.
    pub request_id: Option<String>,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

/// What a call means for the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The provider answered: this is how things stand. Look at the status: an intent that another call has already
    /// brought further (paid, cancelled) is answered as it is, although what was asked could not be done.
    Answered(T),
    /// The payment was tried and declined. No money moved, and none will.
    Declined(Decline),
    /// Nothing left this process: safe to defer, safe to cancel.
    NeverSent(NeverSent),
    /// Refused before it was looked at (429): nothing was done.
    RateLimited {
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
    },
    /// Another request with this key, or for this intent, is still running there. Ask again with the same key.
    Running,
    /// The key was used with other parameters: a mistake of ours, which another try will not mend.
    KeyReused,
    /// It may or may not have been done. The same key, or a look at the intent, will tell.
    Unknown(Unknown),
    /// Understood and refused; nothing was done: an unknown payment method, too small an amount.
    Rejected(Rejection),
    /// We were not let in (401, 403, or a 4xx that is not the provider's): nothing was done. An operator has to act,
    /// but the order need not fail.
    AccessDenied {
        /// The HTTP status.
        status: u16,
    },
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NeverSent {
    /// No connection: refused, unreachable, name unknown, TLS failed, or not there within a second.
    #[error("no connection to the payment provider: {0}")]
    Connect(String),
    /// The deadline had passed before the call.
    #[error("no time was left for a call to the payment provider")]
    NoTimeLeft,
}

/// Why the outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// Sent, and no answer in time.
    #[error("the payment provider did not answer in time")]
    TimedOut,
    /// Sent, and the connection was lost before the answer, twice.
    #[error("the connection to the payment provider was lost before it answered")]
    Dropped,
    /// The provider failed (5xx, 424). With [`Reply::replayed`] its key will give this answer for ever.
    #[error("the payment provider failed with status {0}")]
    ServerError(u16),
    /// An answer that is not the provider's language.
    #[error("the payment provider's answer could not be read")]
    Unreadable,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider refused with status {status}: {message}")]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The provider's code: `resource_missing`, `amount_too_small`, `charge_already_refunded`, …
    pub code: Option<String>,
    /// The parameter at fault.
    pub param: Option<String>,
    /// For people.
    pub message: String,
    /// How the intent stands, where the error shows it.
    pub intent: Option<Box<Intent>>,
}

/// What a call tells the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The provider works; a declined card is the customer's matter.
    Ok,
    /// It cannot be reached, fails, or does not let us in.
    Failed,
    /// It works, but too slowly, or asks us to slow down.
    Slow,
    /// Nothing was learnt: the call was not made, or the answer was a replay.
    Skipped,
}

impl<T> Reply<T> {
    /// What the call tells the circuit breaker.
    #[must_use]
    pub fn health(&self) -> Health {
        match &self.outcome {
            Outcome::NeverSent(NeverSent::NoTimeLeft) => Health::Skipped,
            // A 500 that its key replays says how that payment went the first time, not how the provider does now.
            Outcome::Unknown(Unknown::ServerError(_)) if self.replayed => Health::Skipped,
            Outcome::NeverSent(NeverSent::Connect(_))
            | Outcome::Unknown(_)
            | Outcome::AccessDenied { .. } => Health::Failed,
            Outcome::RateLimited { .. } => Health::Slow,
            _ if self.took > SLOW => Health::Slow,
            _ => Health::Ok,
        }
    }
}

impl<T> Reply<T> {
    /// The key's first request failed with a 5xx, and this is what the key will say for ever: only another key, or a look
    /// at the object, gets further.
    #[must_use]
    pub fn replays_a_failure(&self) -> bool {
        self.replayed && matches!(self.outcome, Outcome::Unknown(Unknown::ServerError(_)))
    }
}

impl Reply<Intent> {
    /// "Cannot be confirmed: it has already succeeded" is not a refusal to us but the truth about the intent.
    pub(super) fn unexpected_state_is_an_answer(mut self) -> Self {
        if let Outcome::Rejected(Rejection { code: Some(code), intent: Some(intent), .. }) = &mut self.outcome
            && code == "payment_intent_unexpected_state"
        {
            self.outcome = Outcome::Answered((**intent).clone());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(outcome: Outcome<()>) -> Reply<()> {
        Reply { outcome, replayed: false, request_id: None, took: Duration::from_millis(200) }
    }

    #[test]
    fn it_counts_outages_as_failures_and_declines_as_health() {
        let decline = Decline { code: "lost_card".into(), message: None, charge_id: None };
        for (outcome, health) in [
            (Outcome::Answered(()), Health::Ok),
            (Outcome::Declined(decline), Health::Ok),
            (Outcome::Running, Health::Ok),
            (Outcome::KeyReused, Health::Ok),
            (Outcome::RateLimited { retry_after: None }, Health::Slow),
            (Outcome::NeverSent(NeverSent::Connect("refused".into())), Health::Failed),
            (Outcome::NeverSent(NeverSent::NoTimeLeft), Health::Skipped),
            (Outcome::Unknown(Unknown::TimedOut), Health::Failed),
            (Outcome::Unknown(Unknown::Dropped), Health::Failed),
            (Outcome::Unknown(Unknown::Unreadable), Health::Failed),
            (Outcome::Unknown(Unknown::ServerError(500)), Health::Failed),
            (Outcome::AccessDenied { status: 401 }, Health::Failed),
        ] {
            assert_eq!(reply(outcome.clone()).health(), health, "{outcome:?}");
        }
    }

    #[test]
    fn it_learns_nothing_from_a_replayed_500() {
        let replayed = Reply { replayed: true, ..reply(Outcome::Unknown(Unknown::ServerError(500))) };
        assert_eq!(replayed.health(), Health::Skipped);
    }

    #[test]
    fn it_calls_an_answer_that_took_over_three_seconds_slow() {
        let slow = Reply { took: Duration::from_millis(3_001), ..reply(Outcome::Answered(())) };
        assert_eq!(slow.health(), Health::Slow);
    }
}
