//! What is known of a user, and how it is forgotten.

use serde::Serialize;
use sqlx::{FromRow, Row, postgres::PgRow};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    auth::token::Role,
    database::{Database, Statement, Timestamp},
    error::{Result, account_is_gone},
};

static ME: Statement = Statement::new("accounts.me", include_str!("me.sql"));
static ERASE: Statement = Statement::new("accounts.erase", include_str!("erase.sql"));

/// All that is known of a user, apart from orders.
#[derive(Serialize)]
pub struct Profile {
    id: Uuid,
    email: String,
    role: Role,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl<'r> FromRow<'r, PgRow> for Profile {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let role = Role::try_from(row.try_get::<String, _>("role")?);
        Ok(Self {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            role: role.map_err(|error| sqlx::Error::Decode(error.into()))?,
            created_at: row.try_get::<Timestamp, _>("created_at")?.0,
        })
    }
}

/// What is known of this user.
///
/// # Errors
/// 401 if the account is gone, which its access token outlives.
pub async fn me(database: &Database, user: Uuid) -> Result<Profile> {
    let profile: Option<Profile> = database.fetch_optional(ME.bind(user)).await?;
    profile.ok_or_else(account_is_gone)
}

/// Forgets whose account this is, and ends its sign-ins. Its orders stay, of somebody unknown.
pub async fn erase(database: &Database, user: Uuid) -> Result<()> {
    database.execute(ERASE.bind(user)).await?;
    Ok(())
}
