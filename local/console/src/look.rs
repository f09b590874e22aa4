//! How things stand, looked at once a second.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use cloud::record::{self, State as Standing};
use cloud::service::Service;
use cloud::{APPLICATION, Cloud, DATABASE};

use crate::desk::{Desk, Inner, Sorry};
use crate::switches::SERVICES;

/// Whoever does not answer within this time is shown as away.
const PATIENCE: Duration = Duration::from_millis(800);

/// `POST /watch`: the product whose cache entry is to be looked at.
pub(crate) async fn watch(State(desk): State<Desk>, Json(order): Json<Watch>) -> Result<(), Sorry> {
    let id: uuid::Uuid = order.product.parse().map_err(|_| Sorry::bad("no product has such an id"))?;
    *desk.watched() = Some(id.to_string());
    Ok(())
}

#[derive(Deserialize)]
pub(crate) struct Watch {
    product: String,
}

/// Everything that the page shows once a second. What does not answer is null.
pub(crate) async fn state(desk: &Desk) -> Value {
    let watched = desk.watched().clone();
    let entry = async {
        match &watched {
            Some(product) => entry(&desk.cloud, product).await.ok(),
            None => None,
        }
    };
    let (postgres, pooler, entry, breaker) = tokio::join!(
        timeout(PATIENCE, postgres(&desk.cloud)),
        timeout(PATIENCE, pooler(&desk.cloud)),
        timeout(PATIENCE, entry),
        timeout(PATIENCE, breaker(desk)),
    );
    let (visitors, callers) = desk.visitors.numbers();
    json!({
        "services": services(&desk.cloud),
        "switches": &*desk.pulled(),
        "visitors": visitors,
        "callers": callers,
        "postgres": postgres.ok().and_then(Result::ok),
        "pooler": pooler.ok().and_then(Result::ok),
        "entry": entry.ok().flatten(),
        "breaker": breaker.ok().flatten(),
    })
}

fn services(cloud: &Cloud) -> BTreeMap<&'static str, bool> {
    let there = |service: Service| {
        record::read(&cloud.folder, service.name())
            .is_some_and(|record| record.state == Standing::Ready && record.alive().is_some())
    };
    let shown = SERVICES.into_iter().filter(|service| service.is_available());
    shown.map(|service| (service.name(), there(service))).collect()
}

/// Connections that the functions have at Postgres, and orders that wait for their next step.
async fn postgres(cloud: &Cloud) -> Result<Value> {
    let sql = format!(
        "select (select count(*) from pg_stat_activity where usename = '{APPLICATION}'), \
         (select count(*) from pg_stat_activity where usename = '{APPLICATION}' and state = 'active'), \
         (select count(*) from orders where next_attempt_at is not null)"
    );
    let counts = cloud.sql(Service::Postgres, DATABASE, &sql).await?;
    let counts: Vec<u64> = counts.split('|').map(str::parse).collect::<Result<_, _>>()?;
    let [connections, active, waiting] = counts[..] else { anyhow::bail!("three counts were expected") };
    Ok(json!({ "connections": connections, "active": active, "orders_waiting": waiting }))
}

/// Connections that environments have at `PgBouncer`, and those it has at Postgres.
async fn pooler(cloud: &Cloud) -> Result<Value> {
    let lists = cloud.sql(Service::Pgbouncer, "pgbouncer", "show lists").await?;
    let lists: BTreeMap<&str, u64> = lists
        .lines()
        .filter_map(|line| {
            let (name, count) = line.split_once('|')?;
            Some((name, count.parse().ok()?))
        })
        .collect();
    let count = |name| lists.get(name).copied().context("PgBouncer lists something else");
    // One of the clients is whoever asks here.
    let clients = count("used_clients")?.saturating_sub(1);
    Ok(json!({ "clients": clients, "servers": count("used_servers")? }))
}

/// The watched product's entry in Redis, without its value.
async fn entry(cloud: &Cloud, product: &str) -> Result<Value> {
    let url = format!("redis://127.0.0.1:{}", cloud.port(Service::Redis)?);
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let key = format!("cache:product:{product}");
    let ((seconds, micros), fields, ttl): ((u64, u64), Vec<Option<String>>, i64) = redis::pipe()
        .cmd("TIME")
        .cmd("HMGET")
        .arg(&key)
        .arg(&["kind", "version", "fresh", "stale", "token", "lease", "floor"])
        .cmd("PTTL")
        .arg(&key)
        .query_async(&mut connection)
        .await?;
    let now = seconds * 1000 + micros / 1000;
    let [kind, version, fresh, stale, token, lease, floor] = &fields[..] else {
        anyhow::bail!("seven fields were expected")
    };
    let until = |moment: &Option<String>| {
        let moment: Option<u64> = moment.as_ref().and_then(|moment| moment.parse().ok());
        moment.map(|moment| moment.saturating_sub(now))
    };
    let filling = token.as_ref().is_some_and(|token| !token.is_empty());
    Ok(json!({
        "kind": kind, "version": version, "fresh_ms": until(fresh), "stale_ms": until(stale),
        "filling_ms": if filling { until(lease) } else { None }, "floor": floor, "kept_ms": ttl,
    }))
}

async fn breaker(desk: &Inner) -> Option<Value> {
    let shown = desk.redis.batch(desk.breaker.show()).await?;
    let machine = &shown.machine;
    let sum = |of: fn(&shared::breaker::Part) -> u32| machine.tally.parts.values().map(of).sum::<u32>();
    Some(json!({
        "forced": machine.forced, "phase": machine.phase,
        "probes_in_ms": machine.until.saturating_sub(shown.now), "probing": machine.leases.len(),
        "succeeded": machine.successes, "opened_for_ms": machine.interval,
        "calls": sum(|part| part.calls), "failed": sum(|part| part.failed), "slow": sum(|part| part.slow),
        "streak": machine.tally.streak,
    }))
}
