//! Every statement of the workspace, checked against the migrated schema.
//!
//! The `.sql` files are the register: `orders/list.sql` is the statement `orders.list`, sent by the Rust beside it.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};

use crate::servers::Servers;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
const FUNCTIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions");

/// Files below `folder` that end in `extension`, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What the Rust beside `orders/list.sql` must say.
fn declaration(sql: &Path) -> String {
    let stem = sql.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8");
    let folder = sql.parent().and_then(Path::file_name).and_then(|name| name.to_str()).expect("UTF-8");
    format!("Statement::new(\"{folder}.{stem}\", include_str!(\"{stem}.sql\"))")
}

fn without_white_space(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn every_statement_is_a_file_with_its_name() {
    let expected: Vec<String> =
        files(Path::new(SOURCES), "sql").iter().map(|sql| without_white_space(&declaration(sql))).collect();
    let mut declared = 0;
    let sources = files(Path::new(SOURCES), "rs").into_iter().chain(files(Path::new(FUNCTIONS), "rs"));
    // The module itself declares a few in its documentation and its tests.
    for source in sources.filter(|source| !source.starts_with(format!("{SOURCES}/database"))) {
        let text = without_white_space(&fs::read_to_string(&source).expect("UTF-8"));
        for (at, _) in text.match_indices("Statement::new(") {
            declared += 1;
            assert!(
                expected.iter().any(|declaration| text[at..].starts_with(declaration)),
                "{}: put the statement into a file beside it and declare it as \
                 `Statement::new(\"folder.file\", include_str!(\"file.sql\"))`",
                source.display()
            );
        }
    }
    assert_eq!(declared, expected.len(), "a .sql file is not used, or used twice");
}

#[test]
fn migrate_makes_a_function_of_each_stored_statement_and_of_no_other() {
    let install = fs::read_to_string(format!("{SOURCES}/database/install.rs")).expect("UTF-8");
    for sql in files(Path::new(SOURCES), "sql") {
        let declared = without_white_space(&declaration(&sql)) + ".stored()";
        let beside = files(sql.parent().expect("a folder"), "rs");
        let text = |source: &PathBuf| without_white_space(&fs::read_to_string(source).expect("UTF-8"));
        let is_stored = beside.iter().any(|source| text(source).contains(&declared));
        let name = declared.split('"').nth(1).expect("a name");
        let listed = format!("(\"{name}\", include_str!(\"../{}.sql\"))", name.replace('.', "/"));
        assert_eq!(install.contains(&listed), is_stored, "{listed}");
    }
}

#[tokio::test]
async fn every_statement_fits_the_schema_and_the_rights_of_the_functions() {
    let servers = Servers::start().await;
    let options: PgConnectOptions = servers.direct_url().parse().expect("valid");
    let mut connection = PgConnection::connect_with(&options).await.expect("connects");
    let mut faults = Vec::new();
    for sql in files(Path::new(SOURCES), "sql") {
        if let Err(error) = plan(&mut connection, &fs::read_to_string(&sql).expect("UTF-8")).await {
            faults.push(format!("{}: {error}", sql.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Prepares the text and has it planned without values, which checks names, types and rights.
///
/// Postgres guesses the arguments' types from the text; where it cannot, the text needs a cast (`$1::uuid[]`).
#[expect(clippy::disallowed_methods, reason = "prepared statements on a direct connection of the test's own")]
async fn plan(connection: &mut PgConnection, text: &str) -> sqlx::Result<()> {
    let mut run = async |sql: String| sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
    run("set plan_cache_mode = force_generic_plan".into()).await?;
    run(format!("prepare checked as {text}")).await?;
    let arguments = (1..=64).take_while(|number| text.contains(&format!("${number}"))).count();
    let nulls = vec!["null"; arguments].join(", ");
    let call = if arguments == 0 { "checked".into() } else { format!("checked({nulls})") };
    let planned = run(format!("explain execute {call}")).await;
    run("deallocate checked".into()).await?;
    planned.map(drop)
}
