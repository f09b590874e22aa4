//! Products from a file: new ones are added, those whose sku is known become what the file says, batch after batch.
//!
//! How far a file is stands in one row, which every batch moves in the statement that writes it. So a batch is written
//! once, whoever repeats it: an invocation that ends in the middle, one that is sent twice, two at the same time.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Changed, LineOfFile, ProductId};
use crate::database::{Database, Query, Statement};
use crate::error::Result;
use crate::kill_point::KillPoint;

static BEGIN: Statement = Statement::new("catalog.import_begin", include_str!("import_begin.sql"));
/// A batch is far longer than any other statement.
static IMPORT: Statement = Statement::new("catalog.import", include_str!("import.sql")).bulk();
static LAST: Statement = Statement::new("catalog.import_last", include_str!("import_last.sql"));
static END: Statement = Statement::new("catalog.import_end", include_str!("import_end.sql"));

/// The most lines of a batch. A statement of so many takes a fifth of its time limit or less.
const MOST_LINES: usize = 1000;

/// The most bytes of the texts of a batch: with every character escaped and in base64 they fit into a statement.
const MOST_TEXT: usize = 256 * 1024;

/// A file that is imported: this upload of it and no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its name in the bucket.
    pub object: String,
    /// Changes with its content.
    pub etag: String,
    /// When it was put there.
    pub uploaded_at: OffsetDateTime,
}

impl Upload {
    fn bind(&self, statement: Statement) -> Query {
        statement.bind(&self.object).bind(&self.etag).bind(self.uploaded_at)
    }
}

/// Why a line of a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Counted from 1; the first one of several that hold one product.
    pub line: u64,
    /// The field that is wrong; none where it is the line itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

/// How an import stands.
#[derive(Clone, Debug, FromRow, Serialize)]
pub struct Import {
    /// The file.
    pub object: String,
    /// Whether it is done.
    pub finished: bool,
    /// Why the file could not be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Lines that were dealt with, headings and empty ones included.
    pub lines: i64,
    /// Products that are new.
    pub created: i64,
    /// Products that are different now.
    pub changed: i64,
    /// Products that were like this before.
    pub unchanged: i64,
    /// Lines that were not taken.
    pub refused: i64,
    /// The first of them; at least a thousand, if there are so many.
    pub refusals: Json<Vec<Refusal>>,
    #[serde(skip)]
    is_this: bool,
}

/// Begins an import, or finds it begun. `None` if a later upload has taken this one's place.
pub async fn begin(database: &Database, upload: &Upload) -> Result<Option<Import>> {
    let mut begun: Option<Import> = database.fetch_optional(upload.bind(BEGIN)).await?;
    if begun.is_none() {
        // Another message began it a moment ago, which a statement that had begun before does not see.
        begun = database.fetch_optional(upload.bind(BEGIN)).await?;
    }
    Ok(begun.filter(|import| import.is_this))
}

/// What the last batch of an import changed: its caches may not have been told.
pub async fn changed_last(database: &Database, upload: &Upload) -> Result<Vec<Changed>> {
    Ok(database.fetch_all(LAST.bind(&upload.object)).await?)
}

/// Lines of a file that are written together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Lines of the file before it.
    pub after: u64,
    /// Lines of the file with it.
    pub until: u64,
    lines: Vec<(u64, LineOfFile)>,
    refusals: Vec<Refusal>,
    text: usize,
}

impl Batch {
    /// The batch that begins after so many lines.
    #[must_use]
    pub fn after(lines: u64) -> Self {
        Self { after: lines, until: lines, ..Self::default() }
    }

    /// Adds what a line holds. No two lines of a batch may have the same sku.
    pub fn push(&mut self, line: u64, read: Result<LineOfFile, Refusal>) {
        match read {
            Ok(product) => {
                self.text += product.text_bytes();
                self.lines.push((line, product));
            }
            Err(refusal) => {
                // As JSON may write them, with all around them.
                self.text += 100 + refusal.message.len() + 6 * refusal.field.as_ref().map_or(0, String::len);
                self.refusals.push(refusal);
            }
        }
    }

    /// Whether another line may be too much.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.lines.len() + self.refusals.len() >= MOST_LINES
            || self.text + LineOfFile::MOST_TEXT_BYTES > MOST_TEXT
    }

    /// Whether it says nothing that was not said before.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.until == self.after
    }

    fn bind(self, query: Query) -> Query {
        let column = |of: fn(&LineOfFile) -> &str| -> Vec<&str> {
            self.lines.iter().map(|(_, product)| of(product)).collect()
        };
        let (skus, names) = (column(|product| &product.sku), column(|product| &product.name));
        let descriptions = column(|product| &product.description);
        let currencies = column(|product| product.price.currency.as_str());
        let products = || self.lines.iter().map(|(_, product)| product);
        query
            .bind(Json(&self.refusals))
            .bind(self.lines.iter().map(|(line, _)| line.cast_signed()).collect::<Vec<_>>())
            .bind(self.lines.iter().map(|_| ProductId::new().0).collect::<Vec<_>>())
            .bind(skus)
            .bind(names)
            .bind(descriptions)
            .bind(products().map(|product| product.price.amount).collect::<Vec<_>>())
            .bind(currencies)
            .bind(products().map(|product| product.featured).collect::<Vec<_>>())
            .bind(products().map(|product| product.stock).collect::<Vec<_>>())
    }
}

/// What a batch did.
#[derive(Debug)]
pub struct Written {
    /// Products that are new.
    pub created: i64,
    /// Products that were there before and are different now, whose caches have to be told before the next batch.
    pub changed: Vec<Changed>,
}

#[derive(FromRow)]
struct Row {
    created: i64,
    id: Option<Uuid>,
    version: Option<i64>,
}

/// Writes a batch in one statement. `None` if the import is no longer where the batch begins: nothing was written.
pub async fn import(database: &Database, upload: &Upload, batch: Batch) -> Result<Option<Written>> {
    let query = upload.bind(IMPORT).bind(batch.after.cast_signed()).bind(batch.until.cast_signed());
    KillPoint::BeforeImport.reached();
    let rows: Vec<Row> = database.fetch_all(batch.bind(query)).await?;
    KillPoint::AfterImport.reached();
    let Some(&Row { created, .. }) = rows.first() else { return Ok(None) };
    let changed =
        rows.iter().filter_map(|row| Some(Changed { id: ProductId(row.id?), version: row.version? }));
    Ok(Some(Written { created, changed: changed.collect() }))
}

/// Ends an import that is at this line; `failure` says why its file could not be read. `None` if it is elsewhere.
pub async fn end(
    database: &Database,
    upload: &Upload,
    lines: u64,
    failure: Option<&str>,
) -> Result<Option<Import>> {
    KillPoint::BeforeImportEnds.reached();
    Ok(database.fetch_optional(upload.bind(END).bind(lines.cast_signed()).bind(failure)).await?)
}
