//! What is asked of the payment provider for an order: to charge it, and to end it.
//!
//! Charging takes one call, which creates the intent and confirms it, under a key of the order's own. That it is
//! about to be made is stored before; its answer brings the intent's id. If the answer is lost the same key is sent
//! again, for an hour: it charges nothing more. A key may also say a failure for ever, or be too old to be sent: then
//! a look at what was made in its time decides, and only an order of which there is no intent gets another, by two
//! calls with a write between them. Before an order ends whose payment is not known, its key is used for something
//! that charges nothing: whoever sends it afterwards, however late, is refused. `tests/resilience/models/order.rs`
//! shows that each of these is needed, and enough.

mod finding;
mod giving_back;
mod meaning;

use std::time::Duration;

use tokio::time::Instant;

use super::Lease;
use super::settle::Step;
use crate::breaker::{self, Permit};
use crate::database::Database;
use crate::error::Result;
use crate::kill_point::KillPoint;
use crate::orders::WaitsFor;
use crate::payments::{Decline, Health, Intent, IntentStatus, Outcome, Payments, Refusal, Reply, Unknown};
use crate::telemetry::{self, Counter, Timer};
use crate::time_limit::TimeLimit;
use meaning::{
    KEY_REUSED, NOT_ITS_OWN, RETRY, believed, declined, failed, interpret, is_late, operator, unanswered,
    unsent, unwanted,
};

/// Kept of the invocation for the last write.
const LAST_WRITE: Duration = Duration::from_millis(1500);

/// The provider, asked about one order within one invocation.
pub(super) struct Provider<'a> {
    database: &'a Database,
    payments: &'a Payments,
    limit: TimeLimit,
    permit: Permit,
    waits_for: Option<WaitsFor>,
    /// What the last call was about the provider does not know.
    missing: bool,
}

impl<'a> Provider<'a> {
    /// Asked under this permit, which learns of each call.
    pub(super) fn new(
        database: &'a Database,
        payments: &'a Payments,
        permit: Permit,
        limit: TimeLimit,
    ) -> Self {
        Self { database, payments, limit, permit, waits_for: None, missing: false }
    }

    /// Tells the breaker how the provider did, as the last call that told anything found it: a provider that creates
    /// intents and fails to confirm them is ill. And its caller what the last call left an order to wait for.
    pub(super) async fn report(self) -> Option<WaitsFor> {
        self.permit.close().await;
        self.waits_for
    }

    /// Brings the charge about, or finds out what became of it.
    pub(super) async fn charge(&mut self, lease: &mut Lease) -> Result<Step> {
        if let Some(intent) = lease.intent_id.clone() {
            return self.charge_known(lease, &intent).await;
        }
        if lease.attempt == 0 {
            lease.begin(self.database).await?;
        }
        if lease.key.is_old || lease.key.may_be_forgotten {
            let learnt = self.learn(lease).await;
            return self.charge_otherwise(lease, learnt).await;
        }
        let reply = self.pay(lease).await;
        if reply.key_is_spent() {
            let found = self.find(lease).await;
            return self.charge_otherwise(lease, found).await;
        }
        if let Outcome::Answered(intent) = &reply.outcome
            && intent.status == IntentStatus::RequiresConfirmation
        {
            return self.confirm_next(lease, &intent.id.clone()).await;
        }
        Ok(self.paid(lease, reply).await)
    }

    /// What the one call's answer means. A refusal is not believed by itself.
    async fn paid(&mut self, lease: &mut Lease, reply: Reply<Intent>) -> Step {
        match reply.outcome {
            Outcome::Answered(intent) => {
                lease.intent_id = Some(intent.id.clone());
                // A replay says how things stood when the key was used first.
                if reply.replayed { self.look(lease).await } else { interpret(lease, intent) }
            }
            Outcome::Declined(mut decline) => match decline.intent.take() {
                Some(found) if !reply.replayed => {
                    lease.intent_id = Some(found.id.clone());
                    declined(lease, decline, *found)
                }
                Some(found) => self.declined_as_found(lease, decline, Some(found.id)).await,
                None => match self.find(lease).await {
                    Ok(found) => self.declined_as_found(lease, decline, found).await,
                    Err(step) => step,
                },
            },
            Outcome::Refused(refusal) => self.refused(lease, &refusal).await,
            Outcome::RateLimited { retry_after, .. } => unsent(lease, retry_after.unwrap_or(RETRY)),
            Outcome::NeverSent(_) => unsent(lease, RETRY),
            outcome => unanswered(lease, outcome),
        }
    }

    async fn declined_as_found(
        &mut self,
        lease: &mut Lease,
        decline: Decline,
        found: Option<String>,
    ) -> Step {
        let Some(intent) = found else { return failed(lease, decline) };
        lease.intent_id = Some(intent.clone());
        match self.retrieve(lease, &intent).await {
            Ok(found) => declined(lease, decline, found),
            Err(step) => step,
        }
    }

    /// The shop is at fault; but a proxy may have forwarded what it refuses.
    async fn refused(&mut self, lease: &mut Lease, refusal: &Refusal) -> Step {
        match self.find(lease).await {
            Ok(None) => Step::Deferred(operator(lease, &refusal.to_string())),
            Ok(Some(intent)) => {
                lease.intent_id = Some(intent);
                self.look(lease).await
            }
            Err(_) => Step::Unknown(operator(lease, &refusal.to_string())),
        }
    }

    /// Goes on with the intent that was found, or where there is none with another: two calls, and a write between
    /// them.
    async fn charge_otherwise(
        &mut self,
        lease: &mut Lease,
        found: Result<Option<String>, Step>,
    ) -> Result<Step> {
        let intent = match found {
            Ok(Some(intent)) => intent,
            Ok(None) => {
                return match self.create(lease).await {
                    Ok(intent) => self.confirm_next(lease, &intent).await,
                    Err(step) => Ok(step),
                };
            }
            Err(step) => return Ok(step),
        };
        lease.intent_id = Some(intent.clone());
        match self.renew_attempt(lease, &intent).await? {
            Some(step) => Ok(step),
            None => self.confirm_whole(lease, &intent).await,
        }
    }

    async fn confirm_next(&mut self, lease: &mut Lease, intent: &str) -> Result<Step> {
        lease.remember(self.database, intent, lease.attempt + 1).await?;
        self.confirm_whole(lease, intent).await
    }

    async fn charge_known(&mut self, lease: &mut Lease, intent: &str) -> Result<Step> {
        // Asked again under a key that the provider may have forgotten, it would act again: look first.
        if lease.key.may_be_forgotten
            && let Some(step) = self.renew_attempt(lease, intent).await?
        {
            return Ok(step);
        }
        self.confirm_whole(lease, intent).await
    }

    async fn confirm_whole(&mut self, lease: &mut Lease, intent: &str) -> Result<Step> {
        let mut reply = self.confirm(lease, intent).await;
        // What a key says for ever tells how its first try went, not whether it charged, nor what has been mended
        // since. Only a look at the intent tells whether a new key may be used.
        if reply.key_is_spent() || reply.replayed && matches!(reply.outcome, Outcome::Answered(_)) {
            if let Some(step) = self.renew_attempt(lease, intent).await? {
                return Ok(step);
            }
            reply = self.confirm(lease, intent).await;
        }
        Ok(self.confirmed(lease, intent, reply).await)
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
            Outcome::RateLimited { retry_after, .. } => Step::Deferred(retry_after.unwrap_or(RETRY)),
            Outcome::NeverSent(_) => Step::Deferred(RETRY),
            outcome => unanswered(lease, outcome),
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
    pub(super) async fn cancel(&mut self, lease: &mut Lease) -> Step {
        if lease.intent_id.is_none() {
            // Whoever asks for a charge writes that down before.
            if lease.attempt == 0 {
                return Step::Cancelled;
            }
            match self.learn(lease).await {
                Ok(found) => lease.intent_id = found,
                Err(step) => return step,
            }
        }
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Cancelled };
        let reply = believed(lease, self.payments.cancel_intent(intent, self.calling()).await);
        KillPoint::AfterCancel.reached();
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(Intent { status: IntentStatus::Canceled, .. }) => Step::Cancelled,
            // Too late: it was paid.
            Outcome::Answered(intent) if intent.status == IntentStatus::Succeeded => unwanted(intent),
            outcome => unanswered(lease, outcome),
        }
    }

    /// Ends an order whose deadline has come. One that was charged before it, unknown to us, is paid: by a call whose
    /// answer was lost, or by a customer who authenticated in time. Of one that was charged after it the money goes
    /// back, whatever it waited for: a page that was left open can pay for one that was put off meanwhile.
    pub(super) async fn give_up(&mut self, lease: &mut Lease) -> Step {
        let step = self.cancel(lease).await;
        let (Step::RefundPending { .. }, Some(intent)) = (&step, lease.intent_id.as_deref()) else {
            return step;
        };
        match self.retrieve(lease, intent).await {
            Ok(intent) if is_late(lease, &intent) => unwanted(intent),
            Ok(intent) => interpret(lease, intent),
            Err(step) => step,
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

    async fn pay(&mut self, lease: &Lease) -> Reply<Intent> {
        let (order, money) = (lease.order.0, lease.money());
        let reply = self.payments.pay(order, &money, &lease.payment_method, self.calling()).await;
        let reply = believed(lease, reply);
        KillPoint::AfterConfirm.reached();
        self.observe(&reply);
        reply
    }

    /// An unconfirmed intent moves no money, so whatever goes wrong here, trying again later is safe.
    async fn create(&mut self, lease: &Lease) -> Result<String, Step> {
        let money = lease.money();
        let (order, method) = (lease.order.0, lease.payment_method.as_str());
        let mut reply = self.payments.create_intent(order, &money, method, self.calling()).await;
        if reply.key_is_spent() {
            let again = lease.owner;
            reply = self.payments.create_intent_again(order, again, &money, method, self.calling()).await;
        }
        let reply = believed(lease, reply);
        KillPoint::AfterCreate.reached();
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(intent) => Ok(intent.id),
            Outcome::Declined(decline) => Err(failed(lease, decline)),
            Outcome::Refused(refusal) => Err(Step::Deferred(operator(lease, &refusal.to_string()))),
            Outcome::KeyReused => Err(Step::Deferred(operator(lease, KEY_REUSED))),
            Outcome::Unknown(Unknown::AnotherPayment) => Err(Step::Deferred(operator(lease, NOT_ITS_OWN))),
            Outcome::RateLimited { retry_after, .. } => Err(Step::Deferred(retry_after.unwrap_or(RETRY))),
            Outcome::NeverSent(_) | Outcome::Unknown(_) | Outcome::Running => Err(Step::Deferred(RETRY)),
        }
    }

    async fn confirm(&mut self, lease: &Lease, intent: &str) -> Reply<Intent> {
        let attempt = u32::try_from(lease.attempt).unwrap_or_default();
        // A try that failed has taken the payment method off the intent.
        let (order, method) = (lease.order.0, Some(lease.payment_method.as_str()));
        let reply = self.payments.confirm_intent(order, intent, attempt, method, self.calling()).await;
        let reply = believed(lease, reply);
        KillPoint::AfterConfirm.reached();
        self.observe(&reply);
        reply
    }

    /// Raises the attempt (`None`) if no payment was ever tried on the intent, or the last try has failed and the card
    /// is not at fault; else says where it stands.
    async fn renew_attempt(&mut self, lease: &mut Lease, intent: &str) -> Result<Option<Step>> {
        match self.retrieve(lease, intent).await {
            Err(step) => Ok(Some(step)),
            Ok(found) if found.status == IntentStatus::Canceled => Ok(Some(interpret(lease, found))),
            Ok(found) if found.attempted() && !found.may_be_tried_again() => {
                Ok(Some(interpret(lease, found)))
            }
            Ok(_) => {
                lease.remember(self.database, intent, lease.attempt + 1).await?;
                Ok(None)
            }
        }
    }

    async fn retrieve(&mut self, lease: &Lease, intent: &str) -> Result<Intent, Step> {
        let reply = self.payments.retrieve_intent(intent, self.calling()).await;
        self.looked(lease, believed(lease, reply))
    }

    fn observe<T>(&mut self, reply: &Reply<T>) {
        telemetry::count(Counter::ProviderCalls);
        telemetry::time(Timer::ProviderTime, reply.took);
        self.permit.called(match reply.health() {
            Health::Ok => breaker::Outcome::Ok,
            Health::Failed => breaker::Outcome::Failed,
            Health::Slow => breaker::Outcome::Slow,
            Health::Skipped => breaker::Outcome::Skipped,
        });
        self.waits_for = match &reply.outcome {
            Outcome::RateLimited { .. } => Some(WaitsFor::ProvidersLimit),
            Outcome::NeverSent(_) | Outcome::Unknown(_) => Some(WaitsFor::Provider),
            _ => None,
        };
        self.missing = matches!(&reply.outcome, Outcome::Refused(refusal) if refusal.is_missing());
        let trouble = match &reply.outcome {
            Outcome::NeverSent(why) => why.to_string(),
            Outcome::Unknown(why) => why.to_string(),
            Outcome::RateLimited { reason, .. } => {
                telemetry::count(Counter::ProviderLimited);
                let reason = reason.as_deref().unwrap_or("no reason given");
                format!("the payment provider asks us to slow down: {reason}")
            }
            _ => return,
        };
        let duration_ms = u64::try_from(reply.took.as_millis()).unwrap_or(u64::MAX);
        let provider_request = reply.request_id.as_deref().unwrap_or_default();
        tracing::warn!(duration_ms, provider_request, "{trouble}");
    }

    /// A call begins, which has to be answered by then. (A single one has a ceiling besides.)
    fn calling(&mut self) -> Instant {
        self.permit.calling();
        Instant::now() + self.limit.left().saturating_sub(LAST_WRITE)
    }
}
