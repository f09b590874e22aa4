//! Statements whose plan Postgres keeps: functions that `migrate` makes, and what is sent where there is none.

use shared::catalog;
use shared::database::{Database, Statement, migrations};

use crate::servers::Servers;

static PRODUCT: Statement = Statement::new(
    "test.product",
    "with product as (
        insert into products (id, name, description, price, currency) values ($1, 'Lamp', '', 900, 'usd') returning id
    )
    insert into inventory select id, 3 from product",
);
static SENT: Statement = Statement::new(
    "test.sent",
    "select query like '%from statements.catalog_find_%', calls from pg_stat_statements
    where query like '%/* catalog.find */%' order by 1",
);
static FUNCTIONS: Statement = Statement::new(
    "test.functions",
    "select proname::text from pg_proc where pronamespace = 'statements'::regnamespace order by 1",
);
static DROP: Statement = Statement::new("test.drop", "drop schema statements cascade");

/// A product, and the owner's handle.
async fn shop() -> (Servers, Database, uuid::Uuid) {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    let id = uuid::Uuid::now_v7();
    owner.execute(PRODUCT.bind(id)).await.expect("a product");
    (servers, owner, id)
}

async fn name_of(database: &Database, id: uuid::Uuid) -> String {
    catalog::find(database, id.into()).await.expect("asked").expect("there").name
}
