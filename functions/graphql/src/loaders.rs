//! Batches: what one level of a query asks for is deduplicated and fetched with one statement.
//!
//! The first key of a level starts a task that waits for the others. The resolvers of a level are all polled before that
//! task first runs, so waiting for no time at all is waiting long enough.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql::dataloader::{DataLoader, Loader};
use shared::{
    catalog::{self, Product, ProductId},
    database::{Database, MAX_IDS},
    error::Error,
    orders::{self, Line, OrderId},
    telemetry,
};

/// Fetches what [`DataLoader`] collected.
pub(crate) struct Rows(Database);

/// The batches of one request.
pub(crate) type Batches = DataLoader<Rows>;

/// New ones for a request: what one caller loaded is not for another.
pub(crate) fn batches(database: &Database) -> Batches {
    let spawn = |task| tokio::spawn(telemetry::carry(task));
    DataLoader::new(Rows(database.clone()), spawn).delay(Duration::ZERO).max_batch_size(MAX_IDS)
}

impl Loader<ProductId> for Rows {
    type Value = Product;
    type Error = Arc<Error>;

    /// A product that does not exist is missing from the answer, which concerns nobody but who asked for it.
    async fn load(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Product>, Arc<Error>> {
        let products = catalog::load(&self.0, ids).await?;
        Ok(products.into_iter().map(|product| (product.id, product)).collect())
    }
}

impl Loader<OrderId> for Rows {
    type Value = Vec<Line>;
    type Error = Arc<Error>;

    async fn load(&self, orders: &[OrderId]) -> Result<HashMap<OrderId, Vec<Line>>, Arc<Error>> {
        let mut lines: HashMap<OrderId, Vec<Line>> = HashMap::new();
        for line in orders::items(&self.0, orders).await? {
            lines.entry(line.order_id).or_default().push(line);
        }
        Ok(lines)
    }
}
