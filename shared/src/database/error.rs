//! What can go wrong with a statement, sorted by what the caller can do about it.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// Result of a database call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed database call. `at` names the statement (or `connect`, `begin`, `commit`).
///
/// No variant holds an argument or a password. Messages of Postgres that quote values (SQLSTATE classes 22 and 23, and
/// syntax errors) are left out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database does not answer now: no connection, connection lost, shutting down, out of resources, a time limit.
    /// Worth another try later. **A statement that was under way may have been carried out.**
    #[error("{at}: the database is unavailable: {cause}")]
    Unavailable {
        /// Where.
        at: &'static str,
        /// For the log.
        cause: String,
    },
    /// A constraint refused the change, and nothing was written.
    #[error("{at}: violates the constraint `{constraint}`")]
    Constraint {
        /// Where.
        at: &'static str,
        /// The constraint's or unique index's name; `table.column` for `not null`.
        constraint: String,
    },
    /// An argument that Postgres cannot hold, or a wrong number of arguments.
    #[error("{at}: {why}")]
    BadArgument {
        /// Where.
        at: &'static str,
        /// Which argument and why, without its value.
        why: String,
    },
    /// The statement with its arguments is longer than [`MAX_TEXT_BYTES`](super::MAX_TEXT_BYTES). Nothing was sent.
    #[error(
        "{at}: {bytes} bytes with its arguments, over the {} that RDS Proxy takes without pinning",
        super::limits::MAX_TEXT_BYTES
    )]
    TooLarge {
        /// Where.
        at: &'static str,
        /// The length it would have had.
        bytes: usize,
    },
    /// `fetch_one` found no row.
    #[error("{at}: no row where one was expected")]
    NoRow {
        /// Where.
        at: &'static str,
    },
    /// Statement, schema and code disagree: a fault of ours.
    #[error("{at}: {why}")]
    Fault {
        /// Where.
        at: &'static str,
        /// For the log.
        why: String,
    },
}

impl Error {
    /// Whether the database is away or overloaded: answer 503, or go on without it.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The name of the constraint that refused the change.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Constraint { constraint, .. } => Some(constraint),
            _ => None,
        }
    }

    pub(super) fn unavailable(at: &'static str, cause: impl Into<String>) -> Self {
        Self::Unavailable { at, cause: cause.into() }
    }

    pub(super) fn bad_argument(at: &'static str, why: impl Into<String>) -> Self {
        Self::BadArgument { at, why: why.into() }
    }

    pub(super) fn fault(at: &'static str, why: impl Into<String>) -> Self {
        Self::Fault { at, why: why.into() }
    }

    /// Of a failure to connect: whatever the reason, there is no database now.
    pub(super) fn not_connected(error: &sqlx::Error) -> Self {
        Self::unavailable("connect", error.to_string())
    }

    pub(super) fn from_sqlx(at: &'static str, error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
                Some(error) => Self::from_postgres(at, error),
                None => Self::fault(at, database.to_string()),
            },
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                Self::unavailable(at, error.to_string())
            }
            sqlx::Error::RowNotFound => Self::NoRow { at },
            _ => Self::fault(at, error.to_string()),
        }
    }

    fn from_postgres(at: &'static str, error: &PgDatabaseError) -> Self {
        let code = error.code();
        if is_temporary(code) || is_fatal(error) {
            return Self::unavailable(at, format!("{} (SQLSTATE {code})", error.message()));
        }
        match code.get(..2) {
            Some("23") => Self::Constraint { at, constraint: constraint_of(error) },
            // 22P02 "invalid input syntax for type uuid: …" and the like quote the value.
            Some("22") => Self::bad_argument(at, format!("Postgres refused a value (SQLSTATE {code})")),
            Some("42") if code == "42601" => Self::fault(at, "syntax error (SQLSTATE 42601)"),
            Some("42" | "25" | "0A" | "54" | "55") => {
                Self::fault(at, format!("{} (SQLSTATE {code})", error.message()))
            }
            _ => Self::fault(at, format!("SQLSTATE {code}")),
        }
    }
}

/// What passes by itself: connection exceptions (08, also PgBouncer's own errors), out of resources (53), the server's
/// time limits (57014, 55P03, 25P03), restarts (57P), a deadlock or serialisation failure (40), and the writer that a
/// failover made a reader (25006).
fn is_temporary(code: &str) -> bool {
    ["08", "40", "53", "57014", "57P", "58", "55P03", "25P03", "25006"]
        .iter()
        .any(|class| code.starts_with(class))
}

fn is_fatal(error: &PgDatabaseError) -> bool {
    matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)
}

fn constraint_of(error: &PgDatabaseError) -> String {
    error.constraint().map_or_else(
        || format!("{}.{}", error.table().unwrap_or("?"), error.column().unwrap_or("?")),
        str::to_owned,
    )
}

/// Whether the connection is still good after a failed statement: only when the server said so in an ordinary error.
pub(super) fn connection_survives(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(database) = error else { return false };
    database.try_downcast_ref::<PgDatabaseError>().is_some_and(|error| {
        let code = error.code();
        !is_fatal(error) && !["08", "57P", "25006"].iter().any(|class| code.starts_with(class))
    })
}
