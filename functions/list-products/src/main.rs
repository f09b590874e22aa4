//! `GET /api/products`: all that is sold, page by page, in the order and of the kind that is asked for.

use shared::app::App;
use shared::catalog::{self, After, Currency, Filter, MOST_LISTED, Order, Prices};
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/products"), list_products).await
}

/// Products of a page, unless the caller asks for another number.
const PAGE: u8 = 20;

async fn list_products(app: App, request: Request) -> Result<Response> {
    let order = request.query::<Order>("sort")?.unwrap_or_default();
    let filter = Filter {
        prices: Prices::new(
            request.query::<Currency>("currency")?,
            request.number("min_price", 0..=i64::MAX)?,
            request.number("max_price", 0..=i64::MAX)?,
        )?,
        featured: request.flag("featured")?,
        in_stock: request.flag("in_stock")?,
    };
    let after = request.query::<After>("cursor")?;
    let limit = request.number("limit", 1..=MOST_LISTED)?.unwrap_or(PAGE);
    request.admit(()).await?;
    http::json(200, &catalog::list(&app.database, order, &filter, after, limit).await?)
}
