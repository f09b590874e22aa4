#!/usr/bin/env bash
# Expected: what is equal as JSON is written alike by one server, whichever of its functions makes the text.
# Seen: {"a" : 1} by json_build_object, {"a":1} by row_to_json, {"a": 1} by jsonb; and of rows json_agg puts a line end
# after each comma, array_to_json nothing.
# Versions: npm @electric-sql/pglite 0.5.17 (Postgres 18 in WebAssembly). Run on 2026-11-28.
# Concerns whoever hashes, signs or compares such texts (ETags, cache keys, snapshots), or sends them to customers, who
# get two more bytes for each member by json_build_object.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @electric-sql/pglite@0.5.17 >/dev/null
cat >"$t/run.mjs" <<'J'
import { PGlite } from "@electric-sql/pglite";
const db = new PGlite();
const rows = "(select x as a from generate_series(1, 2) x) r";
const one = async (text) => JSON.stringify((await db.query(`select (${text})::text as seen`)).rows[0].seen);
for (const text of [
  "select json_build_object('a', 1)", "select row_to_json(r) from (select 1 as a) r", "select jsonb_build_object('a', 1)",
  `select json_agg(r) from ${rows}`, `select array_to_json(array_agg(r)) from ${rows}`,
]) console.log(await one(text));
J
seen=$(cd "$t" && timeout 120 node run.mjs)
echo "$seen"
[ "$seen" = '"{\"a\" : 1}"
"{\"a\":1}"
"{\"a\": 1}"
"[{\"a\":1}, \n {\"a\":2}]"
"[{\"a\":1},{\"a\":2}]"' ] || { echo "changed: the texts are written otherwise"; exit 1; }
