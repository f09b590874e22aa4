//! What is asked of the payment provider for an order, and what its answers mean.
//!
//! Charging takes two calls and not one with `confirm=true`: an idempotency key is kept for 24 h at least and may then
//! be forgotten, and its first answer is replayed for ever, a 500 included. With the intent's id stored before it is
//! confirmed, the truth is one look away, for ever, and an intent that succeeded cannot be confirmed again.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Lease,
    settle::{OPERATOR, Step},
};
use crate::{
    database::Database,
    error::Result,
    kill_point::KillPoint,
    orders::{self, OrderStatus},
    payments::{
        Decline, Health, Intent, IntentStatus, Money, Outcome, Payments, Refund, RefundStatus, Refusal, Reply,
    },
    telemetry::{self, Counter, Timer},
    time_limit::TimeLimit,
};

/// One call to the provider, at most.
const CALL: Duration = Duration::from_secs(5);

/// Kept of the invocation for the last write.
const LAST_WRITE: Duration = Duration::from_millis(1500);

/// When to try again, where the provider said nothing about it.
const RETRY: Duration = Duration::from_secs(10);

/// When to look again at a payment that the bank has not answered.
const PROCESSING: Duration = Duration::from_mins(1);

/// Said where the key after it is spent as well.
const KEY_REUSED: &str = "its idempotency key was used with other parameters";

/// The provider, asked about one order within one invocation.
pub(super) struct Provider<'a> {
    database: &'a Database,
    payments: &'a Payments,
    limit: TimeLimit,
    health: Health,
}

impl<'a> Provider<'a> {
    pub(super) fn new(database: &'a Database, payments: &'a Payments, limit: TimeLimit) -> Self {
        Self { database, payments, limit, health: Health::Skipped }
    }

    /// As the last call that told anything found it: a provider that creates intents and fails to confirm them is ill.
    pub(super) fn health(&self) -> Health {
        self.health
    }

    /// Creates the intent if there is none yet, and confirms it.
    pub(super) async fn charge(&mut self, lease: &mut Lease) -> Result<Step> {
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
        if lease.key_may_be_forgotten
            && let Some(step) = self.renew_attempt(lease, &intent).await?
        {
            return Ok(step);
        }
        let mut reply = self.confirm(lease, &intent).await;
        // What a key says for ever tells how its first try went, not whether it charged. Only if a look at the intent
        // shows no try at all may a new key be used.
        if reply.key_is_spent() {
            if let Some(step) = self.renew_attempt(lease, &intent).await? {
                return Ok(step);
            }
            reply = self.confirm(lease, &intent).await;
        }
        Ok(self.confirmed(lease, &intent, reply).await)
    }

    /// What a confirmation's answer means. A refusal is not believed by itself: it may be of another try than the one
    /// that charged, or not the provider's at all.
    async fn confirmed(&mut self, lease: &Lease, intent: &str, reply: Reply<Intent>) -> Step {
        match reply.outcome {
            // A replay says how things stood when the key was used first.
            Outcome::Answered(_) if reply.replayed => self.look(lease).await,
            Outcome::Answered(intent) => interpret(lease, intent),
            Outcome::Declined(mut decline) => match decline.intent.take().filter(|_| !reply.replayed) {
                Some(found) => declined(lease, decline, *found),
                None => match self.retrieve(lease, intent).await {
                    Ok(found) => declined(lease, decline, found),
                    Err(step) => step,
                },
            },
            Outcome::Refused(refusal) => match self.retrieve(lease, intent).await {
                Ok(found) if found.attempted() => interpret(lease, found),
                Ok(_) => Step::Deferred(operator(lease, &refusal.to_string())),
                Err(_) => Step::Unknown(operator(lease, &refusal.to_string())),
            },
            Outcome::KeyReused => Step::Unknown(operator(lease, KEY_REUSED)),
            Outcome::RateLimited { retry_after } => Step::Deferred(retry_after.unwrap_or(RETRY)),
            Outcome::NeverSent(_) => Step::Deferred(RETRY),
            Outcome::Unknown(_) | Outcome::Running => Step::Unknown(RETRY),
        }
    }

    /// Looks where the payment stands.
    pub(super) async fn look(&mut self, lease: &Lease) -> Step {
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Deferred(Duration::ZERO) };
        match self.retrieve(lease, intent).await {
            Ok(intent) => interpret(lease, intent),
            Err(step) => step,
        }
    }

    /// Cancels the intent, so that it can never be charged; only then may the stock go back.
    pub(super) async fn cancel(&mut self, lease: &Lease) -> Step {
        // Whoever creates an intent stores its id before confirming it, and cannot store it once the order is
        // cancelled: an intent that is not stored was never confirmed and never will be.
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Cancelled };
        let reply = self.payments.cancel_intent(intent, self.until()).await;
        KillPoint::AfterCancel.reached();
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(Intent { status: IntentStatus::Canceled, .. }) => Step::Cancelled,
            // Too late: it was paid.
            Outcome::Answered(intent) if intent.status == IntentStatus::Succeeded => unwanted(intent),
            outcome => unanswered(lease, outcome),
        }
    }

    /// Ends an order whose deadline has come. One that was charged before, unknown to us, is paid.
    pub(super) async fn give_up(&mut self, lease: &Lease) -> Step {
        match self.cancel(lease).await {
            Step::RefundPending { charge_id } => Step::Paid { charge_id },
            step => step,
        }
    }

    /// What became of the money of an order that was paid: refunds are made at the provider's dashboard as well, and
    /// fail.
    pub(super) async fn follow(&mut self, lease: &Lease) -> Step {
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Unchanged };
        match self.retrieve(lease, intent).await {
            Ok(Intent { charge: Some(charge), .. }) => given_back(lease, charge.refunded),
            Ok(_) => Step::Unchanged,
            Err(step) => step,
        }
    }

    /// Gives the money back, unless that has failed already: then an operator has to.
    pub(super) async fn refund(&mut self, lease: &Lease) -> Step {
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Cancelled };
        if lease.refund_failed {
            return self.follow(lease).await;
        }
        let mut reply = self.payments.refund(lease.order.0, intent, "unwanted", self.until()).await;
        if reply.key_is_spent() && !is_refunded(&reply) {
            // Another key is safe: the provider gives no more back than it took.
            let purpose = format!("unwanted:{}", lease.owner());
            reply = self.payments.refund(lease.order.0, intent, &purpose, self.until()).await;
        }
        KillPoint::AfterRefund.reached();
        self.observe(&reply);
        if is_refunded(&reply) {
            return Step::Refunded { refund_id: None };
        }
        match reply.outcome {
            Outcome::Answered(refund)
                if matches!(refund.status, RefundStatus::Succeeded | RefundStatus::Pending) =>
            {
                Step::Refunded { refund_id: Some(refund.id) }
            }
            Outcome::Answered(_) => {
                Step::Unknown(operator(lease, "the refund of its charge did not succeed"))
            }
            outcome => unanswered(lease, outcome),
        }
    }

    /// Whether a failed or cancelled order was paid after all, as when its customer authenticated at the last moment.
    pub(super) async fn check_unwanted(&mut self, lease: &Lease) -> Step {
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Unchanged };
        match self.retrieve(lease, intent).await {
            Ok(intent) if intent.status == IntentStatus::Succeeded => unwanted(intent),
            Ok(_) => Step::Unchanged,
            Err(step) => step,
        }
    }

    /// An unconfirmed intent moves no money, so whatever goes wrong here, trying again later is safe.
    async fn create(&mut self, lease: &Lease) -> Result<String, Step> {
        let money = Money { amount: lease.amount, currency: lease.currency.clone() };
        let (order, method) = (lease.order.0, lease.payment_method.as_str());
        let mut reply = self.payments.create_intent(order, &money, method, self.until()).await;
        if reply.key_is_spent() {
            let again = lease.owner();
            reply = self.payments.create_intent_again(order, again, &money, method, self.until()).await;
        }
        KillPoint::AfterCreate.reached();
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(intent) => Ok(intent.id),
            Outcome::Declined(decline) => Err(failed(lease, decline)),
            Outcome::Refused(refusal) => Err(Step::Deferred(operator(lease, &refusal.to_string()))),
            Outcome::KeyReused => Err(Step::Deferred(operator(lease, KEY_REUSED))),
            Outcome::RateLimited { retry_after } => Err(Step::Deferred(retry_after.unwrap_or(RETRY))),
            Outcome::NeverSent(_) | Outcome::Unknown(_) | Outcome::Running => Err(Step::Deferred(RETRY)),
        }
    }

    async fn confirm(&mut self, lease: &Lease, intent: &str) -> Reply<Intent> {
        let attempt = u32::try_from(lease.attempt).unwrap_or_default();
        let reply = self.payments.confirm_intent(lease.order.0, intent, attempt, self.until()).await;
        KillPoint::AfterConfirm.reached();
        self.observe(&reply);
        reply
    }

    /// Raises the attempt if no payment was ever tried on the intent (`None`); else says where it stands.
    async fn renew_attempt(&mut self, lease: &mut Lease, intent: &str) -> Result<Option<Step>> {
        match self.retrieve(lease, intent).await {
            Err(step) => Ok(Some(step)),
            Ok(found) if found.attempted() || found.status == IntentStatus::Canceled => {
                Ok(Some(interpret(lease, found)))
            }
            Ok(_) => {
                lease.remember(self.database, intent, lease.attempt + 1).await?;
                Ok(None)
            }
        }
    }

    async fn retrieve(&mut self, lease: &Lease, intent: &str) -> Result<Intent, Step> {
        let reply = self.payments.retrieve_intent(intent, self.until()).await;
        KillPoint::AfterLook.reached();
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(intent) => Ok(intent),
            outcome => Err(unanswered(lease, outcome)),
        }
    }

    fn observe<T>(&mut self, reply: &Reply<T>) {
        telemetry::count(Counter::ProviderCalls);
        telemetry::time(Timer::ProviderTime, reply.took);
        let health = reply.health();
        if health != Health::Skipped {
            self.health = health;
        }
        let trouble = match &reply.outcome {
            Outcome::NeverSent(why) => why.to_string(),
            Outcome::Unknown(why) => why.to_string(),
            Outcome::RateLimited { .. } => "the payment provider asks us to slow down".to_owned(),
            _ => return,
        };
        let duration_ms = u64::try_from(reply.took.as_millis()).unwrap_or(u64::MAX);
        let provider_request = reply.request_id.as_deref().unwrap_or_default();
        tracing::warn!(duration_ms, provider_request, "{trouble}");
    }

    fn until(&self) -> Instant {
        let left = self.limit.left().saturating_sub(LAST_WRITE);
        Instant::now() + left.min(CALL)
    }
}

/// What is left where the provider was asked about an intent and did not say how it stands: the order stays as it is.
fn unanswered<T>(lease: &Lease, outcome: Outcome<T>) -> Step {
    Step::Unknown(match outcome {
        // Another account's, or the other mode's. It will not be known a minute later either.
        Outcome::Refused(refusal) if refusal.is_not_found() => {
            operator(lease, "the payment provider does not know its payment; were keys exchanged?")
        }
        Outcome::Refused(refusal) => operator(lease, &refusal.to_string()),
        Outcome::Declined(decline) => operator(lease, &format!("the payment provider says {}", decline.code)),
        Outcome::KeyReused => operator(lease, KEY_REUSED),
        Outcome::RateLimited { retry_after } => retry_after.unwrap_or(RETRY),
        Outcome::Answered(_) | Outcome::NeverSent(_) | Outcome::Unknown(_) | Outcome::Running => RETRY,
    })
}

/// A confirmation was declined, and this is how the intent stands.
fn declined(lease: &Lease, decline: Decline, found: Intent) -> Step {
    match found.status {
        IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation => failed(lease, decline),
        _ => interpret(lease, found),
    }
}

/// The customer's payment method was refused: the order fails. Unless the shop is at fault all the same: then it waits.
fn failed(lease: &Lease, decline: Decline) -> Step {
    if decline.blames_the_shop {
        let why = format!("the payment provider declined its card with {}", decline.code);
        return Step::Deferred(operator(lease, &why));
    }
    Step::Failed { decline_code: decline.code, charge_id: decline.charge_id }
}

/// Logs what another try will not mend, and has an alarm go off; the order waits for it all the same.
fn operator(lease: &Lease, what: &str) -> Duration {
    orders::call_operator(lease.order, what);
    OPERATOR
}

/// What it makes of a paid order that so much of its charge was given back.
fn given_back(lease: &Lease, refunded: i64) -> Step {
    let status = match lease.status {
        _ if refunded >= lease.amount => OrderStatus::Refunded,
        OrderStatus::Paid => OrderStatus::Paid,
        // It was given back as a whole, and is no longer: a bank has refused it.
        _ => OrderStatus::RefundPending,
    };
    let told = format!("{refunded} of {} {} were given back", lease.amount, lease.currency);
    if refunded < lease.refunded || status == OrderStatus::RefundPending {
        operator(lease, &format!("a refund did not arrive, only {told}"));
    } else if refunded == lease.refunded && status == lease.status {
        return Step::Unchanged;
    } else {
        telemetry::count(Counter::RefundsElsewhere);
        tracing::warn!(order = %lease.order, "order {}: {told} at the provider, and not by us", lease.order);
    }
    Step::GivenBack { refunded, status }
}

fn is_refunded(reply: &Reply<Refund>) -> bool {
    let code = |refusal: &Refusal| refusal.code.as_deref() == Some("charge_already_refunded");
    matches!(&reply.outcome, Outcome::Refused(refusal) if code(refusal))
}

fn unwanted(intent: Intent) -> Step {
    Step::RefundPending { charge_id: intent.charge.map_or(intent.id, |charge| charge.id) }
}

/// What an intent's state means for its order.
fn interpret(lease: &Lease, intent: Intent) -> Step {
    match intent.status {
        IntentStatus::Succeeded => {
            Step::Paid { charge_id: intent.charge.map_or(intent.id, |charge| charge.id) }
        }
        IntentStatus::RequiresAction => Step::ActionRequired {
            client_secret: intent.client_secret.map(|secret| secret.reveal().to_owned()),
        },
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
