//! Sign-ins that last: begun with a password, and gone on with by refresh tokens.
//!
//! Whoever begins one or goes on with it shows who will issue the access token, so that a key that cannot be read costs
//! nobody a sign-in, and leaves none behind that nobody knows of.

use sqlx::FromRow;
use uuid::Uuid;

use super::{Account, SignedIn};
use crate::auth::RefreshToken;
use crate::auth::token::{Issuer, Role};
use crate::database::{Database, Statement};
use crate::error::Result;

static SIGN_IN: Statement = Statement::new("accounts.sign_in", include_str!("sign_in.sql")).stored();
static REFRESH: Statement = Statement::new("accounts.refresh", include_str!("refresh.sql")).stored();
static CHANGE: Statement = Statement::new("accounts.change_password", include_str!("change_password.sql"));

/// Begins a sign-in of this account, whose password was compared, and puts `rehashed` in the place of its hash where
/// there is one. `None` if its hash is another by now.
pub async fn sign_in(
    database: &Database,
    issuer: &Issuer,
    account: &Account,
    rehashed: Option<String>,
    token: &RefreshToken,
) -> Result<Option<SignedIn>> {
    let query = SIGN_IN
        .bind(account.id)
        .bind(account.password_hash.as_str())
        .bind(rehashed)
        .bind(token.sign_in())
        .bind(token.digest());
    let begun: Option<(Uuid,)> = database.fetch_optional(query).await?;
    begun.map(|_| SignedIn::new(issuer, account.id, account.role, token)).transpose()
}

/// Sets another password, ends all sign-ins and begins a new one. `None` if its hash is another by now.
pub async fn change_password(
    database: &Database,
    issuer: &Issuer,
    account: &Account,
    hash: String,
    token: &RefreshToken,
) -> Result<Option<SignedIn>> {
    let query = CHANGE
        .bind(account.id)
        .bind(account.password_hash.as_str())
        .bind(hash)
        .bind(token.sign_in())
        .bind(token.digest());
    let begun: Option<(Uuid,)> = database.fetch_optional(query).await?;
    begun.map(|_| SignedIn::new(issuer, account.id, account.role, token)).transpose()
}

/// Who goes on being signed in, and what they may do by now.
#[derive(FromRow)]
struct Refreshed {
    user_id: Uuid,
    #[sqlx(try_from = "String")]
    role: Role,
}

/// Puts `next` in the place of `token`. `None` if the token is not good any more; if it was good once, the sign-in has
/// ended with this: two have the token, and nobody can tell who stole it.
pub async fn refresh(
    database: &Database,
    issuer: &Issuer,
    token: &RefreshToken,
    next: &RefreshToken,
) -> Result<Option<SignedIn>> {
    let query = REFRESH.bind(token.sign_in()).bind(token.digest()).bind(next.digest());
    let refreshed: Option<Refreshed> = database.fetch_optional(query).await?;
    refreshed.map(|user| SignedIn::new(issuer, user.user_id, user.role, next)).transpose()
}
