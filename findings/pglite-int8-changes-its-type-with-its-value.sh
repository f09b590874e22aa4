#!/usr/bin/env bash
# Expected: PGlite gives each bigint as one JavaScript type: text, as node-pg does, or BigInt.
# Seen: a number up to 2^53 and a BigInt beyond; adding one to the other raises a TypeError, JSON.stringify of it too.
# Versions: npm @electric-sql/pglite 0.5.17 (Postgres 18 in WebAssembly). Run on 2026-11-28.
# Concerns whoever tests on PGlite and runs on Postgres: with small test data every id and sum is a number, as nowhere
# else.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @electric-sql/pglite@0.5.17 >/dev/null
cat >"$t/run.mjs" <<'J'
import { PGlite } from '@electric-sql/pglite';
const database = new PGlite();
const text = 'select 9007199254740991::int8 + i as value from generate_series(0, 1) as i order by i';
const { rows } = await database.query(text);
console.log(...rows.map(({ value }) => `${typeof value} ${value}`));
try { JSON.stringify(rows); } catch (error) { console.log(error.name); }
await database.close();
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$seen" = $'number 9007199254740991 bigint 9007199254740992\nTypeError' ] ||
  { echo "changed: int8 is read otherwise"; exit 1; }
