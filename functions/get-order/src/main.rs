//! `GET /api/orders/{id}`: one order of the customer, and how its payment went.

use shared::app::App;
use shared::error::{Result, not_found};
use shared::http::{self, Endpoint, Request, Response};
use shared::orders::{self, OrderId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/orders/{id}"), get_order).await
}

async fn get_order(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    let user = request.user()?.id;
    let id: OrderId = request.path("id")?;
    // Somebody else's order is as unknown as none.
    let order = orders::find(&app.database, user, id).await?.ok_or_else(|| not_found("order"))?;
    http::json(200, &order)
}
