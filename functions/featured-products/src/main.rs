//! `GET /api/products/featured`: what the front page shows.

use shared::app::App;
use shared::catalog::{self, FEATURED_KEY, Product};
use shared::error::{Result, not_found};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/products/featured"), featured_products).await
}

async fn featured_products(app: App, request: Request) -> Result<Response> {
    let cached = request.admit(app.featured.lookup(FEATURED_KEY)).await?;
    let list = cached
        .until(request.time_limit().instant())
        .or_fill(async || catalog::featured(&app.database).await)
        .await?;
    let list = list.ok_or_else(|| not_found("list"))?;
    http::cached(&request, &list.body, &Product::etag(list.version))
}
