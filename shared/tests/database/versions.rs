//! What differs between versions of Postgres, on all that this machine has: `./dev test` brings the wheel's beside the
//! package manager's.

use shared::catalog::{ProductId, Search, search};
use shared::database::{Database, Statement, migrations};
use shared::insights::gather;

use crate::servers::{Servers, installations};

static SPELT: Statement = Statement::new("test.spelt", "-- what it does\n/* and why */\nselect $1 as spelt");
static ECLAIR: Statement = Statement::new(
    "test.eclair",
    "insert into products (id, name, description, price, currency, featured)
     values ($1, 'ÉCLAIR', 'Überzogen', 100, 'usd', false)",
);

#[tokio::test]
async fn every_version_keeps_the_names_of_statements() {
    for installation in installations() {
        let servers = Servers::start_empty_of(&installation, &[]).await;
        migrations::run(&servers.owner()).await.expect("migrates");
        let database = Database::new(servers.direct());
        for word in ["one", "another"] {
            database.fetch_one::<(String,)>(SPELT.bind(word)).await.expect("answers");
        }
        let statements = gather(&database).await.expect("answers").statements;
        let found = statements.iter().find(|cost| cost.name == "test.spelt");
        assert_eq!(found.map(|cost| cost.calls), Some(2), "{}: {statements:?}", installation.display());
    }
}

/// Finds it by these words?
async fn finds(database: &Database, words: &str) -> bool {
    let search_for = Search::new(words.parse().expect("words"));
    let found = search(database, &search_for).await.expect("answers").expect("a page");
    String::from_utf8_lossy(&found.body).contains("ÉCLAIR")
}

#[tokio::test]
async fn search_knows_letters_beyond_ascii_in_every_version() {
    for installation in installations() {
        let servers = Servers::start_empty_of(&installation, &[]).await;
        migrations::run(&servers.owner()).await.expect("migrates");
        Database::new(servers.owner()).execute(ECLAIR.bind(ProductId::new())).await.expect("inserts");
        let database = Database::new(servers.direct());
        for words in ["éclair", "Éclair", "überzogen", "éclari"] {
            assert!(finds(&database, words).await, "{words}: {}", installation.display());
        }
    }
}

#[tokio::test]
async fn a_database_in_which_search_cannot_be_right_is_refused_with_the_remedy() {
    for installation in installations() {
        for (initdb, what) in [
            (["--lc-ctype=C", "--encoding=UTF8"], "LC_CTYPE knows no letters but those of ASCII"),
            (["--lc-ctype=C", "--encoding=LATIN1"], "encoding is LATIN1"),
        ] {
            let servers = Servers::start_empty_of(&installation, &initdb).await;
            let refused = migrations::run(&servers.owner()).await.expect_err("refused").to_string();
            assert!(refused.contains(what) && refused.contains("template template0"), "{refused}");
            let missing = migrations::pending(&servers.owner()).await.expect("answers");
            assert_eq!(missing.first().map(|step| step.version), Some(1), "nothing was changed");
        }
    }
}
