//! Postgres: one round trip a statement, right behind every pooler.
//!
//! # The trap
//!
//! sqlx, like most drivers, sends a statement in two halves: *prepare*, wait, *execute*. Behind a transaction pooler
//! (PgBouncer, RDS Proxy) the halves may reach two servers, and the second half then runs **another client's statement
//! with our arguments**, writes included, without an error. 40 clients of one connection, 200 statements each, 5 server
//! connections, PgBouncer 1.18:
//!
//! | sqlx | round trips | right | wrong | error |
//! |---|---|---|---|---|
//! | default | 1, first 2 | 1732 | 4112 | 2156 |
//! | `statement_cache_capacity(0)` | 2 | 322 | 661 | 7017 |
//! | `.persistent(false)` | 2 | 1089 | 6898 | 13 |
//! | this module | **1** | **8000** | **0** | **0** |
//!
//! One client alone never shows the fault. `shared/tests/database/pooler.rs` shows it in every run.
//!
//! # The way out
//!
//! Statement and arguments travel as one text in the simple query protocol. That is safe because a [`Statement`]'s text
//! is static and read by the compiler, and because every argument becomes a literal of an alphabet that cannot end it
//! (`argument.rs`). Rows decode through sqlx as usual.
//!
//! ```no_run
//! # use shared::database::{Database, Result, Statement};
//! # async fn example(database: Database, id: uuid::Uuid) -> Result<()> {
//! static NAME: Statement = Statement::new("catalog.name", "select name from products where id = $1");
//! static TAKE: Statement = Statement::new(
//!     "catalog.take",
//!     "update inventory set available = available - $2 where product_id = $1",
//! );
//!
//! let name: Option<(String,)> = database.fetch_optional(NAME.bind(id)).await?;
//!
//! database
//!     .transaction(async |tx| {
//!         tx.execute(TAKE.bind(id).bind(2)).await?;
//!         tx.fetch_one::<(String,)>(NAME.bind(id)).await
//!     })
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! Two things to know about decoding. A `timestamptz` is read as a [`Timestamp`]: sqlx cannot read one whose second is
//! whole. And sqlx reads the *text* `NULL` inside a `text[]` column as a null. Select `to_jsonb(column)` where such an
//! element may occur.

mod argument;
#[cfg(feature = "aws")]
mod direct;
mod error;
mod iam;
#[cfg(feature = "aws")]
mod install;
mod json_text;
mod limits;
#[cfg(feature = "aws")]
pub mod migrations;
#[cfg(feature = "aws")]
mod owner;
mod placeholder;
mod pool;
mod session;
mod settings;
mod statement;
mod stored;
mod timestamp;
mod transaction;

use std::sync::Arc;

use futures::future::BoxFuture;

pub use argument::{Argument, Bytea, Value};
pub use error::{Error, Result};
pub(crate) use json_text::JsonText;
pub use limits::{MAX_IDS, MAX_TEXT_BYTES};
pub use session::Row;
pub use settings::{InvalidSettings, Settings};
pub use sqlx::types::Json;
pub use statement::{Query, Statement};
pub use timestamp::Timestamp;
pub use transaction::Transaction;

use pool::Pool;
use session::Answer;

/// A handle to the database: cheap to clone, and no connection is opened before the first statement.
#[derive(Clone)]
pub struct Database {
    pool: Arc<Pool>,
}

impl Database {
    /// A handle with a pool of its own.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { pool: Pool::new(settings) }
    }

    /// All rows.
    pub async fn fetch_all<R: Row>(&self, query: impl Into<Query>) -> Result<Vec<R>> {
        self.run(query.into()).await?.all()
    }

    /// The row, if there is one. More than one is a fault.
    pub async fn fetch_optional<R: Row>(&self, query: impl Into<Query>) -> Result<Option<R>> {
        self.run(query.into()).await?.optional()
    }

    /// The one row; none is [`Error::NoRow`].
    pub async fn fetch_one<R: Row>(&self, query: impl Into<Query>) -> Result<R> {
        self.run(query.into()).await?.one()
    }

    /// How many rows were changed.
    pub async fn execute(&self, query: impl Into<Query>) -> Result<u64> {
        Ok(self.run(query.into()).await?.affected())
    }

    /// Runs `work` between `begin` and `commit`; an error of `work` rolls back, and all of it is awaited.
    ///
    /// For what one statement cannot say: it costs two round trips more and holds a server connection all the while, so
    /// do nothing else inside. A panic or a dropped request closes the connection, which rolls back. An
    /// [`Error::Unavailable`] at `commit` leaves open whether the work was saved.
    pub async fn transaction<T, E: From<Error>>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transaction = Transaction::begin(&self.pool).await?;
        match work(&mut transaction).await {
            Ok(value) => {
                transaction.commit().await?;
                Ok(value)
            }
            Err(error) => {
                transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Boxed: see [`crate::http::serve`].
    fn run(&self, query: Query) -> BoxFuture<'_, Result<Answer>> {
        Box::pin(async {
            let mut lease = self.pool.acquire().await?;
            let answer = lease.run(query).await;
            lease.give_back();
            answer
        })
    }
}
