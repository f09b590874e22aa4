//! Nothing depends on what somebody has set for the server, the database or the role.

use std::time::Duration;

use serde_json::{Value, json};
use shared::accounts;
use shared::auth::User;
use shared::auth::token::Role;
use shared::catalog::{self, ProductId, Search};
use shared::checkout::{Cart, Item, Placed, Purchase};
use shared::config::Unpaid;
use shared::database::{Database, Statement, migrations};
use shared::error::Kind;
use shared::insights::gather;
use shared::orders;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use crate::checkout::PATIENCE;
use crate::journeys;
use crate::servers::{Servers, installations};

/// Each setting with which a result could look otherwise, or a statement mean something else, with an odd value.
const ODD: &[(&str, &str)] = &[
    ("array_nulls", "off"),
    ("backslash_quote", "on"),
    ("bytea_output", "escape"),
    ("check_function_bodies", "off"),
    ("client_encoding", "LATIN1"),
    ("client_min_messages", "debug5"),
    ("datestyle", "'SQL, DMY'"),
    ("default_text_search_config", "simple"),
    ("default_transaction_deferrable", "on"),
    ("default_transaction_isolation", "serializable"),
    ("enable_indexscan", "off"),
    ("enable_nestloop", "off"),
    ("escape_string_warning", "off"),
    ("exit_on_error", "on"),
    ("extra_float_digits", "-15"),
    ("from_collapse_limit", "1"),
    ("gin_fuzzy_search_limit", "1"),
    ("intervalstyle", "iso_8601"),
    ("jit_above_cost", "0"),
    ("join_collapse_limit", "1"),
    ("lc_monetary", "'C.UTF-8'"),
    ("lc_numeric", "'C.UTF-8'"),
    ("lc_time", "'C.UTF-8'"),
    ("pg_trgm.word_similarity_threshold", "1"),
    ("plan_cache_mode", "force_generic_plan"),
    ("quote_all_identifiers", "on"),
    ("row_security", "off"),
    ("search_path", "nowhere"),
    ("standard_conforming_strings", "off"),
    ("stats_fetch_consistency", "snapshot"),
    ("synchronize_seqscans", "off"),
    ("timezone", "'Asia/Kathmandu'"),
    ("timezone_abbreviations", "'India'"),
    ("transform_null_equals", "on"),
    ("work_mem", "'64kB'"),
    ("xmlbinary", "hex"),
    ("xmloption", "document"),
];
/// What no care in a statement helps against: these are pinned, the others would not even matter.
const PINNED: &[&str] = &[
    "array_nulls",
    "default_transaction_isolation",
    "gin_fuzzy_search_limit",
    "pg_trgm.word_similarity_threshold",
    "quote_all_identifiers",
    "search_path",
];
/// What anybody may set and no answer can depend on, with the reason.
const HARMLESS: &[(&str, &str)] = &[
    ("application_name", "a name"),
    (
        "createrole_self_grant",
        "what whoever makes a role may do with it; the role of the functions is made, and not used, by migrate",
    ),
    ("default_table_access_method", "nothing makes tables but a migration, where whoever runs it decides"),
    ("default_tablespace", "where files lie"),
    ("default_toast_compression", "how a long value is kept, and not which"),
    ("default_transaction_read_only", "a shop that takes no orders is what its operator wants"),
    ("event_triggers", "there are none"),
    ("extension_control_path", "where extensions are looked for when they are made"),
    ("gin_pending_list_limit", "when an index is tidied up"),
    ("icu_validation_level", "of collations that are made; none is"),
    ("idle_in_transaction_session_timeout", "a limit, of which the role has its own"),
    ("idle_session_timeout", "a limit: an idle connection that was closed is replaced"),
    ("local_preload_libraries", "what else runs in the server, which its operator answers for"),
    ("lock_timeout", "a limit, of which the role has its own"),
    ("restrict_nonsystem_relation_kind", "for tools that take copies"),
    ("statement_timeout", "a limit, of which the role has its own"),
    ("temp_tablespaces", "where files lie"),
    ("transaction_timeout", "a limit, for whoever wants one"),
];
/// The role has limits of its own. Less than a step takes, and more than the statement that lifts it: on a busy
/// machine one millisecond may end that too.
const ODD_FOR_THE_DATABASE: &[(&str, &str)] = &[("statement_timeout", "5"), ("lock_timeout", "5")];

/// The one customer pays for nothing of all that is bought here.
const MANY: Unpaid = Unpaid { orders: 1000, pieces: 1000 };

static CHANGEABLE: Statement = Statement::new(
    "test.changeable",
    "select name from pg_settings
    where context = 'user' and name not like 'vacuum%' and name !~ '^transaction_(?!timeout)'
      and (category like 'Client Connection Defaults%' or category like 'Version and Platform%'
           or category = 'Error Handling')
    order by 1",
);
static MEANT: Statement = Statement::new(
    "test.meant",
    "select current_setting('transaction_isolation'), array_position($1, null) from (values (1)) as one (row)",
);
static USER: Statement = Statement::new(
    "test.user",
    "insert into public.users values ($1, 'Zoë@example.com', 'a hash', 'customer', '2026-11-28 12:00:00+00')",
);
static PRODUCT: Statement = Statement::new(
    "test.product",
    "with product as (
        insert into public.products (id, name, description, price, currency, featured, updated_at)
        values ($1, 'Éclair chair', 'It''s \"odd\", isn''t it?', 4095, 'usd', true, '2026-11-28 12:00:00.5+00')
        returning id
    )
    insert into public.inventory select id, 1000 from product",
);

/// A shop with one customer and one product.
struct Shop {
    servers: Servers,
    customer: Uuid,
    product: ProductId,
}

impl Shop {
    async fn fill(servers: Servers) -> Self {
        let (customer, product) = (Uuid::now_v7(), ProductId::new());
        let owner = Database::new(servers.owner());
        owner.execute(USER.bind(customer)).await.expect("inserts");
        owner.execute(PRODUCT.bind(product)).await.expect("inserts");
        let shop = Self { servers, customer, product };
        // So that there is a second page of orders each time.
        shop.buys(&Database::new(shop.servers.direct())).await;
        shop
    }

    /// Runs SQL as the owner.
    #[expect(
        clippy::disallowed_methods,
        reason = "settings are not arguments; a direct connection of the test's own"
    )]
    async fn run(&self, sql: String) {
        let options: PgConnectOptions = self.servers.owner_url().parse().expect("valid");
        let mut connection = PgConnection::connect_with(&options).await.expect("connects");
        let ran = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await;
        ran.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// What a customer does, and what came of it, without what differs from one time to the next.
    async fn journey(&self, database: &Database) -> Value {
        let account =
            accounts::by_email(database, "ZOË@example.com").await.expect("answers").expect("a customer");
        let nulls = [Some("a"), None];
        let meant: (String, i32) = database.fetch_one(MEANT.bind(nulls)).await.expect("answers");
        let bought = self.buys(database).await;
        let page = orders::list(database, self.customer, None, None, 1).await.expect("a list");
        let page = serde_json::to_value(page).expect("JSON");
        let order = page["orders"][0].clone();
        let cursor = page["next_cursor"].as_str().expect("a second page").parse().expect("a cursor");
        let second =
            orders::list(database, self.customer, None, Some(cursor), 1).await.expect("a second page");
        let second = serde_json::to_value(second).expect("JSON")["orders"][0].clone();
        let found = orders::find(database, self.customer, bought.parse().expect("an id")).await;
        let found = serde_json::to_value(found.expect("answers").expect("an order")).expect("JSON");
        assert_eq!(order["id"].as_str(), Some(bought.as_str()), "the newest first");
        assert!(order["created_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{order}");
        assert_eq!(found["created_at"], order["created_at"]);
        let money =
            journeys::money(database, self.customer, self.product, bought.parse().expect("an id")).await;
        let headers = orders::page(database, self.customer, None, 1).await.expect("a page");
        let lines = orders::items(database, &[headers[0].id]).await.expect("items");
        assert_eq!(lines.len(), 1);
        orders::take_due(database, 10).await.expect("due orders");
        orders::oldest_unfinished(database).await.expect("an age");
        let changes = catalog::unannounced(database).await.expect("changes");
        catalog::announced(database, &changes).await.expect("noted");
        let insights = gather(database).await.expect("insights");
        assert!(
            insights.statements.iter().any(|cost| cost.name == "checkout.place"),
            "{:?}",
            insights.statements
        );
        json!({
            "meant": meant,
            "account": (account.id, account.password_hash),
            "accounts": journeys::an_account(database).await,
            "catalogue": journeys::a_catalogue(database).await,
            "money": money,
            "items": (&order["items"], &found["items"], &order["total"], &second["items"]),
            "product": text(catalog::find(database, self.product).await),
            "featured": text(catalog::featured(database).await),
            "loaded": serde_json::to_value(catalog::load(database, &[self.product]).await.expect("loads")).expect("JSON"),
            "words": self.finds(database, "éclair chairs odd").await,
            "misspelt": self.finds(database, "chiar").await,
            "unindexed": insights.missing_indexes.iter().map(|key| format!("{} {}", key.table, key.columns)).collect::<Vec<_>>(),
        })
    }

    /// Buys a piece, twice under one key, and once more under it with another body; the order's id.
    async fn buys(&self, database: &Database) -> String {
        let key = Uuid::now_v7().to_string();
        let place = async |body| {
            let items = vec![Item { product_id: self.product, quantity: 1 }];
            let cart = Cart { items, payment_method: "pm_card_visa".to_owned(), expected_total: None };
            let key = key.parse().expect("a key");
            let purchase = Purchase {
                user: User::of_shop(self.customer, Role::Customer),
                key,
                body,
                cart,
                unpaid: MANY,
            };
            purchase.place_deferred(database, Duration::ZERO, PATIENCE).await
        };
        let Ok(Placed::New(first)) = place(b"body").await else { panic!("not placed") };
        match place(b"body").await {
            Ok(Placed::Repeated(again)) => assert_eq!(again, first),
            Ok(_) => panic!("placed twice"),
            Err(error) => panic!("not repeated: {:?}", error.cause()),
        }
        let other = place(b"another").await.err().map(|error| error.problem().kind());
        assert_eq!(other, Some(Kind::IdempotencyKeyReused));
        first.order_id.to_string()
    }

    async fn finds(&self, database: &Database, words: &str) -> Value {
        let search = Search::new(words.parse().expect("words"));
        let found = text(catalog::search(database, &search).await);
        assert!(found.to_string().contains("<mark>"), "{words}: {found}");
        found
    }
}

/// What the cache would keep.
fn text(entry: shared::error::Result<Option<shared::cache::Entry>>) -> Value {
    let entry = entry.unwrap_or_else(|error| panic!("{:?}", error.cause())).expect("an entry");
    serde_json::from_slice(&entry.body).expect("JSON")
}

#[tokio::test]
async fn no_setting_of_the_database_or_the_role_changes_what_a_customer_sees() {
    let shop = Shop::fill(Servers::start().await).await;
    // The owner's own statements are written for the usual ones.
    shop.run("alter role owner set search_path = public".to_owned()).await;
    let usual = shop.journey(&Database::new(shop.servers.direct())).await;
    let database = ODD.iter().chain(ODD_FOR_THE_DATABASE).map(|odd| ("database postgres", odd));
    let role = ODD.iter().map(|odd| ("role millrace_app", odd));
    // In place of the pin, as if another client of a pooler had left it in the session.
    let session = ODD.iter().filter(|(setting, _)| !PINNED.contains(setting));
    let session = session.map(|odd| ("role millrace_app in database postgres", odd));
    for (whose, (setting, value)) in database.chain(role).chain(session) {
        shop.run(format!("alter {whose} set {setting} = {value}")).await;
        let odd = shop.journey(&Database::new(shop.servers.direct())).await;
        assert_eq!(odd, usual, "alter {whose} set {setting} = {value}");
        shop.run(format!("alter {whose} reset {setting}")).await;
    }
}

/// Through the pooler too, whose connections begin with its own wishes.
#[tokio::test]
async fn all_of_them_at_once_change_nothing_in_any_version() {
    for installation in installations() {
        let shop = Shop::fill({
            let servers = Servers::start_empty_of(&installation, &[]).await;
            migrations::run(&servers.owner()).await.expect("migrates");
            servers
        })
        .await;
        shop.run("alter role owner set search_path = public".to_owned()).await;
        let usual = shop.journey(&Database::new(shop.servers.direct())).await;
        for (setting, value) in ODD {
            for whose in ["database postgres", "role millrace_app"] {
                shop.run(format!("alter {whose} set {setting} = {value}")).await;
            }
        }
        for settings in [shop.servers.direct(), shop.servers.pooled()] {
            assert_eq!(shop.journey(&Database::new(settings)).await, usual, "{}", installation.display());
        }
    }
}

#[tokio::test]
async fn every_setting_of_a_session_is_set_to_an_odd_value_or_harmless_for_a_reason() {
    for installation in installations() {
        let servers = Servers::start_empty_of(&installation, &[]).await;
        let found: Vec<(String,)> =
            Database::new(servers.owner()).fetch_all(CHANGEABLE).await.expect("settings");
        let known = ODD.iter().chain(HARMLESS).map(|(name, _)| name.to_lowercase());
        let known: Vec<_> = known.collect();
        let unknown = found.into_iter().filter(|(name,)| !known.contains(&name.to_lowercase()));
        assert_eq!(unknown.collect::<Vec<_>>(), [], "{}", installation.display());
    }
}

#[tokio::test]
async fn migrations_do_not_depend_on_them_either() {
    let shop =
        Shop { servers: Servers::start_empty().await, customer: Uuid::nil(), product: ProductId::new() };
    for (setting, value) in ODD.iter().chain(ODD_FOR_THE_DATABASE) {
        // Its library is not there yet.
        if !setting.starts_with("pg_trgm") {
            shop.run(format!("set statement_timeout = 0; alter database postgres set {setting} = {value}"))
                .await;
        }
    }
    migrations::run(&shop.servers.owner()).await.expect("migrates");
    shop.run("set statement_timeout = 0; alter role owner set search_path = public".to_owned()).await;
    shop.run("alter role owner set statement_timeout = 0".to_owned()).await;
    let shop = Shop::fill(shop.servers).await;
    shop.journey(&Database::new(shop.servers.direct())).await;
}
