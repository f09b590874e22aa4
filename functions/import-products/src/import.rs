//! One file: read, written in batches, told to the caches, and reported.

use std::time::{Duration, Instant};

use serde::Serialize;
use shared::app::App;
use shared::aws::objects::{Bucket, Object, Unread};
use shared::catalog::{self, Batch, Changed, Upload};
use shared::error::{Error, Kind, Result, internal};
use shared::telemetry::{self, Counter};
use shared::time_limit::TimeLimit;

use crate::batches::Batches;
use crate::file::Format;

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
            let (lines, failure) = self.lines_of(file, &upload, done).await?;
            let ended = catalog::end(&self.app.database, &upload, lines, failure.as_deref()).await?;
            ended.ok_or(Stop::Overtaken)?
        };
        self.report(&import).await?;
        Ok(import)
    }

    /// Deals with all lines after the first `done`: how many there are, and why they could be read no further.
    async fn lines_of(
        &self,
        file: &Object,
        upload: &Upload,
        done: u64,
    ) -> Result<(u64, Option<String>), Stop> {
        if file.size > LARGEST {
            return Ok((done, Some(format!("it is larger than {} MB", LARGEST / 1024 / 1024))));
        }
        let Some(format) = Format::of(&file.key) else {
            return Ok((done, Some("its name does not end in .csv, .jsonl or .ndjson".into())));
        };
        let (mut batches, mut from) = (Batches::of(format, MOST_PRODUCTS, done), 0);
        loop {
            if from < file.size {
                // Also over lines that are done, of which none is written.
                if self.limit.left().is_zero() {
                    return Err(Stop::OutOfTime);
                }
                let piece = self.bucket.read(file, from, PIECE).await?;
                from += piece.len() as u64;
                batches.push(&piece);
            }
            if from >= file.size {
                batches.end();
            }
            while let Some(batch) = batches.next() {
                self.write(upload, batch).await?;
            }
            if from >= file.size || batches.failure().is_some() {
                let (rest, failure) = batches.rest();
                let lines = rest.until;
                if !rest.is_empty() {
                    self.write(upload, rest).await?;
                }
                return Ok((lines, failure));
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
