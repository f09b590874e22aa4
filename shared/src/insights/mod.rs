//! What the database knows about itself: where its time goes, what it scans, which indexes it lacks or never reads.
//!
//! Asked as the functions' own role, which sees the figures of every table and index, and the statements of itself.
//! That is all of the functions' statements and nobody else's, so no further right is needed.

mod advice;

use serde::Serialize;
use sqlx::FromRow;
use time::OffsetDateTime;

pub use advice::{Suggestion, advise};

use crate::database::{Database, Result, Statement, Timestamp};

static STATEMENTS: Statement = Statement::new("insights.statements", include_str!("statements.sql"));
static TABLES: Statement = Statement::new("insights.tables", include_str!("tables.sql"));
static UNUSED_INDEXES: Statement =
    Statement::new("insights.unused_indexes", include_str!("unused_indexes.sql"));
static MISSING_INDEXES: Statement =
    Statement::new("insights.missing_indexes", include_str!("missing_indexes.sql"));
static SERVER: Statement = Statement::new("insights.server", include_str!("server.sql"));

/// How many statements are shown.
const STATEMENTS_SHOWN: i64 = 20;

/// What one statement has cost, all its calls together.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct StatementCost {
    /// As in [`Statement::name`].
    pub name: String,
    /// How often it ran.
    pub calls: i64,
    /// Milliseconds of all calls.
    pub total_ms: f64,
    /// Milliseconds of a call.
    pub mean_ms: f64,
    /// Its part of the time of all the functions' statements, in percent.
    pub share_percent: f64,
    /// Rows that a call returned or changed.
    pub rows_each: f64,
    /// Blocks of 8 kB that a call looked at.
    pub blocks_each: f64,
}

/// How one table is read.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct TableUse {
    /// The table.
    pub name: String,
    /// Rows, estimated.
    pub rows: i64,
    /// Its size without indexes.
    pub bytes: i64,
    /// Times that it was read from one end to the other.
    pub sequential_scans: i64,
    /// Rows that those read.
    pub rows_scanned: i64,
    /// Times that one of its indexes was read.
    pub index_scans: i64,
}

/// An index that nothing has read.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct UnusedIndex {
    /// The index.
    pub name: String,
    /// Its table.
    pub table: String,
    /// Its size.
    pub bytes: i64,
}

/// A foreign key that no index helps.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct MissingIndex {
    /// The table that refers.
    pub table: String,
    /// Its columns, with commas between them.
    pub columns: String,
    /// The table referred to.
    pub references: String,
}

/// The server as a whole.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Server {
    /// Sessions that are open, of whomever.
    pub connections: i64,
    /// How many may be open.
    pub connection_limit: i32,
    /// Sessions of the functions that run a statement now.
    pub active: i64,
    /// Sessions of the functions that hold a transaction open and do nothing.
    pub idle_in_transaction: i64,
    /// Blocks that lay in the server's memory when they were needed.
    pub blocks_from_memory: i64,
    /// Blocks that did not.
    pub blocks_from_disk: i64,
    /// Since when all of this has been counted.
    #[serde(with = "time::serde::rfc3339")]
    #[sqlx(try_from = "Timestamp")]
    pub since: OffsetDateTime,
}

impl Server {
    /// Blocks found in memory, in percent, rounded down; 100 where none was needed.
    #[must_use]
    pub fn memory_percent(&self) -> u64 {
        percent(self.blocks_from_memory, self.blocks_from_memory.saturating_add(self.blocks_from_disk))
    }

    /// Open connections, in percent of the limit, rounded down.
    #[must_use]
    pub fn connections_percent(&self) -> u64 {
        percent(self.connections, self.connection_limit.into())
    }
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Insights {
    /// The server as a whole.
    pub server: Server,
    /// Where its time goes, dearest first.
    pub statements: Vec<StatementCost>,
    /// All tables, most scanned first.
    pub tables: Vec<TableUse>,
    /// Largest first.
    pub unused_indexes: Vec<UnusedIndex>,
    /// In the order of their tables.
    pub missing_indexes: Vec<MissingIndex>,
}

/// Asks the database; five statements that read statistics and catalogues, no table of the shop.
pub async fn gather(database: &Database) -> Result<Insights> {
    Ok(Insights {
        server: database.fetch_one(&SERVER).await?,
        statements: database.fetch_all(STATEMENTS.bind(STATEMENTS_SHOWN)).await?,
        tables: database.fetch_all(&TABLES).await?,
        unused_indexes: database.fetch_all(&UNUSED_INDEXES).await?,
        missing_indexes: database.fetch_all(&MISSING_INDEXES).await?,
    })
}

fn percent(part: i64, whole: i64) -> u64 {
    let percent = part.saturating_mul(100).checked_div(whole).unwrap_or(100);
    u64::try_from(percent).unwrap_or(0)
}
