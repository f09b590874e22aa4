//! Postgres itself as its owner, and the pooler before it as the functions' role: asked by the code that the
//! functions use.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cloud::figures::{milliseconds, percentile};
use futures::future::join_all;
use shared::database::{Database, Error, Settings, Statement, migrations};

use super::reach::{Remedy, explained, listens, unusable};
use super::report::Section;

/// Far away and just woken up, as hosted databases that sleep are.
const PATIENCE: Duration = Duration::from_secs(10);
const OLDEST: i32 = 150_000;
/// More than there are server connections in a small pool.
const CLIENTS: usize = 20;
const ROUNDS: i32 = 10;
/// What a pooler has to do.
const POOLING: &str = "it must pool transactions and no single statements";

static SERVER: Statement = Statement::new(
    "doctor.server",
    "select current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(),
        current_setting('max_connections')::int, pg_postmaster_start_time()::text || current_database()",
);
/// Its number, its name, whether it is a standby, how many may connect, and what tells it from others.
type Facts = (i32, String, bool, i32, String);
static PROCESS: Statement = Statement::new("doctor.process", "select pg_backend_pid()");
static ECHO: Statement = Statement::new("doctor.echo", "select $1, pg_backend_pid()");
static SESSION: Statement = Statement::new(
    "doctor.session",
    "select current_user::text, rolsuper, current_setting('transaction_read_only'), current_setting('TimeZone'),
        current_setting('DateStyle'), current_setting('client_encoding'), current_setting('statement_timeout')
     from pg_roles where rolname = current_user",
);
static STATISTICS: Statement =
    Statement::new("doctor.statistics", "select count(*) from pg_stat_statements where false");

/// What helps where Postgres itself refuses.
pub(super) const DIRECTLY: &[Remedy] = &[
    TLS,
    AUTHORITY,
    AUTHORITY_FILE,
    (
        "no connection within",
        "something takes connections there, but no Postgres answers; one that was asleep may do so now: ask again",
    ),
];

/// What helps where the pooler refuses, or Postgres behind it.
pub(super) const THROUGH_THE_POOLER: &[Remedy] = &[
    TLS,
    AUTHORITY,
    AUTHORITY_FILE,
    (
        "no connection within",
        "it takes connections, but reaches no Postgres behind it, and its log says why: the server's address, TLS \
         between the two, or a login that was refused, after which PgBouncer waits 15 s before it tries again",
    ),
    ("SASL", "the pooler knows no such user with this password (PgBouncer: auth_file)"),
    (
        "password",
        "the pooler or Postgres behind it refuses the role; there must be one (create role millrace_app login \
         password '…'), with one password here, there and in the pooler. PgBouncer tries again only after 15 s",
    ),
];

const TLS: Remedy = ("does not support TLS", "turn it on there (PgBouncer: client_tls_sslmode)");
const AUTHORITY: Remedy = (
    "UnknownIssuer",
    "if its authority is not a public one, put that authority's certificate into infrastructure/certificates/ and \
     its path behind both URLs: &sslrootcert=/opt/NAME.pem",
);
const AUTHORITY_FILE: Remedy =
    ("No such file", "sslrootcert names a certificate that is not in infrastructure/certificates/");

/// A server that answered.
pub(super) struct Reached {
    settings: Settings,
    database: Database,
    facts: Facts,
    took: Duration,
}

/// Its first answer, or why there is none.
pub(super) async fn reach(url: &str, name: &str, remedies: &[Remedy]) -> Result<Reached, String> {
    let settings = Settings::new(url).and_then(Settings::verified).map_err(|error| unusable(name, &error))?;
    let settings = settings.acquire_limit(PATIENCE);
    listens(url, 5432).await?;
    let database = Database::new(settings.clone());
    let began = Instant::now();
    match database.fetch_one::<Facts>(&SERVER).await {
        Ok(facts) => Ok(Reached { settings, database, facts, took: began.elapsed() }),
        Err(Error::Unavailable { cause, .. }) => Err(explained(bare(&cause), remedies)),
        Err(error) => Err(error.to_string()),
    }
}

/// Without what sqlx says around it.
fn bare(cause: &str) -> &str {
    let around = [
        "error communicating with database: ",
        "error occurred while attempting to establish a TLS connection: ",
        "error returned from database: ",
    ];
    let cause = around.iter().find_map(|words| cause.strip_prefix(words)).unwrap_or(cause);
    cause.split_once(" at line ").map_or(cause, |(said, _)| said)
}

/// Postgres itself, as the owner.
pub(super) async fn direct(server: &Reached, mut report: Section<'_>) {
    let (version, named, standby, max_connections, _) = &server.facts;
    let connected = milliseconds(server.took);
    report.good(format!("answers over verified TLS, {connected:.0} ms with signing in"));
    if *version < OLDEST {
        report.missing(format!("version {named} is too old: 15 or later"));
    } else {
        report.good(format!("version {named}, max_connections {max_connections}"));
    }
    if *standby {
        report.missing("it is a standby, which takes no writes: give the primary's address");
    }
    if share_a_process(&server.settings).await {
        report.missing(
            "the address leads through a pooler, but migrate needs a session of its own: give the direct one",
        );
    }
    rights(&server.settings, &mut report).await;
}

async fn rights(settings: &Settings, report: &mut Section<'_>) {
    match migrations::obstacles(settings).await {
        Ok(obstacles) if obstacles.is_empty() => {
            report.good("encoding, letters, extensions, and the owner's rights are what migrate needs");
        }
        Ok(obstacles) => obstacles.into_iter().for_each(|obstacle| report.missing(obstacle)),
        Err(error) => report.missing(error.to_string()),
    }
    match migrations::pending(settings).await.as_deref() {
        Ok([]) => report.good("the schema is there"),
        Ok(steps) => report.good(format!("{} steps of the schema are still to run", steps.len())),
        Err(error) => report.missing(error.to_string()),
    }
}

/// The pooler, as the functions' role. It must lead to `server`.
pub(super) async fn pooler(pooled: &Reached, server: Option<&Reached>, mut report: Section<'_>) {
    let Reached { settings, database, facts, .. } = pooled;
    let (.., max_connections, identity) = facts;
    if server.is_some_and(|server| server.facts.4 != *identity) {
        report.missing("it leads to another server or database than DatabaseDirectUrl");
    }
    session(database, &mut report).await;
    if share_a_process(settings).await {
        report.good("it is a transaction pooler");
    } else {
        report.note(format!(
            "it is not a transaction pooler: each environment of Lambda keeps a connection of the {max_connections} there are"
        ));
    }
    crowd(settings, &mut report).await;
    match latency(database).await {
        Ok(time) => report.good(format!("{time:.1} ms a statement from here")),
        Err(error) => report.missing(error.to_string()),
    }
    if let Err(error) = database.fetch_one::<(i64,)>(&STATISTICS).await {
        report.note(format!("db-insights will fail, which nothing else needs: {error}"));
    }
}

async fn session(database: &Database, report: &mut Section<'_>) {
    type Session = (String, bool, String, String, String, String, String);
    let (user, is_superuser, read_only, zone, dates, encoding, limit): Session =
        match database.fetch_one(&SESSION).await {
            Ok(row) => row,
            Err(error) => return report.missing(error.to_string()),
        };
    if user != "millrace_app" {
        report.missing(format!("it signs in as {user}, but what migrate grants it grants to millrace_app"));
    }
    if is_superuser {
        report.note("its role is a superuser, and may do far more than the functions do");
    }
    if read_only == "on" {
        report.missing("it leads to a reader, or to a database that was closed for writing");
    }
    if zone == "UTC" && dates.starts_with("ISO") && encoding == "UTF8" {
        report.good("it keeps each client's time zone, form of dates and encoding");
    } else {
        report.note(format!(
            "it does not keep what a client asks for ({zone}, {dates}, {encoding}); migrate pins them"
        ));
    }
    if limit == "0" {
        report.note("the role has no time limits yet: migrate sets them, for connections that the pooler opens after it");
    } else {
        report.good(format!("the role's statements end after {limit}"));
    }
}

/// Whether clients that come one after the other meet at one process of the server: then there is a pooler between.
async fn share_a_process(settings: &Settings) -> bool {
    let (mut clients, mut processes) = (Vec::new(), BTreeSet::new());
    for _ in 0..4 {
        let client = Database::new(settings.clone());
        let Ok((process,)) = client.fetch_one::<(i32,)>(&PROCESS).await else { return false };
        processes.insert(process);
        // Kept, or the next would meet it at a server without a pooler as well.
        clients.push(client);
    }
    processes.len() < clients.len()
}

/// Many at once, each of whom has to hear its own answers, and in a transaction from one process.
async fn crowd(settings: &Settings, report: &mut Section<'_>) {
    // One who is alone meets no crowd.
    if let Err(error) = hears_its_own(&Database::new(settings.clone()), "alone").await {
        return report.missing(format!("a transaction fails through it ({error}): {POOLING}"));
    }
    let clients = (0..CLIENTS).map(|client| {
        let database = Database::new(settings.clone());
        async move {
            for round in 0..ROUNDS {
                if !hears_its_own(&database, &format!("{client}:{round}")).await? {
                    return Ok(false);
                }
            }
            Ok::<_, Error>(true)
        }
    });
    let ended = join_all(clients).await;
    if let Some(error) = ended.iter().find_map(|client| client.as_ref().err()) {
        return report.missing(format!("{CLIENTS} clients at once are too many for it: {error}"));
    }
    if ended.into_iter().all(|client| client.is_ok_and(|kept| kept)) {
        report.good(format!(
            "{CLIENTS} clients at once each get their own answers, and transactions stay together"
        ));
    } else {
        report.missing(format!("it mixes up clients, or statements of a transaction: {POOLING}"));
    }
}

/// Whether the statements of a transaction are answered to whoever sent them, by one process.
async fn hears_its_own(database: &Database, mine: &str) -> Result<bool, Error> {
    let kept = database.transaction(async |tx| {
        let (first, one): (String, i32) = tx.fetch_one(ECHO.bind(mine)).await?;
        let (second, other): (String, i32) = tx.fetch_one(ECHO.bind(mine)).await?;
        Ok::<_, Error>(first == mine && second == mine && one == other)
    });
    kept.await
}

async fn latency(database: &Database) -> Result<f64, Error> {
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        database.fetch_one::<(i32,)>(&PROCESS).await?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(percentile(&times, 50).map_or(0.0, milliseconds))
}
