//! What the functions' own role may see of the database, on a real server.

use shared::database::{Database, Statement};
use shared::insights::{Insights, gather};

use crate::servers::{Servers, until};

static ROWS: Statement = Statement::new(
    "test.rows",
    "insert into users (id, email, password_hash, role)
     select gen_random_uuid(), n || '@example.com', '-', 'customer' from generate_series(1, 2000) as n",
);
static SCAN: Statement = Statement::new("test.scan", "select count(*) from users where password_hash = $1");
static DROP: Statement = Statement::new("test.drop", "drop index order_items_order_product");

async fn insights(database: &Database) -> Insights {
    gather(database).await.expect("the role may see it")
}

#[tokio::test]
async fn it_sees_what_the_statements_cost_and_how_tables_are_read() {
    let servers = Servers::start().await;
    Database::new(servers.owner()).execute(&ROWS).await.expect("inserts");
    let database = Database::new(servers.pooled());
    for password in ["a", "b", "it's"] {
        database.fetch_one::<(i64,)>(SCAN.bind(password)).await.expect("answers");
    }

    let found = insights(&database).await;
    let scan = found.statements.iter().find(|cost| cost.name == "test.scan").expect("its own statements");
    assert_eq!(scan.calls, 3);
    assert!(scan.mean_ms > 0.0 && scan.blocks_each > 1.0 && scan.share_percent > 0.0, "{scan:?}");
    assert!((scan.rows_each - 1.0).abs() < 1e-9, "{scan:?}");
    let others = found.statements.iter().find(|cost| cost.name == "test.rows");
    assert!(others.is_none(), "what another role does is not the functions' doing: {others:?}");

    // A session tells the others of its counts after a while, or when it ends.
    until("the scans are counted", async || {
        let tables = insights(&database).await.tables;
        tables.iter().any(|table| table.name == "users" && table.sequential_scans >= 3)
    })
    .await;
}

#[tokio::test]
async fn it_counts_connections_against_their_limit() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    owner.execute(&SCAN_NOTHING).await.expect("answers");
    let server = insights(&Database::new(servers.direct())).await.server;
    // The owner's and its own; PgBouncer opens none before somebody asks it.
    assert_eq!((server.connections, server.active, server.idle_in_transaction), (2, 1, 0));
    assert_eq!(server.connection_limit, 97, "Postgres' default of 100 less 3 for superusers");
}

static SCAN_NOTHING: Statement = Statement::new("test.nothing", "select 1");

#[tokio::test]
async fn it_finds_foreign_keys_without_an_index_and_indexes_without_a_reader() {
    let servers = Servers::start().await;
    let database = Database::new(servers.direct());
    let keys = async || {
        let missing = insights(&database).await.missing_indexes;
        missing.iter().map(|key| format!("{} ({})", key.table, key.columns)).collect::<Vec<_>>()
    };
    // Neither products nor accounts are ever deleted (an erased account keeps its row), so these are not worth an
    // index.
    let unworthy = ["order_history (actor)", "order_items (product_id)", "refunds (actor)"];
    assert_eq!(keys().await, unworthy);
    Database::new(servers.owner()).execute(&DROP).await.expect("drops");
    let [actor, product, refunds] = unworthy;
    assert_eq!(keys().await, [actor, "order_items (order_id)", product, refunds]);

    let unused = insights(&database).await.unused_indexes;
    assert!(unused.iter().any(|index| index.name == "products_search" && index.table == "products"));
    assert!(!unused.iter().any(|index| index.name == "users_email"), "a unique one is needed anyway");
}
