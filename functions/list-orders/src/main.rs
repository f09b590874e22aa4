//! `GET /api/orders`: the customer's orders of the last 30 days, page by page.

use shared::{
    app::App,
    error::{Result, bad_request},
    http::{self, Endpoint, Request, Response},
    orders::{self, Cursor, PAGE},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/orders"), list_orders).await
}

async fn list_orders(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    let user = request.user()?.sub;
    let after: Option<Cursor> = request.query("cursor")?;
    let limit = request.query("limit")?.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        let error = bad_request("A parameter of the address is not valid.");
        return Err(error.field("limit", format!("must be from 1 to {PAGE}")));
    }
    http::json(200, &orders::list(&app.database, user, after, limit).await?)
}
