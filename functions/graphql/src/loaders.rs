//! What one level of a query asks for is deduplicated and fetched with one statement; more than [`MAX_IDS`] products
//! are more than one takes. A page of a list is a statement too.

use std::collections::HashMap;

use futures::future::FutureExt;
use shared::catalog::{self, Product, ProductId};
use shared::database::{Database, MAX_IDS};
use shared::error::Result;
use shared::orders::{self, Cursor, Header, Line, OrderId};
use uuid::Uuid;

use crate::batch::Batch;
use crate::pages::Pages;

/// The batches of one request: what one caller loaded is not for another.
pub(crate) struct Batches {
    /// A product that does not exist is missing, which concerns nobody but who asked for it.
    pub(crate) products: Batch<ProductId, Product>,
    /// The lines of an order.
    pub(crate) lines: Batch<OrderId, Vec<Line>>,
    /// All products, by the one before and how many.
    pub(crate) pages_of_products: Pages<(Option<ProductId>, u8), Product>,
    /// Orders, by whose they are, the one before and how many.
    pub(crate) pages_of_orders: Pages<(Uuid, Option<Cursor>, u8), Header>,
}

impl Batches {
    pub(crate) fn new(database: &Database) -> Self {
        let [first, second, third, fourth] = [(); 4].map(|()| database.clone());
        Self {
            products: Batch::new(move |ids| products(first.clone(), ids).boxed()),
            lines: Batch::new(move |orders| lines(second.clone(), orders).boxed()),
            pages_of_products: Pages::new(move |(after, limit)| {
                let database = third.clone();
                async move { catalog::page(&database, after, limit).await }.boxed()
            }),
            pages_of_orders: Pages::new(move |(user, after, limit)| {
                let database = fourth.clone();
                async move { orders::page(&database, user, after, limit).await }.boxed()
            }),
        }
    }
}

async fn products(database: Database, ids: Vec<ProductId>) -> Result<HashMap<ProductId, Product>> {
    let mut products = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(MAX_IDS) {
        let found = catalog::load(&database, ids).await?;
        products.extend(found.into_iter().map(|product| (product.id, product)));
    }
    Ok(products)
}

async fn lines(database: Database, orders: Vec<OrderId>) -> Result<HashMap<OrderId, Vec<Line>>> {
    let mut lines: HashMap<OrderId, Vec<Line>> = HashMap::with_capacity(orders.len());
    for orders in orders.chunks(MAX_IDS) {
        for line in orders::items(&database, orders).await? {
            lines.entry(line.order_id).or_default().push(line);
        }
    }
    Ok(lines)
}
