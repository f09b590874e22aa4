//! Products from files, through the bucket, the queue and the function.

use std::fmt::Write;

use cloud::services::SIGNED;
use reqwest::Method;
use serde_json::{Value, json};
use shared::catalog::{self, Batch, Upload};
use shared::database::Statement;
use sqlx::FromRow;
use tests::{Answer, Call, Logs, administrator, database, env, eventually, get_product, invoke};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use uuid::Uuid;

const COLUMNS: &str = "sku,name,description,amount,currency,featured,stock\n";

static BY_SKU: Statement = Statement::new(
    "tests.by_sku",
    "select id, price, version, available from products join inventory on product_id = id where sku = $1",
);

static HOLD: Statement = Statement::new("tests.hold_imports", "lock table imports in share mode");
static WAITS: Statement = Statement::new(
    "tests.import_waits",
    "select exists (select from pg_locks where relation = 'imports'::regclass and not granted)",
);

#[derive(Debug, FromRow, PartialEq, Eq)]
struct Stored {
    id: Uuid,
    price: i64,
    version: i64,
    available: i32,
}

async fn stored(sku: &str) -> Stored {
    database().fetch_one(BY_SKU.bind(sku)).await.expect("is there")
}

/// A beginning of skus that nobody else has.
fn skus() -> String {
    Uuid::now_v7().to_string()
}

fn line(sku: &str, amount: impl std::fmt::Display) -> String {
    format!("{sku},Lamp of the tests,\"Imported, for testing.\",{amount},usd,false,3\n")
}

fn file(skus: &str, lines: usize, amount: i64) -> String {
    (0..lines).fold(COLUMNS.to_owned(), |mut text, number| {
        text.push_str(&line(&format!("{skus}-{number}"), amount));
        text
    })
}

fn url(key: &str) -> String {
    format!("{}/{key}", env("IMPORTS_URL"))
}

/// Asks the bucket.
async fn bucket(method: Method, key: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let ask = reqwest::Client::new().request(method, url(key)).header("authorization", SIGNED);
    ask.body(body).send().await.expect("the bucket answers")
}

async fn put(key: &str, text: impl Into<reqwest::Body>) {
    let answer = bucket(Method::PUT, key, text).await;
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// Imports a file of which nobody tells the queue, by asking the function; what came of it.
async fn import(text: impl Into<reqwest::Body>) -> Value {
    let key = format!("held/{}.csv", Uuid::now_v7());
    put(&key, text).await;
    go_on(&key).await
}

async fn go_on(key: &str) -> Value {
    let outcomes = invoke("import-products", &json!({ "key": key })).await;
    outcomes[0].clone()
}

fn counts(import: &Value) -> [i64; 4] {
    ["created", "changed", "unchanged", "refused"].map(|count| import[count].as_i64().expect("a number"))
}

async fn read(product: Uuid) -> Answer {
    get_product(&product.to_string()).send().await.expect(200)
}

#[tokio::test]
async fn a_file_in_the_bucket_is_imported_and_its_bad_lines_are_told_with_their_numbers() {
    let skus = skus();
    let mut text = file(&skus, 100, 1000);
    text.insert_str(COLUMNS.len(), &line(&format!("{skus}-bad"), "19.99"));
    let _ = write!(text, "{skus}-quote,\"Lamp,,100,usd,false,3\n{}", line(&format!("{skus}-last"), 5));
    text.push_str(&line(&format!("{skus}-7"), 1));
    // Spaces and signs of a name are written in another way in each place that it passes.
    let key = format!("{skus}%20%28b%2Bw%29.csv");
    put(&format!("products/{key}"), text).await;
    let import: Value = eventually("the result", async || {
        let answer = bucket(Method::GET, &format!("results/{key}.json"), "").await;
        if answer.status().is_success() { answer.json().await.ok() } else { None }
    })
    .await;
    assert_eq!(counts(&import), [101, 0, 0, 3], "{import}");
    let told = json!([
        { "line": 2, "field": "amount", "message": "must be a whole number" },
        { "line": 103, "message": "has text after a closing quote" },
        { "line": 105, "field": "sku", "message": "is already that of line 10" },
    ]);
    assert_eq!((&import["refusals"], &import["finished"]), (&told, &json!(true)));
    let Stored { price, version, available, .. } = stored(&format!("{skus}-7")).await;
    assert_eq!((price, version, available), (1000, 1, 3));
    assert_eq!(stored(&format!("{skus}-last")).await.price, 5);
}

#[tokio::test]
async fn who_reads_a_product_after_an_import_gets_the_newer_one_and_the_same_file_again_changes_nothing() {
    let skus = skus();
    assert_eq!(counts(&import(file(&skus, 150, 1000)).await), [150, 0, 0, 0]);
    let mut ids = Vec::new();
    for number in [0, 75, 149] {
        ids.push(stored(&format!("{skus}-{number}")).await.id);
    }
    for &id in &ids {
        assert_eq!(read(id).await.json()["price"]["amount"], 1000);
    }
    assert_eq!(counts(&import(file(&skus, 150, 2000)).await), [0, 150, 0, 0]);
    for &id in &ids {
        let answer = read(id).await;
        assert_eq!((&answer.json()["price"]["amount"], answer.header("etag")), (&json!(2000), "\"2\""));
    }
    assert_eq!(counts(&import(file(&skus, 150, 2000)).await), [0, 0, 150, 0]);
    for &id in &ids {
        assert_eq!(read(id).await.header("etag"), "\"2\"");
    }
}

/// The object as the function sees it.
async fn upload(key: &str) -> Upload {
    let answer = bucket(Method::HEAD, key, "").await;
    let header = |name| answer.headers()[name].to_str().expect("text").to_owned();
    Upload {
        object: key.to_owned(),
        etag: header("etag"),
        uploaded_at: OffsetDateTime::parse(&header("last-modified"), &Rfc2822).expect("a time"),
    }
}

#[tokio::test]
async fn an_import_that_died_after_a_batch_goes_on_behind_it_and_tells_the_caches_of_it() {
    let (skus, key) = (skus(), format!("held/{}.csv", Uuid::now_v7()));
    import(file(&skus, 30, 1000)).await;
    let first = stored(&format!("{skus}-0")).await.id;
    assert_eq!(read(first).await.json()["price"]["amount"], 1000);
    put(&key, file(&skus, 2500, 2000)).await;

    // What one that dies here has done: a batch is written, and no cache told.
    let upload = upload(&key).await;
    catalog::begin(database(), &upload).await.expect("answers").expect("is this one");
    let mut batch = Batch::after(0);
    for number in 0..20 {
        let line = json!({
            "sku": format!("{skus}-{number}"),
            "name": "Lamp of the tests",
            "description": "Imported, for testing.",
            "price": { "amount": 2000, "currency": "usd" },
        });
        batch.until = number + 2;
        batch.push(batch.until, Ok(serde_json::from_value(line).expect("a line")));
    }
    catalog::import(database(), &upload, batch).await.expect("answers").expect("is there");

    let import = go_on(&key).await;
    assert_eq!((counts(&import), &import["lines"]), ([2470, 30, 0, 0], &json!(2501)), "{import}");
    assert_eq!(read(first).await.json()["price"]["amount"], 2000);
    for (number, version) in [(0, 2), (19, 2), (20, 2), (29, 2), (30, 1), (2499, 1)] {
        let stored = stored(&format!("{skus}-{number}")).await;
        assert_eq!((stored.price, stored.version), (2000, version), "{number}");
    }
    assert_eq!(go_on(&key).await["outcome"], "finished", "again, and nothing is left to do");
    assert_eq!(stored(&format!("{skus}-0")).await.version, 2);
}

#[tokio::test]
async fn two_invocations_of_one_file_write_every_line_once() {
    let (skus, key) = (skus(), format!("held/{}.jsonl", Uuid::now_v7()));
    let text = (0..3000).fold(String::new(), |mut text, number| {
        let price = json!({ "amount": 1000, "currency": "usd" });
        let sku = format!("{skus}-{number}");
        let _ =
            writeln!(text, "{}", json!({ "sku": sku, "name": "Lamp", "description": "", "price": price }));
        text
    });
    put(&key, text).await;
    let (one, other) = tokio::join!(go_on(&key), go_on(&key));
    let outcomes = [&one["outcome"], &other["outcome"]];
    assert!(outcomes.contains(&&json!("finished")), "{outcomes:?}");
    let import = go_on(&key).await;
    assert_eq!((counts(&import), &import["lines"]), ([3000, 0, 0, 0], &json!(3000)), "{import}");
}

#[tokio::test]
async fn what_a_file_adds_is_newer_than_all_before_it_and_older_than_all_after_it() {
    let (skus, currency) = (skus(), "gip");
    let [first, last] = ["first", "last"].map(|which| format!("{skus}-{which}"));
    let line = |sku: &str| line(sku, 1000).replace(",usd,", &format!(",{currency},"));
    let imported = import(format!("{COLUMNS}{}{}", line(&first), line(&last))).await;
    assert_eq!(counts(&imported), [2, 0, 0, 0], "{imported}");
    let new = json!({
        "sku": format!("{skus}-new"), "name": "Lamp", "description": "",
        "price": { "amount": 1000, "currency": currency },
    });
    let create = Call::new("create-product", "POST", "/api/products").bearer(&administrator()).json(&new);
    create.send().await.expect(201);
    let list =
        Call::new("list-products", "GET", "/api/products").query("currency", currency).query("limit", "3");
    let page = list.send().await.expect(200).json();
    let listed: Vec<_> =
        page["products"].as_array().expect("a list").iter().map(|one| one["sku"].clone()).collect();
    assert_eq!(listed, [json!(format!("{skus}-new")), json!(last), json!(first)]);
}

#[tokio::test]
async fn a_file_whose_place_another_took_before_it_was_read_is_imported_as_it_is_now() {
    let (skus, key) = (skus(), format!("held/{}.csv", Uuid::now_v7()));
    put(&key, file(&skus, 3, 1000)).await;
    // It has looked at the file, and waits with that.
    let held = database().transaction(async |tx| {
        tx.execute(&HOLD).await?;
        let key_of_file = key.clone();
        let invoked = tokio::spawn(async move { go_on(&key_of_file).await });
        eventually("it waits", async || {
            let (waits,): (bool,) = database().fetch_one(&WAITS).await.expect("answers");
            waits.then_some(())
        })
        .await;
        put(&key, file(&skus, 3, 2000)).await;
        Ok::<_, shared::database::Error>(invoked)
    });
    let import = held.await.expect("commits").await.expect("no panic");
    assert_eq!(import["outcome"], "finished", "{import}");
    assert_eq!(stored(&format!("{skus}-2")).await.price, 2000);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_at_all_says_why_and_puts_nothing_in() {
    let logs = Logs::from_now();
    let import = import("name;price\nLamp;1\n").await;
    assert_eq!(counts(&import), [0, 0, 0, 0]);
    let failure = import["failure"].as_str().expect("a reason");
    assert!(failure.starts_with("its first line names a column “name;price”"), "{failure}");
    let warned = |line: &Value| line["level"] == "WARN" && line["object"] == import["object"];
    let warning = logs.line("the warning", warned).await;
    assert!(warning["message"].as_str().expect("words").contains(failure), "{warning}");
    let counted = |line: &Value| line["Route"] == "import-products" && line["FilesUnread"].is_number();
    logs.line("the alarm's metric", counted).await;
    assert_eq!(go_on("held/nothing.csv").await, json!({ "outcome": "gone", "object": "held/nothing.csv" }));
}

#[tokio::test]
async fn a_file_that_goes_on_for_ever_is_given_up_and_whoever_tells_of_it_anew_begins_to_count() {
    let (skus, key) = (skus(), format!("held/{}.csv", Uuid::now_v7()));
    put(&key, file(&skus, 3, 1000)).await;
    let given_up = invoke("import-products", &json!({ "key": key, "turn": 301 })).await;
    let why = given_up["errorMessage"].as_str().unwrap_or_default();
    assert!(why.contains("300 invocations"), "{given_up}");
    let last = invoke("import-products", &json!({ "key": key, "turn": 300 })).await;
    assert_eq!(counts(&last[0]), [3, 0, 0, 0], "{last}");
}

#[tokio::test]
async fn what_dev_exports_is_what_dev_imports() {
    let skus = skus();
    import(file(&skus, 5, 1000)).await;
    for format in ["csv", "jsonl"] {
        let path = std::env::temp_dir().join(format!("{skus}.{format}"));
        let text = tests::dev(&["export", "--format", format]);
        let mut ours = text.lines().filter(|line| line.contains(&skus)).collect::<Vec<_>>();
        if format == "csv" {
            ours.insert(0, COLUMNS.trim());
        }
        std::fs::write(&path, ours.join("\n")).expect("writes");
        let told = tests::dev(&["import", path.to_str().expect("a path")]);
        std::fs::remove_file(&path).expect("was there");
        assert_eq!(told, "0 new, 0 changed, 5 as before, 0 bad\n");
    }
}
