//! The list of products and search, whatever order of words the database was made with; and what products may cost.

use serde_json::{Value, json};
use shared::catalog::{self, Filter, Order, Prices, ProductId, Rule, Search};
use shared::database::{Database, Statement, migrations};
use shared::error::Kind;
use uuid::Uuid;

use crate::servers::{Servers, installations};

/// By name, because a Postgres that was built without ICU still lists one collation of it.
static HAS_ICU: Statement =
    Statement::new("test.has_icu", "select exists (select from pg_collation where collname = 'et-x-icu')");
static PRODUCT: Statement = Statement::new(
    "test.listed_product",
    "insert into products (id, name, description, price, currency, featured)
     values ($1, $2, '', 100, 'usd', false)",
);

/// In Estonian a Z stands before a T; and a capital beside its small letter, and an accent beside none, as nearly
/// everywhere but in C.
const ESTONIAN: [&str; 2] = ["--locale-provider=icu", "--icu-locale=et"];

async fn sells(owner: &Database, names: &[&str]) {
    for name in names {
        owner.execute(PRODUCT.bind(ProductId::new()).bind(*name)).await.expect("inserts");
    }
}

/// The names of all that is listed by name, one a page.
async fn listed(database: &Database) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = catalog::list(database, Order::Name, &Filter::default(), after, 1).await.expect("a page");
        let page = serde_json::to_value(page).expect("JSON");
        names.push(page["products"][0]["name"].as_str().expect("a name").to_owned());
        let Some(cursor) = page["next_cursor"].as_str() else { return names };
        after = Some(cursor.parse().expect("a cursor"));
    }
}

async fn found(database: &Database, words: &str) -> Value {
    let page = catalog::search(database, &Search::new(words.parse().expect("words"))).await;
    serde_json::from_slice(&page.expect("answers").expect("a page").body).expect("JSON")
}

#[tokio::test]
async fn what_was_archived_by_hand_is_not_on_the_front_page() {
    static FEATURE: Statement = Statement::new("test.listed_feature", "update products set featured = true");
    static ARCHIVE: Statement =
        Statement::new("test.listed_archive", "update products set archived_at = now() where name = 'Lamp'");
    let servers = Servers::start().await;
    let owner = Database::new(servers.owner());
    sells(&owner, &["Lamp", "Bowl"]).await;
    owner.execute(&FEATURE).await.expect("updates");
    owner.execute(&ARCHIVE).await.expect("updates");
    let page = catalog::featured(&owner).await.expect("answers").expect("a page");
    let page: Value = serde_json::from_slice(&page.body).expect("JSON");
    let names: Vec<_> = page["products"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Bowl"]);
}

#[tokio::test]
async fn a_list_may_be_of_what_is_featured_or_in_stock_or_of_what_is_not_in_every_order() {
    static MARK: Statement = Statement::new(
        "test.listed_mark",
        "update products set featured = name in ('A', 'B'), in_stock = name in ('A', 'C')",
    );
    let servers = Servers::start().await;
    let (owner, functions) = (Database::new(servers.owner()), Database::new(servers.pooled()));
    sells(&owner, &["A", "B", "C", "D"]).await;
    owner.execute(&MARK).await.expect("updates");
    for (featured, in_stock, expected) in [
        (Some(true), None, "AB"),
        (Some(false), None, "CD"),
        (None, Some(true), "AC"),
        (None, Some(false), "BD"),
        (Some(true), Some(true), "A"),
        (Some(false), Some(true), "C"),
        (None, None, "ABCD"),
    ] {
        for order in [Order::Newest, Order::Name, Order::Price, Order::PriceDown] {
            let prices = Prices::new(Some("usd".parse().expect("a currency")), None, None).expect("prices");
            let filter = Filter { prices, featured, in_stock };
            let page = catalog::list(&functions, order, &filter, None, 9).await.expect("a page");
            let page = serde_json::to_value(page).expect("JSON");
            let mut names: Vec<_> = page["products"].as_array().expect("a list").iter().collect();
            names.sort_by_key(|one| one["name"].as_str());
            let names: String = names.iter().filter_map(|one| one["name"].as_str()).collect();
            assert_eq!(names, expected, "{order:?} {filter:?}");
        }
    }
}

/// Of three thousand products thirty are sold out, the oldest, and three hundred others are featured: too many to be
/// sorted for a page.
static MANY: Statement = Statement::new(
    "test.listed_many",
    "insert into products (id, name, description, price, currency, featured, in_stock)
     select
         ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
         'Lamp ' || n, '', 100 + n % 50, 'usd', n between 100 and 399, n > 30
     from generate_series(1, 3000) as n",
);
static RESTOCK: Statement =
    Statement::new("test.listed_restock", "update products set in_stock = not in_stock");
/// As autovacuum does.
static TIDY: Statement = Statement::new("test.listed_tidy", "vacuum analyze products");

/// A list as the functions ask for it, with its plan in the place of its rows.
macro_rules! plan_of {
    ($file:literal) => {
        Statement::new(
            "test.listed_plan",
            concat!("explain (analyze, format json) ", include_str!(concat!("../../src/catalog/", $file))),
        )
    };
}

/// The indexes that the first pages are read by, in the order of `Order`'s; and that no more is read than there is.
async fn read_by(functions: &Database, featured: Option<bool>, in_stock: Option<bool>) -> [String; 4] {
    static NEWEST: Statement = plan_of!("list_newest.sql");
    static BY_NAME: Statement = plan_of!("list_by_name.sql");
    static CHEAPEST: Statement = plan_of!("list_cheapest.sql");
    static DEAREST: Statement = plan_of!("list_dearest.sql");
    let begun = [
        NEWEST.bind(Uuid::max()).bind(21_i64).bind(None::<String>),
        BY_NAME.bind(Uuid::nil()).bind("").bind(21_i64).bind(None::<String>),
        CHEAPEST.bind(Uuid::nil()).bind(-1_i64).bind(21_i64).bind("usd"),
        DEAREST.bind(Uuid::max()).bind(i64::MAX).bind(21_i64).bind("usd"),
    ];
    let mut indexes = begun.each_ref().map(|_| String::new());
    for (query, index) in begun.into_iter().zip(&mut indexes) {
        let query = query.bind(0_i64).bind(i64::MAX).bind(featured).bind(in_stock);
        let (plan,): (Value,) = functions.fetch_one(query).await.expect("explains");
        let mut node = &plan[0]["Plan"];
        while let Some(below) = node.pointer("/Plans/0") {
            node = below;
        }
        let left_out = node["Rows Removed by Filter"].as_f64().unwrap_or_default();
        assert!(left_out < 30.0, "{left_out} rows for nothing: {plan:#}");
        node["Index Name"].as_str().unwrap_or("none").clone_into(index);
    }
    indexes
}

#[tokio::test]
async fn a_list_of_what_few_products_are_reads_these_few_in_every_order() {
    const FEATURED: [&str; 4] = [
        "products_featured_newest",
        "products_featured_by_name",
        "products_featured_by_price",
        "products_featured_by_price",
    ];
    const BY_STOCK: [&str; 4] = [
        "products_listed_by_stock",
        "products_by_stock_and_name",
        "products_by_stock_and_price",
        "products_by_stock_and_price",
    ];
    let servers = Servers::start().await;
    let (owner, functions) = (Database::new(servers.owner()), Database::new(servers.pooled()));
    owner.execute(&MANY).await.expect("inserts");
    owner.execute(&TIDY).await.expect("vacuums");
    assert_eq!(read_by(&functions, None, Some(false)).await, BY_STOCK, "nearly everything is in stock");
    assert_eq!(read_by(&functions, Some(true), None).await, FEATURED);
    owner.execute(&RESTOCK).await.expect("updates");
    owner.execute(&TIDY).await.expect("vacuums");
    assert_eq!(read_by(&functions, None, Some(true)).await, BY_STOCK, "nearly everything is sold out");
}

#[tokio::test]
async fn names_and_words_stand_in_the_same_order_whatever_locale_the_database_was_made_with() {
    for installation in installations() {
        let plain = Servers::start_empty_of(&installation, &[]).await;
        let (has_icu,): (bool,) = Database::new(plain.owner()).fetch_one(&HAS_ICU).await.expect("answers");
        stand_in_one_order(&plain).await;
        if has_icu {
            stand_in_one_order(&Servers::start_empty_of(&installation, &ESTONIAN).await).await;
        } else {
            eprintln!("{}: has no ICU, left out", installation.display());
        }
    }
}

async fn stand_in_one_order(servers: &Servers) {
    migrations::run(&servers.owner()).await.expect("migrates");
    let (owner, functions) = (Database::new(servers.owner()), Database::new(servers.pooled()));
    sells(&owner, &["tapir", "Tapir", "zebra", "Zebra", "émail", "apple"]).await;
    assert_eq!(listed(&functions).await, ["Tapir", "Zebra", "apple", "tapir", "zebra", "émail"]);
    // Each as like what is typed as the other; and one too many for the words that may have been begun.
    sells(&owner, &["Lamz", "Lamt"]).await;
    assert_eq!(found(&functions, "lamb").await["corrected"], "lamt");
    sells(&owner, &["Qoz", "Qot", "Qoa", "Qob", "Qoc", "Qod", "Qof", "Qog", "Qoh"]).await;
    let begun = found(&functions, "qo").await.to_string();
    assert!(begun.contains("Qot") && !begun.contains("Qoz"), "{begun}");
}

#[tokio::test]
async fn a_product_may_cost_as_much_as_can_be_charged_in_its_currency() {
    let servers = Servers::start().await;
    let functions = Database::new(servers.pooled());
    let create = async |amount: i64, currency: &str| {
        let new =
            json!({ "name": "Lamp", "description": "", "price": { "amount": amount, "currency": currency } });
        catalog::create(&functions, serde_json::from_value(new).expect("a product")).await
    };
    for rule in Rule::all() {
        let currency = rule.currencies.split(' ').next().expect("a currency");
        let most = rule.largest - rule.largest % rule.multiple;
        let product =
            create(most, currency).await.unwrap_or_else(|error| panic!("{rule:?} {:?}", error.cause()));
        assert_eq!(product.price.amount, most);
        let refused = create(most + rule.multiple, currency).await.expect_err("more than can be charged");
        assert_eq!(refused.problem().kind(), Kind::Validation, "{rule:?}");
    }
    let prices = Prices::new(Some("idr".parse().expect("a currency")), Some(999_999_999_999), None);
    let filter = Filter { prices: prices.expect("comparable"), ..Filter::default() };
    let page = catalog::list(&functions, Order::PriceDown, &filter, None, 2).await.expect("a page");
    let page = serde_json::to_value(page).expect("JSON");
    assert_eq!(page["products"].as_array().map(Vec::len), Some(1), "{page}");
}
