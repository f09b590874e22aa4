#!/usr/bin/env bash
# Expected: structured-headers (npm) writes a decimal as RFC 9651 has it, rounded to three digits: 1.0004 as 1.0.
# Seen: 1. without a digit behind the point, which the format forbids: any reader of it, its own too, takes the whole
# field for broken. So it goes with each number that rounds to a whole one, such as 0.0004 and 2.9996.
# Versions: npm structured-headers 2.1.0, PyPI http-sf 1.5.0 (which writes 1.0). Run on 2026-11-29.
# Concerns whoever puts a computed number, such as a share or a duration in seconds, into a field of his own: about one
# value in a thousand costs all members of that field.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" structured-headers@2.1.0 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check http-sf==1.5.0
cat >"$t/run.mjs" <<'J'
import { parseDictionary, serializeDictionary } from 'structured-headers';
for (const share of [1.25, 1.0004, 0.0004, 2.9996]) {
  const written = serializeDictionary({ limit: [10, new Map()], share: [share, new Map()] });
  let read;
  try { read = parseDictionary(written).get('share')[0]; } catch (error) { read = error.constructor.name; }
  console.log(`${share} is written as "${written}" and read as ${read}`);
}
J
cat >"$t/run.py" <<'P'
import http_sf, sys
for line in sys.stdin:
    try: print("http-sf reads", http_sf.parse(line.split('"')[1].encode(), tltype="dictionary")["share"][0])
    except http_sf.StructuredFieldError: print("http-sf refuses")
print("http-sf writes", http_sf.ser({"limit": 10, "share": 1.0004}))
P
seen=$(timeout 60 node "$t/run.mjs")
other=$("$t/v/bin/python" "$t/run.py" <<<"$seen")
printf '%s\n' "$seen" "$other"
[ "$seen" = '1.25 is written as "limit=10, share=1.25" and read as 1.25
1.0004 is written as "limit=10, share=1." and read as ParseError
0.0004 is written as "limit=10, share=0." and read as ParseError
2.9996 is written as "limit=10, share=3." and read as ParseError' ] && [ "$other" = 'http-sf reads 1.25
http-sf refuses
http-sf refuses
http-sf refuses
http-sf writes limit=10, share=1.0' ] || { echo "changed: decimals are written otherwise"; exit 1; }
