//! One file: read, written in batches, told to the caches, and reported.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::Serialize;
use shared::app::App;
use shared::aws::objects::{Bucket, Object, Unread};
use shared::catalog::{self, Batch, Changed, Refusal, Upload};
use shared::error::{Error, Kind, Result, internal};
use shared::telemetry::{self, Counter};
use shared::time_limit::TimeLimit;

use crate::file::{Format, Reader, Record};

/// The largest file, as the memory of its skus grows with it: 70 MB for the two million products that it may hold.
const LARGEST: u64 = 512 * 1024 * 1024;
/// What is read of it at a time.
const PIECE: u64 = 1024 * 1024;
/// Products of one exchange with Redis, so that it fits into its time limit.
const TOLD_AT_ONCE: usize = 100;
/// Between two tries while Redis or Postgres is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries of a file within one invocation.
const TRIES: u32 = 5;
/// Lines between two lines of the log that say how far it is.
const TOLD_EVERY: u64 = 10_000;

/// Where files lie, and where is told what came of them.
const FILES: &str = "products/";
const RESULTS: &str = "results/";

/// How it ended.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// All lines were dealt with.
    Finished(catalog::Import),
    /// The next invocation goes on.
    OutOfTime { object: String },
    /// Somebody else goes on, or a later file of this name is imported.
    Overtaken { object: String },
    /// There is no such file, or none any more.
    Gone { object: String },
}

/// Why it did not go on.
enum Stop {
    OutOfTime,
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
        let (mut reader, mut skus, mut batch) = (Reader::new(format), Skus::default(), Batch::after(done));
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
                let read = skus.first(line, read);
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
        let mut left = changed;
        loop {
            let (some, others) = left.split_at(left.len().min(TOLD_AT_ONCE));
            while self.app.redis.insist(self.app.announce(some)).await > 0 {
                if self.limit.left().is_zero() {
                    return Err(Stop::OutOfTime);
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
#[derive(Default)]
struct Skus(HashMap<u64, u64>);

impl Skus {
    /// Refuses the second product of a sku: which of the two is meant is not known here, and if both were written the
    /// same file would change them each time.
    fn first(
        &mut self,
        line: u64,
        read: Result<catalog::LineOfFile, Refusal>,
    ) -> Result<catalog::LineOfFile, Refusal> {
        let product = read?;
        let mut hasher = DefaultHasher::new();
        product.sku.hash(&mut hasher);
        match self.0.entry(hasher.finish()) {
            Entry::Vacant(entry) => {
                entry.insert(line);
                Ok(product)
            }
            Entry::Occupied(entry) => {
                let message = format!("is already that of line {}", entry.get());
                Err(Refusal { line, field: Some("sku".into()), message })
            }
        }
    }
}
