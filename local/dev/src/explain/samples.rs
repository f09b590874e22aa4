//! Arguments with which each statement is explained: those of the demo data, written as Postgres literals.

/// One way to call a statement.
pub(super) struct Sample {
    /// As in `Statement::new`.
    pub(super) statement: &'static str,
    /// What is special about it, where a statement has several.
    pub(super) what: &'static str,
    /// `$1`, `$2` …
    pub(super) arguments: &'static [&'static str],
}

const fn sample(statement: &'static str, arguments: &'static [&'static str]) -> Sample {
    one_of(statement, "", arguments)
}

const fn one_of(statement: &'static str, what: &'static str, arguments: &'static [&'static str]) -> Sample {
    Sample { statement, what, arguments }
}

const USER: &str = "'01900000-0000-7000-9000-000000000001'::uuid";
/// Of that user.
const ORDER: &str = "'01900000-0000-7000-a000-000000000001'::uuid";
const ORDERS: &str = "'{01900000-0000-7000-a000-000000000001,01900000-0000-7000-a000-0000000003e9}'::uuid[]";
const PRODUCT: &str = "'01900000-0000-7000-8000-000000000001'::uuid";
const PRODUCTS: &str =
    "'{01900000-0000-7000-8000-000000000001,01900000-0000-7000-8000-000000000002}'::uuid[]";
/// Of nothing that is there.
const NEW: &str = "'01900000-0000-7000-b000-000000000001'::uuid";
const LEASE: &str = "'01900000-0000-7000-c000-000000000001'::uuid";
const NOTHING: &str = "'00000000-0000-0000-0000-000000000000'::uuid";
const LAST: &str = "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid";
const VERSIONS: &str = "'{}'::bigint[]";
const NO_TIME: &str = "null::timestamptz";
const NOW: &str = "now()";
/// What nothing costs.
const MOST: &str = "9223372036854775807";
const FILE: &str = "'products/a.csv'::text";
const FUTURE: &str = "'9999-12-31T00:00:00Z'::timestamptz";

/// Every statement at least once; in the order of their names.
pub(super) const SAMPLES: &[Sample] = &[
    sample("accounts.by_email", &["'user-1@millrace.example'::text"]),
    sample("accounts.change_password", &[USER, "''::text", "'a hash'::text", NEW, "'00'::text"]),
    sample("accounts.erase", &[USER, "null::text"]),
    sample("accounts.first_administrator", &[NEW, "'first@millrace.example'::text", "'a hash'::text"]),
    sample("accounts.leave", &[USER]),
    sample("accounts.me", &[USER]),
    sample("accounts.refresh", &[NEW, "'00'::text", "'01'::text"]),
    sample("accounts.register", &[NEW, "'new@millrace.example'::text", "'a hash'::text", NEW, "'00'::text"]),
    sample("accounts.sign_in", &[USER, "''::text", "null::text", NEW, "'00'::text"]),
    sample("accounts.sign_out", &[NEW]),
    sample("catalog.announced", &["now()", PRODUCT]),
    sample("catalog.archive", &[PRODUCT, "true", VERSIONS, VERSIONS]),
    sample("catalog.by_sku", &["'A-1'::text"]),
    sample("catalog.changed", &["120"]),
    sample("catalog.count_sales", &[]),
    sample(
        "catalog.create",
        &[NEW, "'A-1'::text", "'A name'::text", "''::text", "1000", "'usd'::text", "true", "3"],
    ),
    sample("catalog.export", &[PRODUCT, "1000"]),
    sample("catalog.featured", &[]),
    sample("catalog.find", &[PRODUCT]),
    sample(
        "catalog.import",
        &[
            FILE,
            "'etag'::text",
            NOW,
            "0",
            "2",
            "'[{\"line\":2,\"message\":\"is not UTF-8\"}]'::jsonb",
            "'{1}'::bigint[]",
            "'{01900000-0000-7000-b000-000000000001}'::uuid[]",
            "'{A-1}'::text[]",
            "'{A name}'::text[]",
            "'{Words.}'::text[]",
            "'{1000}'::bigint[]",
            "'{usd}'::text[]",
            "'{NULL}'::boolean[]",
            "'{3}'::integer[]",
        ],
    ),
    sample("catalog.import_begin", &[FILE, "'etag'::text", NOW]),
    sample("catalog.import_end", &[FILE, "'etag'::text", NOW, "0", "null::text"]),
    sample("catalog.import_last", &[FILE]),
    one_of(
        "catalog.list_by_name",
        "a later page, in stock",
        &[PRODUCT, "'Oak'::text", "21", "null::text", "0", MOST, "null::boolean", "true"],
    ),
    one_of(
        "catalog.list_by_name",
        "sold out",
        &[NOTHING, "''::text", "21", "null::text", "0", MOST, "null::boolean", "false"],
    ),
    one_of(
        "catalog.list_by_name",
        "featured",
        &[NOTHING, "''::text", "21", "null::text", "0", MOST, "true", "null::boolean"],
    ),
    one_of(
        "catalog.list_by_name",
        "of few prices",
        &[NOTHING, "''::text", "21", "'usd'::text", "200", "360", "null::boolean", "null::boolean"],
    ),
    one_of(
        "catalog.list_cheapest",
        "a later page",
        &[PRODUCT, "1000", "21", "'usd'::text", "0", MOST, "null::boolean", "null::boolean"],
    ),
    one_of(
        "catalog.list_cheapest",
        "sold out",
        &[NOTHING, "-1", "21", "'usd'::text", "0", MOST, "null::boolean", "false"],
    ),
    one_of(
        "catalog.list_cheapest",
        "featured",
        &[NOTHING, "-1", "21", "'usd'::text", "0", MOST, "true", "null::boolean"],
    ),
    one_of(
        "catalog.list_dearest",
        "a later page",
        &[PRODUCT, "10000", "21", "'usd'::text", "0", MOST, "null::boolean", "null::boolean"],
    ),
    one_of(
        "catalog.list_dearest",
        "sold out",
        &[LAST, MOST, "21", "'usd'::text", "0", MOST, "null::boolean", "false"],
    ),
    one_of(
        "catalog.list_dearest",
        "featured",
        &[LAST, MOST, "21", "'usd'::text", "0", MOST, "true", "null::boolean"],
    ),
    one_of(
        "catalog.list_newest",
        "the first page",
        &[LAST, "21", "null::text", "0", MOST, "null::boolean", "null::boolean"],
    ),
    one_of(
        "catalog.list_newest",
        "sold out",
        &[LAST, "21", "null::text", "0", MOST, "null::boolean", "false"],
    ),
    one_of(
        "catalog.list_newest",
        "featured",
        &[LAST, "21", "null::text", "0", MOST, "true", "null::boolean"],
    ),
    one_of(
        "catalog.list_newest",
        "of few prices",
        &[LAST, "21", "'usd'::text", "200", "360", "null::boolean", "null::boolean"],
    ),
    sample("catalog.load", &[PRODUCTS]),
    sample("catalog.page", &[PRODUCT, "24"]),
    sample("catalog.rank", &["2000"]),
    one_of(
        "catalog.search",
        "two words",
        &["'oak chair'::text", "21", "0", "31", NOTHING, "0", MOST, "false", "null::text"],
    ),
    one_of(
        "catalog.search",
        "a typing error, below a price and in stock",
        &["'chiar'::text", "21", "0", "31", NOTHING, "0", "9900", "true", "'usd'::text"],
    ),
    sample("catalog.stock", &[PRODUCT, "null::integer", "-1", "null::integer", "1000000000"]),
    sample(
        "catalog.update",
        &[
            PRODUCT,
            "'A name'::text",
            "'Words.'::text",
            "1000",
            "'usd'::text",
            "false",
            "true",
            VERSIONS,
            VERSIONS,
        ],
    ),
    sample("checkout.attempt", &[ORDER, LEASE, "'pi_1'::text", "1"]),
    sample("checkout.cancel", &[ORDER, USER, LEASE, "30"]),
    sample("checkout.claim", &[ORDER, LEASE, "30", "86400"]),
    sample("checkout.known", &[USER, "'demo-1'::text"]),
    sample(
        "checkout.place",
        &[
            NEW,
            USER,
            "'a key'::text",
            "'00'::text",
            PRODUCTS,
            "'{1,2}'::integer[]",
            "'pm_card_visa'::text",
            "'charging'::text",
            "30",
            "false",
            LEASE,
            "array['afn all', 'aud usd']::text[]",
            "'{1,50}'::bigint[]",
            "'{99999999,99999999}'::bigint[]",
            "'{1,1}'::bigint[]",
            FUTURE,
            "1000::bigint",
            "'usd'::text",
            "20::bigint",
            "2000::bigint",
            "'https://id.example.com'::text",
            "'a subject'::text",
        ],
    ),
    sample("checkout.postpone", &[ORDER, "60", "30", "86400"]),
    sample(
        "checkout.refund",
        &[
            NEW,
            ORDER,
            USER,
            "'a key'::text",
            "'00'::text",
            "100::bigint",
            "'{}'::uuid[]",
            "'{}'::integer[]",
            LEASE,
            "30",
            "'https://id.example.com'::text",
            "'a subject'::text",
            "array['aud usd', 'kwd omr']::text[]",
            "'{1,10}'::bigint[]",
            "false",
        ],
    ),
    sample("checkout.refund_attempt", &[NEW, ORDER, LEASE, "1"]),
    sample(
        "checkout.settle",
        &[
            ORDER,
            LEASE,
            "'charging'::text",
            "'failed'::text",
            "null::jsonb",
            "null::integer",
            "null::text",
            "null::text",
            "'card_declined'::text",
            "null::text",
            "null::timestamptz",
            "null::bigint",
            "null::uuid",
            "null::text",
            "null::text",
            "null::text",
            "false",
            "'{}'::text[]",
        ],
    ),
    sample("insights.missing_indexes", &[]),
    sample("insights.server", &[]),
    sample("insights.statements", &["20::bigint"]),
    sample("insights.tables", &[]),
    sample("insights.unused_indexes", &[]),
    sample("orders.due", &["100::bigint"]),
    sample(
        "orders.due_by_intent",
        &["'pi_demo_1'::text", "true", "true", "'won'::text", "false", ORDER, NOW],
    ),
    sample("orders.find", &[ORDER, USER]),
    sample("orders.find_any", &[ORDER]),
    sample("orders.intent_of_charge", &["'ch_demo_1'::text"]),
    sample("orders.items", &[ORDERS]),
    one_of("orders.list", "the first page", &[USER, FUTURE, LAST, "21", NO_TIME]),
    one_of("orders.list", "a later page", &[USER, "(now() - interval '5 days')", LAST, "21", NO_TIME]),
    one_of(
        "orders.list_all",
        "by status",
        &["'paid'::text", "null::uuid", NO_TIME, NO_TIME, FUTURE, LAST, "51"],
    ),
    one_of("orders.list_all", "of a customer", &["null::text", USER, NO_TIME, NO_TIME, FUTURE, LAST, "51"]),
    one_of(
        "orders.list_all",
        "of a time",
        &["null::text", "null::uuid", "(now() - interval '9 days')", "now()", FUTURE, LAST, "51"],
    ),
    sample("orders.oldest", &[]),
    sample("orders.page", &[USER, FUTURE, LAST, "21"]),
    sample("orders.unheard", &[NOW, "false"]),
];
