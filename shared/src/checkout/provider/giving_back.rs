//! Money that goes back: what an administrator wants, what nobody should have paid, and what was done at the
//! provider's dashboard.
//!
//! Whether a refund was made is not told by how much went back: somebody may have given back as much at the
//! dashboard. The provider keeps the refund's own id with it, so a list of what was given back of the payment tells
//! whether this one is among it, whatever became of its key. Only one that is not is asked for, under a key that is
//! written down with the refund; what is spent is followed by the next one, for as long as it takes.
//!
//! What the provider does not know, and says so twice, it will not give back. That ends a refund at once if nobody has
//! asked for it before; any other may have been made with keys that are back within a day.
//!
//! How much went back in all only the order's own charge tells. What an answer does not show of it is not known, and
//! nothing is written down for it.

use uuid::Uuid;

use super::Provider;
use super::finding::{CLOCKS, PAGES};
use super::meaning::{operator, unanswered};
use crate::checkout::Lease;
use crate::checkout::lease::PendingRefund;
use crate::checkout::settle::Step;
use crate::error::Result;
use crate::kill_point::KillPoint;
use crate::orders::OrderStatus;
use crate::payments::{
    Charge, ChargeStatus, Outcome, Refund, RefundStatus, Refunds, Refusal, Reply, Unknown,
};
use crate::telemetry::{self, Counter};

/// Whether the refunds that were looked at are enough, as they come page by page.
type Enough<'a> = &'a (dyn Fn(&Refund) -> bool + Sync);

impl Provider<'_> {
    /// What became of the money of an order that was paid: refunds are made at the provider's dashboard as well, and
    /// fail.
    pub(crate) async fn follow(&mut self, lease: &Lease) -> Step {
        let Some(intent) = lease.intent_id.as_deref() else { return Step::Unchanged };
        let refunded = match self.gone(lease, intent).await {
            Ok(refunded) => refunded,
            Err(_) if self.missing && is_over(lease) => return Step::Unchanged,
            Err(step) => return step,
        };
        if refunded >= lease.refunded {
            return given_back(lease, refunded, Vec::new());
        }
        match self.refunds(lease, intent, &|_| false).await {
            Ok(refunds) => given_back(lease, refunded, failed(&refunds)),
            Err(step) => step,
        }
    }

    /// How much of the order went back in all, as its charge shows it, and otherwise.
    async fn gone(&mut self, lease: &Lease, intent: &str) -> Result<i64, Step> {
        let charge = self.retrieve(lease, intent).await?.charge;
        let shown = charge.and_then(|charge| shown(lease, &charge));
        shown.map(|shown| shown + lease.otherwise).ok_or_else(|| Step::Unknown(operator(lease, NOT_SHOWN)))
    }

    /// Gives the money back, unless that has failed already: then an operator has to.
    pub(crate) async fn refund(&mut self, lease: &Lease) -> Step {
        let Some(intent) = lease.intent_id.as_deref() else {
            return Step::Unknown(operator(lease, "it is to be given back, and nobody knows its payment"));
        };
        if lease.refund_failed {
            return self.follow(lease).await;
        }
        let step = self.give_all_back(lease, intent).await;
        if has_waited(lease) && self.is_not_known(&step, intent).await {
            let (refunded, status) = (lease.refunded, OrderStatus::RefundPending);
            return Step::GivenBack { refunded, status, failed: Vec::new() };
        }
        step
    }

    /// Whether the provider has said last that it does not know what it was asked about, and says so of the payment.
    async fn is_not_known(&mut self, step: &Step, intent: &str) -> bool {
        if !(self.missing && matches!(step, Step::Unknown(_))) {
            return false;
        }
        let reply = self.payments.retrieve_intent(intent, self.calling()).await;
        self.observe(&reply);
        self.missing
    }

    async fn give_all_back(&mut self, lease: &Lease, intent: &str) -> Step {
        let mut reply = self.refund_whole(lease, intent, "unwanted").await;
        if reply.key_is_spent() && !is_refunded(&reply) {
            // Another key is safe: the provider gives no more back than it took.
            reply = self.refund_whole(lease, intent, &format!("unwanted:{}", lease.owner)).await;
        }
        if is_refunded(&reply) {
            return self.refunded_already(lease, intent, reply.replayed).await;
        }
        match reply.outcome {
            Outcome::Answered(refund) if reply.replayed => {
                match self.find_refund(lease, intent, &|known| known.id == refund.id).await {
                    Ok(Some(refund)) => self.unwanted_refund(lease, refund).await,
                    Ok(None) => Step::Unknown(operator(lease, NOT_LISTED)),
                    Err(step) => step,
                }
            }
            Outcome::Answered(refund) => self.unwanted_refund(lease, refund).await,
            outcome => unanswered(lease, outcome),
        }
    }

    async fn refund_whole(&mut self, lease: &Lease, intent: &str, purpose: &str) -> Reply<Refund> {
        let reply = self.payments.refund(lease.order.0, intent, purpose, self.calling()).await;
        let reply = believed(lease, intent, None, reply);
        KillPoint::AfterRefund.reached();
        self.observe(&reply);
        reply
    }

    /// It has gone back already, says the provider. Whether it has, the charge shows.
    async fn refunded_already(&mut self, lease: &Lease, intent: &str, replayed: bool) -> Step {
        match self.gone(lease, intent).await {
            // A replay says how things stood when the key was used first: it has, and did not arrive.
            Ok(gone) if gone >= lease.amount || replayed => given_back(lease, gone, Vec::new()),
            Ok(_) => Step::Unknown(operator(lease, NOT_GIVEN_BACK)),
            Err(step) => step,
        }
    }

    /// What is left to do where the whole amount was to go back, and this was made.
    async fn unwanted_refund(&mut self, lease: &Lease, refund: Refund) -> Step {
        match refund.status {
            RefundStatus::Succeeded | RefundStatus::Pending if refund.amount >= lease.unrefunded() => {
                Step::Refunded { refund_id: Some(refund.id) }
            }
            // Less than all of it, as far as we know, or nothing: the charge tells.
            RefundStatus::Succeeded
            | RefundStatus::Pending
            | RefundStatus::Failed
            | RefundStatus::Canceled => self.follow(lease).await,
            RefundStatus::RequiresAction | RefundStatus::Unrecognised => {
                Step::Unknown(operator(lease, WAITS_THERE))
            }
        }
    }

    /// Gives a part back, as an administrator wants.
    pub(crate) async fn give_back(&mut self, lease: &Lease, refund: PendingRefund) -> Result<Step> {
        let Some(intent) = lease.intent_id.as_deref() else {
            return Ok(Step::RefundRefused { doubted: false });
        };
        let step = self.give_part_back(lease, intent, refund).await?;
        let may_end = !refund.begun_before || has_waited(lease);
        if may_end && self.is_not_known(&step, intent).await {
            tracing::warn!(order = %lease.order, "a refund has failed: its payment is not known");
            return Ok(Step::RefundRefused { doubted: false });
        }
        Ok(step)
    }

    /// Whoever goes on with a refund that was begun before looks first whether it was made: the provider may have
    /// forgotten its key.
    async fn give_part_back(
        &mut self,
        lease: &Lease,
        intent: &str,
        mut refund: PendingRefund,
    ) -> Result<Step> {
        if refund.begun_before
            && let Some(step) = self.stands(lease, intent, refund).await
        {
            return Ok(step);
        }
        let mut reply = self.refund_part(lease, intent, refund).await;
        if is_spent(&reply) {
            // What a key says for ever tells how its first try went, and not whether that gave anything back.
            if let Some(step) = self.stands(lease, intent, refund).await {
                return Ok(step);
            }
            refund.attempt += 1;
            lease.remember_refund(self.database, refund).await?;
            reply = self.refund_part(lease, intent, refund).await;
        }
        if is_spent(&reply) {
            return Ok(Step::Unknown(operator(lease, "the keys of a refund of it are spent")));
        }
        Ok(self.asked_to_give(lease, intent, refund, reply).await)
    }

    /// What the answer to a refund means.
    async fn asked_to_give(
        &mut self,
        lease: &Lease,
        intent: &str,
        refund: PendingRefund,
        reply: Reply<Refund>,
    ) -> Step {
        match reply.outcome {
            // A replay says how things stood when the key was used first.
            Outcome::Answered(_) if reply.replayed => {
                let listed = self.stands(lease, intent, refund).await;
                listed.unwrap_or_else(|| Step::Unknown(operator(lease, NOT_LISTED)))
            }
            Outcome::Answered(answered) => made(lease, refund, answered),
            Outcome::Refused(refusal) => self.refund_refused(lease, intent, refund, refusal).await,
            outcome => unanswered(lease, outcome),
        }
    }

    /// How the refund stands at the provider; `None` if it was never made.
    async fn stands(&mut self, lease: &Lease, intent: &str, refund: PendingRefund) -> Option<Step> {
        let mut found = match self.find_refund(lease, intent, &|known| is_it(lease, refund, known)).await {
            Ok(found) => found?,
            Err(step) => return Some(step),
        };
        if is_made(&found) {
            // With what else went back meanwhile.
            match self.retrieve(lease, intent).await {
                Ok(intent) => found.charge = intent.charge,
                Err(step) => return Some(step),
            }
        }
        Some(made(lease, refund, found))
    }

    /// Under the key of its attempt, which is the same for whoever goes on with it: two who do make one refund.
    async fn refund_part(&mut self, lease: &Lease, intent: &str, refund: PendingRefund) -> Reply<Refund> {
        let PendingRefund { id, amount, attempt, .. } = refund;
        let attempt = u32::try_from(attempt).unwrap_or_default();
        let (order, until) = (lease.order.0, self.calling());
        let reply = self.payments.refund_part(order, intent, amount, id, attempt, until).await;
        let reply = believed(lease, intent, Some(id), reply);
        KillPoint::AfterRefund.reached();
        self.observe(&reply);
        reply
    }

    /// A refund ends by a refusal that is about it. Any other is the shop's fault and passes, or a proxy's, which may
    /// have forwarded what it refuses.
    async fn refund_refused(
        &mut self,
        lease: &Lease,
        intent: &str,
        refund: PendingRefund,
        refusal: Refusal,
    ) -> Step {
        match self.stands(lease, intent, refund).await {
            // Also where the look was in vain.
            Some(step) if refusal.is_of_the_refund() => step,
            Some(step @ (Step::PartRefunded { .. } | Step::RefundRefused { .. })) => step,
            None if refusal.is_of_the_refund() => {
                // Somebody gave it back at the provider's dashboard: what is left is found out by whoever looks next.
                tracing::warn!(order = %lease.order, "a refund was refused: {refusal}");
                Step::RefundRefused { doubted: true }
            }
            _ => unanswered(lease, Outcome::<Refund>::Refused(refusal)),
        }
    }

    async fn find_refund(
        &mut self,
        lease: &Lease,
        intent: &str,
        is: Enough<'_>,
    ) -> Result<Option<Refund>, Step> {
        Ok(self.refunds(lease, intent, is).await?.into_iter().find(|refund| is(refund)))
    }

    /// What was given back of the payment, by whomever, the newest first: all of it, or as much as is enough.
    async fn refunds(
        &mut self,
        lease: &Lease,
        intent: &str,
        enough: Enough<'_>,
    ) -> Result<Vec<Refund>, Step> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..PAGES {
            let reply = self.payments.list_refunds(intent, after.as_deref(), self.calling()).await;
            let Refunds { data, has_more } = self.looked(lease, of_the_payment(lease, intent, reply))?;
            after = data.last().map(|refund| refund.id.clone());
            let found = data.iter().any(enough);
            all.extend(data);
            if found || !has_more {
                return Ok(all);
            }
            if after.is_none() {
                break;
            }
        }
        Err(Step::Unknown(operator(lease, "more refunds of it are listed than can be read")))
    }
}

/// How long what the provider does not know has to stay unknown, in seconds, until keys that were exchanged by mistake
/// are no explanation any more.
const FORGOTTEN: i64 = 24 * 3600;

fn has_waited(lease: &Lease) -> bool {
    lease.waited >= FORGOTTEN
}

/// Whether nothing is left to wait for where the provider does not know the payment: all of it is back, or nobody has
/// mended that for long.
fn is_over(lease: &Lease) -> bool {
    lease.status.is_final() && (lease.unrefunded() <= 0 || has_waited(lease))
}

/// Said of an answer that the list of what was made does not bear out.
const NOT_LISTED: &str = "the payment provider says that it has made a refund of it, and does not list it";

/// Said of a refund that somebody has to do something about at the provider.
const WAITS_THERE: &str = "a refund of it waits for something at the payment provider";

/// Said of an answer that the charge does not bear out.
const NOT_GIVEN_BACK: &str =
    "the payment provider says that it was given back already, and its charge does not show that";

/// Said where the charge tells nothing.
const NOT_SHOWN: &str = "the payment provider does not show how much of its charge went back";

/// What is said of a refund counts where that is of this order's payment, as far as it says, and says so: a proxy, a
/// double or a cache in between may answer with another's.
fn believed(lease: &Lease, intent: &str, asked_for: Option<Uuid>, mut reply: Reply<Refund>) -> Reply<Refund> {
    if let Outcome::Answered(refund) = &reply.outcome
        && !(is_of(lease, intent, refund)
            && refund.refund_id.is_none_or(|id| asked_for == Some(id))
            && names_its_payment(refund))
    {
        reply.outcome = Outcome::Unknown(Unknown::AnotherPayment);
    }
    reply
}

/// The same of a list, which is of nothing but this payment's refunds, by whomever.
fn of_the_payment(lease: &Lease, intent: &str, mut reply: Reply<Refunds>) -> Reply<Refunds> {
    if let Outcome::Answered(page) = &reply.outcome
        && !page.data.iter().all(|refund| is_of(lease, intent, refund))
    {
        reply.outcome = Outcome::Unknown(Unknown::AnotherPayment);
    }
    reply
}

/// Whether nothing of a refund is another payment's. What it does not say is no contradiction.
fn is_of(lease: &Lease, intent: &str, refund: &Refund) -> bool {
    let Refund { amount, currency, intent_id, order_id, charge, .. } = refund;
    intent_id.as_deref().is_none_or(|of| of == intent)
        && order_id.is_none_or(|order| order == lease.order.0)
        && currency.as_deref().is_none_or(|currency| currency == lease.currency.as_str())
        && (1..=lease.amount).contains(amount)
        && charge.as_ref().is_none_or(|charge| is_charge_of(lease, charge))
}

fn names_its_payment(refund: &Refund) -> bool {
    let Refund { intent_id, order_id, refund_id, charge, .. } = refund;
    intent_id.is_some() || order_id.is_some() || refund_id.is_some() || charge.is_some()
}

/// One that the order has never been shown may be whichever its payment has.
fn is_charge_of(lease: &Lease, charge: &Charge) -> bool {
    lease.charge_id().is_none_or(|id| id == charge.id)
}

/// How much went back of the order's charge, where this shows it; what cannot be is not shown.
fn shown(lease: &Lease, charge: &Charge) -> Option<i64> {
    let counts = is_charge_of(lease, charge) && charge.status != Some(ChargeStatus::Failed);
    charge.refunded.filter(|refunded| counts && (0..=lease.amount).contains(refunded))
}

/// Whether the provider made this refund for ours.
fn is_it(lease: &Lease, refund: PendingRefund, known: &Refund) -> bool {
    match known.refund_id {
        Some(id) => id == refund.id,
        // By a version of the functions that did not say which: one at a time is under way.
        None => {
            known.order_id == Some(lease.order.0)
                && known.amount == refund.amount
                && known.created.is_some_and(|created| created >= refund.begun_at - CLOCKS)
        }
    }
}

fn is_made(refund: &Refund) -> bool {
    matches!(refund.status, RefundStatus::Succeeded | RefundStatus::Pending)
}

fn is_refunded(reply: &Reply<Refund>) -> bool {
    matches!(&reply.outcome, Outcome::Refused(refusal) if refusal.is_already_refunded())
}

/// Whether only another key gets further. A refusal that is about the refund ends it, replayed or not.
fn is_spent(reply: &Reply<Refund>) -> bool {
    let ends = |outcome: &Outcome<Refund>| matches!(outcome, Outcome::Refused(refusal) if refusal.is_of_the_refund());
    reply.key_is_spent() && !ends(&reply.outcome)
}

/// What did not arrive: the provider's ids, and ours where it knows them.
fn failed(refunds: &[Refund]) -> Vec<String> {
    let ended = |refund: &&Refund| matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled);
    let ids = refunds.iter().filter(ended).map(|refund| {
        let ours = refund.refund_id.map(|id| id.to_string());
        std::iter::once(refund.id.clone()).chain(ours)
    });
    ids.flatten().collect()
}

/// What it makes of a paid order that so much was given back.
fn given_back(lease: &Lease, refunded: i64, failed: Vec<String>) -> Step {
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
        elsewhere(lease, &told);
    }
    Step::GivenBack { refunded, status, failed }
}

fn elsewhere(lease: &Lease, told: &str) {
    telemetry::count(Counter::RefundsElsewhere);
    tracing::warn!(order = %lease.order, "order {}: {told} at the provider, and not by us", lease.order);
}

/// What a refund means that the provider made for ours. Only where it will not be made for certain it has failed: the
/// next one would be made beside it.
fn made(lease: &Lease, refund: PendingRefund, made: Refund) -> Step {
    if made.amount != refund.amount {
        let told = format!("its refund of {} was answered with one of {}", refund.amount, made.amount);
        return Step::Unknown(operator(lease, &told));
    }
    match made.status {
        RefundStatus::Succeeded | RefundStatus::Pending => part_refunded(lease, refund, made),
        RefundStatus::Failed | RefundStatus::Canceled => {
            operator(lease, "a refund of it did not succeed");
            Step::RefundRefused { doubted: true }
        }
        RefundStatus::RequiresAction | RefundStatus::Unrecognised => {
            Step::Unknown(operator(lease, WAITS_THERE))
        }
    }
}

/// It was made. How much went back in all, the charge tells: somebody may have given back more at the dashboard.
fn part_refunded(lease: &Lease, refund: PendingRefund, made: Refund) -> Step {
    let known = lease.refunded + refund.amount;
    let charge = made.charge.as_ref().and_then(|charge| shown(lease, charge));
    let shown = charge.map_or(known, |shown| shown + lease.otherwise);
    if shown > known {
        elsewhere(lease, &format!("{} more than our {known} were given back", shown - known));
    }
    Step::PartRefunded {
        refunded: shown.max(known),
        whole: shown >= lease.amount,
        // Another refund has failed, the answer is of before this one, or it does not show its charge: a look at that
        // tells.
        doubted: shown < known || charge.is_none(),
        refund_id: made.id,
    }
}
