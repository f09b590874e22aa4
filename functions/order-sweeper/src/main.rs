//! Every minute: finds what a crash or an outage left behind.
//!
//! It nudges somebody to look at every order that is due, and announces products again that were changed while Redis
//! may have been away. And it says how far behind we are, and once an hour which products sell.

use serde::Serialize;
use serde_json::Value;
use shared::app::App;
use shared::aws::queue;
use shared::error::{Result, internal};
use shared::kill_point::KillPoint;
use shared::orders::{self, Nudge};
use shared::telemetry::{self, Gauge};
use shared::time_limit::TimeLimit;
use shared::{catalog, events};

/// Orders of one run: a hundred calls to SQS. Five charge workers with five orders each get twice as many done in the
/// minute until the next, at 0.7 s an order, where the provider's limit lets them.
const MOST: i64 = 1000;

/// The same while the provider is away: the worker can only put them off again.
const FEW: i64 = 100;

/// Seconds until the next run, in which what this one nudged is to be done: `due.sql` puts it off by as many.
const MINUTE: i64 = 60;

/// Products of one exchange with Redis, so that a busy minute fits its time limit.
const BATCH: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), events::Fatal> {
    events::serve(order_sweeper).await
}

#[derive(Serialize)]
struct Swept {
    orders: usize,
    products: usize,
    /// Invalidations that Redis did not confirm, of products or of lists that may hold them. The next run tries again.
    lost: usize,
    /// Products that sell better or worse than was known, once an hour.
    ranked: u64,
}

async fn order_sweeper(app: App, _event: Value, limit: TimeLimit) -> Result<Swept> {
    // Each step is taken whatever became of the others, or one that fails in every run would stop those behind it for
    // good. Money first; last what nothing waits for.
    let orders = nudge_due(&app, limit).await;
    let oldest = orders::oldest_unfinished(&app.database).await;
    let announced = announce_again(&app).await;
    let ranked = catalog::rank(&app.database).await;

    if let Ok(oldest) = &oldest {
        telemetry::set(Gauge::OldestUnfinishedOrder, oldest.as_secs());
    }
    let (orders, _, (products, lost), ranked) = (orders?, oldest?, announced?, ranked?);
    tracing::info!(
        orders,
        products,
        lost,
        ranked,
        "nudged {orders} orders, announced {products} products, {lost} invalidations lost, ranked {ranked} products"
    );
    Ok(Swept { orders, products, lost, ranked })
}

async fn nudge_due(app: &App, limit: TimeLimit) -> Result<usize> {
    let most = if provider_is_well(app).await { at_most(app.charging.tokens.flow()) } else { FEW };
    let orders = orders::take_due(&app.database, most).await?;
    let queue = app.charging.queue().await?;
    let mut nudged = 0;
    for some in orders.chunks(queue::BATCH) {
        // Those that are left are due again in a minute, and so are those that SQS does not take. The limit of 20 s
        // leaves the steps after this more than half of the invocation.
        if limit.left().is_zero() {
            tracing::warn!(nudged, "SQS is slow: {nudged} of {} orders were nudged", orders.len());
            break;
        }
        let bodies = some.iter().map(|&order_id| Nudge { order_id }.body());
        queue.send_batch(bodies).await.map_err(internal)?;
        nudged += some.len();
        KillPoint::AfterSendBatch.reached();
    }
    Ok(nudged)
}

/// No more than the provider takes until the next run, while nobody checks out: what is nudged before its turn has come
/// is only nudged again. How much checkouts leave of that nobody knows beforehand; about a quarter is kept for them.
fn at_most(flow: Option<u32>) -> i64 {
    flow.map_or(MOST, |a_second| MOST.min(MINUTE * i64::from(a_second)))
}

/// As far as Redis knows.
async fn provider_is_well(app: &App) -> bool {
    app.redis.batch(app.charging.breaker.show()).await.is_some_and(|shown| shown.machine.is_closed())
}

/// How many products changed lately, and how many invalidations Redis did not confirm. Harmless where the first
/// announcement arrived: a product of the same version or a newer one stays, and lists are read once more. What is lost
/// is announced by the next run, and by each one after it until Redis confirms.
async fn announce_again(app: &App) -> Result<(usize, usize)> {
    let unannounced = catalog::unannounced(&app.database).await?;
    let mut lost = 0;
    for some in unannounced.changed.chunks(BATCH) {
        lost += app.redis.insist(app.announce(some)).await;
    }
    if lost == 0 {
        catalog::announced(&app.database, &unannounced).await?;
    }
    Ok((unannounced.changed.len(), lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_orders_are_nudged_than_the_provider_takes_until_the_next_run() {
        for (flow, most) in [(None, 1000), (Some(20), 1000), (Some(16), 960), (Some(3), 180)] {
            assert_eq!(at_most(flow), most, "{flow:?}");
        }
    }
}
