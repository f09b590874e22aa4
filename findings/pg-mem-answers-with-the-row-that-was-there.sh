#!/usr/bin/env bash
# Expected: INSERT … ON CONFLICT DO NOTHING RETURNING gives a row only where one was inserted, in pg-mem as in Postgres.
# Seen: pg-mem gives the row that was there before.
# Versions: npm pg-mem 3.0.14, @electric-sql/pglite 0.5.17 (Postgres 18 in WebAssembly). Run on 2026-11-29.
# Concerns whoever claims idempotency keys, webhook events or locks by such a statement and tests on pg-mem: there,
# everybody is the first.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" pg-mem@3.0.14 @electric-sql/pglite@0.5.17 >/dev/null
cat >"$t/run.mjs" <<'J'
import { PGlite } from '@electric-sql/pglite';
import { newDb } from 'pg-mem';
const { public: memory } = newDb();
const postgres = new PGlite();
for (const [name, ask] of [
  ['pg-mem', async (text) => memory.many(text)],
  ['Postgres', async (text) => (await postgres.query(text)).rows],
]) {
  await ask('create table claims (key text primary key, owner text)');
  for (const owner of ['one', 'two']) {
    const rows = `values ('key', '${owner}') on conflict (key) do nothing returning owner`;
    console.log(name, owner, JSON.stringify(await ask(`insert into claims ${rows}`)));
  }
}
await postgres.close();
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$seen" = 'pg-mem one [{"owner":"one"}]
pg-mem two [{"owner":"one"}]
Postgres one [{"owner":"one"}]
Postgres two []' ] || { echo "changed: conflicts are answered otherwise"; exit 1; }
