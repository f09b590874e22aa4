//! `DELETE /api/products/{id}`: an administrator takes a product out of the shop. Its orders keep it.

use shared::app::App;
use shared::catalog::{self, Changed, INVALIDATION_LOST, ProductId};
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("DELETE /api/products/{id}").in_versions(), archive_product).await
}

async fn archive_product(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    request.administrator()?;
    let id: ProductId = request.path("id")?;
    let versions = request.preconditions()?.versions();

    let version = catalog::archive(&app.database, id, versions).await?;
    // As after an update: whoever knows that it is gone must not find it.
    if app.redis.insist(app.announce(&[Changed { id, version }])).await > 0 {
        tracing::warn!(product = %id, version, "{INVALIDATION_LOST}");
    }
    http::empty(204)
}
