//! `POST /api/auth/password`: another password for who knows the present one. Every other sign-in ends.

use serde::Deserialize;
use shared::accounts::{self, Authenticated};
use shared::app::App;
use shared::auth::{NewPassword, RefreshToken, password};
use shared::error::{Result, internal, invalid};
use shared::http::limits::{API, LOGIN};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    let endpoint = Endpoint::new("POST /api/auth/password").limited_by(&[LOGIN, API]).by_address();
    http::serve(endpoint, change_password).await
}

/// With the present password and not with an access token: that may be a stolen one, and who has to change a password
/// before anything else gets none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeOfPassword {
    email: String,
    password: String,
    new_password: NewPassword,
}

async fn change_password(app: App, request: Request) -> Result<Response> {
    accounts::require_own(&app.authority)?;
    let ChangeOfPassword { email, password, new_password } = request.json(accounts::CHARACTERS)?;
    let failures = request.admit(accounts::failures(&app, &email)).await?;
    if let Some(why) = new_password.commonness(&email) {
        return Err(invalid("new_password", why));
    }
    let new_password = new_password.reveal();
    if new_password == password::composed(&password) {
        return Err(invalid("new_password", "must differ from the current password"));
    }
    let issuer = app.issuer().await?;
    let token = RefreshToken::first().map_err(internal)?;
    let (database, issuer, token, new_password) = (&app.database, &*issuer, &token, &new_password);
    let changes = |Authenticated { account, .. }| async move {
        let hash = password::hash(new_password.clone()).await.map_err(internal)?;
        accounts::change_password(database, issuer, &account, hash, token).await
    };
    http::json(200, &accounts::authenticate(&app, &failures, &email, &password, changes).await?)
}
