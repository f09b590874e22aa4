#!/usr/bin/env bash
# Expected: node-pg gives numeric as text, so that no digit is lost, and therefore numeric[] as an array of texts.
# Seen: numeric[] becomes floating point: 12345678901234567.89 arrives as 12345678901234568, and 1.10 as 1.1.
# Versions: npm pg 8.23.1 with the pg-types that it brings. Run on 2026-11-28.
# Concerns whoever reads amounts of money with array_agg: the same column is exact alone, and rounded in an array.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" pg@8.23.1 >/dev/null
cat >"$t/run.mjs" <<'J'
import pg from 'pg';
// The parsers that a client uses for what the server sends, as text, for a type's number: numeric, numeric[], int8[].
const read = (type, text) => JSON.stringify(pg.types.getTypeParser(type, 'text')(text));
console.log('numeric', read(1700, '12345678901234567.89'), read(1700, '1.10'));
console.log('numeric[]', read(1231, '{12345678901234567.89,1.10}'));
console.log('int8[]', read(1016, '{9007199254740993}'));
J
seen=$(node "$t/run.mjs")
echo "$seen"
[ "$seen" = 'numeric "12345678901234567.89" "1.10"
numeric[] [12345678901234568,1.1]
int8[] ["9007199254740993"]' ] ||
  { echo "changed: arrays are read otherwise"; exit 1; }
