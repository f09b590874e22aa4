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

/// Orders of one run: a hundred calls to SQS, and about what five charge workers with five orders each get done in the
/// minute until the next, at 1.5 s an order. More at once would be nudged again before their turn has come.
const MOST: i64 = 1000;

/// The same while the provider is away: the worker can only put them off again.
const FEW: i64 = 100;

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

async fn order_sweeper(app: App, _event: Value, _limit: TimeLimit) -> Result<Swept> {
    let oldest = orders::oldest_unfinished(&app.database).await?;
    telemetry::set(Gauge::OldestUnfinishedOrder, oldest.as_secs());
    let (products, lost) = announce_again(&app).await?;
    let orders = nudge_due(&app).await?;
    // Last: nothing waits for it.
    let ranked = catalog::rank(&app.database).await?;
    tracing::info!(
        orders,
        products,
        lost,
        ranked,
        "nudged {orders} orders, announced {products} products, {lost} invalidations lost, ranked {ranked} products"
    );
    Ok(Swept { orders, products, lost, ranked })
}

async fn nudge_due(app: &App) -> Result<usize> {
    let limit = if provider_is_well(app).await { MOST } else { FEW };
    let orders = orders::take_due(&app.database, limit).await?;
    let queue = app.charging.queue().await?;
    for some in orders.chunks(queue::BATCH) {
        let bodies = some.iter().map(|&order_id| Nudge { order_id }.body());
        // They are due again in a minute.
        queue.send_batch(bodies).await.map_err(internal)?;
        KillPoint::AfterSendBatch.reached();
    }
    Ok(orders.len())
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
