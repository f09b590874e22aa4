//! `POST /api/auth/register`: an account for whoever wants one, signed in at once.

use serde::Deserialize;
use shared::accounts::{self, Email};
use shared::app::App;
use shared::auth::{NewPassword, RefreshToken, password};
use shared::error::{Result, internal, invalid};
use shared::http::limits::{API, REGISTER};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    let endpoint = Endpoint::new("POST /api/auth/register").limited_by(&[REGISTER, API]).by_address();
    http::serve(endpoint, register).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    email: Email,
    password: NewPassword,
}

async fn register(app: App, request: Request) -> Result<Response> {
    accounts::require_own(&app.authority)?;
    let Registration { email, password } = request.json(accounts::CHARACTERS)?;
    request.admit(()).await?;
    if let Some(why) = password.commonness(email.as_str()) {
        return Err(invalid("password", why));
    }
    // Hashed before anybody looks whether the address is taken, so that the time does not tell.
    let hash = password::hash(password.reveal()).await.map_err(internal)?;
    let (issuer, token) = (app.issuer().await?, RefreshToken::first().map_err(internal)?);
    http::json(201, &accounts::register(&app.database, &issuer, &email, hash, &token).await?)
}
