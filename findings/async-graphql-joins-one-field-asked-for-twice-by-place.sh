#!/usr/bin/env bash
# Expected: a field that a query has twice under one name, as fragments put it there, is one field: it is resolved once,
# with what both of them select (GraphQL, CollectFields and MergeSelectionSets).
# Seen: it is resolved twice, and lists are joined by the places of their rows: where the second list is another, a row
# has members of both.
# Versions: crate async-graphql 7.2.1, Rust 1.95. Run on 2026-11-30.
# Concerns lists that change between two statements: the id of one row stands beside the amount of another.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "surprise"
version = "0.0.0"
edition = "2024"

[dependencies]
async-graphql = { version = "=7.2.1", default-features = false }
futures-executor = "=0.3.31"
serde_json = "=1.0.145"
TOML
cat >src/main.rs <<'RUST'
use std::sync::atomic::{AtomicI32, Ordering};

use async_graphql::{EmptyMutation, EmptySubscription, Schema, SimpleObject};

#[derive(SimpleObject)]
struct Order {
    id: i32,
    amount: i32,
}

#[derive(Default)]
struct Query(AtomicI32);

#[async_graphql::Object]
impl Query {
    /// As from a table into which somebody writes: each reading finds one order more, the newest first.
    async fn orders(&self) -> Vec<Order> {
        let newest = 2 + self.0.fetch_add(1, Ordering::Relaxed);
        (1..=newest).rev().map(|id| Order { id, amount: 100 * id }).collect()
    }
}

fn main() {
    for query in [
        "{ orders { id amount } }",
        "{ orders { id } ...F } fragment F on Query { orders { amount } }",
        "{ orders { id } orders { amount } }",
    ] {
        let schema = Schema::new(Query::default(), EmptyMutation, EmptySubscription);
        let answer = futures_executor::block_on(schema.execute(query));
        println!("{}", serde_json::to_string(&answer.data).unwrap());
    }
}
RUST
cargo run --quiet >seen 2>log || { cat log >&2; exit 2; }
cat >expected <<'TEXT'
{"orders":[{"id":2,"amount":200},{"id":1,"amount":100}]}
{"orders":[{"id":2,"amount":300},{"id":1,"amount":200}]}
{"orders":[{"id":2,"amount":300},{"id":1,"amount":200}]}
TEXT
cat seen
diff expected seen >&2 || { echo "It behaves otherwise now." >&2; exit 1; }
echo "async-graphql 7.2.1: one field asked for twice is read twice and joined by place."
