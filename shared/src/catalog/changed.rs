//! Which products changed lately, for caches that may not have heard of it.

use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::ProductId;
use crate::database::{Database, Statement, Timestamp};
use crate::error::Result;

static CHANGED: Statement = Statement::new("catalog.changed", include_str!("changed.sql"));
static ANNOUNCED: Statement = Statement::new("catalog.announced", include_str!("announced.sql"));

/// What changed within so many seconds is told once more whatever became of it the first time: a statement that was
/// under way when the last look was taken has committed by then.
const AGAIN: i32 = 120;

/// Most products of one look; `changed.sql` says the same.
const MOST: usize = 2000;

/// A product that changed.
#[derive(Clone, Copy, Debug, FromRow)]
pub struct Changed {
    /// Which.
    pub id: ProductId,
    /// Its version now.
    pub version: i64,
}

/// What the caches are to be told again.
#[derive(Debug)]
pub struct Unannounced {
    /// Oldest change first, two thousand at most.
    pub changed: Vec<Changed>,
    until: OffsetDateTime,
    last: Uuid,
}

#[derive(FromRow)]
struct Row {
    read_at: Timestamp,
    id: Option<ProductId>,
    version: Option<i64>,
    updated_at: Option<Timestamp>,
}

/// The products that changed since the last [`announced`], and those of the last two minutes.
pub async fn unannounced(database: &Database) -> Result<Unannounced> {
    let rows: Vec<Row> = database.fetch_all(CHANGED.bind(AGAIN)).await?;
    let changed = |row: &Row| Some(Changed { id: row.id?, version: row.version? });
    let changed: Vec<Changed> = rows.iter().filter_map(changed).collect();
    let read_at = rows.first().map_or_else(OffsetDateTime::now_utc, |row| row.read_at.0);
    // A page that is full is not all.
    let last = rows.last().filter(|_| changed.len() == MOST);
    let last = last.and_then(|row| Some((row.updated_at?.0.min(read_at), row.id?.0)));
    let (until, last) = last.unwrap_or((read_at, Uuid::max()));
    Ok(Unannounced { changed, until, last })
}

/// Notes that the caches know of all this.
pub async fn announced(database: &Database, told: &Unannounced) -> Result<()> {
    database.execute(ANNOUNCED.bind(told.until).bind(told.last)).await?;
    Ok(())
}
