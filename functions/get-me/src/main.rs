//! `GET /api/me`: what is known of the caller.

use shared::accounts;
use shared::app::App;
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/me"), get_me).await
}

async fn get_me(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    let user = request.user()?;
    http::json(200, &accounts::me(&app.database, user).await?)
}
