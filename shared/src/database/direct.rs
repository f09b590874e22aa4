//! A connection of the owner's own, straight to Postgres: what the migrator works on.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row};

use super::error::{Error, Result};
use super::settings::Settings;

pub(super) async fn connect(settings: &Settings) -> Result<PgConnection> {
    let limit = settings.acquire_limit;
    match tokio::time::timeout(limit, settings.connect()).await {
        Ok(connected) => connected.map_err(|error| Error::not_connected(&error)),
        Err(_) => Err(Error::unavailable("connect", format!("no connection within {limit:?}"))),
    }
}

/// Statements without arguments, of the code's own text.
#[expect(clippy::disallowed_methods, reason = "a direct connection of the migrator's own")]
pub(super) async fn run(connection: &mut PgConnection, sql: impl Into<String>) -> Result<()> {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await;
    ran.map(drop).map_err(failed)
}

#[expect(clippy::disallowed_methods, reason = "a direct connection of the migrator's own")]
pub(super) async fn rows(connection: &mut PgConnection, sql: &'static str) -> Result<Vec<PgRow>> {
    sqlx::raw_sql(sql).fetch_all(connection).await.map_err(failed)
}

pub(super) fn column<'r, T>(row: &'r PgRow, index: usize) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(index).map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn failed(error: sqlx::Error) -> Error {
    Error::from_sqlx("migrate", &error)
}
