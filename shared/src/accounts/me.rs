//! What is known of a user, and how it is forgotten.

use serde::Serialize;
use sqlx::FromRow;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::auth::User;
use crate::auth::token::Role;
use crate::database::{Database, Statement, Timestamp};
use crate::error::{Result, account_is_gone, conflict};

static ME: Statement = Statement::new("accounts.me", include_str!("me.sql"));
static LEAVE: Statement = Statement::new("accounts.leave", include_str!("leave.sql"));
static ERASE: Statement = Statement::new("accounts.erase", include_str!("erase.sql"));

/// All that is known of a user, apart from orders.
#[derive(Serialize)]
pub struct Profile {
    id: Uuid,
    /// Of an identity provider's users only the provider knows it.
    email: Option<String>,
    role: Role,
    /// Of an identity provider's users, when the shop first had to know them, if it had.
    #[serde(with = "time::serde::rfc3339::option")]
    created_at: Option<OffsetDateTime>,
}

#[derive(FromRow)]
struct Account {
    email: Option<String>,
    #[sqlx(try_from = "String")]
    role: Role,
    #[sqlx(try_from = "Timestamp")]
    created_at: OffsetDateTime,
    erased: bool,
}

/// What is known of this user.
///
/// # Errors
/// 401 if the account is gone, which its access token outlives.
pub async fn me(database: &Database, user: &User) -> Result<Profile> {
    let account: Option<Account> = database.fetch_optional(ME.bind(user.id)).await?;
    match (account, &user.subject) {
        (Some(Account { erased: true, .. }), _) | (None, None) => Err(account_is_gone()),
        (Some(Account { email, role, created_at, .. }), None) => {
            Ok(Profile { id: user.id, email, role, created_at: Some(created_at) })
        }
        // What such a user may do, the provider says with each token.
        (account, Some(_)) => {
            let created_at = account.map(|account| account.created_at);
            Ok(Profile { id: user.id, email: None, role: user.role, created_at })
        }
    }
}

#[derive(FromRow)]
struct Left {
    last: bool,
    unpaid: bool,
    gone: bool,
}

/// Forgets whose account this is, and ends its sign-ins. Its orders stay, of somebody unknown.
///
/// # Errors
/// 401 if the account is gone, like everything else that its access token is shown for; 409 for the last administrator:
/// nobody could run the shop any more, or make another one without a shell; and 409 while an order is unpaid, which
/// would be charged to somebody who is gone.
pub async fn erase(database: &Database, user: &User) -> Result<()> {
    let issuer = user.subject.as_ref().map(|subject| subject.issuer.as_str());
    let left: Left = database
        .transaction(async |tx| {
            tx.execute(LEAVE.bind(user.id)).await?;
            // A statement of its own: it sees the order that the first one has waited for.
            tx.fetch_one(ERASE.bind(user.id).bind(issuer)).await
        })
        .await?;
    if left.last {
        return Err(conflict(
            "This account is the last administrator's. Create another administrator first.",
        ));
    }
    if left.unpaid {
        return Err(conflict(
            "An order of yours is not paid yet. Cancel it, or wait until it is paid; then delete the account.",
        ));
    }
    if left.gone { Err(account_is_gone()) } else { Ok(()) }
}
