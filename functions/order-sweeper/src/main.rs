//! Every minute: finds what a crash or an outage left behind.
//!
//! It nudges somebody to look at every order that is due, and invalidates the products of the last minutes again, in
//! case Redis was away when they were changed. And it says how far behind we are.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use shared::{
    app::App,
    catalog::{self, Changed, FEATURED_KEY},
    error::{Result, internal},
    events,
    kill_point::KillPoint,
    orders::{self, Nudge},
    queue,
    telemetry::{self, Gauge},
    time_limit::TimeLimit,
};

/// Orders of one run: a hundred calls to SQS, and about what five charge workers with five orders each get done in the
/// minute until the next, at 1.5 s an order. More at once would be nudged again before their turn has come.
const MOST: i64 = 1000;

/// The same while the provider is away: the worker can only put them off again.
const FEW: i64 = 100;

/// Products of one exchange with Redis, so that a busy minute fits its time limit.
const BATCH: usize = 100;

/// Products changed longer ago were invalidated by an earlier run, or have expired since.
const RECENT: Duration = Duration::from_mins(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), events::Fatal> {
    events::serve(order_sweeper).await
}

#[derive(Serialize)]
struct Swept {
    orders: usize,
    products: usize,
    /// Of the products: those whose invalidation Redis did not confirm. The next run tries again.
    lost: usize,
}

async fn order_sweeper(app: App, _event: Value, _limit: TimeLimit) -> Result<Swept> {
    let oldest = orders::oldest_unfinished(&app.database).await?;
    telemetry::set(Gauge::OldestUnfinishedOrder, oldest.as_secs());
    let (products, lost) = invalidate_recent(&app).await?;
    let orders = nudge_due(&app).await?;
    tracing::info!(
        orders,
        products,
        lost,
        "nudged {orders} orders, invalidated {products} products, {lost} in vain"
    );
    Ok(Swept { orders, products, lost })
}

async fn nudge_due(app: &App) -> Result<usize> {
    let limit = if provider_is_well(app).await { MOST } else { FEW };
    let orders = orders::take_due(&app.database, limit).await?;
    let queue = app.queue().await?;
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
    app.redis.batch(app.payment_breaker.show()).await.is_some_and(|shown| shown.machine.is_closed())
}

/// How many products changed lately, and how many of their invalidations Redis did not confirm. Harmless where the
/// first invalidation arrived: a value of the same version or a newer one stays.
async fn invalidate_recent(app: &App) -> Result<(usize, usize)> {
    let changed = catalog::changed_within(&app.database, RECENT).await?;
    let mut lost = 0;
    for some in changed.chunks(BATCH) {
        let invalidate =
            |product: &Changed| app.products.invalidate(&product.id.to_string(), product.version);
        let invalidations: Vec<_> = some.iter().map(invalidate).collect();
        let (delivered, _) = app.redis.insist((invalidations, app.featured.evict(FEATURED_KEY))).await;
        lost += delivered.into_iter().filter(|delivered| !delivered).count();
    }
    Ok((changed.len(), lost))
}
