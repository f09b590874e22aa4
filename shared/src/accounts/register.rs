//! New accounts.

use uuid::Uuid;

use super::{Email, SignedIn};
use crate::auth::RefreshToken;
use crate::auth::token::{Issuer, Role};
use crate::database::{self, Database, Statement};
use crate::error::{Result, conflict};

static REGISTER: Statement = Statement::new("accounts.register", include_str!("register.sql"));
static FIRST: Statement =
    Statement::new("accounts.first_administrator", include_str!("first_administrator.sql"));

/// A new customer with this address, signed in with `token`. Only for who can issue the access token beside it: else an
/// account would be left that its owner was told nothing of.
///
/// # Errors
/// 409 if the address is taken. Like login it says no more of whoever has it.
pub async fn register(
    database: &Database,
    issuer: &Issuer,
    email: &Email,
    hash: String,
    token: &RefreshToken,
) -> Result<SignedIn> {
    let query = REGISTER
        .bind(Uuid::now_v7())
        .bind(email.as_str())
        .bind(hash)
        .bind(token.sign_in())
        .bind(token.digest());
    let registered: Option<(Uuid,)> = database.fetch_optional(query).await?;
    let taken =
        || conflict("An account with this e-mail address already exists. Log in, or use another address.");
    let (user,) = registered.ok_or_else(taken)?;
    SignedIn::new(issuer, user, Role::Customer, token)
}

/// An administrator with this address, unless somebody has it. Its password has to be changed before it is good for
/// anything else. Whether it was made.
///
/// Needs the schema's owner.
pub async fn first_administrator(database: &Database, email: &Email, hash: String) -> database::Result<bool> {
    let query = FIRST.bind(Uuid::now_v7()).bind(email.as_str()).bind(hash);
    Ok(database.execute(query).await? == 1)
}
