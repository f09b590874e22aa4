//! Products of the tests, and what happened to them.

use serde_json::{Value, json};
use shared::database::Statement;
use uuid::Uuid;

use crate::{Broken, Call, administrator, database, own_database};

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

static STATUS: Statement = Statement::new("tests.status", "select status from orders where id = $1");

static DEADLOCKS: Statement = Statement::new(
    "tests.deadlocks",
    "select deadlocks from pg_stat_database where datname = current_database()",
);

static PUT_OFF: Statement = Statement::new(
    "tests.put_off",
    "insert into orders (id, user_id, status, currency, total, idempotency_key, request_digest, next_attempt_at)
     select gen_random_uuid(), $1, 'deferred', 'usd', 1250, 'by-hand-' || n, ''::bytea, now()
     from generate_series(1, $2) n",
);
static FORGET_ORDERS: Statement = Statement::new(
    "tests.forget_orders",
    "with history as (delete from order_history using orders where order_id = orders.id and user_id = $1)
     delete from orders where user_id = $1",
);

/// A new product of this price (minor units, usd) with so many pieces in stock; its id.
pub async fn new_product(price: i64, stock: i32) -> String {
    let id = Uuid::now_v7();
    database().execute(PRODUCT.bind(id).bind(price).bind(stock)).await.expect("creates");
    id.to_string()
}

/// Looks at a product.
pub fn get_product(id: &str) -> Call {
    Call::new("get-product", "GET", format!("/api/products/{id}")).parameter("id", id)
}

/// An administrator makes this of a product.
pub fn update_product(id: &str, body: &Value) -> Call {
    let call = Call::new("update-product", "PUT", format!("/api/products/{id}")).parameter("id", id);
    call.bearer(&administrator()).json(body)
}

/// What a product of the tests becomes, at this price.
pub fn priced(amount: i64) -> Value {
    json!({
        "name": "A product of the tests",
        "description": "Changed.",
        "price": { "amount": amount, "currency": "usd" },
        "featured": false
    })
}

/// So many orders of this customer's are put off and due, as no checkout would leave them: without items and payments.
/// They are gone when this is dropped. Messages that name them then do no harm.
pub async fn orders_by_hand(user: Uuid, count: i32) -> Broken {
    let gone = Broken::until(async move || {
        let forgotten = own_database().execute(FORGET_ORDERS.bind(user)).await;
        forgotten.map(drop).map_err(|error| error.to_string())
    });
    database().execute(PUT_OFF.bind(user).bind(count)).await.expect("orders are due");
    gone
}

/// How many pieces are left.
pub async fn stock_of(product: &str) -> i32 {
    let id: Uuid = product.parse().expect("an id");
    database().fetch_one::<(i32,)>(STOCK.bind(id)).await.expect("finds").0
}

/// Where an order stands, asked without using up its customer's rate limit.
pub async fn status_of(order: &str) -> String {
    let id: Uuid = order.parse().expect("an id");
    database().fetch_one::<(String,)>(STATUS.bind(id)).await.expect("finds").0
}

/// How many deadlocks Postgres has had to end so far.
pub async fn deadlocks() -> i64 {
    database().fetch_one::<(i64,)>(DEADLOCKS).await.expect("counts").0
}
