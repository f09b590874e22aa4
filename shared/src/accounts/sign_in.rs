//! Sign-ins that last: begun with a password, gone on with by refresh tokens, and ended.

use sqlx::FromRow;
use uuid::Uuid;

use super::Account;
use crate::auth::RefreshToken;
use crate::auth::token::Role;
use crate::database::{Database, Statement};
use crate::error::Result;

static SIGN_IN: Statement = Statement::new("accounts.sign_in", include_str!("sign_in.sql"));
static REFRESH: Statement = Statement::new("accounts.refresh", include_str!("refresh.sql"));
static SIGN_OUT: Statement = Statement::new("accounts.sign_out", include_str!("sign_out.sql"));
static CHANGE: Statement = Statement::new("accounts.change_password", include_str!("change_password.sql"));

#[derive(FromRow)]
struct Begun {
    #[expect(dead_code, reason = "whether there is a row is what counts")]
    id: Uuid,
}

/// Begins a sign-in of this account, whose password was compared, and puts `rehashed` in the place of its hash where
/// there is one. `false` if the password was changed meanwhile: then it was the wrong one.
pub async fn sign_in(
    database: &Database,
    account: &Account,
    rehashed: Option<String>,
    token: &RefreshToken,
) -> Result<bool> {
    let query = SIGN_IN
        .bind(account.id)
        .bind(account.password_hash.as_str())
        .bind(rehashed)
        .bind(token.sign_in())
        .bind(token.digest());
    let begun: Option<Begun> = database.fetch_optional(query).await?;
    Ok(begun.is_some())
}

/// Sets another password, ends all sign-ins and begins a new one. `false` if somebody else did so meanwhile.
pub async fn change_password(
    database: &Database,
    account: &Account,
    hash: String,
    token: &RefreshToken,
) -> Result<bool> {
    let query = CHANGE
        .bind(account.id)
        .bind(account.password_hash.as_str())
        .bind(hash)
        .bind(token.sign_in())
        .bind(token.digest());
    let begun: Option<Begun> = database.fetch_optional(query).await?;
    Ok(begun.is_some())
}

/// Who goes on being signed in.
#[derive(FromRow)]
pub struct Refreshed {
    /// The user.
    pub user_id: Uuid,
    /// What the user may do by now.
    #[sqlx(try_from = "String")]
    pub role: Role,
}

/// Puts `next` in the place of `token`. `None` if the token is not good any more; if it was good once, the sign-in has
/// ended with this: two have the token, and nobody can tell who stole it.
pub async fn refresh(
    database: &Database,
    token: &RefreshToken,
    next: &RefreshToken,
) -> Result<Option<Refreshed>> {
    let query = REFRESH.bind(token.sign_in()).bind(token.digest()).bind(next.digest());
    Ok(database.fetch_optional(query).await?)
}

/// Ends the sign-in that this token belongs to.
pub async fn sign_out(database: &Database, token: &RefreshToken) -> Result<()> {
    database.execute(SIGN_OUT.bind(token.sign_in())).await?;
    Ok(())
}
