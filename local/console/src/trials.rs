//! What is run when the page asks for it: a statement's plan, one statement beside many, fifty readers of one product.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Json;
use axum::extract::{Path, State};
use futures::future::join_all;
use lambda::sources::Answer;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::database::{Database, Settings, Statement};
use shared::orders;
use shared::redis::Script;
use shared::telemetry::Counter;
use stats::Sample;
use tokio::process::Command;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use cloud::figures::milliseconds;
use cloud::log::read_from;
use cloud::service::Service;
use cloud::{Cloud, demo};

use crate::desk::{Desk, Sorry};

/// How many read at once.
const READERS: usize = 50;
/// How long a fill that all of them meet is made to take.
const FILL: Duration = Duration::from_millis(200);
/// How long the log may take to tell of them.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

static ORDERS: Statement = Statement::new("console.orders", include_str!("trials/orders.sql"));
static ITEMS: Statement = Statement::new("console.items", include_str!("trials/items.sql"));
static PRODUCT: Statement = Statement::new("console.product", include_str!("trials/product.sql"));
static HOLD: Statement = Statement::new("console.hold", "lock table products in access exclusive mode");
static AGE: Script = Script::new("console.age", include_str!("trials/age.lua"));
static EVICT: Script = Script::new("console.evict", "return redis.call('DEL', KEYS[1])");

/// `GET /plan/{statement}`: as `./dev explain` shows it.
pub(crate) async fn plan(State(desk): State<Desk>, Path(statement): Path<String>) -> Result<String, Sorry> {
    if !statement.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte)) {
        return Err(Sorry::bad("no statement has such a name"));
    }
    let mut explain = Command::new(&desk.cloud.launcher);
    explain.args(["explain", &statement]).current_dir(&desk.cloud.folder.root);
    let folder =
        desk.cloud.folder.path.strip_prefix(&desk.cloud.folder.root).unwrap_or(&desk.cloud.folder.path);
    explain.env("MILLRACE_DEV_DIR", folder).kill_on_drop(true);
    let output =
        timeout(Duration::from_secs(10), explain.output()).await.context("no plan within ten seconds")?;
    let output = output.context("cannot explain")?;
    Ok(String::from_utf8_lossy(if output.stdout.is_empty() { &output.stderr } else { &output.stdout })
        .into_owned())
}

/// `POST /try/queries`: a customer's orders by one statement, and by one for the list, one for each order's items, and
/// one for each item's product: the same rows, as the functions reach them.
pub(crate) async fn queries(State(desk): State<Desk>) -> Result<Json<Value>, Sorry> {
    Ok(Json(beside(&desk.cloud).await?))
}

async fn beside(cloud: &Cloud) -> Result<Value> {
    let settings = Settings::new(&cloud.database_url()?)?.statement_limit(Duration::from_secs(3));
    let database = Database::new(settings);
    let user = demo::CUSTOMER.id;
    let list = || orders::list(&database, user, None, None, orders::PAGE);
    // The connection is opened before anything is timed.
    list().await.ok().context("Postgres does not answer")?;
    let began = Instant::now();
    list().await.ok().context("Postgres does not answer")?;
    let one = began.elapsed();
    let began = Instant::now();
    let (statements, lines) = many(&database, user).await?;
    let many = began.elapsed();
    Ok(json!({
        "one": { "statements": 1, "ms": milliseconds(one) },
        "many": { "statements": statements, "ms": milliseconds(many) },
        "lines": lines,
    }))
}

/// One after the other, as code that follows its objects does it: how many statements, and how many lines they found.
async fn many(database: &Database, user: Uuid) -> Result<(u32, u32)> {
    let (mut statements, mut lines) = (1, 0);
    let orders: Vec<(Uuid,)> = database.fetch_all(ORDERS.bind(user).bind(i64::from(orders::PAGE))).await?;
    for (order,) in orders {
        statements += 1;
        let items: Vec<(Uuid, i32)> = database.fetch_all(ITEMS.bind(order)).await?;
        for (product, _) in items {
            statements += 1;
            lines += 1;
            database.fetch_optional::<(String,)>(PRODUCT.bind(product)).await?;
        }
    }
    Ok((statements, lines))
}

#[derive(Deserialize)]
pub(crate) struct Readers {
    product: Uuid,
    entry: Entry,
    /// The version that an acknowledged update has answered: who gets an older one was lied to.
    at_least: Option<i64>,
}

/// What becomes of the product's entry in the cache before they come.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// Nothing.
    Left,
    /// It is taken out, as an eviction does.
    Evicted,
    /// It is as old as it will be a second after it has ceased to be fresh.
    Ended,
    /// It is as old as it will be a second before that, and its last fill is said to have taken a second: each reader
    /// then begins the next one with a probability of 1/e.
    Ending,
}

/// `POST /try/readers`: fifty at once, and how each was served.
pub(crate) async fn readers(
    State(desk): State<Desk>,
    Json(order): Json<Readers>,
) -> Result<Json<Value>, Sorry> {
    Ok(Json(read_at_once(&desk, &order).await?))
}

async fn read_at_once(desk: &Desk, order: &Readers) -> Result<Value> {
    let log = desk.cloud.folder.log(Service::Functions.name());
    let product = order.product.to_string();
    let ask = async || {
        let (function, event) = desk.traffic.product_of(fastrand::u64(1..0xff_ffff), &product)?;
        desk.invoker.invoke(&function, String::from_utf8_lossy(&event).into_owned()).await
    };
    let position = std::fs::metadata(&log).map_or(0, |log| log.len());
    let all = async || join_all((0..READERS).map(|_| ask())).await;
    let before = if order.entry == Entry::Left { 0 } else { READERS };
    if before > 0 {
        // Only what is there can grow old; and whose environment has to start first comes when it is filled again.
        all().await.into_iter().collect::<Result<Vec<_>>>()?;
        change(desk, &product, order.entry).await?;
    }
    let answers = match order.entry {
        Entry::Ended | Entry::Evicted => while_a_fill_waits(&desk.cloud, all()).await?,
        Entry::Left | Entry::Ending => all().await,
    };
    let versions: Vec<_> = answers.iter().filter_map(|answer| version(answer.as_ref().ok()?)).collect();
    let older = order.at_least.map(|least| versions.iter().filter(|version| **version < least).count());
    let mut seen = Vec::new();
    let told = timeout(TOLD_WITHIN, async {
        let mut position = position;
        while seen.len() < before + READERS {
            position = read_from(&log, position, |line| seen.extend(Sample::read(line).filter(is_product)))?;
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    });
    told.await.ok().transpose()?;
    seen.drain(..before.min(seen.len()));
    let sum = |counter: Counter| seen.iter().map(|sample| sample.count(counter)).sum::<u64>();
    // Who asks Postgres sends one statement. Before it there may be a round trip that looks at an idle connection.
    let statements = seen.iter().filter(|sample| sample.count(Counter::DatabaseRoundTrips) > 0).count();
    Ok(json!({
        "readers": READERS, "answered": versions.len(), "older": older,
        "fills": sum(Counter::CacheMiss), "waited": sum(Counter::CacheWaited), "stale": sum(Counter::CacheStale),
        "hits": sum(Counter::CacheHit), "statements": statements,
    }))
}

/// What `readers` get while Postgres shows nobody a product. A fill of two milliseconds would be over before the last
/// of them has asked, and how the others are served would be chance.
async fn while_a_fill_waits<T>(cloud: &Cloud, readers: impl Future<Output = T>) -> Result<T> {
    let owner = Database::new(Settings::new(&cloud.database_direct_url()?)?);
    let mut readers = pin!(readers);
    let early = owner.transaction(async |held| {
        held.execute(HOLD).await?;
        anyhow::Ok(timeout(FILL, readers.as_mut()).await.ok())
    });
    match early.await? {
        Some(early) => Ok(early),
        None => Ok(readers.await),
    }
}

fn is_product(sample: &Sample) -> bool {
    sample.route == "GET /api/products/{id}"
}

/// The version of the product in an answer to an HTTP event.
fn version(answer: &Answer) -> Option<i64> {
    let Answer::Returned(answer) = answer else { return None };
    let answer: Value = serde_json::from_str(answer).ok()?;
    serde_json::from_str::<Value>(answer["body"].as_str()?).ok()?["version"].as_i64()
}

/// Takes a product's entry out of the cache, or makes it older.
async fn change(desk: &Desk, product: &str, entry: Entry) -> Result<()> {
    let key = [format!("cache:product:{product}")];
    let age = |left: i32, took: i32| AGE.on(&key).arg(left).arg(took);
    let call = match entry {
        Entry::Left => return Ok(()),
        Entry::Evicted => EVICT.on(&key),
        Entry::Ended => age(-1_000, 1),
        Entry::Ending => age(1_000, 1_000),
    };
    desk.redis.examine::<u64>(call).await?;
    Ok(())
}
