//! One file: read, written in batches, told to the caches, and reported.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use serde::Serialize;
use shared::app::App;
use shared::aws::objects::{Bucket, Object, Unread};
use shared::catalog::{self, Batch, Changed, Refusal, Upload};
use shared::error::{Error, Kind, Result, internal};
use shared::telemetry::{self, Counter};
use shared::time_limit::TimeLimit;

use crate::file::{Format, Reader, Record};

/// The largest file.
const LARGEST: u64 = 512 * 1024 * 1024;
/// The most products of a file: their skus take 70 MB of memory.
const MOST_PRODUCTS: usize = 2_000_000;
/// What is read of it at a time.
const PIECE: u64 = 1024 * 1024;
/// Products of one exchange with Redis, so that it fits into its time limit.
const TOLD_AT_ONCE: usize = 100;
/// Between two tries while Redis or Postgres is away.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an invocation waits for Redis, which costs as much as work. Then the next one looks whether it is back.
const PATIENCE: Duration = Duration::from_mins(1);
/// Tries of a file within one invocation.
const TRIES: u32 = 5;
/// Lines between two lines of the log that say how far it is.
const TOLD_EVERY: u64 = 10_000;

/// Where files lie, and where is told what came of them.
const FILES: &str = "products/";
const RESULTS: &str = "results/";

/// What was read of a line.
type Read = Result<catalog::LineOfFile, Refusal>;

/// How it ended.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// All lines were dealt with.
    Finished(catalog::Import),
    /// The next invocation goes on.
    OutOfTime { object: String },
    /// The next invocation goes on, a while later: Redis is away.
    Waiting { object: String },
    /// Somebody else goes on, or a later file of this name is imported.
    Overtaken { object: String },
    /// There is no such file, or none any more.
    Gone { object: String },
}

/// Why it did not go on.
enum Stop {
    OutOfTime,
    WithoutRedis,
    Overtaken,
    /// Another file has this name now.
    Replaced,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What an import works with.
pub(crate) struct Import<'a> {
    app: &'a App,
    bucket: &'a Bucket,
    limit: TimeLimit,
}

impl<'a> Import<'a> {
    pub(crate) fn new(app: &'a App, bucket: &'a Bucket, limit: TimeLimit) -> Self {
        Self { app, bucket, limit }
    }

    /// Imports the file of this key, from where it is.
    pub(crate) async fn of(&self, key: &str) -> Result<Outcome> {
        let object = key.to_owned();
        let mut tries = 1;
        loop {
            let Some(file) = self.bucket.find(key).await? else {
                tracing::warn!(object, "{object} is not there");
                return Ok(Outcome::Gone { object });
            };
            match self.of_file(&file).await {
                Ok(import) => return Ok(Outcome::Finished(import)),
                Err(Stop::OutOfTime) => return Ok(Outcome::OutOfTime { object }),
                Err(Stop::WithoutRedis) => return Ok(Outcome::Waiting { object }),
                // Whoever was told of that one may have stopped for us: their times are whole seconds, and within one
                // we took its place.
                Err(Stop::Replaced) if tries < TRIES => tries += 1,
                Err(Stop::Overtaken | Stop::Replaced) => {
                    tracing::info!(object, "{object} is in other hands, or another file took its place");
                    return Ok(Outcome::Overtaken { object });
                }
                // Whether the last batch was written is not known: from the beginning, which finds out.
                Err(Stop::Failed(error)) if is_worth_another_try(&error) && tries < TRIES => {
                    let cause = error.cause().unwrap_or_default();
                    tracing::warn!(object, cause, "{object}: {cause}; trying again");
                    tokio::time::sleep(PAUSE).await;
                    tries += 1;
                }
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    async fn of_file(&self, file: &Object) -> Result<catalog::Import, Stop> {
        let upload = Upload { object: file.key.clone(), etag: file.etag.clone(), uploaded_at: file.modified };
        let begun = catalog::begin(&self.app.database, &upload).await?.ok_or(Stop::Overtaken)?;
        let import = if begun.finished {
            begun
        } else {
            // Whoever wrote the last batch may have died before the caches knew.
            let last = catalog::changed_last(&self.app.database, &upload).await?;
            if !last.is_empty() {
                self.announce(&last).await?;
            }
            let done = begun.lines.cast_unsigned();
            let (lines, failure) = match self.lines_of(file, &upload, done).await {
                Ok(lines) => (lines, None),
                Err(Halt::Unreadable(why)) => (done, Some(why)),
                Err(Halt::Stopped(stop)) => return Err(stop),
            };
            let ended = catalog::end(&self.app.database, &upload, lines, failure.as_deref()).await?;
            ended.ok_or(Stop::Overtaken)?
        };
        self.report(&import).await?;
        Ok(import)
    }

    /// Deals with all lines after the first `done`; how many there are.
    async fn lines_of(&self, file: &Object, upload: &Upload, done: u64) -> Result<u64, Halt> {
        if file.size > LARGEST {
            return Err(Halt::Unreadable(format!("it is larger than {} MB", LARGEST / 1024 / 1024)));
        }
        let format = Format::of(&file.key);
        let format = format
            .ok_or_else(|| Halt::Unreadable("its name does not end in .csv, .jsonl or .ndjson".into()))?;
        let (mut reader, mut skus, mut batch) =
            (Reader::new(format), Skus::at_most(MOST_PRODUCTS), Batch::after(done));
        let mut from = 0;
        loop {
            if from < file.size {
                // Also over lines that are done, of which none is written.
                if self.limit.left().is_zero() {
                    return Err(Stop::OutOfTime.into());
                }
                let piece = self.bucket.read(file, from, PIECE).await.map_err(Stop::from)?;
                from += piece.len() as u64;
                reader.push(&piece);
            }
            if from >= file.size {
                reader.end();
            }
            while let Some(record) = reader.next().map_err(Halt::Unreadable)? {
                let Record { line, until, read } = record;
                let read = skus.first(line, read).map_err(Halt::Unreadable)?;
                if until <= done {
                    continue;
                }
                batch.push(line, read);
                batch.until = until;
                if batch.is_full() {
                    let next = Batch::after(until);
                    self.write(upload, std::mem::replace(&mut batch, next)).await?;
                }
            }
            if from >= file.size {
                let lines = batch.until;
                if !batch.is_empty() {
                    self.write(upload, batch).await?;
                }
                return Ok(lines);
            }
        }
    }

    /// Writes a batch and tells the caches. In this order, and before the next batch: then none has to be remembered.
    async fn write(&self, upload: &Upload, batch: Batch) -> Result<(), Stop> {
        let (after, until) = (batch.after, batch.until);
        let written = catalog::import(&self.app.database, upload, batch).await?.ok_or(Stop::Overtaken)?;
        if written.created > 0 || !written.changed.is_empty() {
            self.announce(&written.changed).await?;
        }
        if after / TOLD_EVERY != until / TOLD_EVERY {
            tracing::info!(object = upload.object, lines = until, "{}: {until} lines", upload.object);
        }
        if self.limit.left().is_zero() { Err(Stop::OutOfTime) } else { Ok(()) }
    }

    /// Tells the caches of these products, and the lists of all. While Redis is away an import stands still: it can
    /// wait, and who reads must not get what was before.
    async fn announce(&self, changed: &[Changed]) -> Result<(), Stop> {
        let (mut left, since) = (changed, Instant::now());
        loop {
            let (some, others) = left.split_at(left.len().min(TOLD_AT_ONCE));
            while self.app.redis.insist(self.app.announce(some)).await > 0 {
                if self.limit.left().is_zero() || since.elapsed() > PATIENCE {
                    return Err(Stop::WithoutRedis);
                }
                tokio::time::sleep(PAUSE).await;
            }
            left = others;
            if left.is_empty() {
                return Ok(());
            }
        }
    }

    /// Leaves beside the files what came of one.
    async fn report(&self, import: &catalog::Import) -> Result<()> {
        let catalog::Import { object, lines, created, changed, unchanged, refused, failure, .. } = import;
        let key = format!("{RESULTS}{}.json", object.strip_prefix(FILES).unwrap_or(object));
        let body = serde_json::to_vec_pretty(import).map_err(internal)?;
        self.bucket.write(&key, "application/json", body).await?;
        if let Some(failure) = failure {
            telemetry::count(Counter::FilesUnread);
            tracing::warn!(object, failure, "{object} could not be read: {failure}: {key}");
            return Ok(());
        }
        tracing::info!(
            object,
            lines,
            created,
            changed,
            unchanged,
            refused,
            "{object}: {created} new, {changed} changed, {unchanged} as before, {refused} refused: {key}"
        );
        Ok(())
    }
}

/// Why lines were not read to the end.
enum Halt {
    Unreadable(String),
    Stopped(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<Unread> for Stop {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Replaced => Self::Replaced,
            Unread::Failed(error) => Self::Failed(error),
        }
    }
}

fn is_worth_another_try(error: &Error) -> bool {
    error.problem().kind() == Kind::Unavailable
}

/// The skus of a file so far, by their hashes: 64 bits, of which two among two million are the same once in ten million
/// files.
struct Skus {
    lines: HashMap<u64, u64>,
    most: usize,
}

impl Skus {
    fn at_most(most: usize) -> Self {
        Self { lines: HashMap::new(), most }
    }

    /// Refuses the second product of a sku: which of the two is meant is not known here, and if both were written the
    /// same file would change them each time.
    ///
    /// # Errors
    /// Says of how many products a file is too large.
    fn first(&mut self, line: u64, read: Read) -> Result<Read, String> {
        let Ok(product) = read else { return Ok(read) };
        let known = self.lines.len();
        let mut hasher = DefaultHasher::new();
        product.sku.hash(&mut hasher);
        match self.lines.entry(hasher.finish()) {
            Entry::Vacant(_) if known == self.most => {
                Err(format!("it has more than {known} products: cut it into several"))
            }
            Entry::Vacant(entry) => {
                entry.insert(line);
                Ok(Ok(product))
            }
            Entry::Occupied(entry) => {
                let message = format!("is already that of line {}", entry.get());
                Ok(Err(Refusal { line, field: Some("sku".into()), message }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn product(sku: &str) -> catalog::LineOfFile {
        let price = json!({ "amount": 1, "currency": "usd" });
        let line = json!({ "sku": sku, "name": "Lamp", "description": "", "price": price });
        serde_json::from_value(line).expect("a product")
    }

    #[test]
    fn of_more_skus_than_fit_into_memory_a_file_is_too_large_and_of_no_more_lines() {
        let mut skus = Skus::at_most(2);
        for (line, sku, is_first) in [(2, "A", true), (3, "B", true), (4, "A", false), (5, "B", false)] {
            assert_eq!(
                skus.first(line, Ok(product(sku))).expect("there is room").is_ok(),
                is_first,
                "{line}"
            );
        }
        let bad = || Err(Refusal { line: 6, field: None, message: "is empty".to_owned() });
        assert!(skus.first(6, bad()).expect("it has no sku").is_err());
        assert!(skus.first(7, Ok(product("C"))).is_err_and(|why| why.contains("more than 2 products")));
    }
}
