//! Products from files: every batch once, whoever repeats it, and nothing that is as it should be is touched.

use std::collections::BTreeSet;

use futures::future::{join, join_all};
use serde_json::{Value, json};
use shared::catalog::{
    Batch, LineOfFile, ProductId, Refusal, Unannounced, Upload, Versions, Written, announced, archive, begin,
    changed_last, end, export, import, unannounced,
};
use shared::database::{Database, Statement};
use sqlx::FromRow;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::servers::{Servers, so_many_wait};

static PRODUCT: Statement = Statement::new(
    "test.product",
    "select id, name, price, featured, in_stock, version, available, products.xmin::text as written_by
     from products join inventory on product_id = id
     where sku = $1",
);

#[derive(Debug, FromRow, PartialEq, Eq)]
struct Product {
    id: Uuid,
    name: String,
    price: i64,
    featured: bool,
    in_stock: bool,
    version: i64,
    available: i32,
    /// Changes whenever the row is written.
    written_by: String,
}

struct Shop {
    functions: Database,
    servers: Servers,
}

impl Shop {
    async fn open() -> Self {
        let servers = Servers::start().await;
        Self { functions: Database::new(servers.pooled().connections(4)), servers }
    }

    async fn product(&self, sku: &str) -> Product {
        self.functions.fetch_one(PRODUCT.bind(sku)).await.expect("there is one")
    }

    /// Imports lines as the whole of a file.
    async fn imports(&self, upload: &Upload, lines: &[Value]) -> Written {
        begin(&self.functions, upload).await.expect("answers").expect("is this one");
        let written = import(&self.functions, upload, batch(0, lines)).await.expect("answers");
        written.expect("is where the batch begins")
    }

    /// New, changed, as before, refused; and the refused lines.
    async fn counts(&self, upload: &Upload) -> ([i64; 4], Vec<Refusal>) {
        let import = begin(&self.functions, upload).await.expect("answers").expect("is this one");
        ([import.created, import.changed, import.unchanged, import.refused], import.refusals.0)
    }
}

static BEGUN: Statement =
    Statement::new("test.begun", "insert into imports (object, etag, uploaded_at) values ($1, $2, $3)");

#[tokio::test]
async fn an_import_that_two_messages_begin_at_the_same_moment_is_begun_once_and_found_by_the_other() {
    let shop = Shop::open().await;
    let (one, observer) = (Database::new(shop.servers.owner()), Database::new(shop.servers.owner()));
    let (upload, functions) = (upload("products/a.csv", 1), shop.functions.clone());
    let other = upload.clone();
    let both = one.transaction(async |tx| {
        tx.execute(BEGUN.bind(&upload.object).bind(&upload.etag).bind(upload.uploaded_at)).await?;
        let other = tokio::spawn(async move { begin(&functions, &other).await });
        so_many_wait(&observer, 1).await;
        Ok::<_, shared::database::Error>(other)
    });
    let begun = both.await.expect("commits").await.expect("ends").expect("answers").expect("is this one");
    assert_eq!((begun.lines, begun.finished), (0, false));
}

fn upload(object: &str, second: i64) -> Upload {
    let uploaded_at = OffsetDateTime::from_unix_timestamp(1_795_000_000 + second).expect("a time");
    Upload { object: object.to_owned(), etag: format!("\"{second}\""), uploaded_at }
}

fn line(sku: &str, name: &str, amount: i64) -> Value {
    json!({ "sku": sku, "name": name, "description": "", "price": { "amount": amount, "currency": "usd" } })
}

fn with(mut line: Value, field: &str, value: impl Into<Value>) -> Value {
    line[field] = value.into();
    line
}

fn read(line: Value) -> LineOfFile {
    serde_json::from_value(line).expect("a line")
}

fn batch(after: u64, lines: &[Value]) -> Batch {
    let mut batch = Batch::after(after);
    for line in lines {
        batch.until += 1;
        batch.push(batch.until, Ok(read(line.clone())));
    }
    batch
}

#[tokio::test]
async fn what_is_new_is_added_what_differs_is_changed_and_the_rest_is_not_touched() {
    let shop = Shop::open().await;
    let first = [
        with(line("A", "Lamp", 100), "stock", 3),
        with(line("B", "Bowl", 200), "featured", true),
        line("C", "Mug", 300),
    ];
    let written = shop.imports(&upload("a.csv", 0), &first).await;
    assert_eq!((written.created, written.changed.len()), (3, 0));
    let (a, b, c) = (shop.product("A").await, shop.product("B").await, shop.product("C").await);
    assert_eq!(
        (a.version, a.available, a.in_stock, b.featured, c.available, c.in_stock),
        (1, 3, true, true, 0, false)
    );

    let second = [
        with(line("A", "Lamp", 150), "stock", 99),
        line("B", "Bowl", 250),
        line("C", "Mug", 300),
        line("D", "Jug", 400),
    ];
    let written = shop.imports(&upload("a.csv", 1), &second).await;
    let changed: Vec<_> = written.changed.iter().map(|changed| (changed.id.0, changed.version)).collect();
    assert_eq!((written.created, changed), (1, vec![(a.id, 2), (b.id, 2)]));
    let now = shop.product("A").await;
    assert_eq!((now.price, now.available, now.id), (150, 3, a.id), "the stock of what is there stays");
    let b = shop.product("B").await;
    assert_eq!((b.price, b.featured), (250, true), "what the line does not say stays");
    assert_eq!(shop.product("C").await, c, "not even written");
    assert_eq!(shop.counts(&upload("a.csv", 1)).await.0, [1, 2, 1, 0]);

    let same = shop.imports(&upload("a.csv", 2), &second).await;
    assert_eq!((same.created, same.changed.len(), shop.product("A").await), (0, 0, now));
    assert_eq!(shop.counts(&upload("a.csv", 2)).await.0, [0, 0, 4, 0]);
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_with_its_line_and_the_others_go_in() {
    let shop = Shop::open().await;
    shop.imports(&upload("a.csv", 0), &[line("gone", "Lamp", 100), line("usd", "Lamp", 100)]).await;
    let gone = shop.product("gone").await;
    let any = Versions { any_of: None, none_of: Vec::new() };
    archive(&shop.functions, ProductId(gone.id), any).await.expect("archives");

    let mut lines = batch(
        0,
        &[
            line("gone", "Lamp", 200),
            with(line("usd", "Lamp", 100), "price", json!({ "amount": 100, "currency": "eur" })),
            line("new", "Lamp", 100),
        ],
    );
    lines.until = 4;
    lines.push(4, Err(Refusal { line: 4, field: None, message: "is not UTF-8".into() }));
    let later = upload("b.csv", 0);
    begin(&shop.functions, &later).await.expect("answers");
    let written = import(&shop.functions, &later, lines).await.expect("answers").expect("is there");
    assert_eq!((written.created, written.changed.len()), (1, 0));
    let (counts, refusals) = shop.counts(&later).await;
    assert_eq!(counts, [1, 0, 0, 3]);
    let told: Vec<_> = refusals.iter().map(|r| (r.line, r.field.as_deref(), r.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, Some("sku"), "belongs to a product that is archived"),
            (2, Some("currency"), "must be usd, in which this product is sold"),
            (4, None, "is not UTF-8"),
        ]
    );
}

#[tokio::test]
async fn a_batch_that_comes_many_times_at_once_is_written_once() {
    let shop = Shop::open().await;
    let file = upload("a.csv", 0);
    begin(&shop.functions, &file).await.expect("answers");
    let lines: Vec<_> = (0..50).map(|n| line(&format!("A-{n}"), "Lamp", 100)).collect();
    let all = join_all((0..8).map(|_| import(&shop.functions, &file, batch(0, &lines)))).await;
    let written = all.into_iter().filter_map(|written| written.expect("answers")).count();
    assert_eq!((written, shop.counts(&file).await.0), (1, [50, 0, 0, 0]));
    let early = import(&shop.functions, &file, batch(20, &lines)).await.expect("answers");
    assert!(early.is_none(), "it begins elsewhere");
    let ended = end(&shop.functions, &file, 50, None).await.expect("answers").expect("is there");
    assert!(
        ended.finished && begin(&shop.functions, &file).await.expect("answers").expect("is this").finished
    );
    assert!(import(&shop.functions, &file, batch(50, &lines)).await.expect("answers").is_none());
}

#[tokio::test]
async fn files_that_name_the_same_products_in_other_orders_do_not_wait_for_each_other_for_ever() {
    let shop = Shop::open().await;
    let lines = |amount: i64| -> Vec<_> {
        (0..200).map(|n| line(&format!("A-{n}"), &format!("Lamp {amount}"), amount)).collect()
    };
    shop.imports(&upload("first.csv", 0), &lines(1)).await;
    for round in 0..5 {
        let all = join_all((0..4_i64).map(async |number| {
            let file = upload(&format!("{number}.csv"), round);
            let mut lines = lines(10 * (round + 1) + number);
            if number % 2 == 0 {
                lines.reverse();
            }
            begin(&shop.functions, &file).await.expect("answers");
            import(&shop.functions, &file, batch(0, &lines)).await
        }))
        .await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
    }
}

/// A batch that adds and renames counts words twice, each time from the first one on.
#[tokio::test]
async fn files_that_add_products_and_rename_others_do_not_wait_for_each_other_for_ever() {
    static COUNT: Statement =
        Statement::new("tests.count_words", "select count_product_words(array[$1], '{}')::text");
    let shop = Shop::open().await;
    let owner = Database::new(shop.servers.owner().connections(2));
    shop.imports(&upload("first.csv", 0), &[line("K", "Lamp", 1)]).await;
    let file = upload("second.csv", 0);
    begin(&shop.functions, &file).await.expect("answers");
    let second = batch(0, &[line("K", "Apple", 1), line("N", "Zebra", 1)]);

    // Another file is between its two counts.
    let (counted, once) = oneshot::channel();
    let first = owner.transaction(async |transaction| {
        transaction.execute(COUNT.bind("zebra")).await?;
        counted.send(()).expect("somebody waits");
        so_many_wait(&owner, 1).await;
        transaction.execute(COUNT.bind("apple")).await
    });
    let second = async {
        once.await.expect("a count");
        import(&shop.functions, &file, second).await
    };
    let (first, second) = join(first, second).await;
    first.expect("counts both");
    second.expect("answers").expect("is where the batch begins");
}

#[tokio::test]
async fn a_file_that_does_not_say_whether_it_is_featured_leaves_a_product_as_somebody_features_it_meanwhile()
{
    static FEATURE: Statement =
        Statement::new("tests.feature", "update products set featured = true where sku = $1");
    let shop = Shop::open().await;
    let owner = Database::new(shop.servers.owner().connections(2));
    shop.imports(&upload("first.csv", 0), &[line("K", "Lamp", 1), line("N", "Mug", 1)]).await;
    let file = upload("second.csv", 0);
    begin(&shop.functions, &file).await.expect("answers");
    let second = batch(0, &[line("K", "Lamp", 2), with(line("N", "Mug", 1), "featured", true)]);
    let (changed, once) = oneshot::channel();
    let first = owner.transaction(async |transaction| {
        let featured = transaction.execute(FEATURE.bind("K")).await;
        changed.send(()).expect("somebody waits");
        so_many_wait(&owner, 1).await;
        featured
    });
    let second = async {
        once.await.expect("a change");
        import(&shop.functions, &file, second).await
    };
    let (first, second) = join(first, second).await;
    first.expect("features");
    assert_eq!(second.expect("answers").expect("is where the batch begins").changed.len(), 2);
    let (k, n) = (shop.product("K").await, shop.product("N").await);
    assert_eq!((k.featured, k.price, n.featured), (true, 2, true));
}

#[tokio::test]
async fn a_change_that_the_caches_did_not_hear_of_is_told_until_they_have() {
    static AGE: Statement = Statement::new(
        "tests.age",
        "update products set updated_at = now() - interval '1 hour' where sku = $1",
    );
    static MARK: Statement =
        Statement::new("tests.mark", "update products_announced set until = now() - interval '2 hours'");
    let shop = Shop::open().await;
    let owner = Database::new(shop.servers.owner());
    let told = async || unannounced(&shop.functions).await.expect("answers");
    let ids = |told: &Unannounced| told.changed.iter().map(|changed| changed.id.0).collect::<Vec<_>>();
    let no_ids: [Uuid; 0] = [];
    let file = upload("a.csv", 0);
    shop.imports(&file, &[line("A", "Lamp", 100), line("B", "Lamp", 100)]).await;
    end(&shop.functions, &file, 2, None).await.expect("answers").expect("is there");
    let a = shop.product("A").await.id;
    owner.execute(AGE.bind("A")).await.expect("updates");
    assert_eq!(ids(&told().await), no_ids, "by an hour the caches have heard of it");

    owner.execute(&MARK).await.expect("updates");
    for _ in 0..2 {
        assert_eq!(ids(&told().await), [a], "but not if they were away");
    }
    announced(&shop.functions, &told().await).await.expect("notes");
    assert_eq!(ids(&told().await), no_ids);
}

#[tokio::test]
async fn changes_of_one_moment_are_told_page_by_page() {
    static MANY: Statement = Statement::new(
        "tests.many",
        "with many as (
             insert into products (id, sku, name, description, price, currency, featured, updated_at)
             select gen_random_uuid(), 'M-' || n, 'Lamp', '', 1, 'usd', false, now() - interval '1 hour'
             from generate_series(1, 2500) as n
             returning id
         ), marked as (
             update products_announced set until = now() - interval '2 hours'
         )
         insert into inventory select id, 1 from many",
    );
    let shop = Shop::open().await;
    Database::new(shop.servers.owner()).execute(&MANY).await.expect("inserts");
    let mut seen = BTreeSet::new();
    for expected in [2000, 500, 0] {
        let page = unannounced(&shop.functions).await.expect("answers");
        assert_eq!(page.changed.len(), expected);
        seen.extend(page.changed.iter().map(|changed| changed.id));
        announced(&shop.functions, &page).await.expect("notes");
    }
    assert_eq!(seen.len(), 2500);
}

#[tokio::test]
async fn a_later_file_of_the_same_name_takes_the_place_of_an_earlier_one_and_not_the_other_way_round() {
    let shop = Shop::open().await;
    let (earlier, later) = (upload("a.csv", 0), upload("a.csv", 1));
    shop.imports(&earlier, &[line("A", "Lamp", 100)]).await;
    let begun = begin(&shop.functions, &later).await.expect("answers").expect("is this one");
    assert_eq!((begun.lines, begun.created), (0, 0));
    let stale = import(&shop.functions, &earlier, batch(1, &[line("B", "Lamp", 100)])).await;
    assert!(stale.expect("answers").is_none());
    assert!(begin(&shop.functions, &earlier).await.expect("answers").is_none());
    assert!(end(&shop.functions, &earlier, 1, None).await.expect("answers").is_none());
}

#[tokio::test]
async fn the_sweep_is_left_the_last_batch_alone_and_every_change_of_others() {
    let shop = Shop::open().await;
    let swept = async || -> Vec<Uuid> {
        let unannounced = unannounced(&shop.functions).await.expect("answers");
        unannounced.changed.iter().map(|changed| changed.id.0).collect()
    };
    let file = upload("a.csv", 0);
    begin(&shop.functions, &file).await.expect("answers");
    for (after, sku) in ["A", "B", "C"].into_iter().enumerate() {
        let lines = batch(after as u64, &[line(sku, "Lamp", 100)]);
        import(&shop.functions, &file, lines).await.expect("answers").expect("is there");
    }
    let last = shop.product("C").await.id;
    assert_eq!(swept().await, [last]);
    let known = changed_last(&shop.functions, &file).await.expect("answers");
    assert_eq!(known.iter().map(|changed| changed.id.0).collect::<Vec<_>>(), [last]);
    let a = ProductId(shop.product("A").await.id);
    let any = Versions { any_of: None, none_of: Vec::new() };
    archive(&shop.functions, a, any).await.expect("archives");
    assert_eq!(swept().await, [last, a.0]);
    end(&shop.functions, &file, 3, None).await.expect("answers").expect("is there");
    assert_eq!(swept().await, [a.0]);
    let empty = upload("empty.csv", 0);
    begin(&shop.functions, &empty).await.expect("answers");
    end(&shop.functions, &empty, 0, None).await.expect("answers").expect("is there");
    assert_eq!(swept().await, [a.0]);
}

#[tokio::test]
async fn a_full_batch_of_the_longest_texts_fits_into_a_statement() {
    let shop = Shop::open().await;
    for character in ["\\", "\"", "😀"] {
        let file = upload(character, 0);
        begin(&shop.functions, &file).await.expect("answers");
        let mut full = Batch::after(0);
        while !full.is_full() {
            full.until += 1;
            let sku = format!("{character}{}", full.until);
            let longest =
                with(line(&sku, &character.repeat(200), 100), "description", character.repeat(4000));
            full.push(full.until, Ok(read(longest)));
        }
        assert!(import(&shop.functions, &file, full).await.expect("answers").is_some(), "{character}");
    }
}

#[tokio::test]
async fn a_sku_means_its_product_however_a_file_writes_its_letters() {
    let shop = Shop::open().await;
    shop.imports(&upload("a.csv", 0), &[line("S\u{e9}", "Lamp", 100)]).await;
    let written = shop.imports(&upload("a.csv", 1), &[line("Se\u{301}", "Lamp", 150)]).await;
    assert_eq!((written.created, written.changed.len()), (0, 1));
    assert_eq!(shop.product("S\u{e9}").await.price, 150);
}

#[tokio::test]
async fn bad_lines_are_all_counted_and_the_first_thousand_kept() {
    let shop = Shop::open().await;
    let file = upload("a.csv", 0);
    begin(&shop.functions, &file).await.expect("answers");
    let mut after = 0;
    while after < 2000 {
        let mut bad = Batch::after(after);
        while !bad.is_full() {
            bad.until += 1;
            let field = Some("\u{1f600}\"\\".repeat(30));
            bad.push(bad.until, Err(Refusal { line: bad.until, field, message: "is missing".into() }));
        }
        after = bad.until;
        import(&shop.functions, &file, bad).await.expect("answers").expect("is there");
    }
    let (counts, refusals) = shop.counts(&file).await;
    assert_eq!(counts[3], after.cast_signed());
    assert!((1000..2000).contains(&refusals.len()), "{} of {after}", refusals.len());
    assert!(refusals.iter().zip(1..).all(|(refusal, line)| refusal.line == line));
}

#[tokio::test]
async fn what_is_exported_and_imported_again_changes_nothing() {
    let shop = Shop::open().await;
    let lines = [
        with(line("A", "Lamp", 100), "description", "Two\nlines, \"and\" a comma"),
        with(with(line("B", "Café", 0), "featured", true), "stock", 7),
    ];
    shop.imports(&upload("a.csv", 0), &lines).await;
    let mut exported = export(&shop.functions, None, 1).await.expect("answers");
    exported.extend(export(&shop.functions, Some(exported[0].id), 1).await.expect("answers"));
    let exported: Vec<Value> =
        exported.iter().map(|one| serde_json::to_value(&one.line).expect("writes")).collect();
    assert_eq!(exported.len(), 2);
    shop.imports(&upload("b.csv", 0), &exported).await;
    assert_eq!(shop.counts(&upload("b.csv", 0)).await.0, [0, 0, 2, 0]);
}
