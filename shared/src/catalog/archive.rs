//! Taking a product out of the shop.

use sqlx::FromRow;

use super::versions::another_version;
use super::{ProductId, Versions};
use crate::database::{Database, Statement};
use crate::error::{Result, not_found};

static ARCHIVE: Statement = Statement::new("catalog.archive", include_str!("archive.sql"));

#[derive(FromRow)]
struct Found {
    found_version: i64,
    version: Option<i64>,
}

/// Archives a product: from then on it is not found, listed or sold, and its orders keep it. Only if it has a
/// version for which that is meant. Its version from now on.
///
/// # Errors
/// 404 if there is none, or none any more; 412 if the version is another.
pub async fn archive(database: &Database, id: ProductId, versions: Versions) -> Result<i64> {
    let found: Option<Found> = database.fetch_optional(versions.bind(ARCHIVE.bind(id))).await?;
    let found = found.ok_or_else(|| not_found("product"))?;
    found.version.ok_or_else(|| another_version(found.found_version))
}
