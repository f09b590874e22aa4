//! Finding out what became of an order's key at the provider, and the intent that was made under it.

use std::time::Duration;

use time::OffsetDateTime;

use super::Provider;
use super::meaning::{believed, unanswered};
use crate::checkout::Lease;
use crate::checkout::settle::Step;
use crate::kill_point::KillPoint;
use crate::payments::{Decline, Intents, Outcome, Reply};

/// For how long the order's key is sent again, in seconds (`claim.sql` has the same): well under the 24 hours for
/// which it is remembered, and short enough to list what was made meanwhile.
const IN_USE: i64 = 3600;

/// By how much our clocks and the provider's may differ.
pub(super) const CLOCKS: i64 = 60;

/// How late a search may show what was made, in bad times.
const SEARCH_LAG: i64 = 3600;

/// When to look again after a search that may have shown too little.
const LAGGING: Duration = Duration::from_mins(5);

/// How many pages of a hundred intents are read before searching: what a shop at Stripe's limit makes in more than a
/// minute, and some six seconds of an invocation.
pub(super) const PAGES: u32 = 20;

impl Provider<'_> {
    /// What became of the order's key, which charges nothing new from now on: its intent, if there is one.
    pub(super) async fn learn(&mut self, lease: &Lease) -> Result<Option<String>, Step> {
        if lease.key.may_be_forgotten {
            return self.find(lease).await;
        }
        let (order, money) = (lease.order.0, lease.money());
        let fence = self.payments.fence(order, &money, &lease.payment_method, self.calling()).await;
        let fence = believed(lease, fence);
        KillPoint::AfterCreate.reached();
        self.observe(&fence);
        // It was used to pay: the same once more says what came of that, and does no more.
        let reply = if fence.outcome == Outcome::KeyReused { self.pay(lease).await } else { fence };
        let spent = reply.key_is_spent();
        match reply.outcome {
            Outcome::Answered(intent) => Ok(Some(intent.id)),
            Outcome::Declined(Decline { intent: Some(intent), .. }) => Ok(Some(intent.id)),
            Outcome::Declined(_) => self.find(lease).await,
            _ if spent => self.find(lease).await,
            outcome => Err(unanswered(lease, outcome)),
        }
    }

    /// The intent that was made for this order while its key was in use, if there is one.
    pub(super) async fn find(&mut self, lease: &Lease) -> Result<Option<String>, Step> {
        let asked = lease.key.used_at.unwrap_or_default();
        let made = (asked - CLOCKS, asked + IN_USE + CLOCKS);
        let mut after = None;
        for _ in 0..PAGES {
            let reply = self.payments.list_intents(made, after.as_deref(), self.calling()).await;
            let page = self.looked(lease, reply)?;
            let found = of_order(lease, &page);
            if found.is_some() || !page.has_more {
                return Ok(found);
            }
            after = page.data.last().map(|intent| intent.id.clone());
        }
        // Too many to read. A search finds it at once, but shows nothing that was made lately.
        let reply = self.payments.search_intents(lease.order.0, self.calling()).await;
        let found = of_order(lease, &self.looked(lease, reply)?);
        let settled = OffsetDateTime::now_utc().unix_timestamp() > made.1 + SEARCH_LAG;
        if found.is_some() || settled { Ok(found) } else { Err(Step::Unknown(LAGGING)) }
    }

    /// What was looked at, or what the order waits for without it.
    pub(super) fn looked<T>(&mut self, lease: &Lease, reply: Reply<T>) -> Result<T, Step> {
        KillPoint::AfterLook.reached();
        self.observe(&reply);
        match reply.outcome {
            Outcome::Answered(found) => Ok(found),
            outcome => Err(unanswered(lease, outcome)),
        }
    }
}

/// The order's intent among these; one on which something was tried before any other.
fn of_order(lease: &Lease, page: &Intents) -> Option<String> {
    let ours = page.data.iter().filter(|intent| intent.order_id == Some(lease.order.0));
    ours.max_by_key(|intent| intent.attempted).map(|intent| intent.id.clone())
}
