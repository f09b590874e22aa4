//! How each fault strikes, and how it ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::dice::Dice;
use super::faults::Fault;
use super::services::Services;
use super::world::World;
use cloud::service::Service;
use lambda::runtime_api::Snapshot;
use provider::{Control, Fault as Order, Kind, WebhookChange};

/// How much slower a slow provider answers: over the client's time limit of 5 s now and then.
const SLOW_MS: (u32, u32) = (300, 6_000);
/// How much later comes what is sent over a slow line, each way: over Redis' time limit of 100 ms or under it.
const SLOW_LINE_MS: (u32, u32) = (20, 400);

/// Who holds leases, and how many environments of it stand still when these run out; others have to take them over.
const HOLDERS: [(&str, usize); 2] = [("checkout", 4), ("charge-worker", 2)];

/// What a fault does.
enum Blow {
    /// The provider does this to six requests in ten.
    Misbehaves(Kind),
    IsSlow,
    RefusesConnections,
    ProviderDies,
    ForgetsKeys,
    Webhooks(WebhookChange),
    /// Killed, and started again after this time.
    Dies(Service, Duration),
    Pauses(Service),
    LineSlows(Service),
    LineBreaks(Service),
    LineHoldsBack(Service),
    QueueIsEmptied,
    MessagesRepeat,
    LeasesRunOut,
    FunctionDies,
    FunctionPauses,
}

impl Blow {
    fn of(fault: Fault, length: Duration) -> Self {
        match fault {
            Fault::ProviderRefuses => Self::RefusesConnections,
            Fault::ProviderDies => Self::ProviderDies,
            Fault::ProviderCuts => Self::Misbehaves(Kind::Drop),
            Fault::ProviderFails => Self::Misbehaves(Kind::Fail),
            Fault::ProviderFailsForEver => Self::Misbehaves(Kind::FailForEver),
            Fault::ProviderHangs => Self::Misbehaves(Kind::Hang),
            Fault::ProviderLimits => Self::Misbehaves(Kind::RateLimit),
            Fault::ProviderActsTwice => Self::Misbehaves(Kind::ActTwice),
            Fault::ProviderActsAndCuts => Self::Misbehaves(Kind::ActThenDrop),
            Fault::ProviderActsAndHangs => Self::Misbehaves(Kind::ActThenHang),
            Fault::ProviderActsAndFails => Self::Misbehaves(Kind::ActThenFail),
            Fault::ProviderActsAndFailsForEver => Self::Misbehaves(Kind::ActThenFailForEver),
            Fault::ProviderActsAndGarbles => Self::Misbehaves(Kind::ActThenGarble),
            Fault::ProviderIsSlow => Self::IsSlow,
            Fault::ProviderForgetsKeys => Self::ForgetsKeys,
            Fault::ProviderLineSlows => Self::LineSlows(Service::Payments),
            Fault::ProviderLineBreaks => Self::LineBreaks(Service::Payments),
            Fault::ProviderLineHoldsBack => Self::LineHoldsBack(Service::Payments),
            Fault::WebhooksGoAstray => Self::Webhooks(astray()),
            Fault::WebhooksOvertake => Self::Webhooks(overtaking()),
            Fault::RedisDies => Self::Dies(Service::Redis, length),
            Fault::RedisPauses => Self::Pauses(Service::Redis),
            Fault::RedisIsEmptied => Self::Dies(Service::Redis, Duration::ZERO),
            Fault::RedisLineSlows => Self::LineSlows(Service::Redis),
            Fault::RedisLineBreaks => Self::LineBreaks(Service::Redis),
            Fault::RedisLineHoldsBack => Self::LineHoldsBack(Service::Redis),
            Fault::SqsDies => Self::Dies(Service::Sqs, length),
            Fault::SqsPauses => Self::Pauses(Service::Sqs),
            Fault::SqsIsEmptied => Self::QueueIsEmptied,
            Fault::SqsRepeats => Self::MessagesRepeat,
            Fault::PgbouncerDies => Self::Dies(Service::Pgbouncer, length),
            Fault::PgbouncerPauses => Self::Pauses(Service::Pgbouncer),
            Fault::PostgresDies => Self::Dies(Service::Postgres, length / 2),
            Fault::PostgresPauses => Self::Pauses(Service::Postgres),
            Fault::PostgresLineSlows => Self::LineSlows(Service::Pgbouncer),
            Fault::PostgresLineBreaks => Self::LineBreaks(Service::Pgbouncer),
            Fault::PostgresLineHoldsBack => Self::LineHoldsBack(Service::Pgbouncer),
            Fault::LeasesRunOut => Self::LeasesRunOut,
            Fault::FunctionDies => Self::FunctionDies,
            Fault::FunctionPauses => Self::FunctionPauses,
        }
    }
}

/// Strikes, and returns when all is well again.
pub(super) async fn strike(world: &World, fault: Fault, length: Duration, dice: &mut Dice) -> Result<()> {
    let services = &world.services;
    match Blow::of(fault, length) {
        Blow::Misbehaves(kind) => order(world, fault, kind, Duration::ZERO, length).await,
        Blow::IsSlow => {
            let delay = dice.pause(SLOW_MS.0, SLOW_MS.1);
            order(world, fault, Kind::Delay, delay, length).await
        }
        Blow::RefusesConnections => refuse_connections(world, length).await,
        Blow::ProviderDies => {
            let _alone = world.provider_is_struck.lock().await;
            services.kill(Service::Payments, length / 4).await
        }
        Blow::ForgetsKeys => pass_day(world).await,
        Blow::Webhooks(change) => webhooks(world, &change, length).await,
        Blow::Dies(service, absence) => services.kill(service, absence).await,
        Blow::Pauses(service) => services.pause(service, length).await,
        Blow::LineSlows(service) => slow_down(services, service, length, dice).await,
        Blow::LineBreaks(service) => break_again(services, service, length, dice).await,
        Blow::LineHoldsBack(service) => hold_back(services, service, length).await,
        Blow::QueueIsEmptied => world.queue.empty().await,
        Blow::MessagesRepeat => repeat(world, dice).await,
        Blow::LeasesRunOut => end_leases(world, length, dice).await,
        Blow::FunctionDies => {
            world.fleet.signal(busy(world, dice)?, Signal::SIGKILL);
            Ok(())
        }
        Blow::FunctionPauses => pause_function(world, length, dice).await,
    }
}

fn astray() -> WebhookChange {
    WebhookChange { enabled: Some(false), ..WebhookChange::default() }
}

fn overtaking() -> WebhookChange {
    let (delay_ms, copies, shuffle) = (Some(4_000), Some(3), Some(true));
    WebhookChange { delay_ms, copies, shuffle, ..WebhookChange::default() }
}

async fn refuse_connections(world: &World, length: Duration) -> Result<()> {
    let _alone = world.provider_is_struck.lock().await;
    world.provider.refuse(length).await?;
    world.services.unreachable(Service::Payments, sleep(length)).await;
    Ok(())
}

async fn pause_function(world: &World, length: Duration, dice: &mut Dice) -> Result<()> {
    let environment = busy(world, dice)?;
    while_they_stand_still(world, &[environment], sleep(length)).await;
    Ok(())
}

async fn while_they_stand_still<T>(world: &World, environments: &[u64], work: impl Future<Output = T>) -> T {
    let signal = |signal| {
        for &environment in environments {
            world.fleet.signal(environment, signal);
        }
    };
    signal(Signal::SIGSTOP);
    let done = work.await;
    signal(Signal::SIGCONT);
    done
}

/// Whatever is sent comes later.
async fn slow_down(services: &Services, service: Service, length: Duration, dice: &mut Dice) -> Result<()> {
    let line = services.line(service)?;
    line.delay(dice.pause(SLOW_LINE_MS.0, SLOW_LINE_MS.1));
    sleep(length).await;
    line.delay(Duration::ZERO);
    Ok(())
}

/// All connections break, and the next ones, and so on.
async fn break_again(services: &Services, service: Service, length: Duration, dice: &mut Dice) -> Result<()> {
    let line = services.line(service)?;
    let end = Instant::now() + length;
    while Instant::now() < end {
        line.cut();
        sleep(dice.pause(100, 500)).await;
    }
    // Whoever has sent nothing meanwhile must not meet this fault when it is over.
    line.hang_up();
    Ok(())
}

/// Nothing comes, and then everything at once, also what nobody waits for any more.
async fn hold_back(services: &Services, service: Service, length: Duration) -> Result<()> {
    let line = services.line(service)?;
    line.hold_back(true);
    sleep(length).await;
    line.hold_back(false);
    Ok(())
}

async fn order(world: &World, fault: Fault, kind: Kind, delay: Duration, length: Duration) -> Result<()> {
    let _alone = world.provider_is_struck.lock().await;
    let delay_ms = u64::try_from(delay.as_millis())?;
    let order = Order { percent: 60, delay_ms, ..Order::lasting(kind) };
    let requests = strike_requests(&world.provider, &order, sleep(length)).await?;
    world.count_requests(fault, requests);
    Ok(())
}

/// How many requests it struck in that time. If there were none nobody can have noticed, and it has not struck.
async fn strike_requests(provider: &Control, order: &Order, time: impl Future<Output = ()>) -> Result<usize> {
    provider.fault(order).await?;
    time.await;
    let requests = provider.end_faults().await?;
    ensure!(requests > 0, "nobody asked the provider anything meanwhile");
    Ok(requests)
}

async fn webhooks(world: &World, change: &WebhookChange, length: Duration) -> Result<()> {
    let _alone = world.provider_is_struck.lock().await;
    world.provider.webhooks(change).await?;
    sleep(length).await;
    let well = WebhookChange {
        enabled: Some(true),
        delay_ms: Some(0),
        copies: Some(1),
        shuffle: Some(false),
        ..WebhookChange::default()
    };
    world.provider.webhooks(&well).await
}

/// A day passes for orders that nobody can be at work on, here and at the provider: no key is forgotten earlier.
/// Nobody takes their leases in between. What somebody holds is left alone, here and below: whoever changes many orders
/// at once would wait for one while it holds others, which no statement of the shop does, and find deadlocks of its
/// own.
async fn pass_day(world: &World) -> Result<()> {
    let _alone = world.provider_is_struck.lock().await;
    let sql = "with idle as (
            update orders set lease_owner = gen_random_uuid(), lease_until = now() + interval '3 seconds'
            where id in (
                select id from orders
                where updated_at < now() - interval '30 seconds' and (lease_until is null or lease_until < now())
                for update skip locked
            )
            returning id
        ), aged as (
            update payments set attempted_at = attempted_at - interval '1 day' from idle where order_id = idle.id
        )
        select coalesce(json_agg(id), '[]') from idle";
    let orders = world.services.cloud().sql(sql).await?;
    world.provider.pass_day(&serde_json::from_str::<Vec<String>>(&orders)?).await
}

/// As after a failover to a server whose clock is ahead: whoever holds a lease goes on, and others may take it. Some
/// holders stand still until others have, or on a quick machine nobody would be at work any more.
async fn end_leases(world: &World, length: Duration, dice: &mut Dice) -> Result<()> {
    let holders: Vec<_> =
        HOLDERS.iter().flat_map(|&(name, most)| some_busy(world, name, most, dice)).collect();
    while_they_stand_still(world, &holders, async {
        let ended = run_leases_out(world).await;
        sleep(length).await;
        ended
    })
    .await
}

/// Environments of a function that are at work, in no order.
fn some_busy(world: &World, function: &str, most: usize, dice: &mut Dice) -> Vec<u64> {
    let busy = shuffled(world, dice).into_iter().filter(|one| one.busy && one.function == function);
    busy.map(|one| one.id).take(most).collect()
}

/// The sweeper comes at once. (Leases of older orders keep others out while a day passes.)
async fn run_leases_out(world: &World) -> Result<()> {
    let sql = "update orders set lease_until = now(), next_attempt_at = least(next_attempt_at, now()) \
               where id in (select id from orders where lease_until > now() \
               and updated_at > now() - interval '30 seconds' for update skip locked)";
    world.services.cloud().sql(sql).await?;
    world.sweep().await;
    Ok(())
}

/// Nudges about orders of all ages, most of which are finished.
async fn repeat(world: &World, dice: &mut Dice) -> Result<()> {
    let seen = world.witness.seen();
    let orders: Vec<_> = seen.purchases.iter().flat_map(|purchase| &purchase.said).collect();
    let last = u32::try_from(orders.len())?.checked_sub(1).context("nobody has an order yet")?;
    let mut messages = Vec::new();
    for _ in 0..10 {
        let order = orders.get(usize::try_from(dice.number(0, last))?).context("an order")?;
        messages.push(json!({ "order_id": order.order }).to_string());
    }
    world.queue.send(messages).await
}

/// An environment with an invocation, or any where none has.
fn busy(world: &World, dice: &mut Dice) -> Result<u64> {
    let environments = shuffled(world, dice);
    let one = environments.iter().find(|one| one.busy).or(environments.first());
    one.map(|one| one.id).context("no function runs")
}

fn shuffled(world: &World, dice: &mut Dice) -> Vec<Snapshot> {
    let mut environments = world.fleet.environments();
    dice.shuffle(&mut environments);
    environments
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use provider::{Settings, WebhookSettings, serve};
    use shared::payments::Secret;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_fault_of_the_provider_that_no_request_has_met_has_not_struck() {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let secret = Secret::new("sk_test_chaos");
        let settings = Settings {
            data: folder.path().to_owned(),
            secret_key: secret.clone(),
            webhooks: WebhookSettings::new(None, secret),
        };
        let strikes = async {
            let provider = Control::new(&address).expect("a client");
            let fault = Order::lasting(Kind::Fail);
            let asked = async || drop(reqwest::get(format!("{address}/v1/payment_intents/pi_1")).await);
            assert!(strike_requests(&provider, &fault, ready(())).await.is_err());
            assert_eq!(strike_requests(&provider, &fault, asked()).await.expect("strikes"), 1);
        };
        tokio::select! {
            ended = serve(listener, settings) => panic!("the provider has ended: {ended:?}"),
            () = strikes => {}
        }
    }
}
