//! How a call to the provider ended, in words that an order's state machine can act on without knowing HTTP.

use std::time::Duration;

use super::{Decline, Intent, Refusal};

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
    /// The customer's payment method was refused. Of a confirmation it is believed only where the intent says the same:
    /// an answer may be another try's, or a proxy's.
    Declined(Decline),
    /// Nothing left this process: safe to defer, safe to cancel.
    NeverSent(NeverSent),
    /// Refused before it was looked at (429): nothing was done.
    RateLimited {
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
        /// Which of its limits it was: `global-rate`, `endpoint-rate`, `global-concurrency`, …
        reason: Option<String>,
    },
    /// Another request with this key, or for this intent, is still running there. Ask again with the same key.
    Running,
    /// The key was used with other parameters: a mistake of ours, which another try will not mend.
    KeyReused,
    /// It may or may not have been done. The same key, or a look at the intent, will tell.
    Unknown(Unknown),
    /// Refused for a reason that is not the customer's payment method: an operator has to act, and no other card would
    /// help. Of a confirmation it does not say that nothing was done.
    Refused(Refusal),
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
    /// An answer about another payment than the one that was asked about, or of another amount. Only who knows the
    /// order can tell.
    #[error("the payment provider's answer is about another payment")]
    AnotherPayment,
}

/// What a call tells the circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The provider works; a declined card is the customer's matter, a refused request the shop's.
    Ok,
    /// It cannot be reached, or fails, or somebody else answers in its place.
    Failed,
    /// It works, but too slowly.
    Slow,
    /// Nothing was learnt: the call was not made, or the answer was a replay, or a limit, which is no illness.
    Skipped,
}

impl<T> Reply<T> {
    /// What the call tells the circuit breaker.
    #[must_use]
    pub fn health(&self) -> Health {
        match &self.outcome {
            Outcome::NeverSent(NeverSent::NoTimeLeft) | Outcome::RateLimited { .. } => Health::Skipped,
            // A 500 that its key replays says how that payment went the first time, not how the provider does now.
            Outcome::Unknown(Unknown::ServerError(_)) if self.replayed => Health::Skipped,
            Outcome::NeverSent(NeverSent::Connect(_))
            | Outcome::Unknown(_)
            | Outcome::Refused(Refusal { providers: false, .. }) => Health::Failed,
            _ if self.took > SLOW => Health::Slow,
            _ => Health::Ok,
        }
    }
}

impl<T> Reply<T> {
    /// Only another key gets further: the first request of this one failed or was refused, and it will say so for ever
    /// after what was wrong has been mended; or it was used with other parameters, as by an earlier version of this
    /// code.
    #[must_use]
    pub fn key_is_spent(&self) -> bool {
        match self.outcome {
            Outcome::KeyReused => true,
            Outcome::Unknown(Unknown::ServerError(_)) | Outcome::Refused(_) => self.replayed,
            _ => false,
        }
    }
}

impl Reply<Intent> {
    /// "Cannot be confirmed: it has already succeeded" is not a refusal to us but the truth about the intent.
    pub(super) fn unexpected_state_is_an_answer(mut self) -> Self {
        if let Outcome::Refused(Refusal { code: Some(code), intent: Some(intent), .. }) = &mut self.outcome
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
    use crate::payments::intent::WireError;

    fn reply(outcome: Outcome<()>) -> Reply<()> {
        Reply { outcome, replayed: false, request_id: None, took: Duration::from_millis(200) }
    }

    #[test]
    fn it_counts_outages_as_failures_and_declines_as_health() {
        let error = r#"{"code": "lost_card"}"#;
        let decline: Decline = serde_json::from_str::<WireError>(error).expect("an error").into();
        let refusal = Refusal {
            status: 401,
            code: None,
            param: None,
            message: String::new(),
            providers: true,
            intent: None,
        };
        let page = Refusal { providers: false, ..refusal.clone() };
        for (outcome, health) in [
            (Outcome::Answered(()), Health::Ok),
            (Outcome::Declined(decline), Health::Ok),
            (Outcome::Running, Health::Ok),
            (Outcome::KeyReused, Health::Ok),
            (Outcome::RateLimited { retry_after: None, reason: None }, Health::Skipped),
            (Outcome::NeverSent(NeverSent::Connect("refused".into())), Health::Failed),
            (Outcome::NeverSent(NeverSent::NoTimeLeft), Health::Skipped),
            (Outcome::Unknown(Unknown::TimedOut), Health::Failed),
            (Outcome::Unknown(Unknown::Dropped), Health::Failed),
            (Outcome::Unknown(Unknown::Unreadable), Health::Failed),
            (Outcome::Unknown(Unknown::AnotherPayment), Health::Failed),
            (Outcome::Unknown(Unknown::ServerError(500)), Health::Failed),
            (Outcome::Refused(refusal), Health::Ok),
            (Outcome::Refused(page), Health::Failed),
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
