//! Statements whose plan Postgres keeps: functions that `migrate` makes, and what is sent where there is none.

use shared::catalog::{ProductId, find};
use shared::database::{Database, Statement, migrations};

use crate::servers::Servers;

static PRODUCT: Statement = Statement::new(
    "test.product",
    "insert into products (id, name, description, price, currency, featured)
     values ($1, 'Lamp', '', 900, 'usd', false)",
);
static SENT: Statement = Statement::new(
    "test.sent",
    "select query like '%from statements.catalog_find_%', calls from pg_stat_statements
     where query like '%/* catalog.find */%' order by 1",
);
/// Also what functions send, and how often it was planned.
static COUNT_PLANS: Statement = Statement::new(
    "test.count_plans",
    "do 'begin
        execute format(''alter role millrace_app in database %I set pg_stat_statements.track = ''''all'''''',
            current_database());
        execute format(''alter role millrace_app in database %I set pg_stat_statements.track_planning = on'',
            current_database());
    end'",
);
static PLANNED: Statement = Statement::new(
    "test.planned",
    "select plans, calls from pg_stat_statements
     where query like '%from products%' and query not like '%statements%' and plans > 0",
);
static FUNCTION: Statement = Statement::new(
    "test.function",
    "select oid::regprocedure::text, obj_description(oid, 'pg_proc') = current_date::text from pg_proc
     where pronamespace = 'statements'::regnamespace and proname like $1 order by 1",
);
static WITHOUT_FUNCTIONS: Statement = Statement::new("test.without", "drop schema statements cascade");
static WITHOUT_RIGHTS: Statement =
    Statement::new("test.without_rights", "revoke usage on schema statements from millrace_app");

/// As a migration leaves it that changes the type of a column.
static OF_ANOTHER_TYPE: Statement = Statement::new(
    "test.of_another_type",
    "do 'declare made text; begin
        select oid::regprocedure into strict made from pg_proc where proname like ''catalog#_find#_%'' escape ''#'';
        execute format(''drop function %s'', made);
        execute format(''create function %s returns table(id integer) language plpgsql as %L'',
            made, ''begin return query select now(); end'');
    end'",
);
static OF_OTHER_VERSIONS: Statement = Statement::new(
    "test.of_other_versions",
    "do 'begin for days in 89..91 loop
        execute format(''create function statements.test_%s() returns integer language sql as %L'',
            days, ''select 1'');
        execute format(''comment on function statements.test_%s() is %L'', days, current_date - days);
    end loop; end'",
);

/// A migrated shop that sells one product.
struct Shop {
    servers: Servers,
    owner: Database,
    product: ProductId,
}

impl Shop {
    async fn open() -> Self {
        let servers = Servers::start().await;
        let (owner, product) = (Database::new(servers.owner()), ProductId::new());
        owner.execute(PRODUCT.bind(product)).await.expect("inserted");
        Self { servers, owner, product }
    }

    /// Asks three times for the product, as one environment.
    async fn ask(&self) {
        let database = Database::new(self.servers.pooled());
        for _ in 0..3 {
            assert!(find(&database, self.product).await.expect("answers").is_some());
        }
    }

    /// How often the statement was sent whole, and how often its function was called.
    async fn sent(&self) -> (i64, i64) {
        let sent: Vec<(bool, i64)> = self.owner.fetch_all(&SENT).await.expect("answers");
        let of = |called| sent.iter().filter(|(call, _)| *call == called).map(|(_, calls)| calls).sum();
        (of(false), of(true))
    }

    /// The functions whose names are like this, and whether they were named today.
    async fn functions(&self, like: &str) -> Vec<(String, bool)> {
        self.owner.fetch_all(FUNCTION.bind(like)).await.expect("answers")
    }

    async fn migrate(&self) {
        let steps = migrations::run(&self.servers.owner()).await.expect("migrates");
        assert!(steps.is_empty(), "{steps:?}");
    }
}

#[tokio::test]
async fn a_stored_statement_travels_as_a_call() {
    let shop = Shop::open().await;
    shop.ask().await;
    assert_eq!(shop.sent().await, (0, 3));
}

#[tokio::test]
async fn its_plan_is_made_once_for_a_server_connection() {
    let shop = Shop::open().await;
    shop.owner.execute(&COUNT_PLANS).await.expect("set");
    shop.ask().await;
    let planned: Vec<(i64, i64)> = shop.owner.fetch_all(&PLANNED).await.expect("answers");
    assert_eq!(planned, [(1, 3)], "plans and calls");
}

#[tokio::test]
async fn what_the_database_has_no_function_for_is_sent_whole_from_then_on() {
    for without in [WITHOUT_RIGHTS, WITHOUT_FUNCTIONS] {
        let shop = Shop::open().await;
        shop.owner.execute(&without).await.expect("done");
        shop.ask().await;
        assert_eq!(shop.sent().await, (3, 0), "{}", without.name());
        shop.migrate().await;
        shop.ask().await;
        assert_eq!(shop.sent().await, (3, 3), "and is called once migrate has made it");
    }
}

#[tokio::test]
async fn within_a_transaction_it_is_sent_whole_so_that_a_missing_function_ends_no_transaction() {
    static STORED: Statement = Statement::new("test.stored", "select 1").stored();
    let shop = Shop::open().await;
    let found = Database::new(shop.servers.pooled())
        .transaction(async |tx| tx.fetch_one::<(i32,)>(&STORED).await)
        .await;
    assert_eq!(found.expect("answers"), (1,));
}

#[tokio::test]
async fn a_function_is_made_anew_where_a_column_has_another_type_now() {
    let shop = Shop::open().await;
    shop.owner.execute(&OF_ANOTHER_TYPE).await.expect("made");
    shop.ask().await;
    assert_eq!(shop.sent().await, (3, 0));
    shop.migrate().await;
    shop.ask().await;
    assert_eq!(shop.sent().await, (3, 3));
}

#[tokio::test]
async fn functions_of_other_versions_stay_for_ninety_days() {
    let shop = Shop::open().await;
    shop.owner.execute(&OF_OTHER_VERSIONS).await.expect("made");
    shop.migrate().await;
    let old = shop.functions("test%").await;
    assert_eq!(old, [89, 90].map(|days| (format!("statements.test_{days}()"), false)));
    let current = shop.functions("c%").await;
    assert!(current.len() > 5 && current.iter().all(|(_, today)| *today), "{current:?}");
}
