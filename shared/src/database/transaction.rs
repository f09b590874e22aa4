//! `begin`, statements, `commit`: each its own round trip, each awaited.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::error::{Error, Result};
use super::pool::{Lease, Pool};
use super::session::{Answer, Row};
use super::statement::Query;

/// An open transaction, handed to the closure of [`Database::transaction`](super::Database::transaction).
pub struct Transaction {
    lease: Lease,
    /// The server has refused a statement, and refuses all that follow until the rollback.
    aborted: bool,
}

impl Transaction {
    /// All rows.
    pub async fn fetch_all<R: Row>(&mut self, query: impl Into<Query>) -> Result<Vec<R>> {
        self.run(query.into()).await?.all()
    }

    /// The row, if there is one. More than one is a fault.
    pub async fn fetch_optional<R: Row>(&mut self, query: impl Into<Query>) -> Result<Option<R>> {
        self.run(query.into()).await?.optional()
    }

    /// The one row; none is [`Error::NoRow`].
    pub async fn fetch_one<R: Row>(&mut self, query: impl Into<Query>) -> Result<R> {
        self.run(query.into()).await?.one()
    }

    /// How many rows were changed.
    pub async fn execute(&mut self, query: impl Into<Query>) -> Result<u64> {
        Ok(self.run(query.into()).await?.affected())
    }

    fn run(&mut self, query: Query) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(async {
            let answer = self.lease.run_whole(query).await;
            self.aborted |= answer.is_err();
            answer
        })
    }

    pub(super) fn begin(pool: &Arc<Pool>) -> BoxFuture<'_, Result<Self>> {
        Box::pin(async {
            let mut lease = pool.acquire().await?;
            if let Err(error) = lease.say("begin").await {
                lease.give_back();
                return Err(error);
            }
            Ok(Self { lease, aborted: false })
        })
    }

    /// Postgres answers `commit` of an aborted transaction with a rollback and **no error**, so work that swallowed a
    /// failed statement would look saved. Here it is an error.
    pub(super) fn commit(mut self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            if self.aborted {
                self.rollback().await;
                return Err(Error::fault(
                    "commit",
                    "a statement of this transaction failed, so nothing was saved",
                ));
            }
            // Given back only on success: after a failed commit the transaction's state is unknown.
            self.lease.say("commit").await?;
            self.lease.give_back();
            Ok(())
        })
    }

    /// Awaited, because a transaction that is only dropped stays open on the server while the environment is frozen.
    /// If it fails the connection is closed, which ends the transaction too.
    pub(super) fn rollback(mut self) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            match self.lease.say("rollback").await {
                Ok(_) => self.lease.give_back(),
                Err(error) => {
                    tracing::warn!(%error, "rollback failed ({error}); the connection is closed instead");
                }
            }
        })
    }
}
