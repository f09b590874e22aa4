//! Search, by its statement alone: accents, typing errors and what it may cost; and times that no product may have.

use shared::catalog::{Search, search};
use shared::database::{Database, Statement};

use crate::servers::Servers;

static PRODUCT: Statement = Statement::new(
    "test.search_product",
    "insert into products (id, name, description, price, currency, featured)
     values (gen_random_uuid(), $1, $2, 100, 'usd', false)",
);
/// So many products whose names have four of eleven words.
static MANY: Statement = Statement::new(
    "test.search_many",
    "insert into products (id, name, description, price, currency, featured)
     select gen_random_uuid(),
            (array['Amber', 'Walnut', 'Folding', 'Porcelain'])[n % 4 + 1] || ' '
                || (array['Chair', 'Table', 'Backpack'])[n % 3 + 1] || ' '
                || (array['Sturdy', 'Rustic', 'Nordic'])[n / 3 % 3 + 1],
            'A thing', 100, 'usd', false
     from generate_series(1, $1) as n",
);
/// As autovacuum does: gives the planner its figures, and the index what was added.
static TIDY: Statement = Statement::new("test.search_tidy", "vacuum analyze products, product_words");
static RESET: Statement = Statement::new("test.search_reset", "select pg_stat_statements_reset()::text");
static BLOCKS: Statement = Statement::new(
    "test.search_blocks",
    "select coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint from pg_stat_statements
     where query like '%catalog.search%'",
);
static DATE: Statement =
    Statement::new("test.search_date", "update products set updated_at = $1::text::timestamptz");

async fn names(database: &Database, words: &str) -> Vec<String> {
    let asked = Search { words: words.parse().expect("words"), limit: 20, offset: 0 };
    let page = search(database, &asked).await.expect("answers").expect("a page");
    let page: serde_json::Value = serde_json::from_slice(&page.body).expect("JSON");
    let products = page["products"].as_array().expect("products").iter();
    products.map(|product| product["name"].as_str().expect("a name").to_owned()).collect()
}

async fn sell(owner: &Database, products: &[(&str, &str)]) {
    for (name, description) in products {
        owner.execute(PRODUCT.bind(*name).bind(*description)).await.expect("inserts");
    }
}

#[tokio::test]
async fn words_are_found_with_and_without_their_accents() {
    let servers = Servers::start().await;
    let (owner, database) = (Database::new(servers.owner()), Database::new(servers.pooled()));
    let apart = "Cafe\u{301} apart";
    sell(&owner, &[("Café Crème", "naïve, by Müller & Éclair2"), ("Cafe Table", ""), (apart, "Straße")])
        .await;
    for words in ["cafe", "café", "CAFÉ"] {
        assert_eq!(names(&database, words).await.len(), 3, "{words}");
    }
    for words in ["cafe creme", "muller", "müller", "naive", "naïve", "eclair2", "crme", "créme"] {
        assert_eq!(names(&database, words).await, ["Café Crème"], "{words}");
    }
    assert_eq!(names(&database, "strasse").await, [apart]);
}

#[tokio::test]
async fn a_typing_error_finds_what_has_the_words_that_were_meant() {
    let servers = Servers::start().await;
    let (owner, database) = (Database::new(servers.owner()), Database::new(servers.pooled()));
    sell(&owner, &[("Walnut Chair", "By hand"), ("Oak Table", "By hand")]).await;
    for words in ["chiar", "wlanut chiar", "qqqq chair", "!!! chiar ???"] {
        assert_eq!(names(&database, words).await, ["Walnut Chair"], "{words}");
    }
    for words in ["!!!! ????", "qqqq", "the of"] {
        assert_eq!(names(&database, words).await, [""; 0], "{words}");
    }
}

#[tokio::test]
async fn what_nobody_sells_costs_the_same_however_much_is_sold() {
    let servers = Servers::start().await;
    let (owner, database) = (Database::new(servers.owner()), Database::new(servers.pooled()));
    let words = ["amber walnut folding porcelain chair table backpack sturdy rustic nordic", "!!!! ???? -"];
    let mut costs = Vec::new();
    for more in [2_000, 18_000] {
        owner.execute(MANY.bind(more)).await.expect("inserts");
        owner.execute(&TIDY).await.expect("vacuums");
        owner.fetch_one::<(String,)>(&RESET).await.expect("resets");
        for words in words {
            assert_eq!(names(&database, words).await, [""; 0]);
        }
        costs.push(owner.fetch_one::<(i64,)>(&BLOCKS).await.expect("counts").0);
    }
    assert!(costs[0] > 0 && costs[1] < 3 * costs[0], "ten times the products: {costs:?} blocks");
}

#[tokio::test]
async fn a_time_that_no_calendar_has_is_kept_out() {
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    sell(&owner, &[("Chair", "")]).await;
    for time in ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"] {
        let refused = owner.execute(DATE.bind(time)).await.expect_err("refused");
        assert_eq!(refused.constraint(), Some("products_times"), "{time}");
    }
    owner.execute(DATE.bind("9999-12-31 23:59:59+00")).await.expect("a time");
}
