//! The schema's history, embedded into the migrator. It needs a direct connection as the owner: a run holds a session
//! lock, which PgBouncer in transaction mode would give to somebody else and RDS Proxy would pin.

use std::collections::HashSet;

use serde::Serialize;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, SqlSafeStr};

use super::direct::{column, connect, rows, run as send};
use super::error::{Error, Result};
use super::install::install;
use super::owner::{self, Circumstances};
use super::settings::Settings;

pub use super::install::STORED;
pub use super::owner::settle;

/// Version, description and SQL, oldest first. A file never changes once it has run somewhere.
const HISTORY: &[(i64, &str, &str)] = &[
    (1, "shop", include_str!("../../migrations/0001_shop.sql")),
    (2, "application role", include_str!("../../migrations/0002_application_role.sql")),
    (3, "forgiving search", include_str!("../../migrations/0003_forgiving_search.sql")),
    (4, "iam login", include_str!("../../migrations/0004_iam_login.sql")),
    (5, "followed orders", include_str!("../../migrations/0005_followed_orders.sql")),
    (6, "pinned settings", include_str!("../../migrations/0006_pinned_settings.sql")),
    (7, "folded search", include_str!("../../migrations/0007_folded_search.sql")),
    (8, "shop search", include_str!("../../migrations/0008_shop_search.sql")),
    (9, "search language", include_str!("../../migrations/0009_search_language.sql")),
    (10, "kept catalogue", include_str!("../../migrations/0010_kept_catalogue.sql")),
    (11, "accounts", include_str!("../../migrations/0011_accounts.sql")),
    (12, "listed products", include_str!("../../migrations/0012_listed_products.sql")),
    (13, "followed money", include_str!("../../migrations/0013_followed_money.sql")),
    (14, "words of what is sold", include_str!("../../migrations/0014_words_of_what_is_sold.sql")),
    (15, "returned stock", include_str!("../../migrations/0015_returned_stock.sql")),
    (16, "kept and owed", include_str!("../../migrations/0016_kept_and_owed.sql")),
    (17, "customers of a provider", include_str!("../../migrations/0017_customers_of_a_provider.sql")),
    (18, "imports", include_str!("../../migrations/0018_imports.sql")),
    (
        19,
        "disputes and administrators",
        include_str!("../../migrations/0019_disputes_and_administrators.sql"),
    ),
    (20, "known statuses", include_str!("../../migrations/0020_known_statuses.sql")),
    (21, "announced changes", include_str!("../../migrations/0021_announced_changes.sql")),
    (22, "words in turn", include_str!("../../migrations/0022_words_in_turn.sql")),
    (23, "refunds by other ways", include_str!("../../migrations/0023_refunds_by_other_ways.sql")),
    (24, "names in one order", include_str!("../../migrations/0024_names_in_one_order.sql")),
    (25, "prices of every currency", include_str!("../../migrations/0025_prices_of_every_currency.sql")),
    (26, "composed skus", include_str!("../../migrations/0026_composed_skus.sql")),
    (27, "charges by their ids", include_str!("../../migrations/0027_charges_by_their_ids.sql")),
    (28, "returned once", include_str!("../../migrations/0028_returned_once.sql")),
    (29, "listed by stock", include_str!("../../migrations/0029_listed_by_stock.sql")),
    (30, "listed featured", include_str!("../../migrations/0030_listed_featured.sql")),
    (31, "leaving", include_str!("../../migrations/0031_leaving.sql")),
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
/// are left alone. Stored statements get their functions each time, whether a step was missing or not.
pub async fn run(settings: &Settings) -> Result<Vec<Step>> {
    let mut connection = connect(settings).await?;
    send(&mut connection, SETTINGS).await?;
    // Before looking, so that two callers do not report the same steps. A failure drops the connection and with it the
    // lock.
    connection.lock().await.map_err(failed)?;
    send(&mut connection, LOCK_LIMIT).await?;
    let steps = missing(&mut connection).await?;
    let is_new = steps.first().is_some_and(|step| step.version == HISTORY[0].0);
    if let Some(complaint) = complaint(&mut connection).await? {
        // A shop that is open already stays open.
        if is_new {
            return Err(Error::fault("migrate", complaint));
        }
        tracing::warn!("{complaint}");
    }
    if is_new {
        refuse(&owner::obstacles(&mut connection).await?)?;
    }
    let alters_the_role = steps.is_empty() || owner::may_alter_the_role(&mut connection).await?;
    let mut migrator = migrator(&Circumstances { alters_the_role, iam: settings.signs_in_with_iam() });
    migrator.set_locking(false).run_direct(None, &mut connection, false).await.map_err(failed)?;
    install(&mut connection).await?;
    connection.close().await.ok();
    Ok(steps)
}

/// The steps that [`run`] would take, taking none.
pub async fn pending(settings: &Settings) -> Result<Vec<Step>> {
    missing(&mut connect(settings).await?).await
}

/// What keeps this owner from making the schema in this database, each with what to do; nothing is changed.
pub async fn obstacles(settings: &Settings) -> Result<Vec<String>> {
    let mut connection = connect(settings).await?;
    send(&mut connection, SETTINGS).await?;
    let complaint = complaint(&mut connection).await?;
    Ok(complaint.into_iter().chain(owner::obstacles(&mut connection).await?).collect())
}

fn refuse(obstacles: &[String]) -> Result<()> {
    if obstacles.is_empty() { Ok(()) } else { Err(Error::fault("migrate", obstacles.join(". "))) }
}

/// What a step means must not depend on what somebody set for the database or the owner. And a step whose caller is
/// gone, out of time, ends with him: else its locks would stay until it is done, for nobody.
const SETTINGS: &str = "set statement_timeout = 0; set lock_timeout = 0; set search_path = public; \
                        set standard_conforming_strings = on; set exit_on_error = off; \
                        set default_transaction_isolation = 'read committed'; \
                        set client_connection_check_interval = '5s'";

/// A step that waits for a table's lock makes every request behind it wait too: give up early, and let the deployment
/// be repeated. After the migrator's own lock, which is worth waiting for.
const LOCK_LIMIT: &str = "set lock_timeout = '5s'";

/// What is wrong with the database itself: it cannot hold every character, or knows no letters but ASCII's, so that
/// search finds `Éclair` by that word and not by `éclair`. Both are decided when a database is made, and by nothing
/// later.
async fn complaint(connection: &mut PgConnection) -> Result<Option<String>> {
    let asked = rows(
        connection,
        "select current_setting('server_encoding'),
            lower('É') = 'é' and to_tsvector('simple', 'É') = to_tsvector('simple', 'é')",
    );
    let asked = asked.await?;
    let row = asked.first().ok_or(Error::NoRow { at: "migrate" })?;
    let (encoding, folds): (String, bool) = (column(row, 0)?, column(row, 1)?);
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

fn migrator(circumstances: &Circumstances) -> Migrator {
    let migrations = HISTORY.iter().map(|&(version, description, sql)| {
        // sqlx's convention: `create index concurrently` and its like cannot run inside a transaction.
        let no_transaction = sql.starts_with("-- no-transaction");
        let (description, simple) = (description.into(), MigrationType::Simple);
        let mut step = Migration::new(version, description, simple, sql.into_sql_str(), no_transaction);
        // Under the checksum of its file, whatever was left out.
        step.sql = AssertSqlSafe(circumstances.adapt(sql).into_owned()).into_sql_str();
        step
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
