//! Postgres itself as its owner, and the pooler before it as the functions' role: asked by the code that the functions use.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cloud::figures::{milliseconds, percentile};
use futures::future::join_all;
use shared::database::{Database, Error, Settings, Statement, migrations};

use super::report::Section;

/// Far away and just woken up, as hosted databases that sleep are.
const PATIENCE: Duration = Duration::from_secs(10);
const OLDEST: i32 = 150_000;
/// More than there are server connections in a small pool.
const CLIENTS: usize = 20;
const ROUNDS: i32 = 10;

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

/// What the other address must lead to as well.
pub(super) struct Server {
    identity: String,
    max_connections: i32,
}

/// Postgres itself, as the owner.
pub(super) async fn direct(url: &str, mut report: Section<'_>) -> Option<Server> {
    let settings = settings(url, "DatabaseDirectUrl", &mut report)?;
    let database = Database::new(settings.clone());
    let began = Instant::now();
    let asked = database.fetch_one::<Facts>(&SERVER).await;
    let (version, named, standby, max_connections, identity) =
        asked.map_err(|error| report.missing(unreachable(&error))).ok()?;
    let connected = milliseconds(began.elapsed());
    report.good(format!("answers over verified TLS, {connected:.0} ms with signing in"));
    if version < OLDEST {
        report.missing(format!("version {named} is too old: 15 or later"));
    } else {
        report.good(format!("version {named}, max_connections {max_connections}"));
    }
    if standby {
        report.missing("it is a standby, which takes no writes: give the primary's address");
    }
    if share_a_process(&settings).await {
        report.missing(
            "the address leads through a pooler, but migrate needs a session of its own: give the direct one",
        );
    }
    rights(&settings, &mut report).await;
    Some(Server { identity, max_connections })
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

/// The pooler, as the functions' role.
pub(super) async fn pooler(url: &str, server: Option<&Server>, mut report: Section<'_>) {
    let Some(settings) = settings(url, "DatabaseUrl", &mut report) else { return };
    let database = Database::new(settings.clone());
    let identity = match database.fetch_one::<Facts>(&SERVER).await {
        Ok((.., identity)) => identity,
        Err(error) => return report.missing(unreachable(&error)),
    };
    if server.is_some_and(|server| server.identity != identity) {
        report.missing("it leads to another server or database than DatabaseDirectUrl");
    }
    session(&database, &mut report).await;
    if share_a_process(&settings).await {
        report.good("it is a transaction pooler");
    } else {
        let room =
            server.map_or_else(String::new, |server| format!(" of the {} there are", server.max_connections));
        report.note(format!(
            "it is no transaction pooler: each environment of Lambda keeps a connection{room}"
        ));
    }
    crowd(&settings, &mut report).await;
    match latency(&database).await {
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
    let clients = (0..CLIENTS).map(|client| {
        let database = Database::new(settings.clone());
        async move {
            for round in 0..ROUNDS {
                let mine = format!("{client}:{round}");
                let kept = database.transaction(async |tx| {
                    let (first, one): (String, i32) = tx.fetch_one(ECHO.bind(&*mine)).await?;
                    let (second, other): (String, i32) = tx.fetch_one(ECHO.bind(&*mine)).await?;
                    Ok::<_, Error>(first == mine && second == mine && one == other)
                });
                if !kept.await? {
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
        report.missing("it mixes up clients, or statements of a transaction: it must pool transactions and no single statements");
    }
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

fn settings(url: &str, name: &str, report: &mut Section<'_>) -> Option<Settings> {
    match Settings::new(url).and_then(Settings::verified) {
        Ok(settings) => Some(settings.acquire_limit(PATIENCE)),
        Err(error) => {
            report.missing(format!("{name}: {error}"));
            None
        }
    }
}

fn unreachable(error: &Error) -> String {
    let error = error.to_string();
    if error.contains("certificate") {
        return format!(
            "{error}; if its authority is not a public one, put that authority's certificate beside \
             infrastructure/certificates/rds.pem and its path behind the URL: &sslrootcert=/opt/NAME.pem"
        );
    }
    error
}
