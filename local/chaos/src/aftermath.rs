//! After the faults: the sweeper runs until every order is finished, as it would on any day after an outage.

use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::customer::Customer;
use super::dice::Dice;
use super::shop;
use super::world::World;
use cloud::progress::say;

/// What is not finished by then never will be.
const LIMIT: Duration = Duration::from_secs(100);
/// Long enough for a lease of 30 s that was taken last by a process that died.
const CLIENTS_TRY: Duration = Duration::from_mins(1);

/// Waits until every order is finished; how many are not when the limit has passed.
pub(super) async fn settle(world: &World) -> Result<usize> {
    let end = Instant::now() + LIMIT;
    let mut dice = Dice::new(world.seed, 2);
    ask_again(world).await;
    loop {
        banks_answer(world, &mut dice).await?;
        let unfinished = unfinished(world).await?;
        if unfinished == 0 || Instant::now() > end {
            return Ok(unfinished);
        }
        time_passes(world).await?;
        world.sweep().await;
        sleep(Duration::from_secs(1)).await;
    }
}

/// Everybody who has no final answer yet asks again under the same key; so does whoever submitted twice, was refused
/// once and heard nothing of the other, which may have placed the order.
async fn ask_again(world: &World) {
    let until = Instant::now() + CLIENTS_TRY;
    let open: Vec<usize> = world
        .witness
        .seen()
        .purchases
        .iter()
        .enumerate()
        .filter(|(_, purchase)| {
            let refused = purchase.said.iter().all(|said| said.order.is_empty());
            purchase.said.is_empty() || (purchase.unheard && refused)
        })
        .map(|(number, _)| number)
        .collect();
    let submits = open.iter().map(|&number| async move {
        let customer = Customer::new(world, world.witness.purchase(number).user, Some(until));
        if customer.submit(number, None).await.is_none() {
            world
                .witness
                .complain(format!("purchase {number} got no final answer after the faults had ended"));
        }
    });
    // Leases of those that died run out meanwhile, and orders go on.
    let sweeps = async {
        loop {
            time_passes(world).await.unwrap_or_else(|error| say(format_args!("  {error:#}")));
            world.sweep().await;
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        _ = futures::future::join_all(submits) => {}
        () = sweeps => {}
    }
}

/// Last look: every product, by readers that come after everything.
pub(super) async fn browse(world: &World) {
    for product in 1..=shop::PRODUCTS {
        // Each by somebody who was not there before, and so is over no limit.
        let customer = Customer::new(world, shop::LAST_VISITORS + product, Some(Instant::now()));
        for _ in 0..2 {
            customer.browse(product).await;
            customer.search(product).await;
        }
    }
}

async fn unfinished(world: &World) -> Result<usize> {
    let sql = "select (select count(*) from orders where status not in ('paid', 'failed', 'cancelled', 'refunded')) \
               + (select count(*) from refunds where status = 'pending')";
    Ok(world.services.cloud().sql(sql).await?.parse()?)
}

/// Waits end now, and deadlines of orders that wait for their customers: those of others are a day away, and what is
/// left of them is to be charged. Leases do not end: whoever holds one may still be at work.
async fn time_passes(world: &World) -> Result<()> {
    let sql = "update orders set next_attempt_at = least(next_attempt_at, now()), \
               deadline = case when status = 'action_required' then least(deadline, now()) else deadline end \
               where id in (select id from orders where next_attempt_at > now() \
               and (lease_until is null or lease_until < now()) for update skip locked)";
    world.services.cloud().sql(sql).await.map(drop)
}

/// Payments that a bank has been looking at for long enough end one way or the other.
pub(super) async fn banks_answer(world: &World, dice: &mut Dice) -> Result<()> {
    let sql = "select intent_id from payments join orders on orders.id = order_id \
               where payment_method = 'pm_card_processing' and intent_id is not null \
               and status not in ('paid', 'failed', 'cancelled', 'refunded') order by order_id";
    let intents = world.services.cloud().sql(sql).await?;
    for intent in intents.lines() {
        // Refused for one that is not in the bank's hands (yet).
        world.provider.settle(intent, dice.percent(75)).await.ok();
    }
    Ok(())
}
