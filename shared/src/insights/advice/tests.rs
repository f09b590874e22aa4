use super::*;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-24 08:00 UTC);

/// A shop in which there is nothing to do.
fn healthy() -> Insights {
    Insights {
        server: Server {
            connections: 40,
            connection_limit: 100,
            active: 1,
            idle_in_transaction: 0,
            blocks_from_memory: 9_990_000,
            blocks_from_disk: 10_000,
            since: NOW - Duration::days(30),
        },
        statements: vec![cost("orders.list", 0.6, 70.0, 120.0, 20.0)],
        tables: vec![TableUse {
            name: "orders".into(),
            rows: 50_000,
            bytes: 8_000_000,
            sequential_scans: 3,
            rows_scanned: 150_000,
            index_scans: 1_000_000,
        }],
        unused_indexes: vec![],
        missing_indexes: vec![],
    }
}

fn cost(name: &str, mean_ms: f64, share_percent: f64, blocks_each: f64, rows_each: f64) -> StatementCost {
    let (name, calls, total_ms) = (name.to_owned(), 1_000, mean_ms * 1_000.0);
    StatementCost { name, calls, total_ms, mean_ms, share_percent, rows_each, blocks_each }
}

/// What is suggested once `change` has happened to the healthy shop.
fn after(change: impl FnOnce(&mut Insights)) -> Vec<Suggestion> {
    let mut insights = healthy();
    change(&mut insights);
    advise(&insights, NOW)
}

fn only(suggestions: Vec<Suggestion>) -> Suggestion {
    let [suggestion] = <[_; 1]>::try_from(suggestions).expect("one suggestion");
    suggestion
}

#[test]
fn it_leaves_a_healthy_shop_alone() {
    assert_eq!(after(|_| {}), []);
}

#[test]
fn it_points_at_a_statement_that_reads_far_more_than_it_returns() {
    let found = only(after(|shop| shop.statements.push(cost("orders.find", 9.0, 10.0, 1_500.0, 1.0))));
    assert_eq!(found.about, "orders.find");
    assert!(found.advice.contains("missing index"), "{found:?}");
    assert_eq!(found.evidence, "1000 calls, 9.00 ms and 1500 blocks each for 1.0 rows, 10 % of all time.");
}

#[test]
fn it_does_not_mind_a_statement_that_returns_what_it_reads() {
    assert_eq!(after(|shop| shop.statements.push(cost("orders.export", 9.0, 10.0, 1_500.0, 10_000.0))), []);
}

#[test]
fn it_points_at_a_slow_statement_only_where_the_time_goes() {
    let found = only(after(|shop| shop.statements.push(cost("catalog.search", 45.0, 60.0, 300.0, 20.0))));
    assert_eq!(found.about, "catalog.search");
    assert!(found.evidence.contains("45.00 ms") && found.evidence.contains("60 %"), "{found:?}");
    assert_eq!(after(|shop| shop.statements.push(cost("catalog.search", 45.0, 2.0, 300.0, 20.0))), []);
}

#[test]
fn it_points_at_a_large_table_that_is_read_from_end_to_end() {
    let found = only(after(|shop| {
        shop.tables[0].sequential_scans = 400;
        shop.tables[0].rows_scanned = 400 * 50_000;
    }));
    assert_eq!(found.about, "orders");
    assert_eq!(
        found.evidence,
        "Of 50000 rows, it was read from end to end 400 times (20000000 rows), and 1000000 times by index. \
         orders.list looks at the most blocks, 120 a call."
    );
}

#[test]
fn it_does_not_mind_scans_that_stopped_early_or_of_a_small_table() {
    let early = |shop: &mut Insights| {
        shop.tables[0].sequential_scans = 400;
        shop.tables[0].rows_scanned = 4_000;
    };
    let small = |shop: &mut Insights| {
        let table = &mut shop.tables[0];
        (table.rows, table.sequential_scans, table.rows_scanned) = (50, 90_000, 90_000 * 50);
    };
    assert_eq!((after(early), after(small)), (vec![], vec![]));
}

#[test]
fn it_suspects_an_unused_index_after_a_week() {
    let index = || UnusedIndex { name: "products_search".into(), table: "products".into(), bytes: 2_048_000 };
    let found = only(after(|shop| shop.unused_indexes.push(index())));
    assert_eq!(found.about, "products_search");
    assert_eq!(found.evidence, "No statement has read it for 30 days; it takes 2000 kB, on products.");
    let young = after(|shop| {
        shop.unused_indexes.push(index());
        shop.server.since = NOW - Duration::days(6);
    });
    assert_eq!(young, []);
}

#[test]
fn it_names_a_foreign_key_that_no_index_helps() {
    let found = only(after(|shop| {
        let (table, columns, references) = ("orders".into(), "user_id".into(), "users".into());
        shop.missing_indexes.push(MissingIndex { table, columns, references });
    }));
    assert_eq!(found.about, "orders (user_id)");
    assert!(found.evidence.contains("reads all 50000 rows"), "{found:?}");
}

#[test]
fn it_warns_before_the_connections_run_out() {
    let found = only(after(|shop| shop.server.connections = 85));
    assert_eq!(found.evidence, "85 of 100 connections are open (85 %).");
}

#[test]
fn it_warns_of_transactions_that_do_nothing() {
    assert_eq!(only(after(|shop| shop.server.idle_in_transaction = 2)).about, "idle transactions");
}

#[test]
fn it_warns_when_memory_no_longer_holds_what_is_read() {
    let found = only(after(|shop| shop.server.blocks_from_disk = 500_000));
    assert_eq!(found.evidence, "95 % of the blocks were in memory; 500000 came from disk.");
    let new = |shop: &mut Insights| {
        (shop.server.blocks_from_memory, shop.server.blocks_from_disk) = (1_000, 1_000);
    };
    assert_eq!(after(new), []);
}
