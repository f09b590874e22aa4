//! `GET /api/admin/orders/{id}`: one order of anybody, for those who run the shop: who bought what, and what happened
//! to it.

use shared::app::App;
use shared::error::{Result, not_found};
use shared::http::{self, Endpoint, Request, Response};
use shared::orders::{self, OrderId};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/admin/orders/{id}"), get_any_order).await
}

async fn get_any_order(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    request.administrator()?;
    let id: OrderId = request.path("id")?;
    let order = orders::find_any(&app.database, id).await?.ok_or_else(|| not_found("order"))?;
    http::json(200, &order)
}
