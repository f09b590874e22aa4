//! `GET /api/admin/orders`: the orders of all customers, for those who run the shop, page by page.

use shared::app::App;
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};
use shared::orders::{self, Cursor, Moment, OrderStatus, UserId, Wanted};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/admin/orders"), list_all_orders).await
}

/// The most orders of a page.
const PAGE: u8 = 50;

async fn list_all_orders(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    request.administrator()?;
    let wanted = Wanted {
        status: request.query::<OrderStatus>("status")?,
        customer: request.query::<UserId>("customer")?,
        from: request.query::<Moment>("from")?,
        until: request.query::<Moment>("until")?,
    };
    let after = request.query::<Cursor>("cursor")?;
    let limit = request.number("limit", 1..=PAGE)?.unwrap_or(PAGE);
    http::json(200, &orders::list_all(&app.database, wanted, after, limit).await?)
}
