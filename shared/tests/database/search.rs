//! Search, by its statement alone: accents, typing errors, order, pages, filters, and what it may cost; and times that
//! no product may have.

use serde_json::Value;
use shared::catalog::{self, Prices, ProductId, Search, rank};
use shared::database::{Database, Statement};
use shared::error::Kind;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use crate::servers::{Servers, so_many_wait};

static PRODUCT: Statement = Statement::new(
    "test.search_product",
    "with product as (
         insert into products (id, name, description, price, currency, featured, in_stock)
         values ($1, $2, $3, $4, 'usd', false, $5 > 0)
     )
     insert into inventory (product_id, available) values ($1, $5)",
);
static RENAME: Statement =
    Statement::new("test.search_rename", "update products set name = $2 where id = $1");
static CURRENCY: Statement =
    Statement::new("test.search_currency", "update products set currency = $2 where id = $1");
static ARCHIVE: Statement =
    Statement::new("test.search_archive", "update products set archived_at = now() where id = $1");
static POPULARITY: Statement =
    Statement::new("test.search_popularity", "update products set popularity = $2 where id = $1");
static KNOWN: Statement = Statement::new(
    "test.search_known",
    "select coalesce(sum(products), 0)::bigint from product_words where word = $1",
);
static POPULARITY_OF: Statement =
    Statement::new("test.search_popularity_of", "update products set popularity = $2 where name = $1");
/// As if the shop had a hundred thousand products with each of its words.
static COMMON: Statement =
    Statement::new("test.search_common", "update product_words set products = products + 100000");
/// A thousand products after so many, whose names have three of ten words; the first of all sell.
static MANY: Statement = Statement::new(
    "test.search_many",
    "insert into products (id, name, description, price, currency, featured, popularity)
     select gen_random_uuid(),
            (array['Amber', 'Walnut', 'Folding', 'Porcelain'])[n % 4 + 1] || ' '
                || (array['Chair', 'Table', 'Backpack'])[n % 3 + 1] || ' '
                || (array['Sturdy', 'Rustic', 'Nordic'])[n / 3 % 3 + 1],
            'A thing', 100, 'usd', false, greatest(0, 31 - length(ltrim(n::bit(32)::text, '0')))
     from generate_series($1 + 1, $1 + 1000) as n",
);
/// As autovacuum does: gives the planner its figures, and the indexes what was added.
static TIDY: Statement = Statement::new("test.search_tidy", "vacuum analyze");
static RESET: Statement = Statement::new("test.search_reset", "select pg_stat_statements_reset()::text");
static BLOCKS: Statement = Statement::new(
    "test.search_blocks",
    "select coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint from pg_stat_statements
     where query like '%catalog.search%'",
);
static DATE: Statement =
    Statement::new("test.search_date", "update products set updated_at = $1::text::timestamptz");

struct Shop {
    owner: Database,
    functions: Database,
    servers: Servers,
}

impl Shop {
    async fn open() -> Self {
        let servers = Servers::start().await;
        let (owner, functions) = (Database::new(servers.owner()), Database::new(servers.pooled()));
        Self { owner, functions, servers }
    }

    async fn sells(&self, name: &str, description: &str) -> ProductId {
        self.sells_for(100, 1, name, description).await
    }

    async fn sells_for(&self, price: i64, stock: i32, name: &str, description: &str) -> ProductId {
        let id = ProductId::new();
        let product = PRODUCT.bind(id).bind(name).bind(description).bind(price).bind(stock);
        self.owner.execute(product).await.expect("inserts");
        id
    }

    async fn page(&self, search: &Search) -> Value {
        let page = catalog::search(&self.functions, search).await;
        let page = page.unwrap_or_else(|error| panic!("{search:?}: {:?}", error.cause())).expect("a page");
        serde_json::from_slice(&page.body).expect("JSON")
    }

    async fn find(&self, words: &str) -> Value {
        self.page(&looking_for(words)).await
    }

    async fn names(&self, words: &str) -> Vec<String> {
        names(&self.find(words).await)
    }

    /// Sells thousands of products more, each thousand by a statement of its own, which a busy machine has time for.
    async fn grow(&self, thousands: std::ops::Range<i32>) {
        for thousand in thousands {
            self.owner.execute(MANY.bind(1_000 * thousand)).await.expect("inserts");
        }
    }

    /// How Postgres carries out the search for the first page of these words, with what it read.
    async fn plan(&self, words: &str) -> Value {
        let plan = PLAN.bind(words).bind(21_i64).bind(0_i16).bind(31_i16).bind(Uuid::nil());
        let plan = plan.bind(0_i64).bind(i64::from(i32::MAX)).bind(false).bind(None::<String>);
        let (mut plan,): (Value,) = self.functions.fetch_one(plan).await.expect("explains");
        plan[0]["Plan"].take()
    }

    /// All that is found, so many a page.
    async fn walk(&self, words: &str, limit: u16) -> Vec<String> {
        let (mut search, mut walked) = (Search { limit, ..looking_for(words) }, Vec::new());
        loop {
            let page = self.page(&search).await;
            walked.extend(names(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            search.after = Some(cursor.parse().expect("a cursor"));
        }
        walked
    }
}

fn looking_for(words: &str) -> Search {
    Search::new(words.parse().expect("words"))
}

fn names(page: &Value) -> Vec<String> {
    let products = page["products"].as_array().expect("products").iter();
    products.map(|product| product["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn words_are_found_with_and_without_their_accents() {
    let shop = Shop::open().await;
    let apart = "Cafe\u{301} apart";
    shop.sells("Café Crème", "naïve, by Müller & Éclair2").await;
    shop.sells("Cafe Table", "").await;
    shop.sells(apart, "Straße").await;
    for words in ["cafe", "café", "CAFÉ"] {
        assert_eq!(shop.names(words).await.len(), 3, "{words}");
    }
    for words in ["cafe creme", "muller", "müller", "naive", "naïve", "eclair2", "crme", "créme"] {
        assert_eq!(shop.names(words).await, ["Café Crème"], "{words}");
    }
    assert_eq!(shop.names("strasse").await, [apart]);
}

#[tokio::test]
async fn each_word_is_corrected_to_one_of_the_shop_and_the_answer_says_so() {
    let shop = Shop::open().await;
    shop.sells("Walnut Chair", "By hand").await;
    shop.sells("Oak Table", "Adjustable, by hand").await;
    for (typed, corrected, found) in [
        ("chiar", Some("chair"), "Walnut Chair"),
        ("wlanut chiar", Some("walnut chair"), "Walnut Chair"),
        ("walnut chair", None, "Walnut Chair"),
        ("walnuts chairs", None, "Walnut Chair"),
        ("qqqq chair", Some("chair"), "Walnut Chair"),
        ("!!! chiar ???", Some("chair"), "Walnut Chair"),
        ("addjustible tbale", Some("adjustable table"), "Oak Table"),
        ("aok", Some("oak"), "Oak Table"),
    ] {
        let page = shop.find(typed).await;
        assert_eq!(names(&page), [found], "{typed}: {page}");
        assert_eq!(page["corrected"].as_str(), corrected, "{typed}");
        assert_eq!(page["query"], typed);
        assert!(page["products"][0]["highlight"].as_str().is_some_and(|text| text.contains("<mark>")));
    }
    for words in ["!!!! ????", "qqqq", "the of", "'", "\\", "a & | ! ( :*", "<->"] {
        let page = shop.find(words).await;
        assert_eq!((names(&page), &page["corrected"]), (vec![], &Value::Null), "{words}");
    }
    let nothing = shop.find("walnut tbale").await;
    assert_eq!((names(&nothing), &nothing["corrected"]), (vec![], &Value::from("walnut table")));
}

#[tokio::test]
async fn the_words_of_the_shop_are_those_of_its_products() {
    let shop = Shop::open().await;
    let known = async |word: &str| shop.owner.fetch_one::<(i64,)>(KNOWN.bind(word)).await.expect("counts").0;
    let id = shop.sells("Chiar", "Oak, oak and walnut").await;
    shop.sells("Chair", "Oak").await;
    assert_eq!((known("chiar").await, known("oak").await, known("walnut").await), (1, 2, 1));
    assert_eq!(shop.names("chiar").await, ["Chiar"], "it is written so");
    shop.owner.execute(RENAME.bind(id).bind("Stool")).await.expect("renames");
    assert_eq!((known("chiar").await, known("stool").await, known("oak").await), (0, 1, 2));
    assert_eq!(shop.find("chiar").await["corrected"], "chair");
    shop.owner.execute(POPULARITY.bind(id).bind(20_i16)).await.expect("sells");
    assert_eq!(known("stool").await, 1, "only texts count");
    shop.owner.execute(ARCHIVE.bind(id)).await.expect("archives");
    assert_eq!((known("stool").await, known("oak").await), (0, 1), "nobody finds what is archived");
    assert_eq!(shop.names("oak").await, ["Chair"]);
}

#[tokio::test]
async fn a_last_word_may_be_a_beginning() {
    let shop = Shop::open().await;
    shop.sells("Walnut Chair", "").await;
    shop.sells("Walnut Tablecloth", "").await;
    shop.sells("Happiness", "").await;
    for (typed, found) in [
        ("cha", vec!["Walnut Chair"]),
        ("walnut ta", vec!["Walnut Tablecloth"]),
        ("wal", vec!["Walnut Tablecloth", "Walnut Chair"]),
        // Its stem is another beginning.
        ("happine", vec!["Happiness"]),
    ] {
        let page = shop.find(typed).await;
        assert_eq!(
            (names(&page), &page["corrected"]),
            (found.iter().map(|&name| name.into()).collect(), &Value::Null)
        );
    }
    assert_eq!(shop.names("cha walnut").await, ["Walnut Tablecloth", "Walnut Chair"], "only the last");

    // `powers` is a word of the shop too, but nothing has both.
    shop.sells("Power Bank", "").await;
    shop.sells("Canon PowerShot 1", "").await;
    shop.sells("Canon PowerShot 2", "").await;
    assert_eq!(shop.names("powers").await, ["Power Bank"]);
    assert_eq!(shop.walk("canon powers", 1).await, ["Canon PowerShot 2", "Canon PowerShot 1"]);
    assert_eq!(shop.walk("canon powers", 20).await, ["Canon PowerShot 2", "Canon PowerShot 1"]);
}

#[tokio::test]
async fn a_word_that_no_product_has_is_looked_for_at_the_end_of_longer_ones() {
    let shop = Shop::open().await;
    shop.owner.fetch_one::<(bool,)>(SPEAK.bind("german")).await.expect("sets");
    for name in ["Bürostuhl", "Gartenstühle", "Stahlregal"] {
        shop.sells(name, "").await;
    }
    let page = shop.find("stuhl").await;
    assert_eq!(
        (names(&page), &page["corrected"]),
        (vec!["Gartenstühle".into(), "Bürostuhl".into()], &Value::Null)
    );
    // A letter more is an error.
    shop.sells("Ahorn", "").await;
    assert_eq!(shop.find("horn").await["corrected"], "ahorn");
    shop.sells("Stuhl", "").await;
    assert_eq!(shop.names("stuhl").await, ["Stuhl"]);
}

#[tokio::test]
async fn words_that_all_are_common_are_looked_for_among_the_newest() {
    let shop = Shop::open().await;
    for (name, description) in
        [("Oak Chair 1", ""), ("Bench", "an oak chair"), ("Oak Chair 2", ""), ("Oak", "")]
    {
        shop.sells(name, description).await;
    }
    let all = ["Oak Chair 2", "Oak Chair 1", "Bench"];
    assert_eq!(shop.walk("oak chair", 20).await, all);
    shop.owner.execute(&COMMON).await.expect("counts");
    for limit in [1, 2, 20] {
        assert_eq!(shop.walk("oak chair", limit).await, all, "{limit} a page");
    }
    shop.grow(0..3).await;
    assert_eq!(shop.walk("oak chair", 20).await, [""; 0], "not among the newest");
    assert_eq!(shop.names("oak").await.len(), 4, "one word is cheap");
    shop.owner.execute(POPULARITY_OF.bind("Oak Chair 1").bind(16_i16)).await.expect("sells");
    assert_eq!(shop.walk("oak chair", 20).await, ["Oak Chair 1"], "what sells is always looked at");
}

#[tokio::test]
async fn names_come_before_descriptions_and_what_sells_before_the_rest() {
    let shop = Shop::open().await;
    let mut expected = Vec::new();
    for (name, description, popularity) in [
        ("Oak 1", "", 30),
        ("Oak 2", "", 21),
        ("Oak 3", "oak oak oak", 20),
        ("Oak 4", "", 18),
        ("Oak 6", "", 0),
        ("Oak 5", "", 0),
        ("Chair 1", "of oak", 29),
        ("Chair 2", "of oak", 17),
        ("Chair 4", "of oak", 0),
        ("Chair 3", "of oak", 0),
    ] {
        let id = shop.sells(name, description).await;
        shop.owner
            .execute(POPULARITY.bind(id).bind(i16::try_from(popularity).expect("small")))
            .await
            .expect("sells");
        expected.push(name);
    }
    // Of those that sell alike the newest comes first.
    expected.swap(4, 5);
    expected.swap(8, 9);
    shop.sells("Stool", "of pine").await;
    assert_eq!(shop.names("oak").await, expected);

    // Page by page it is the same, however long pages are.
    for limit in [1, 3, 4] {
        assert_eq!(shop.walk("oak", limit).await, expected, "{limit} a page");
    }
}

#[tokio::test]
async fn prices_and_stock_are_filtered_before_a_page_is_full() {
    let shop = Shop::open().await;
    for (price, stock) in [(100, 1), (200, 0), (300, 5), (400, 0), (500, 2)] {
        shop.sells_for(price, stock, &format!("Oak {price}"), "").await;
    }
    let found = async |least, most, in_stock, limit| {
        let prices = sold_in("usd", Some(least), Some(most));
        names(&shop.page(&Search { prices, in_stock, limit, ..looking_for("oak") }).await)
    };
    assert_eq!(found(200, 400, false, 20).await, ["Oak 400", "Oak 300", "Oak 200"]);
    assert_eq!(found(0, 400, true, 2).await, ["Oak 300", "Oak 100"]);
    assert_eq!(found(501, 600, false, 20).await, [""; 0]);
}

fn sold_in(currency: &str, least: Option<i64>, most: Option<i64>) -> Prices {
    Prices::new(Some(currency.parse().expect("a currency")), least, most).expect("comparable")
}

#[tokio::test]
async fn amounts_are_compared_in_one_currency() {
    let shop = Shop::open().await;
    for (currency, price) in [("usd", 900), ("jpy", 900), ("jpy", 100)] {
        let id = shop.sells_for(price, 1, &format!("Oak {price} {currency}"), "").await;
        shop.owner.execute(CURRENCY.bind(id).bind(currency)).await.expect("updates");
    }
    let found = async |prices| names(&shop.page(&Search { prices, ..looking_for("oak") }).await);
    assert_eq!(found(Prices::default()).await.len(), 3);
    assert_eq!(found(sold_in("jpy", None, None)).await, ["Oak 100 jpy", "Oak 900 jpy"]);
    assert_eq!(found(sold_in("jpy", Some(500), None)).await, ["Oak 900 jpy"]);
    assert_eq!(found(sold_in("eur", None, Some(1000))).await, [""; 0]);
    for (least, most) in [(Some(0), None), (None, Some(1000))] {
        let refused = Prices::new(None, least, most).expect_err("of no currency");
        assert_eq!(refused.problem().kind(), Kind::BadRequest);
    }
}

#[tokio::test]
async fn what_nobody_sells_costs_the_same_however_much_is_sold() {
    let shop = Shop::open().await;
    let searches = [
        "amber walnut folding porcelain chair table backpack sturdy rustic nordic",
        "amber",
        "folding table",
        "chiar",
        "!!!! ???? -",
        "qqqqqq wwwwww eeeeee rrrrrr tttttt yyyyyy",
    ];
    let mut costs = Vec::new();
    for thousands in [0..2, 2..20] {
        shop.grow(thousands).await;
        shop.owner.execute(&TIDY).await.expect("vacuums");
        shop.owner.fetch_one::<(String,)>(&RESET).await.expect("resets");
        for words in searches {
            shop.find(words).await;
        }
        costs.push(shop.owner.fetch_one::<(i64,)>(&BLOCKS).await.expect("counts").0);
    }
    assert!(costs[0] > 0 && costs[1] < 3 * costs[0], "ten times the products: {costs:?} blocks");
}

/// The demo's products, a million of them.
const DEMO: &str = include_str!("../../../local/cloud/src/demo/products.sql");
static PLAN: Statement = Statement::new(
    "test.search_plan",
    concat!("explain (analyze, buffers, format json) ", include_str!("../../src/catalog/search.sql")),
);

/// Takes minutes, so it is run at night: `cargo nextest run -p features -p shared --run-ignored only million`.
#[tokio::test]
#[ignore = "a million products take minutes to load"]
#[expect(
    clippy::disallowed_methods,
    reason = "several statements at once; a direct connection of the test's own"
)]
async fn a_few_thousand_of_a_million_products_are_read_whatever_is_typed() {
    let shop = Shop::open().await;
    let mut loading = PgConnection::connect(&shop.servers.owner_url()).await.expect("connects");
    let demo = AssertSqlSafe(DEMO.replace(":scale", "100"));
    sqlx::raw_sql(demo).execute(&mut loading).await.expect("loads");
    shop.owner.execute(&TIDY).await.expect("vacuums");
    for words in [
        "oak",
        "oak chair",
        "made by hand",
        "oak walnut",
        "double oak pepper mill",
        "made hand damp cloth",
        "frost gets better age",
        "frost gets better ag",
        "chiar",
        "wlanut chiar",
        "cha",
        "a",
        "zzzzzz",
    ] {
        let plan = shop.plan(words).await;
        let (rows, blocks) = (rows_of_products(&plan), &plan["Shared Hit Blocks"]);
        println!("{words}: {rows} rows, {blocks} blocks");
        assert!(rows < 5_000.0, "{words}: {rows} rows, {plan:#}");
    }
}

/// So that the gate notices when the test above, which it does not run, no longer fits the statement.
#[tokio::test]
async fn what_a_search_reads_can_be_told_from_its_plan() {
    let shop = Shop::open().await;
    shop.grow(0..2).await;
    shop.owner.execute(&TIDY).await.expect("vacuums");
    let read = async |words| rows_of_products(&shop.plan(words).await);
    let (nothing, amber) = (read("zzzzzz").await, read("amber").await);
    assert!(nothing < 21.0 && (21.0..5_000.0).contains(&amber), "{nothing} and {amber} rows");
}

/// Rows of products that a plan has read, those included that did not fit.
fn rows_of_products(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let read =
        number("Actual Rows") + number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
    let own = if node["Relation Name"] == "products" { read * number("Actual Loops") } else { 0.0 };
    own + node["Plans"].as_array().into_iter().flatten().map(rows_of_products).sum::<f64>()
}

static USER: Statement = Statement::new(
    "test.search_user",
    "insert into users (id, email, password_hash, role) values ($1, 'a@example.com', '-', 'customer')",
);
static ORDER: Statement = Statement::new(
    "test.search_order",
    "with o as (
         insert into orders (id, user_id, status, currency, total, idempotency_key, request_digest)
         values ($1, $2, $3, 'usd', 0, $1::text, '')
         returning id
     )
     insert into order_items (order_id, product_id, quantity, unit_price) select id, $4, $5, 0 from o",
);
static TIME_PASSES: Statement = Statement::new(
    "test.search_time_passes",
    "update product_sales_counted set until = until - interval '2 hours'",
);
static SELLING: Statement = Statement::new(
    "test.search_selling",
    "select name, popularity, version from products order by popularity desc, name",
);

static ODD_TIME: Statement =
    Statement::new("test.search_odd_time", "update orders set created_at = $2::timestamptz where id = $1");

#[tokio::test]
async fn orders_of_odd_times_are_counted_like_others() {
    let shop = Shop::open().await;
    let user = Uuid::now_v7();
    shop.owner.execute(USER.bind(user)).await.expect("inserts");
    for time in ["2200-01-01", "1900-01-01", "9999-12-30", "0001-01-02"] {
        let (product, order) = (shop.sells(time, "").await, an_order_of_minutes_ago(20));
        let ordered = ORDER.bind(order).bind(user).bind("paid").bind(product).bind(1);
        shop.owner.execute(ordered).await.expect("orders");
        shop.owner.execute(ODD_TIME.bind(order).bind(time)).await.expect("updates");
    }
    assert_eq!(rank(&shop.functions).await.expect("ranks"), 4);
}

/// The id of one.
fn an_order_of_minutes_ago(minutes: u64) -> Uuid {
    let time = std::time::SystemTime::now() - std::time::Duration::from_secs(60 * minutes);
    let since = time.duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, since.as_secs(), since.subsec_nanos()))
}

#[tokio::test]
async fn what_is_bought_is_ranked_once_an_hour() {
    let shop = Shop::open().await;
    let user = Uuid::now_v7();
    shop.owner.execute(USER.bind(user)).await.expect("inserts");
    let [lamp, chair, table, bowl, _] = [
        shop.sells("Lamp", "").await,
        shop.sells("Chair", "").await,
        shop.sells("Table", "").await,
        shop.sells("Bowl", "").await,
        shop.sells("Mug", "").await,
    ];
    let bought = async |minutes: u64, status: &str, product, quantity: i32| {
        let order = an_order_of_minutes_ago(minutes);
        let order = ORDER.bind(order).bind(user).bind(status).bind(product).bind(quantity);
        shop.owner.execute(order).await.expect("orders");
    };
    let selling = async || {
        let all: Vec<(String, i16, i64)> = shop.owner.fetch_all(&SELLING).await.expect("reads");
        assert!(all.iter().all(|(_, _, version)| *version == 1), "nobody sees it in a product");
        all.into_iter().map(|(name, popularity, _)| (name, popularity)).collect::<Vec<_>>()
    };
    let ranks =
        |ranks: [(&str, i16); 5]| ranks.map(|(name, popularity)| (name.to_owned(), popularity)).to_vec();

    bought(20, "paid", lamp, 2).await;
    bought(30, "deferred", chair, 9).await;
    bought(40, "paid", table, 1).await;
    bought(40, "failed", bowl, 100).await;
    assert_eq!(rank(&shop.functions).await.expect("ranks"), 3);
    assert_eq!(selling().await, ranks([("Chair", 30), ("Lamp", 29), ("Table", 29), ("Bowl", 0), ("Mug", 0)]));

    bought(3, "paid", bowl, 100).await;
    assert_eq!(rank(&shop.functions).await.expect("ranks"), 0, "not within the hour");
    // What was counted is counted again two hours later: all are ahead of what was not.
    shop.owner.execute(&TIME_PASSES).await.expect("time passes");
    assert_eq!(rank(&shop.functions).await.expect("ranks"), 3);
    assert_eq!(
        selling().await,
        ranks([("Bowl", 30), ("Chair", 29), ("Lamp", 29), ("Table", 28), ("Mug", 0)])
    );
}

pub(crate) static HOLD: Statement =
    Statement::new("test.search_hold", "select from products where id = $1 for no key update");

#[tokio::test]
async fn products_are_ranked_in_the_order_of_their_ids_so_that_nobody_waits_in_a_circle() {
    let shop = Shop::open().await;
    let (lower, higher) = (shop.sells("Lamp", "").await, shop.sells("Chair", "").await);
    // The higher one falls from further above, and would be the first.
    for (product, popularity) in [(lower, 1_i16), (higher, 20)] {
        shop.owner.execute(POPULARITY.bind(product).bind(popularity)).await.expect("updates");
    }
    let (functions, observer) = (shop.functions.clone(), Database::new(shop.servers.owner()));
    let held = shop.owner.transaction(async |tx| {
        tx.execute(HOLD.bind(lower)).await?;
        let ranked = tokio::spawn(async move { rank(&functions).await });
        so_many_wait(&observer, 1).await;
        tx.execute(HOLD.bind(higher)).await?;
        Ok::<_, shared::database::Error>(ranked)
    });
    let ranked = held.await.expect("nobody waits in a circle").await.expect("ends");
    assert_eq!(ranked.expect("ranks"), 2);
}

static SPEAK: Statement = Statement::new("test.search_speak", "select set_search_language($1)");

#[tokio::test]
async fn a_shop_has_the_words_of_its_language() {
    let shop = Shop::open().await;
    let speaks = async |language: &str| {
        let changed: Result<(bool,), _> = shop.owner.fetch_one(SPEAK.bind(language)).await;
        changed.map(|changed| changed.0)
    };
    for name in ["Stühle aus Eichenholz", "Chaises pliantes", "Krzesła dębowe", "Oak Chairs"] {
        shop.sells(name, "").await;
    }
    assert!(!speaks("english").await.expect("sets"), "it is that already");
    assert_eq!(shop.names("chair").await, ["Oak Chairs"]);
    for (language, words, name) in [
        ("german", ["stuhl", "STÜHLE", "eichenholz", "stühlen"], "Stühle aus Eichenholz"),
        ("french", ["chaise", "pliante", "chaises pliantes", "CHAISE"], "Chaises pliantes"),
        // Of Polish Postgres has no stems; another ending is another word, and a likely typing error.
        ("simple", ["krzesla", "krzesło", "debowe krzesła", "krz"], "Krzesła dębowe"),
        ("english", ["chairs", "oaks", "chiars", "oak cha"], "Oak Chairs"),
    ] {
        assert!(speaks(language).await.expect("sets"), "{language}");
        for words in words {
            assert_eq!(shop.names(words).await, [name], "{language}: {words}");
        }
        shop.sells("Lamp", name).await;
        assert_eq!(shop.names(words[0]).await, [name, "Lamp"], "what comes later too");
    }
    assert!(speaks("klingon").await.is_err());
    let functions: Result<(bool,), _> = shop.functions.fetch_one(SPEAK.bind("german")).await;
    assert!(functions.is_err(), "the functions may not");
}

#[tokio::test]
async fn a_time_that_no_calendar_has_is_kept_out() {
    let shop = Shop::open().await;
    shop.sells("Chair", "").await;
    for time in ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"] {
        let refused = shop.owner.execute(DATE.bind(time)).await.expect_err("refused");
        assert_eq!(refused.constraint(), Some("products_times"), "{time}");
    }
    shop.owner.execute(DATE.bind("9999-12-31 23:59:59+00")).await.expect("a time");
}
