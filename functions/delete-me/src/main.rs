//! `DELETE /api/me`: forgets whose account it was. The orders stay, as the law wants, of somebody unknown.

use shared::accounts;
use shared::app::App;
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("DELETE /api/me"), delete_me).await
}

async fn delete_me(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    let user = request.user()?;
    request.unconditional()?;
    accounts::erase(&app.database, user).await?;
    http::empty(204)
}
