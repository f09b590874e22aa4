//! `GET /api/orders`: the customer's orders of the last 30 days, or since the time that is asked for, page by page.

use shared::app::App;
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};
use shared::orders::{self, Cursor, Moment, PAGE};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/orders"), list_orders).await
}

async fn list_orders(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    let user = request.user()?.id;
    let after: Option<Cursor> = request.query("cursor")?;
    let since: Option<Moment> = request.query("since")?;
    let limit = request.number("limit", 1..=PAGE)?.unwrap_or(PAGE);
    http::json(200, &orders::list(&app.database, user, since, after, limit).await?)
}
