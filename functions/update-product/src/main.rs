//! `PUT /api/products/{id}`: an administrator changes a product, and every reader sees it from then on.

use shared::app::App;
use shared::catalog::{self, Change, Changed, INVALIDATION_LOST, Product, ProductId};
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response, ResponseExt};
use shared::kill_point::KillPoint;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("PUT /api/products/{id}").in_versions(), update_product).await
}

async fn update_product(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    request.administrator()?;
    let id: ProductId = request.path("id")?;
    let versions = request.preconditions()?.versions();
    let change: Change = request.json(Change::CHARACTERS)?;

    let product = catalog::update(&app.database, id, change, versions).await?;
    KillPoint::AfterUpdate.reached();
    // After the commit and before the answer: whoever knows of the update must not read the older value.
    let changed = [Changed { id, version: product.version }];
    if app.redis.insist(app.announce(&changed)).await > 0 {
        // The sweeper invalidates it again, finding the row by its `updated_at`.
        tracing::warn!(product = %id, version = product.version, "{INVALIDATION_LOST}");
    }
    KillPoint::AfterInvalidate.reached();
    http::json(200, &product)?.with(http::header::ETAG, &Product::etag(product.version))
}
