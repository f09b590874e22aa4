#!/usr/bin/env bash
# Expected: a function of a library that is not generic is compiled once, with its library, whether it is async or not.
# Seen: of an `async fn` the library has only what makes the future. Its body is compiled by every crate that awaits it,
# and again all that only the body calls: each of thirty programs of a workspace compiled the same database client.
# Versions: crates.io tokio 1.54.1 (`Interval::tick` is an async fn, `Interval::reset` is not); rustc 1.95.0. Run on
# 2026-11-29.
# Concerns workspaces of many binaries, such as one for each function: a door of the library that returns a boxed future
# (`Box::pin(async move { … })`) keeps the body in the library, for one allocation.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/src"
cd "$t"
cat >Cargo.toml <<'TOML'
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[dependencies]
tokio = { version = "=1.54.1", default-features = false, features = ["rt", "time"] }
TOML
cat >src/main.rs <<'RUST'
fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut interval = tokio::time::interval(std::time::Duration::from_millis(1));
        interval.tick().await;
        interval.reset();
    });
}
RUST
CARGO_TARGET_DIR="$t/target" cargo rustc -q -- --emit=obj -C codegen-units=1 >log 2>&1 || { cat log >&2; exit 2; }
# Of both: t is compiled here, U is called here and compiled elsewhere.
seen=$(nm -C target/debug/deps/program-*.o | sed -nE \
  's/^[0-9a-f ]* ([tTU]) tokio::time::interval::Interval::(tick::\{\{closure\}\}|tick|reset)$/\1 \2/p' | LC_ALL=C sort)
echo "$seen"
[ "$seen" = 'U reset
U tick
t tick::{{closure}}' ] || { echo "changed: the body is compiled elsewhere"; exit 1; }
