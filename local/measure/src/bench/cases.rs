//! What is measured: one typical request for each of fourteen endpoints, several for search, and a message.

use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;

use customers::traffic::Traffic;

/// Runs of a case's requests; the median of each figure is told, so that a busy moment of the machine decides none.
pub(super) const ROUNDS: u64 = 5;
/// A run that takes longer ends here, with fewer requests: else a case of half a second each would take hours.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// One request to measure.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) function: &'static str,
    /// What it must answer. `None`: anything but an error of the function (it serves no HTTP).
    pub(super) status: Option<u16>,
    /// Whether it only reads: two functions that are asked the same answer the same.
    pub(super) reads: bool,
    /// Whether a function in Node.js does the same.
    pub(super) twin: bool,
    /// How often it is sent: what takes longer is measured as exactly with fewer.
    pub(super) requests: u64,
    event: fn(&Traffic, u64) -> Result<Bytes>,
}

impl Case {
    /// The event of the n-th request; each has a caller of its own, so that no rate limit is met.
    pub(super) fn event(&self, traffic: &Traffic, number: u64) -> Result<Bytes> {
        (self.event)(traffic, number).with_context(|| format!("{}: no event", self.name))
    }
}

/// The handler that does nothing; every figure stands beside its own.
pub(super) const FLOOR: Case = Case {
    name: "empty handler",
    function: "floor",
    status: Some(200),
    reads: true,
    twin: true,
    requests: 4000,
    event: |traffic, n| Ok(traffic.product(n, 0)?.1),
};

const USUAL: u64 = 2000;

/// The function of all searches.
pub(super) const SEARCH: &str = "search-products";
/// What its cache answers.
pub(super) const CACHED_SEARCH: &str = "search, cached";

/// In the order of the README's table.
pub(super) const CASES: &[Case] = &[
    FLOOR,
    read("product, cached", "get-product", |t, n| Ok(t.product(n, 0)?.1)),
    read("product, not cached", "get-product", |t, n| Ok(t.product(n, n)?.1)),
    read("featured, cached", "featured-products", |t, n| Ok(t.featured(n)?.1)),
    read(CACHED_SEARCH, SEARCH, |t, n| Ok(t.search(n, "oak chair")?.1)),
    Case {
        requests: 500,
        // A number is not a word of any product, but makes it another search, with another key.
        ..read("search, not cached", SEARCH, |t, n| Ok(t.search(n, &format!("oak chair {n}"))?.1))
    },
    search("search, a common word", |t, n| Ok(t.search_anew(n, "oak", n)?.1)),
    search("search, two words", |t, n| Ok(t.search_anew(n, "oak chair", n)?.1)),
    // One of six products each has the first and the last.
    search("search, three words", |t, n| Ok(t.search_anew(n, "made by hand", n)?.1)),
    search("search, four words", |t, n| Ok(t.search_anew(n, "made hand damp cloth", n)?.1)),
    search("search, a beginning", |t, n| Ok(t.search_anew(n, "cha", n)?.1)),
    search("search, a typing error", |t, n| Ok(t.search_anew(n, "chiar", n)?.1)),
    search("search, a word nobody uses", |t, n| Ok(t.search_anew(n, "zzzzzz", n)?.1)),
    http("update of a product", "update-product", |t, n| Ok(t.update(n, n)?.1)),
    Case { requests: 60, ..http("login", "login", |t, n| Ok(t.login(n)?.1)) },
    read("order list", "list-orders", |t, n| Ok(t.orders(n)?.1)),
    read("order", "get-order", |t, n| Ok(t.order(n)?.1)),
    Case {
        status: Some(201),
        requests: 1000,
        ..http("checkout, paid", "checkout", |t, n| Ok(t.checkout(n, n)?.1))
    },
    http("cancellation, repeated", "cancel-order", |t, n| Ok(t.cancel(n)?.1)),
    Case { requests: 1000, ..read("GraphQL, orders with products", "graphql", |t, n| Ok(t.graphql(n)?.1)) },
    read_without_twin("list of products", "list-products", |t, n| Ok(t.list(n)?.1)),
    read_without_twin("account", "get-me", |t, n| Ok(t.account(n)?.1)),
    read_without_twin("all orders", "list-all-orders", |t, n| Ok(t.all_orders(n)?.1)),
    read_without_twin("anybody's order", "get-any-order", |t, n| Ok(t.anybodys_order(n)?.1)),
    Case {
        status: None,
        twin: false,
        ..http("message of a paid order", "charge-worker", |_, _| {
            sample(include_str!("../../../../events/charge-worker.json"))
        })
    },
];

const fn read(name: &'static str, function: &'static str, event: fn(&Traffic, u64) -> Result<Bytes>) -> Case {
    Case { reads: true, ..http(name, function, event) }
}

const fn read_without_twin(
    name: &'static str,
    function: &'static str,
    event: fn(&Traffic, u64) -> Result<Bytes>,
) -> Case {
    Case { twin: false, ..read(name, function, event) }
}

/// One of several kinds of search that the cache does not know, none of which depends on how many products there are.
const fn search(name: &'static str, event: fn(&Traffic, u64) -> Result<Bytes>) -> Case {
    Case { requests: 200, ..read(name, SEARCH, event) }
}

const fn http(name: &'static str, function: &'static str, event: fn(&Traffic, u64) -> Result<Bytes>) -> Case {
    Case { name, function, status: Some(200), reads: false, twin: true, requests: USUAL, event }
}

#[expect(clippy::unnecessary_wraps, reason = "the others can fail")]
fn sample(event: &'static str) -> Result<Bytes> {
    Ok(Bytes::from_static(event.as_bytes()))
}
