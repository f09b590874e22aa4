//! The schema's history runs once, whoever asks.

use shared::database::migrations::{pending, run};
use shared::database::{Database, Settings, Statement};
use tokio::time::timeout;

use crate::servers::{PATIENCE, Servers, until};

#[tokio::test]
async fn it_runs_each_step_once() {
    let servers = Servers::start_empty().await;
    let settings = servers.owner();

    let expected = pending(&settings).await.expect("lists");
    assert_eq!(expected.first().map(|step| (step.version, step.description)), Some((1, "shop")));
    assert_eq!(pending(&settings).await.expect("lists"), expected, "a dry run changes nothing");

    let (one, other) = tokio::join!(run(&settings), run(&settings));
    let mut ran = [one.expect("runs"), other.expect("waits, then finds nothing to do")];
    ran.sort_by_key(Vec::len);
    assert_eq!(ran, [vec![], expected]);

    assert_eq!(pending(&settings).await.expect("lists"), []);
    assert_eq!(run(&settings).await.expect("runs"), []);
}

#[tokio::test]
async fn skus_of_before_are_composed_where_no_other_product_has_them_so() {
    static BEFORE: Statement = Statement::new(
        "test.before",
        "insert into products (id, sku, name, description, price, currency, featured, in_stock)
         select ('00000000-0000-7000-8000-00000000000' || place)::uuid, sku, 'Lamp', '', 100, 'usd', false, false
         from unnest($1::text[]) with ordinality as before(sku, place)",
    );
    static AGAIN: Statement = Statement::new("test.again", "delete from _sqlx_migrations where version = 26");
    static AFTER: Statement = Statement::new("test.after", "select sku, version from products order by id");
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    // The last two would become the same, and the third the same as the second.
    let before = ["A", "\u{e9}", "e\u{301}", "o\u{308}\u{304}", "\u{f6}\u{304}"];
    owner.execute(BEFORE.bind(before)).await.expect("inserts");
    owner.execute(&AGAIN).await.expect("deletes");
    run(&servers.owner()).await.expect("runs");
    let after: Vec<(String, i64)> = owner.fetch_all(&AFTER).await.expect("reads");
    let after: Vec<_> = after.iter().map(|(sku, version)| (&**sku, *version)).collect();
    let expected = [("A", 1), ("\u{e9}", 1), ("e\u{301}", 1), ("\u{22b}", 2), ("\u{f6}\u{304}", 1)];
    assert_eq!(after, expected);
}

/// Whoever deploys has a time limit, and tries again after it.
#[tokio::test]
async fn who_gives_up_in_the_middle_of_a_step_leaves_no_lock_behind() {
    static SLOW: Statement = Statement::new(
        "test.slow",
        "create function slow() returns event_trigger language plpgsql as 'begin perform pg_sleep(3600); end'",
    );
    static ALL: Statement =
        Statement::new("test.all", "create event trigger slow on ddl_command_start execute function slow()");
    static SLEEPERS: Statement =
        Statement::new("test.sleepers", "select count(*) from pg_stat_activity where wait_event = 'PgSleep'");
    static QUICK: Statement = Statement::new("test.quick", "drop event trigger slow");
    let servers = Servers::start_empty().await;
    let (settings, owner) = (servers.owner(), Database::new(servers.owner()));
    for statement in [&SLOW, &ALL] {
        owner.execute(statement).await.expect("creates");
    }
    let sleeps =
        until("a step", async || owner.fetch_one::<(i64,)>(&SLEEPERS).await.expect("answers").0 == 1);
    tokio::select! {
        result = run(&settings) => panic!("it ended: {result:?}"),
        () = sleeps => {}
    }
    owner.execute(&QUICK).await.expect("drops");
    timeout(PATIENCE, run(&settings)).await.expect("the lock is free").expect("runs");
}

#[tokio::test]
async fn it_leaves_a_newer_schema_alone_so_that_a_rollback_works() {
    static NEWER: Statement = Statement::new(
        "test.newer",
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, '', 0)",
    );
    let servers = Servers::start().await;
    Database::new(servers.owner()).execute(&NEWER).await.expect("inserts");
    assert_eq!(pending(&servers.owner()).await.expect("lists"), []);
    assert_eq!(run(&servers.owner()).await.expect("runs"), []);
}

#[tokio::test]
async fn it_refuses_a_history_that_was_rewritten() {
    static REWRITTEN: Statement =
        Statement::new("test.rewritten", "update _sqlx_migrations set checksum = '' where version = 1");
    let servers = Servers::start().await;
    Database::new(servers.owner()).execute(&REWRITTEN).await.expect("updates");
    let error = run(&servers.owner()).await.expect_err("another history");
    assert!(
        error.to_string().contains("migration 1 was previously applied but has been modified"),
        "{error}"
    );
}

#[tokio::test]
async fn it_gives_the_functions_a_role_with_time_limits_that_owns_nothing() {
    static LIMITS: Statement = Statement::new(
        "test.limits",
        "select current_setting('statement_timeout'), current_setting('lock_timeout'), \
         current_setting('idle_in_transaction_session_timeout')",
    );
    static OWNED: Statement = Statement::new(
        "test.owned",
        "select count(*) from pg_class where pg_get_userbyid(relowner) = 'millrace_app'",
    );
    static FORBIDDEN: [(&str, Statement); 4] = [
        ("orders", Statement::new("test.forbidden", "delete from orders")),
        // What happened to an order is only ever added to.
        ("order_history", Statement::new("test.forbidden", "update order_history set event = 'paid'")),
        ("order_history", Statement::new("test.forbidden", "delete from order_history")),
        ("order_history", Statement::new("test.forbidden", "truncate order_history")),
    ];

    let servers = Servers::start().await;
    for settings in [servers.direct(), servers.pooled()] {
        let settings: Settings = settings;
        let database = Database::new(settings);
        let limits: (String, String, String) = database.fetch_one(&LIMITS).await.expect("answers");
        assert_eq!(limits, ("5s".into(), "3s".into(), "10s".into()));
        assert_eq!(database.fetch_one::<(i64,)>(&OWNED).await.expect("answers"), (0,));
        for (table, statement) in &FORBIDDEN {
            let error = database.execute(statement).await.expect_err("may not");
            let refused = format!("test.forbidden: permission denied for table {table} (SQLSTATE 42501)");
            assert_eq!(error.to_string(), refused);
        }
    }
}
