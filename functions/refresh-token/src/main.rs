//! `POST /api/auth/refresh`: the next access token, and the next refresh token, for who was signed in.

use serde::Deserialize;
use shared::accounts;
use shared::app::App;
use shared::auth::RefreshToken;
use shared::error::{Result, internal, unauthorized};
use shared::http::limits::{API, REFRESH};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    let endpoint = Endpoint::new("POST /api/auth/refresh").limited_by(&[REFRESH, API]).by_address();
    http::serve(endpoint, refresh).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewal {
    refresh_token: RefreshToken,
}

async fn refresh(app: App, request: Request) -> Result<Response> {
    accounts::require_own(&app.authority)?;
    let Renewal { refresh_token } = request.json(RefreshToken::CHARACTERS)?;
    request.admit(()).await?;
    let issuer = app.issuer().await?;
    let next = refresh_token.next().map_err(internal)?;
    let signed_in = accounts::refresh(&app.database, &issuer, &refresh_token, &next).await?;
    let signed_in =
        signed_in.ok_or_else(|| unauthorized("The refresh token is no longer valid. Log in again."))?;
    http::json(200, &signed_in)
}
