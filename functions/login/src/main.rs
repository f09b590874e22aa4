//! `POST /api/auth/login`: a password for an access token.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::{
    accounts,
    app::App,
    auth::{password, token},
    error::{Result, internal, unauthorized},
    http::{self, Endpoint, Request, Response},
    rate_limit::{API, Identity, LOGIN, LOGIN_ACCOUNT},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("POST /api/auth/login").limited_by(&[LOGIN, API]), login).await
}

/// What a login of an account waits that saw too many wrong passwords within a minute.
const SLOWED_BY: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

/// RFC 6749, section 5.1.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the RFC names them")]
struct AccessToken {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
}

async fn login(app: App, request: Request) -> Result<Response> {
    let credentials: Credentials = request.json()?;
    // A guesser of many accounts is refused by his address. Many guessers of one account are slowed down, and its owner
    // with them, but a right password gets through. Only looked at here: a refused guesser uses up nothing of an
    // account's.
    let guessed_at = Identity::account(&credentials.email);
    let failures = request.admit(app.limiter.look(&guessed_at, &[LOGIN_ACCOUNT])).await?;
    if !failures.allowed {
        tokio::time::sleep(SLOWED_BY).await;
    }

    let account = accounts::by_email(&app.database, &credentials.email).await?;
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let known = match password::verify(credentials.password, stored).await {
        // To the caller like any failed login; to us a fault, because nobody can log in to this account.
        Err(error @ password::Error::Hash(_)) => {
            let user = account.as_ref().map(|account| account.id);
            tracing::error!(?user, %error, "the stored password of an account cannot be compared: {error}");
            false
        }
        verified => verified.map_err(internal)?,
    };
    match account.filter(|_| known) {
        Some(account) => {
            let token =
                app.issuer().await?.issue(account.id, account.role, token::LIFETIME).map_err(internal)?;
            let expires_in = token::LIFETIME.as_secs();
            http::json(200, &AccessToken { access_token: token, token_type: "Bearer", expires_in })
        }
        None => {
            let _ = app.redis.batch(app.limiter.note(&guessed_at, &[LOGIN_ACCOUNT])).await;
            Err(unauthorized("There is no account with this e-mail address and password."))
        }
    }
}
