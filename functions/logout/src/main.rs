//! `POST /api/auth/logout`: ends a sign-in. Its last access token is good until it expires.

use serde::Deserialize;
use shared::accounts;
use shared::app::App;
use shared::auth::RefreshToken;
use shared::error::Result;
use shared::http::limits::{API, REFRESH};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    let endpoint = Endpoint::new("POST /api/auth/logout").limited_by(&[REFRESH, API]).by_address();
    http::serve(endpoint, logout).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    refresh_token: RefreshToken,
}

async fn logout(app: App, request: Request) -> Result<Response> {
    accounts::require_own(&app.authority)?;
    let End { refresh_token } = request.json(RefreshToken::CHARACTERS)?;
    request.admit(()).await?;
    accounts::sign_out(&app.database, &refresh_token).await?;
    http::empty(204)
}
