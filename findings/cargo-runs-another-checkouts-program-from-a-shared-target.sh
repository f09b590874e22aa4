#!/usr/bin/env bash
# Expected: two checkouts of a workspace with one CARGO_TARGET_DIR may make each other compile anew, and each runs its
# own code.
# Seen: the hash in a file's name is made of paths within the workspace, so a crate of both checkouts has one name. What
# the second one's sources are is judged by their times alone: they are older than what was built, so Cargo takes the
# first one's program for fresh, and runs it.
# Versions: Cargo 1.95.0, of the toolchain at hand (no package to install). Run on 2026-11-29.
# Concerns whoever shares a target folder between worktrees to save time: tests pass, or fail, with another branch's
# code.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
for checkout in one two; do
  mkdir -p "$t/$checkout/src"
  printf '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2024"\n[workspace]\n' >"$t/$checkout/Cargo.toml"
  echo "fn main() { println!(\"I am $checkout\"); }" >"$t/$checkout/src/main.rs"
done
export CARGO_TARGET_DIR=$t/target
cargo --version
seen=$(for checkout in one two; do (cd "$t/$checkout" && cargo run --quiet --offline); done)
echo "$seen"
[ "$seen" = "I am one
I am one" ] || { echo "changed: each checkout runs its own"; exit 1; }
