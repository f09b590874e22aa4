//! `begin`, statements, `commit`: each its own round trip, each awaited.

use super::error::{Error, Result};
use super::pool::Lease;
use super::session::Row;
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

    async fn run(&mut self, query: Query) -> Result<super::session::Answer> {
        let answer = self.lease.run(query).await;
        self.aborted |= answer.is_err();
        answer
    }

    pub(super) async fn begin(mut lease: Lease) -> Result<Self> {
        if let Err(error) = lease.send("begin", "begin".into()).await {
            lease.give_back();
            return Err(error);
        }
        Ok(Self { lease, aborted: false })
    }

    /// Postgres answers `commit` of an aborted transaction with a rollback and **no error**, so work that swallowed a
    /// failed statement would look saved. Here it is an error.
    pub(super) async fn commit(mut self) -> Result<()> {
        if self.aborted {
            self.rollback().await;
            return Err(Error::fault(
                "commit",
                "a statement of this transaction failed, so nothing was saved",
            ));
        }
        // Given back only on success: after a failed commit the transaction's state is unknown.
        self.lease.send("commit", "commit".into()).await?;
        self.lease.give_back();
        Ok(())
    }

    /// Awaited, because a transaction that is only dropped stays open on the server while the environment is frozen.
    /// If it fails the connection is closed, which ends the transaction too.
    pub(super) async fn rollback(mut self) {
        match self.lease.send("rollback", "rollback".into()).await {
            Ok(_) => self.lease.give_back(),
            Err(error) => {
                tracing::warn!(%error, "rollback failed ({error}); the connection is closed instead");
            }
        }
    }
}
