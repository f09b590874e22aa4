//! Whose order it is, for those who run the shop.

use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

/// Who bought; nobody known, once the account is erased.
#[derive(Serialize, FromRow)]
pub(super) struct Customer {
    #[sqlx(rename = "user_id")]
    id: Uuid,
    /// Of an account of the shop's own.
    email: Option<String>,
    /// The identity provider's name for the customer, where there is one.
    subject: Option<String>,
}
