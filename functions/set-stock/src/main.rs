//! `PUT /api/products/{id}/stock`: an administrator says how many pieces there are, or how many more.

use shared::app::App;
use shared::catalog::{self, INVALIDATION_LOST, ProductId, StockChange};
use shared::error::Result;
use shared::http::{self, Endpoint, Request, Response};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Fatal> {
    http::serve(Endpoint::new("PUT /api/products/{id}/stock"), set_stock).await
}

async fn set_stock(app: App, request: Request) -> Result<Response> {
    request.admit(()).await?;
    request.administrator()?;
    let id: ProductId = request.path("id")?;
    let wanted: StockChange = request.json(http::NO_TEXTS)?;

    let stock = catalog::set_stock(&app.database, id, wanted).await?;
    if stock.turned {
        // The product says whether it is in stock. Of what Redis did not confirm the sweeper learns by its
        // `updated_at`.
        let told = (app.products.evict(&id.to_string()), app.announce(&[]));
        let (delivered, lost) = app.redis.insist(told).await;
        if !delivered || lost > 0 {
            tracing::warn!(product = %id, "{INVALIDATION_LOST}");
        }
    }
    http::json(200, &stock)
}
