//! The one way forward for an order: ask the provider, and write down what it says.
//!
//! Two calls and not one with `confirm=true`: an idempotency key is kept for 24 h at least and may then be forgotten, and
//! its first answer is replayed for ever, a 500 included. With the intent's id stored before it is confirmed, the truth is
//! one look away, for ever, and an intent that succeeded cannot be confirmed again.

use std::time::Duration;

use tokio::time::Instant;

use super::{Answer, Lease, Step, settle::settle};
use crate::{
    breaker::{self, Breaker, Permit},
    database::Database,
    error::Result,
    payments::{Health, Intent, IntentStatus, Money, Outcome, Payments, Reply, Unknown},
    time_limit::TimeLimit,
};

/// One call to the provider, at most.
const CALL: Duration = Duration::from_secs(5);

/// Kept of the invocation for the last write.
const LAST_WRITE: Duration = Duration::from_millis(1500);

/// When to try again, where the provider said nothing about it.
const RETRY: Duration = Duration::from_secs(10);

/// When to look again at a payment that the bank has not answered.
const PROCESSING: Duration = Duration::from_secs(60);

/// Brings a leased order one step forward, tells the breaker how the provider did, and writes down the result.
///
/// # Errors
/// Only if the database fails. The lease then runs out, and the sweeper finds the order.
pub async fn advance(
    database: &Database,
    payments: &Payments,
    breaker: &Breaker,
    permit: Permit,
    mut lease: Lease,
    limit: TimeLimit,
) -> Result<Answer> {
    let mut call = Call { database, payments, limit, health: Health::Skipped };
    let step = call.charge(&mut lease).await;
    breaker.report(permit, outcome(call.health)).await;
    settle(database, lease, step?).await
}

fn outcome(health: Health) -> breaker::Outcome {
    match health {
        Health::Ok => breaker::Outcome::Ok,
        Health::Failed => breaker::Outcome::Failed,
        Health::Slow => breaker::Outcome::Slow,
        Health::Skipped => breaker::Outcome::Skipped,
    }
}

struct Call<'a> {
    database: &'a Database,
    payments: &'a Payments,
    limit: TimeLimit,
    /// Of the last call that told anything: a provider that creates intents and fails to confirm them is not healthy.
    health: Health,
}

impl Call<'_> {
    async fn charge(&mut self, lease: &mut Lease) -> Result<Step> {
        let intent = match lease.intent_id.clone() {
            Some(intent) => intent,
            None => match self.create(lease).await {
                Ok(intent) => {
                    lease.remember(self.database, &intent, 1).await?;
                    intent
                }
                Err(step) => return Ok(step),
            },
        };
        // Asked again under a key that the provider may have forgotten, it would act again: look first.
        if lease.key_may_be_forgotten {
            match self.renew_attempt(lease, &intent).await? {
                None => {}
                Some(step) => return Ok(step),
            }
        }
        self.confirm(lease, &intent).await
    }

    /// An unconfirmed intent moves no money, so whatever goes wrong here, trying again later is safe.
    async fn create(&mut self, lease: &Lease) -> Result<String, Step> {
        let money = Money { amount: lease.amount, currency: lease.currency.clone() };
        let reply = self.payments.create_intent(lease.order.0, &money, self.until()).await;
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(intent) => Ok(intent.id),
            Outcome::Declined(decline) => Err(Step::Failed { decline_code: decline.code, charge_id: decline.charge_id }),
            Outcome::Rejected(rejection) => {
                tracing::error!(order = %lease.order, %rejection, "the provider will not create an intent: {rejection}");
                Err(Step::Failed { decline_code: rejection.code.unwrap_or_else(|| "rejected".to_owned()), charge_id: None })
            }
            Outcome::RateLimited { retry_after } => Err(Step::Deferred(retry_after.unwrap_or(RETRY))),
            Outcome::NeverSent(_) | Outcome::Unknown(_) | Outcome::Running => Err(Step::Deferred(RETRY)),
            Outcome::KeyReused | Outcome::AccessDenied { .. } => Err(Step::Deferred(self.operator(lease))),
        }
    }

    async fn confirm(&mut self, lease: &mut Lease, intent: &str) -> Result<Step> {
        let reply = self.send_confirmation(lease, intent).await;
        // A 500 that the key replays says how the first try went, not whether it charged. Only if a look at the intent
        // shows no try at all may a new key be used.
        let reply = if reply.replayed && matches!(reply.outcome, Outcome::Unknown(Unknown::ServerError(_))) {
            match self.renew_attempt(lease, intent).await? {
                None => self.send_confirmation(lease, intent).await,
                Some(step) => return Ok(step),
            }
        } else {
            reply
        };
        Ok(match reply.outcome {
            Outcome::Answered(intent) => interpret(intent),
            Outcome::Declined(decline) => Step::Failed { decline_code: decline.code, charge_id: decline.charge_id },
            Outcome::Rejected(rejection) => {
                let code = rejection.code.unwrap_or_else(|| "rejected".to_owned());
                Step::Failed { decline_code: code, charge_id: None }
            }
            Outcome::NeverSent(_) => Step::Deferred(RETRY),
            Outcome::RateLimited { retry_after } => Step::Deferred(retry_after.unwrap_or(RETRY)),
            Outcome::Running | Outcome::Unknown(_) => Step::Unknown(RETRY),
            Outcome::KeyReused | Outcome::AccessDenied { .. } => Step::Deferred(self.operator(lease)),
        })
    }

    async fn send_confirmation(&mut self, lease: &Lease, intent: &str) -> Reply<Intent> {
        let attempt = u32::try_from(lease.attempt).unwrap_or_default();
        let reply =
            self.payments.confirm_intent(lease.order.0, intent, &lease.payment_method, attempt, self.until()).await;
        self.observe(&reply);
        reply
    }

    /// Looks at the intent. Raises the attempt if no payment was ever tried on it (`None`); else says where it stands.
    async fn renew_attempt(&mut self, lease: &mut Lease, intent: &str) -> Result<Option<Step>> {
        let reply = self.payments.retrieve_intent(intent, self.until()).await;
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(found) if found.attempted() || found.status == IntentStatus::Canceled => {
                Ok(Some(interpret(found)))
            }
            Outcome::Answered(_) => {
                lease.remember(self.database, intent, lease.attempt + 1).await?;
                Ok(None)
            }
            _ => Ok(Some(Step::Unknown(RETRY))),
        }
    }

    /// Another try will not mend it, and the order need not fail: an operator has to look, so it is logged as an error.
    fn operator(&self, lease: &Lease) -> Duration {
        tracing::error!(order = %lease.order, "the payment provider refuses our requests: check PAYMENTS_KEY");
        PROCESSING
    }

    fn observe<T>(&mut self, reply: &Reply<T>) {
        if reply.health() != Health::Skipped {
            self.health = reply.health();
        }
    }

    fn until(&self) -> Instant {
        let left = self.limit.left().saturating_sub(LAST_WRITE);
        Instant::now() + left.min(CALL)
    }
}

/// What an intent's state means for its order.
fn interpret(intent: Intent) -> Step {
    match intent.status {
        IntentStatus::Succeeded => {
            Step::Paid { charge_id: intent.charge.map_or(intent.id, |charge| charge.id) }
        }
        IntentStatus::RequiresAction => {
            Step::ActionRequired { client_secret: intent.client_secret.map(|secret| secret.reveal().to_owned()) }
        }
        IntentStatus::Canceled => Step::Cancelled,
        IntentStatus::RequiresPaymentMethod => match intent.last_error {
            Some(decline) => Step::Failed { decline_code: decline.code, charge_id: decline.charge_id },
            None => Step::Unknown(RETRY),
        },
        IntentStatus::RequiresConfirmation => Step::Unknown(RETRY),
        IntentStatus::Processing | IntentStatus::RequiresCapture | IntentStatus::Unrecognised => {
            Step::Unknown(PROCESSING)
        }
    }
}
