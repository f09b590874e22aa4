//! Whose account it is: an e-mail address and a password.

use std::time::Duration;

use super::{Account, by_email};
use crate::app::App;
use crate::auth::password::{self, Match};
use crate::error::{Error, Result, internal, unauthorized};
use crate::rate_limit::{Check, Identity, Policy, Verdict};
use crate::telemetry::{self, Counter};

/// Wrong passwords of one account, from wherever: beyond these its logins are slowed down, and none is refused. Else a
/// stranger could keep an owner out by guessing.
const WRONG_PASSWORDS: Policy = Policy::per_minute("login-account", 5).degraded(2);
/// What a login of an account waits that saw too many wrong passwords within a minute.
const SLOWED_BY: Duration = Duration::from_secs(1);

/// The account with this address, if this is its password, and a new hash of it if the stored one is none of ours.
pub struct Authenticated {
    /// Whose it is.
    pub account: Account,
    /// To be put in the place of the stored one.
    pub rehashed: Option<String>,
}

/// How often a password is compared whose stored hash is another by the time it is acted upon. A first login beside
/// this one may have replaced it; if the password was changed, it is wrong by then.
const COMPARED: usize = 2;

/// A command that looks how often somebody was wrong about the password of this account lately.
pub fn failures(app: &App, email: &str) -> Check {
    app.limiter.look(&Identity::account(email), &[WRONG_PASSWORDS])
}

/// What `act` does for who has this password. It is `None` where the stored hash was another by then: the password is
/// compared once more.
///
/// A guesser of many accounts is refused by his address. Many guessers of one account are slowed down where `failures`
/// says so, and its owner with them, but a right password gets through.
///
/// # Errors
/// 401, the same after the same work for a wrong password and for an address that nobody has.
pub async fn authenticate<T, F>(
    app: &App,
    failures: &Verdict,
    email: &str,
    password: &str,
    act: impl Fn(Authenticated) -> F,
) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    if !failures.allowed {
        telemetry::count(Counter::LoginSlowed);
        tokio::time::sleep(SLOWED_BY).await;
    }
    for _ in 0..COMPARED {
        if let Some(done) = act(compare(app, email, password).await?).await? {
            return Ok(done);
        }
    }
    Err(wrong_password())
}

/// Compares, and notes a wrong password here: a refused guesser uses up nothing of an account's.
async fn compare(app: &App, email: &str, password: &str) -> Result<Authenticated> {
    let account = by_email(&app.database, email).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let matched = match password::verify(password.to_owned(), stored).await {
        // To the caller like any failed login; to us a fault, because nobody can log in to this account.
        Err(error @ password::Error::Hash(_)) => {
            let user = account.as_ref().map(|account| account.id);
            tracing::error!(?user, %error, "the stored password of an account cannot be compared: {error}");
            Match::Wrong
        }
        verified => verified.map_err(internal)?,
    };
    match (account, matched) {
        (Some(account), Match::Right | Match::Alike) => Ok(Authenticated { account, rehashed: None }),
        (Some(account), Match::Outdated) => {
            let rehashed = Some(password::hash(password.to_owned()).await.map_err(internal)?);
            Ok(Authenticated { account, rehashed })
        }
        _ => {
            let _ = app.redis.batch(app.limiter.note(&Identity::account(email), &[WRONG_PASSWORDS])).await;
            Err(wrong_password())
        }
    }
}

/// 401, and no word about what was wrong.
fn wrong_password() -> Error {
    unauthorized("There is no account with this e-mail address and password.")
}
