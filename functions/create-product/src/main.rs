//! `POST /api/products`: an administrator adds a product.

use shared::app::App;
use shared::catalog::{self, INVALIDATION_LOST, NewProduct, Product};
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response, ResponseExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("POST /api/products"), create_product).await
}

async fn create_product(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    request.administrator()?;
    let new: NewProduct = request.json(NewProduct::CHARACTERS)?;

    let product = catalog::create(&app.database, new).await?;
    // Nobody has asked for its id yet: only lists may have to change.
    if app.redis.insist(app.announce(&[])).await > 0 {
        tracing::warn!(product = %product.id, version = product.version, "{INVALIDATION_LOST}");
    }
    let answer = http::json(201, &product)?.with(http::header::ETAG, &Product::etag(product.version))?;
    answer.with(http::header::LOCATION, &product.id.path())
}
