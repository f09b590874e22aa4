//! A Postgres behind a PgBouncer, and a Redis, as somebody has them elsewhere: TLS with an authority of their own,
//! passwords by SCRAM, and an owner who is not a superuser and may make no roles. `./dev doctor` says what is missing,
//! and then the shop runs.

mod elsewhere;

use elsewhere::Elsewhere;
use shared::catalog::{ProductId, Search, search};
use shared::database::{Database, Settings, Statement, migrations};

static PRODUCT: Statement = Statement::new(
    "test.product",
    "insert into products (id, name, description, price, currency, featured)
     values ($1, 'Éclair chair', 'Soft', 100, 'usd', false)",
);
static LIMITS: Statement = Statement::new(
    "test.limits",
    "select current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('bytea_output')",
);

fn settings(url: &str) -> Settings {
    Settings::new(url).and_then(Settings::verified).expect("a URL with verified TLS")
}

#[tokio::test]
async fn an_owner_without_rights_over_roles_gets_a_shop_whose_role_sets_its_own_limits() {
    let mut elsewhere = Elsewhere::start();
    elsewhere.administer("create role millrace_app login password 'app secret'");
    elsewhere.administer("create extension pg_stat_statements");
    let (fit, said) = elsewhere.doctor(&elsewhere.addresses());
    assert!(fit && said.contains("steps of the schema are still to run"), "{said}");
    for part in ["it is a transaction pooler", "get their own answers", "cjson, hashes and PEXPIRE"] {
        assert!(said.contains(part), "{part}: {said}");
    }

    let [pooled, direct, _] = elsewhere.addresses();
    let (owner, functions) = (settings(&direct), settings(&pooled));
    let steps = migrations::run(&owner).await.expect("migrates");
    assert!(!steps.is_empty());
    let left = migrations::settle(&owner, None).await.expect("looks").expect("the owner could not");
    assert!(left.contains("alter role millrace_app set statement_timeout"), "{left}");
    assert_eq!(migrations::settle(&owner, Some(&functions)).await.expect("settles"), None);
    assert_eq!(migrations::run(&owner).await.expect("runs"), [], "under the checksums of its files");

    // Connections that the pooler had already keep what they began with.
    elsewhere.restart_pooler();
    let database = Database::new(functions);
    let limits: (String, String, String) = database.fetch_one(&LIMITS).await.expect("answers");
    assert_eq!(limits, ("5s".into(), "3s".into(), "hex".into()));
    Database::new(owner).execute(PRODUCT.bind(ProductId::new())).await.expect("inserts");
    let asked = Search::new("éclair".parse().expect("words"));
    let found = search(&database, &asked).await.expect("answers").expect("a page");
    assert!(String::from_utf8_lossy(&found.body).contains("Éclair chair"));

    let (fit, said) = elsewhere.doctor(&elsewhere.addresses());
    assert!(fit && said.contains("the schema is there") && said.contains("end after 5s"), "{said}");
}

#[tokio::test]
async fn what_is_missing_is_said_in_a_sentence_that_helps() {
    let elsewhere = Elsewhere::start();
    let [pooled, direct, redis] = elsewhere.addresses();
    complains(
        &elsewhere,
        &elsewhere.addresses(),
        &[
            "the functions' role is missing",
            "the pooler or Postgres behind it refuses the role",
            "create extension pg_stat_statements",
        ],
    );
    let refused = migrations::run(&settings(&direct)).await.expect_err("refused").to_string();
    assert!(refused.contains("create role millrace_app login") && !refused.contains("secret"), "{refused}");
    let pending = migrations::pending(&settings(&direct)).await.expect("lists");
    assert_eq!(pending.first().map(|step| step.version), Some(1), "nothing was made");

    elsewhere.administer("create role millrace_app login password 'app secret'");
    elsewhere.administer("create extension pg_stat_statements");
    let unverified = |url: &str| url.replace("verify-full", "require");
    let stranger = |url: &str| format!("{}&sslrootcert=/opt/rds.pem", url.split('&').next().expect("a part"));
    let mistaken = |url: &str| url.replace("secret", "barley").replace("sesame", "barley");
    for ([pooled, direct, redis], sentences) in [
        (
            [unverified(&pooled), stranger(&direct), redis.replace("rediss:", "redis:")],
            [
                "DatabaseUrl: database settings: write `?sslmode=verify-full`",
                "UnknownIssuer: if its authority is not a public one",
                "must begin with rediss://",
            ],
        ),
        (
            [mistaken(&pooled), mistaken(&direct), mistaken(&redis)],
            ["no such user with this password", "is the password right", "WRONGPASS"],
        ),
        (
            [direct.clone(), elsewhere.owner_through_the_pooler(), elsewhere.redis_where_nobody_listens()],
            ["it signs in as shopkeeper", "leads through a pooler", "nothing takes connections at port"],
        ),
    ] {
        let said = complains(&elsewhere, &[pooled, direct, redis], &sentences);
        for password in ["secret", "sesame", "barley"] {
            assert!(!said.contains(password), "{said}");
        }
    }
}

/// What the doctor says of these, these sentences among it.
fn complains(elsewhere: &Elsewhere, addresses: &[String; 3], sentences: &[&str]) -> String {
    let (fit, said) = elsewhere.doctor(addresses);
    assert!(!fit, "{sentences:?}: {said}");
    for sentence in sentences {
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
    said
}

#[tokio::test]
async fn what_a_server_refuses_or_lacks_is_said_by_name() {
    let mut elsewhere = Elsewhere::start();
    elsewhere.administer("create role millrace_app login password 'app secret'");
    elsewhere.administer("create extension pg_stat_statements");
    let addresses = elsewhere.addresses();
    let [pooled, direct, _] = &addresses;
    let redis_as = |user: &str| [pooled.clone(), direct.clone(), elsewhere.redis_as(user)];
    complains(
        &elsewhere,
        &redis_as("clipped"),
        &["it lacks TIME within scripts: ", "it lacks PEXPIRE … GT: "],
    );
    complains(&elsewhere, &redis_as("silent"), &["let this user run them (+@scripting)"]);

    elsewhere.administer("create schema stray");
    for extension in ["pg_trgm", "unaccent", "fuzzystrmatch"] {
        elsewhere.administer(&format!("create extension {extension} schema stray"));
        complains(
            &elsewhere,
            &addresses,
            &[
                &format!("{extension} is in the schema stray"),
                &format!("alter extension {extension} set schema public"),
            ],
        );
        elsewhere.administer(&format!("drop extension {extension}"));
    }
    elsewhere.administer("alter database shop owner to admin");
    complains(
        &elsewhere,
        &addresses,
        &[
            "the owner cannot make tables",
            "an administrator of this database: create extension pg_trgm",
            "search needs the extension unaccent",
            "search needs the extension fuzzystrmatch",
        ],
    );
    elsewhere.administer("alter database shop owner to shopkeeper");

    elsewhere.restart_pooler_in("statement");
    complains(&elsewhere, &addresses, &["it must pool transactions and no single statements"]);
    elsewhere.administer_in("postgres", "alter database shop set default_transaction_read_only = on");
    elsewhere.restart_pooler();
    complains(&elsewhere, &addresses, &["a reader, or to a database that was closed for writing"]);
    elsewhere.administer_in("postgres", "alter database shop reset default_transaction_read_only");

    elsewhere.demote();
    complains(
        &elsewhere,
        &addresses,
        &["it is a standby, which takes no writes: give the primary's address", "it leads to a reader"],
    );
}
