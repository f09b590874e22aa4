//! The one door through which SQL leaves: clippy refuses every other (`clippy.toml`).

use std::pin::pin;
use std::sync::atomic::Ordering;

use futures::TryStreamExt;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Either, FromRow};

use super::error::{Error, Result, connection_survives};
use super::limits::MAX_TEXT_BYTES;
use super::pool::Lease;
use super::statement::Query;
use super::stored;
use crate::telemetry::{self, Counter, Timer};

/// A row type: anything that derives [`sqlx::FromRow`], or a tuple.
pub trait Row: for<'r> FromRow<'r, PgRow> {}

impl<T: for<'r> FromRow<'r, PgRow>> Row for T {}

/// What the server answered to one statement.
pub(super) struct Answer {
    at: &'static str,
    rows: Vec<PgRow>,
    affected: u64,
}

impl Answer {
    pub(super) fn all<R: Row>(self) -> Result<Vec<R>> {
        let at = self.at;
        self.rows.iter().map(|row| R::from_row(row).map_err(|error| Error::from_sqlx(at, &error))).collect()
    }

    pub(super) fn optional<R: Row>(self) -> Result<Option<R>> {
        let (at, rows) = (self.at, self.rows.len());
        match rows {
            0 | 1 => Ok(self.all()?.pop()),
            _ => Err(Error::fault(at, format!("{rows} rows where at most one was expected"))),
        }
    }

    pub(super) fn one<R: Row>(self) -> Result<R> {
        let at = self.at;
        self.optional()?.ok_or(Error::NoRow { at })
    }

    pub(super) fn affected(&self) -> u64 {
        self.affected
    }
}

impl Lease {
    /// One statement, one round trip: the call of a stored one, or the text. Two where the database has no such
    /// function, which is asked for once.
    pub(super) async fn run(&mut self, query: Query) -> Result<Answer> {
        if !self.pool.sends_whole.load(Ordering::Relaxed)
            && let Some(call) = query.call()?
        {
            match self.exchange(&query, call).await? {
                Err(error) if stored::is_missing(&error) => {
                    let at = query.name();
                    tracing::warn!(%error, "the database has no usable function for {at}: statements are sent whole");
                    self.pool.sends_whole.store(true, Ordering::Relaxed);
                }
                answered => return answered.map_err(|error| refused(query.name(), &error)),
            }
        }
        self.run_whole(query).await
    }

    /// The same, of its text in any case.
    pub(super) async fn run_whole(&mut self, query: Query) -> Result<Answer> {
        let text = query.render()?;
        self.exchange(&query, text).await?.map_err(|error| refused(query.name(), &error))
    }

    async fn exchange(&mut self, query: &Query, text: String) -> Result<Answered> {
        let pins = text.len() > MAX_TEXT_BYTES;
        let answered = self.send(query.name(), text).await;
        if pins {
            // RDS Proxy would keep a server connection for this one alone as long as it is open.
            self.connection = None;
        }
        answered
    }

    /// Sends one of the words that begin and end a transaction.
    pub(super) async fn say(&mut self, word: &'static str) -> Result<Answer> {
        self.send(word, word.to_owned()).await?.map_err(|error| refused(word, &error))
    }

    /// Sends `text`, which must be free of data that is not a literal.
    ///
    /// The connection is taken out of the lease meanwhile. Whoever drops this future drops the connection with it, so a
    /// connection whose answer is still under way can never serve somebody else.
    async fn send(&mut self, at: &'static str, text: String) -> Result<Answered> {
        let limit = self.pool.settings.statement_limit;
        let mut connection = self
            .connection
            .take()
            .ok_or_else(|| Error::unavailable(at, "the connection was lost earlier"))?;
        let started = std::time::Instant::now();
        telemetry::count(Counter::DatabaseRoundTrips);
        let result = self.alarm.limit(limit, pin!(round_trip(&mut connection, text))).await;
        let waited = started.elapsed();
        telemetry::time(Timer::DatabaseTime, waited);
        let Some(result) = result else {
            telemetry::count(Counter::DatabaseAway);
            return Err(Error::unavailable(at, format!("no answer within {limit:?}")));
        };
        let duration_ms = waited.as_secs_f64() * 1e3;
        tracing::debug!(statement = at, duration_ms, ok = result.is_ok(), "{at} took {duration_ms:.1} ms");
        if result.as_ref().err().is_none_or(connection_survives) {
            self.connection = Some(connection);
        }
        Ok(result.map(|(rows, affected)| Answer { at, rows, affected }))
    }
}

/// What came back: an answer, or why there is none.
type Answered = sqlx::Result<Answer>;

fn refused(at: &'static str, error: &sqlx::Error) -> Error {
    let error = Error::from_sqlx(at, error);
    if error.is_unavailable() {
        telemetry::count(Counter::DatabaseAway);
    }
    error
}

/// By the simple query protocol. The extended one needs two round trips, and behind a transaction pooler they may reach
/// two servers: the second half then runs another client's statement (see the [module's documentation](super)).
#[expect(clippy::disallowed_methods, reason = "the one door")]
async fn round_trip(connection: &mut PgConnection, text: String) -> sqlx::Result<(Vec<PgRow>, u64)> {
    let (mut rows, mut affected) = (Vec::new(), 0);
    let mut answer = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(connection);
    while let Some(item) = answer.try_next().await? {
        match item {
            Either::Left(done) => affected = done.rows_affected(),
            Either::Right(row) => rows.push(row),
        }
    }
    Ok((rows, affected))
}
