//! Whose order it is, for those who run the shop.

use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

/// Who bought; nobody known, once the account is erased.
#[derive(Serialize)]
pub(super) struct Customer {
    id: Uuid,
    /// Of an account of the shop's own.
    email: Option<String>,
    /// The identity provider's name for the customer, where there is one.
    subject: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for Customer {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("user_id")?,
            email: row.try_get("email")?,
            subject: row.try_get("subject")?,
        })
    }
}
