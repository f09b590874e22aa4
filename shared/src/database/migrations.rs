//! The schema's history, embedded into the migrator. It needs a direct connection as the owner: a run holds a session
//! lock, which PgBouncer in transaction mode would give to somebody else and RDS Proxy would pin.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row, SqlSafeStr};

use super::error::{Error, Result};
use super::settings::Settings;

/// Version, description and SQL, oldest first. A file never changes once it has run somewhere.
const HISTORY: &[(i64, &str, &str)] = &[
    (1, "shop", include_str!("../../migrations/0001_shop.sql")),
    (2, "application role", include_str!("../../migrations/0002_application_role.sql")),
    (3, "forgiving search", include_str!("../../migrations/0003_forgiving_search.sql")),
    (4, "iam login", include_str!("../../migrations/0004_iam_login.sql")),
    (5, "followed orders", include_str!("../../migrations/0005_followed_orders.sql")),
    (6, "pinned settings", include_str!("../../migrations/0006_pinned_settings.sql")),
];

/// sqlx's own name for it, so that `sqlx migrate info` works on our databases too.
const TABLE: &str = "_sqlx_migrations";

/// One step of the schema's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its number, from 1.
    pub version: i64,
    /// What it does.
    pub description: &'static str,
}

/// Brings the schema up to date and returns the steps that ran.
///
/// Safe to call twice, and at the same time: the second caller waits for the first and finds nothing to do. A step that
/// fails leaves nothing behind, and those before it stay. Steps of a newer version of the code, which a rollback finds,
/// are left alone.
pub async fn run(settings: &Settings) -> Result<Vec<Step>> {
    let mut connection = connect(settings).await?;
    set(&mut connection, SETTINGS).await?;
    // Before looking, so that two callers do not report the same steps. A failure drops the connection and with it the
    // lock.
    connection.lock().await.map_err(failed)?;
    set(&mut connection, LOCK_LIMIT).await?;
    let steps = missing(&mut connection).await?;
    if let Some(complaint) = complaint(&mut connection).await? {
        // A shop that is open already stays open.
        if steps.first().is_some_and(|step| step.version == HISTORY[0].0) {
            return Err(Error::fault("migrate", complaint));
        }
        tracing::warn!("{complaint}");
    }
    let mut migrator = migrator();
    migrator.set_locking(false).run_direct(None, &mut connection, false).await.map_err(failed)?;
    connection.close().await.ok();
    Ok(steps)
}

/// The steps that [`run`] would take, taking none.
pub async fn pending(settings: &Settings) -> Result<Vec<Step>> {
    missing(&mut connect(settings).await?).await
}

async fn connect(settings: &Settings) -> Result<PgConnection> {
    let limit = settings.acquire_limit;
    match tokio::time::timeout(limit, settings.connect()).await {
        Ok(connected) => connected.map_err(|error| Error::not_connected(&error)),
        Err(_) => Err(Error::unavailable("connect", format!("no connection within {limit:?}"))),
    }
}

/// What a step means must not depend on what somebody set for the database or the owner.
const SETTINGS: &str = "set statement_timeout = 0; set lock_timeout = 0; set search_path = public; \
                        set standard_conforming_strings = on; set default_transaction_isolation = 'read committed'";

/// A step that waits for a table's lock makes every request behind it wait too: give up early, and let the deployment
/// be repeated. After the migrator's own lock, which is worth waiting for.
const LOCK_LIMIT: &str = "set lock_timeout = '5s'";

#[expect(clippy::disallowed_methods, reason = "a direct connection of the migrator's own")]
async fn set(connection: &mut PgConnection, settings: &'static str) -> Result<()> {
    let set = sqlx::raw_sql(settings).execute(connection).await;
    set.map(drop).map_err(|error| Error::from_sqlx("migrate", &error))
}

/// What is wrong with the database itself: it cannot hold every character, or knows no letters but ASCII's, so that
/// search finds `Éclair` by that word and not by `éclair`. Both are decided when a database is made, and by nothing
/// later.
#[expect(clippy::disallowed_methods, reason = "a direct connection of the migrator's own")]
async fn complaint(connection: &mut PgConnection) -> Result<Option<String>> {
    let failed = |error: sqlx::Error| Error::from_sqlx("migrate", &error);
    let asked = sqlx::raw_sql(
        "select current_setting('server_encoding'),
            lower('É') = 'é' and to_tsvector('simple', 'É') = to_tsvector('simple', 'é')",
    );
    let row = asked.fetch_one(connection).await.map_err(failed)?;
    let (encoding, folds): (String, bool) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    let what = match (encoding.as_str(), folds) {
        ("UTF8", true) => return Ok(None),
        ("UTF8", false) => "its LC_CTYPE knows no letters but those of ASCII".to_owned(),
        (other, _) => format!("its encoding is {other}"),
    };
    Ok(Some(format!(
        "search cannot be right in this database, because {what}. Make another (create database NAME template template0 \
         encoding 'UTF8' lc_ctype 'C.UTF-8', or 'en_US.UTF-8') and copy what it holds with pg_dump and pg_restore"
    )))
}

async fn missing(connection: &mut PgConnection) -> Result<Vec<Step>> {
    let applied = match connection.list_applied_migrations(TABLE).await {
        Ok(applied) => applied,
        Err(error) if is_unknown_table(&error) => Vec::new(),
        Err(error) => return Err(failed(error)),
    };
    let applied: HashSet<i64> = applied.iter().map(|migration| migration.version).collect();
    let steps = HISTORY.iter().map(|&(version, description, _)| Step { version, description });
    Ok(steps.filter(|step| !applied.contains(&step.version)).collect())
}

fn migrator() -> Migrator {
    let migrations = HISTORY.iter().map(|&(version, description, sql)| {
        // sqlx's convention: `create index concurrently` and its like cannot run inside a transaction.
        let no_transaction = sql.starts_with("-- no-transaction");
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), no_transaction)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_ignore_missing(true);
    migrator
}

fn is_unknown_table(error: &MigrateError) -> bool {
    matches!(error, MigrateError::Execute(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01"))
}

fn failed(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) => Error::from_sqlx("migrate", &error),
        other => Error::fault("migrate", other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_embeds_every_file_of_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        files.sort();
        let embedded: Vec<String> = HISTORY
            .iter()
            .map(|(version, description, _)| format!("{version:04}_{}.sql", description.replace(' ', "_")))
            .collect();
        assert_eq!(files, embedded, "list every migration in HISTORY");
    }
}
