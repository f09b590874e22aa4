//! How things stand, looked at once a second.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::redis::Script;
use stats::Standing;
use stats::queue::Queue;
use tokio::time::timeout;

use cloud::record::{self, State as Answering};
use cloud::service::Service;
use cloud::{APPLICATION, Cloud};

use crate::desk::{Desk, Inner, Sorry};
use crate::switches::SERVICES;

/// Whoever does not answer within this time is shown as away.
const PATIENCE: Duration = Duration::from_millis(800);

static ENTRY: Script = Script::new("console.entry", include_str!("look/entry.lua"));

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
            Some(product) => entry(desk, product).await.ok(),
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

/// What of it is drawn over time, with the messages that wait in the queues.
pub(crate) fn standing(state: &Value, queues: Vec<Queue>) -> Standing {
    let clients = state["pooler"]["clients"].as_array().and_then(|clients| u64::try_from(clients.len()).ok());
    let known = |name: &str, number: Option<u64>| Some((name.to_owned(), number?));
    let postgres = &state["postgres"];
    let connections = [
        known("of environments", clients),
        known("at Postgres", postgres["connections"].as_u64()),
        known("of these busy", postgres["active"].as_u64()),
    ];
    let orders = known("orders that wait", postgres["orders_waiting"].as_u64());
    let messages = queues.into_iter().map(|queue| (queue.name, queue.waiting + queue.in_flight));
    Standing {
        connections: connections.into_iter().flatten().collect(),
        queues: messages.chain(orders).collect(),
    }
}

fn services(cloud: &Cloud) -> BTreeMap<&'static str, bool> {
    let there = |service: Service| {
        record::read(&cloud.folder, service.name())
            .is_some_and(|record| record.state == Answering::Ready && record.alive().is_some())
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
    let counts = cloud.sql(&sql).await?;
    let counts: Vec<u64> = counts.split('|').map(str::parse).collect::<Result<_, _>>()?;
    let [connections, active, waiting] = counts[..] else { anyhow::bail!("three counts were expected") };
    Ok(json!({ "connections": connections, "active": active, "orders_waiting": waiting }))
}

/// The connection of each environment at `PgBouncer`, and how many it has at Postgres itself.
async fn pooler(cloud: &Cloud) -> Result<Value> {
    let rows = cloud.sql_in(Service::Pgbouncer, "pgbouncer", "show clients;\nshow servers;\n").await?;
    let clients: Vec<_> = rows.lines().filter_map(connection).collect();
    let servers = rows.lines().filter(|row| row.starts_with("S|")).count();
    Ok(json!({ "clients": clients, "servers": servers }))
}

/// What the functions' connection of a row of `show clients` does: `busy` has one of Postgres at this moment, `waits`
/// has none yet, and `idle` needs none.
fn connection(row: &str) -> Option<&'static str> {
    let mut columns = row.split('|');
    let is_ours = columns.next() == Some("C") && columns.next() == Some(APPLICATION);
    // Versions of PgBouncer have more columns and fewer; a pointer to the client stands in each, and behind it one to
    // its server while it has one.
    let pointers = columns.clone().filter(|column| column.starts_with("0x")).count();
    is_ours.then(|| match pointers {
        2 => "busy",
        _ if columns.any(|column| column == "waiting") => "waits",
        _ => "idle",
    })
}

/// The watched product's entry in Redis, without its value.
async fn entry(desk: &Inner, product: &str) -> Result<Value> {
    let call = ENTRY.on([format!("cache:product:{product}")]);
    let ((seconds, micros), fields, ttl): ((u64, u64), Vec<Option<String>>, i64) =
        desk.redis.examine(call).await?;
    let now = seconds * 1000 + micros / 1000;
    let [kind, version, fresh, stale, cost, token, lease, floor] = &fields[..] else {
        anyhow::bail!("eight fields were expected")
    };
    let number = |field: &Option<String>| field.as_ref().and_then(|field| field.parse::<u64>().ok());
    let until = |field| number(field).map(|moment| moment.saturating_sub(now));
    let filling = token.as_ref().is_some_and(|token| !token.is_empty());
    // An entry is served stale for as long as it is meant to be fresh, `CACHE_TTL_SECONDS`; only that is not jittered.
    let lasts = number(stale).zip(number(fresh)).map(|(stale, fresh)| stale.saturating_sub(fresh));
    Ok(json!({
        "kind": kind, "version": version, "fresh_ms": until(fresh), "stale_ms": until(stale), "lasts_ms": lasts,
        "cost_ms": number(cost), "filling_ms": if filling { until(lease) } else { None }, "floor": floor, "kept_ms": ttl,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_does_is_read_from_rows_of_any_version() {
        for (row, does) in [
            (
                "C|millrace_app|millrace|none|active|127.0.0.1|1|127.0.0.1|2|a|b|0|0|0|0x55|0x66|0||",
                Some("busy"),
            ),
            ("C|millrace_app|millrace|active|127.0.0.1|1|127.0.0.1|2|a|b|0|0|0|0x55||0||", Some("idle")),
            ("C|millrace_app|millrace|waiting|127.0.0.1|1|127.0.0.1|2|a|b|3|9|0|0x55||0||", Some("waits")),
            ("C|millrace|pgbouncer|active|127.0.0.1|1|127.0.0.1|2|a|b|0|0|0|0x55||0||", None),
            ("S|millrace_app|millrace|active|127.0.0.1|1|127.0.0.1|2|a|b|0|0|0|0x55|0x66|0||", None),
        ] {
            assert_eq!(connection(row), does, "{row}");
        }
    }
}
