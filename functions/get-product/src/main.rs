//! `GET /api/products/{id}`: one product, from the cache if it is there.

use shared::app::App;
use shared::catalog::{self, Product, ProductId};
use shared::error::{Result, not_found};
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("GET /api/products/{id}"), get_product).await
}

async fn get_product(app: App, request: Request) -> Result<Response> {
    let id: ProductId = request.path("id")?;
    // One Redis round trip: the rate limit's verdict and what the cache has.
    let cached = request.admit(app.products.lookup(&id.to_string())).await?;
    let product = cached
        .until(request.time_limit().instant())
        .or_fill(async || catalog::find(&app.database, id).await)
        .await?;
    let product = product.ok_or_else(|| not_found("product"))?;
    http::cached(&request, &product.body, &Product::etag(product.version))
}
