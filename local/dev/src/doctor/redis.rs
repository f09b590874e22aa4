//! Redis, asked over the functions' own connection by a script like theirs.

use std::env;
use std::fs;
use std::time::{Duration, Instant};

use cloud::figures::{milliseconds, percentile};
use shared::redis::{Redis, Script, Settings};

use super::reach::{Remedy, explained, listens, unusable};
use super::report::Section;

static CAPABILITIES: Script = Script::new("doctor.capabilities", include_str!("capabilities.lua"));
/// In a slot of its own, and gone at once.
const KEY: &str = "{millrace-doctor}";
/// Far away; the functions themselves wait for 100 ms.
const PATIENCE: Duration = Duration::from_secs(5);

const REMEDIES: &[Remedy] = &[
    (
        "no answer in time",
        "something takes connections there, but no Redis answers over TLS: is it the port for TLS?",
    ),
    ("UnknownIssuer", "its certificate must be of a public authority"),
    (
        "permission",
        "all that Millrace asks of Redis are scripts: let this user run them (+@scripting), and what they call",
    ),
];

/// One that answered a script.
pub(super) struct Reached {
    redis: Redis,
    /// How long the functions wait for an answer.
    limit: Duration,
    found: Vec<String>,
    took: Duration,
}

/// Its first answer, or why there is none.
pub(super) async fn reach(url: &str) -> Result<Reached, String> {
    let own = Settings::new(url);
    let limit = own.response_limit;
    let settings = Settings {
        tls_only: true,
        // As the functions do.
        ca_certificate: env::var_os("REDIS_CA_FILE").and_then(|path| fs::read(path).ok()),
        batch_limit: PATIENCE,
        response_limit: PATIENCE,
        ..own
    };
    let redis = Redis::new(settings).map_err(|error| unusable("RedisUrl", &error))?;
    listens(url, 6379).await?;
    let began = Instant::now();
    let found =
        redis.examine(CAPABILITIES.on([KEY])).await.map_err(|why| explained(&why.to_string(), REMEDIES))?;
    Ok(Reached { redis, limit, found, took: began.elapsed() })
}

pub(super) async fn examine(reached: &Reached, mut report: Section<'_>) {
    let Reached { redis, limit, found, took } = reached;
    let connected = milliseconds(*took);
    report.good(format!("answers over verified TLS, and runs scripts; {connected:.0} ms with connecting"));
    let (tried, info) = found.split_at(found.len().saturating_sub(2));
    let lacking: Vec<_> = tried.chunks_exact(2).filter(|pair| !pair[1].is_empty()).collect();
    for pair in &lacking {
        report.missing(format!("it lacks {}: {}", pair[0], pair[1]));
    }
    if lacking.is_empty() {
        report.good("TIME, struct, cjson, hashes and PEXPIRE … GT work within scripts");
    }
    itself(info.last().map_or("", String::as_str), &mut report);
    latency(redis, *limit, &mut report).await;
}

/// What it says of itself. Some hosted ones say nothing.
fn itself(info: &str, report: &mut Section<'_>) {
    let said =
        |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    match (said("valkey_version"), said("redis_version")) {
        (Some(version), _) => report.good(format!("Valkey {version}")),
        (None, Some(version)) => report.good(format!("Redis {version}")),
        (None, None) => report.note("it does not say what it is"),
    }
    if said("cluster_enabled") == Some("1") {
        report.missing("it is a cluster that shows its nodes: give an endpoint that hides them");
    }
    if said("maxmemory_policy") == Some("noeviction") && said("maxmemory").is_some_and(|limit| limit != "0") {
        report.note(
            "it refuses writes when it is full (noeviction); allkeys-lru or volatile-lru keeps a cache going",
        );
    }
}

async fn latency(redis: &Redis, limit: Duration, report: &mut Section<'_>) {
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        if let Err(why) = redis.examine::<Vec<String>>(CAPABILITIES.on([KEY])).await {
            return report.missing(why.to_string());
        }
        times.push(began.elapsed());
    }
    times.sort();
    let time = percentile(&times, 50).unwrap_or_default();
    let text = format!("{:.1} ms a batch from here; the functions wait {limit:?}", milliseconds(time));
    if time < limit / 4 { report.good(text) } else { report.note(format!("{text}: run them near it")) }
}
