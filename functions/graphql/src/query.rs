//! Where every query begins.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use shared::catalog::ProductId;
use shared::error::{Error, not_found};
use shared::orders::Cursor;
use uuid::Uuid;

use crate::loaders::Batches;
use crate::refusal::{refuse, refuse_argument};
use crate::types::{Order, Product};

/// Most rows of a list, and as many as nobody asked otherwise.
const PAGE: u8 = 20;
/// What a statement counts for in a query's complexity. Rows and fields cost the function a little time; a statement is
/// a round trip and holds one of a few connections, even if it finds one row.
const STATEMENT: usize = 400;

/// Who asks, or why that is not known. Only orders have to know.
pub(crate) struct Viewer(pub(crate) Result<Uuid, Arc<Error>>);

/// The shop.
pub(crate) struct Query;

/// Products are for everybody, orders for who placed them.
///
/// An argument with a default is an `Option`: async-graphql hands on null for a variable that was not given, where
/// GraphQL has the argument's default.
#[Object]
impl Query {
    /// One product; null, with an error, if there is none.
    async fn product(&self, context: &Context<'_>, id: ID) -> Result<Option<Product>> {
        let product = context.data::<Batches>()?.products.load(product_id("id", &id)?).await;
        let product = product.map_err(refuse)?;
        Ok(Some(Product(product.ok_or_else(|| refuse(not_found("product")))?)))
    }

    /// All products, oldest first; null, with an error, where they cannot be read.
    #[graphql(complexity = "STATEMENT + rows(limit) * child_complexity")]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(PAGE.into())", desc = "How many, 1 to 20; null is 20.")] limit: Option<
            i64,
        >,
        #[graphql(desc = "The id of the last product of the page before.")] after: Option<ID>,
    ) -> Result<Option<Vec<Product>>> {
        let limit = page(limit)?;
        let after = after.map(|id| product_id("after", &id)).transpose()?;
        let products = context.data::<Batches>()?.pages_of_products.load((after, limit)).await;
        Ok(Some(products.map_err(refuse)?.into_iter().map(Product).collect()))
    }

    /// The caller's orders of the last 30 days, newest first, without cancelled ones. Needs an access
    /// token; null, with an error, without one.
    // Their items and those items' products are a statement each, unless there are more products than one takes.
    #[graphql(complexity = "3 * STATEMENT + rows(limit) * child_complexity")]
    async fn orders(
        &self,
        context: &Context<'_>,
        #[graphql(default_with = "Some(PAGE.into())", desc = "How many, 1 to 20; null is 20.")] limit: Option<
            i64,
        >,
        #[graphql(desc = "The cursor of the last order of the page before.")] after: Option<String>,
    ) -> Result<Option<Vec<Order>>> {
        let user = context.data::<Viewer>()?.0.clone().map_err(refuse)?;
        let limit = page(limit)?;
        let after: Option<Cursor> = after
            .map(|cursor| cursor.parse().map_err(|error| refuse_argument("after", error)))
            .transpose()?;
        let orders = context.data::<Batches>()?.pages_of_orders.load((user, after, limit)).await;
        Ok(Some(orders.map_err(refuse)?.into_iter().map(Order).collect()))
    }
}

/// How many rows are wanted. Wider than GraphQL's Int, and without a validator of async-graphql's: those tell of ranges
/// that Rust has, and name no argument.
fn page(limit: Option<i64>) -> Result<u8> {
    let limit = limit.map_or(Some(PAGE), |limit| u8::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=PAGE).contains(limit));
    limit.ok_or_else(|| refuse_argument("limit", &format!("must be from 1 to {PAGE}")))
}

/// As many as a list may cost.
fn rows(limit: Option<i64>) -> usize {
    page(limit).unwrap_or(PAGE).into()
}

fn product_id(argument: &str, id: &ID) -> Result<ProductId> {
    id.parse().map_err(|error| refuse_argument(argument, error))
}
