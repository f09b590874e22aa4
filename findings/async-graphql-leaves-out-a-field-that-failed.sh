#!/usr/bin/env bash
# Expected: a nullable field whose resolver fails is null in `data`, as GraphQL has it: `{"good": 1, "bad": null}`.
# Seen: it is not there at all: `{"good":1}`; and where it is the only field, all of `data` is null.
# Versions: crate async-graphql 7.2.1, Rust 1.95. Run on 2026-11-28.
# Concerns clients that look for their field by its type, and those that tell by `data` whether a query was executed.
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
use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

struct Query;

#[Object]
impl Query {
    async fn good(&self) -> i32 {
        1
    }

    async fn bad(&self) -> async_graphql::Result<Option<i32>> {
        Err("there is none".into())
    }
}

fn main() {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    for query in ["{ good bad }", "{ bad }"] {
        let answer = futures_executor::block_on(schema.execute(query));
        println!("{}", serde_json::to_string(&answer).unwrap());
    }
}
RUST
cargo run --quiet >seen 2>log || { cat log >&2; exit 2; }
cat >expected <<'TEXT'
{"data":{"good":1},"errors":[{"message":"there is none","locations":[{"line":1,"column":8}],"path":["bad"]}]}
{"data":null,"errors":[{"message":"there is none","locations":[{"line":1,"column":3}],"path":["bad"]}]}
TEXT
cat seen
diff expected seen >&2 || { echo "It behaves otherwise now." >&2; exit 1; }
echo "async-graphql 7.2.1: the field that failed is left out."
