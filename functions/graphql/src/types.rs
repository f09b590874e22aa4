//! Products and orders as GraphQL sees them.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, scalar};
use serde::{Deserialize, Serialize};
use shared::catalog;
use shared::orders::{self, Header, Line};
use time::OffsetDateTime;

use crate::loaders::Batches;
use crate::refusal::refuse;

/// An amount in the currency's minor unit (cents). No Int: an order may come to more than 32 bits hold.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct MinorUnits(i64);

scalar!(
    MinorUnits,
    "MinorUnits",
    "A whole number of the currency's minor unit, such as cents. A JSON number below 2^53."
);

/// An amount of money.
#[derive(SimpleObject)]
pub(crate) struct Money {
    /// In minor units.
    amount: MinorUnits,
    /// ISO 4217, in lower case.
    currency: String,
}

impl From<catalog::Money> for Money {
    fn from(money: catalog::Money) -> Self {
        Self { amount: MinorUnits(money.amount), currency: money.currency.to_string() }
    }
}

/// What is sold.
pub(crate) struct Product(pub(crate) catalog::Product);

/// What is sold.
#[Object]
impl Product {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    async fn description(&self) -> &str {
        &self.0.description
    }

    /// What one piece costs.
    async fn price(&self) -> Money {
        self.0.price.into()
    }

    /// Whether it is shown on the front page.
    async fn featured(&self) -> bool {
        self.0.featured
    }

    /// Whether there is any.
    async fn in_stock(&self) -> bool {
        self.0.in_stock
    }

    /// Goes up with every change.
    async fn version(&self) -> i64 {
        self.0.version
    }

    async fn updated_at(&self) -> OffsetDateTime {
        self.0.updated_at
    }
}

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "orders::OrderStatus")]
pub(crate) enum OrderStatus {
    Charging,
    Deferred,
    ActionRequired,
    Paid,
    Failed,
    Cancelling,
    Cancelled,
    RefundPending,
    Refunded,
}

/// An order of the caller's.
pub(crate) struct Order(pub(crate) Header);

/// An order of the caller's.
#[Object]
impl Order {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn status(&self) -> OrderStatus {
        self.0.status.into()
    }

    async fn created_at(&self) -> OffsetDateTime {
        self.0.created_at
    }

    async fn total(&self) -> Money {
        self.0.total.into()
    }

    /// What the customer's browser needs to authenticate the payment, while the status is `ACTION_REQUIRED`; else null.
    async fn client_secret(&self) -> Option<&str> {
        self.0.client_secret.as_ref().map(orders::ClientSecret::reveal)
    }

    /// Leads to the orders after this one.
    async fn cursor(&self) -> String {
        self.0.cursor().to_string()
    }

    /// What was bought; null, with an error, where it cannot be read. Five items an order are reckoned for the limit of
    /// complexity.
    #[graphql(complexity = "5 * child_complexity + 1")]
    async fn items(&self, context: &Context<'_>) -> Result<Option<Vec<Item>>> {
        let lines = context.data::<Batches>()?.lines.load(self.0.id).await.map_err(refuse)?;
        let currency = self.0.total.currency;
        Ok(Some(lines.unwrap_or_default().into_iter().map(|line| Item { line, currency }).collect()))
    }
}

/// A line of an order.
pub(crate) struct Item {
    line: Line,
    currency: catalog::Currency,
}

/// A line of an order.
#[Object]
impl Item {
    /// What the product was called when it was ordered.
    async fn name(&self) -> &str {
        &self.line.name
    }

    async fn quantity(&self) -> i32 {
        self.line.quantity
    }

    /// What one piece cost when it was ordered.
    async fn unit_price(&self) -> Money {
        catalog::Money { amount: self.line.unit_price, currency: self.currency }.into()
    }

    /// The product as it is now; null once it is not sold any more.
    async fn product(&self, context: &Context<'_>) -> Result<Option<Product>> {
        let product = context.data::<Batches>()?.products.load(self.line.product_id).await;
        let product = product.map_err(refuse)?;
        Ok(product.map(Product))
    }
}
