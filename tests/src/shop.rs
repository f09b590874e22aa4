//! Products of the tests, and what happened to them.

use serde_json::Value;
use shared::database::Statement;
use sqlx::FromRow;
use uuid::Uuid;

use crate::{database, env};

static PRODUCT: Statement = Statement::new(
    "tests.product",
    "with product as (
        insert into products (id, name, description, price, currency, featured)
        values ($1, 'A product of the tests', 'For testing.', $2, 'usd', false)
        returning id
    )
    insert into inventory (product_id, available) select id, $3 from product",
);
static STOCK: Statement =
    Statement::new("tests.stock", "select available from inventory where product_id = $1");

#[derive(FromRow)]
struct Stock {
    available: i32,
}

/// A new product of this price (minor units, usd) with so many pieces in stock; its id.
pub async fn new_product(price: i64, stock: i32) -> String {
    let id = Uuid::now_v7();
    database().execute(PRODUCT.bind(id).bind(price).bind(stock)).await.expect("creates");
    id.to_string()
}

/// How many pieces are left.
pub async fn stock_of(product: &str) -> i32 {
    let id: Uuid = product.parse().expect("an id");
    database().fetch_one::<Stock>(STOCK.bind(id)).await.expect("finds").available
}

/// The successful charges of an order, as the provider's ledger has them.
pub async fn charges_of(order: &str) -> Vec<Value> {
    let url = format!("{}/_control/ledger", env("PAYMENTS_URL"));
    let ledger: Value =
        reqwest::get(url).await.expect("the provider answers").json().await.expect("a ledger");
    let charges = ledger["charges"].as_array().cloned().unwrap_or_default();
    let of_order = |charge: &Value| charge["metadata"]["order_id"] == order || charge["order_id"] == order;
    charges.into_iter().filter(|charge| of_order(charge) && charge["status"] == "succeeded").collect()
}
