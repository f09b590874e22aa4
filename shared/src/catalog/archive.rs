//! Taking a product out of the shop.

use sqlx::FromRow;

use super::ProductId;
use crate::{
    database::{Database, Statement},
    error::{Error, Kind, Result, not_found},
};

static ARCHIVE: Statement = Statement::new("catalog.archive", include_str!("archive.sql"));

#[derive(FromRow)]
struct Found {
    found_version: i64,
    version: Option<i64>,
}

/// Archives a product: from then on it is not found, listed or sold, and its orders keep it. With `expected`, only if
/// that is still its version. Its version from now on.
///
/// # Errors
/// 404 if there is none, or none any more; 412 if the version is another.
pub async fn archive(database: &Database, id: ProductId, expected: Option<i64>) -> Result<i64> {
    let found: Option<Found> = database.fetch_optional(ARCHIVE.bind(id).bind(expected)).await?;
    let found = found.ok_or_else(|| not_found("product"))?;
    found.version.ok_or_else(|| {
        let detail = format!("The product has changed: its version is {} now.", found.found_version);
        Error::new(Kind::PreconditionFailed, detail)
    })
}
