//! `POST /api/auth/login`: a password for an access token, and for a refresh token that gets the next one.

use serde::Deserialize;
use shared::accounts::{self, Authenticated};
use shared::app::App;
use shared::auth::RefreshToken;
use shared::error::{Error, Kind, Result, internal};
use shared::http::limits::{API, LOGIN};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("POST /api/auth/login").limited_by(&[LOGIN, API]).by_address(), login).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

async fn login(app: App, request: Request) -> Result<Response> {
    accounts::require_own(&app.authority)?;
    let Credentials { email, password } = request.json(accounts::CHARACTERS)?;
    let failures = request.admit(accounts::failures(&app, &email)).await?;
    let issuer = app.issuer().await?;
    let token = RefreshToken::first().map_err(internal)?;
    let (database, issuer, token) = (&app.database, &*issuer, &token);
    let signs_in = |Authenticated { account, rehashed }| async move {
        if account.must_change_password {
            let detail =
                "This password was set by someone else. Choose your own first: POST /api/auth/password.";
            return Err(Error::new(Kind::PasswordChangeRequired, detail));
        }
        accounts::sign_in(database, issuer, &account, rehashed, token).await
    };
    http::json(200, &accounts::authenticate(&app, &failures, &email, &password, signs_in).await?)
}
