//! Finding an account by what its owner types.

use sqlx::FromRow;
use uuid::Uuid;

use super::LONGEST_EMAIL;
use crate::auth::token::Role;
use crate::database::{Database, Statement};
use crate::error::Result;
use crate::text;

static BY_EMAIL: Statement = Statement::new("accounts.by_email", include_str!("by_email.sql")).stored();

/// An account, as logging in needs it.
#[derive(FromRow)]
pub struct Account {
    /// The user's id.
    pub id: Uuid,
    /// As a PHC string, or as another shop wrote it.
    pub password_hash: String,
    /// What the user may do.
    #[sqlx(try_from = "String")]
    pub role: Role,
    /// Somebody else chose the password: it is good for setting another, and for nothing else.
    pub must_change_password: bool,
}

/// The account with this e-mail address, whatever its case; `None` if there is none, or if it could not be one's.
pub async fn by_email(database: &Database, email: &str) -> Result<Option<Account>> {
    let email = text::composed(email);
    // What the schema would not store need not be looked for; and NUL would be refused by the statement.
    if email.chars().count() > LONGEST_EMAIL || email.contains('\0') {
        return Ok(None);
    }
    Ok(database.fetch_optional(BY_EMAIL.bind(email)).await?)
}
