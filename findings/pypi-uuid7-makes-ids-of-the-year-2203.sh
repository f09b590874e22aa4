#!/usr/bin/env bash
# Expected: PyPI's package uuid7 makes UUIDs of version 7 as RFC 9562 has them: milliseconds since 1970 in front.
# Seen: an older draft's layout under the same version number: any reader of RFC 9562 sees a time 176 years ahead.
# PyPI's uuid6 has a uuid7() that is right.
# Versions: PyPI uuid7 0.1.0, uuid6 2025.0.1. Run on 2026-11-28.
# Concerns whoever mixes producers: these ids sort behind everybody else's until 2203, and keyset pages end in them.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check uuid7==0.1.0 uuid6==2025.0.1
seen=$("$t/v/bin/python" - <<'P'
import datetime, uuid6, uuid_extensions
now = datetime.datetime.now(datetime.timezone.utc)
for name, made in [("uuid6", uuid6.uuid7()), ("uuid7", uuid_extensions.uuid7())]:
    read = datetime.datetime.fromtimestamp((made.int >> 80) / 1000, datetime.timezone.utc)
    print(name, "version", made.version, "years ahead", round((read - now).days / 365.25))
P
)
echo "$seen"
# The layouts count different units, so that the distance grows with the years.
grep -q '^uuid6 version 7 years ahead 0$' <<<"$seen" &&
  grep -qE '^uuid7 version 7 years ahead 1[78][0-9]$' <<<"$seen" ||
  { echo "changed: the times in the ids are others"; exit 1; }
