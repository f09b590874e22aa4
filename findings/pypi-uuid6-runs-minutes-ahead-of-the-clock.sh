#!/usr/bin/env bash
# Expected: the time in an id of PyPI uuid6's uuid7() is the time at which it was made, within some milliseconds.
# Seen: each id takes a millisecond of its own, so that 100,000 made in one go end about 100 seconds ahead, and those
# made after them too, until the clock has caught up. PyPI's uuid_utils and npm's uuid stay with the clock.
# Versions: PyPI uuid6 2025.0.1, uuid_utils 1.2.0, npm uuid 14.0.3. Run on 2026-11-29.
# Concerns whoever imports in bulk, and sorts or pages by id: what others add in the next minutes stands before it.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check uuid6==2025.0.1 uuid_utils==1.2.0
npm install --silent --no-audit --no-fund --prefix "$t" uuid@14.0.3 >/dev/null
cat >"$t/run.mjs" <<'J'
import { v7 } from 'uuid';
const began = Date.now();
let last;
for (let made = 0; made < 100_000; made += 1) last = v7();
const [ahead, took] = [parseInt(last.replace('-', '').slice(0, 12), 16) - Date.now(), Date.now() - began];
console.log('npm uuid', ahead + took > 95_000 ? 'about 100 s ahead' : ahead < 1000 ? 'with the clock' : ahead);
J
seen=$(
  "$t/v/bin/python" - <<'P'
import time, uuid6, uuid_utils
for name, make in [("uuid6", uuid6.uuid7), ("uuid_utils", uuid_utils.uuid7)]:
    began = time.time()
    for _ in range(100_000): last = make()
    now = time.time()
    ahead = (last.int >> 80) / 1000 - now
    # What was made since the beginning has a second for each thousand, less the time that this took.
    print(name, "about 100 s ahead" if ahead + (now - began) > 95 else "with the clock" if ahead < 1 else ahead)
P
  node "$t/run.mjs"
)
echo "$seen"
[ "$seen" = $'uuid6 about 100 s ahead\nuuid_utils with the clock\nnpm uuid with the clock' ] ||
  { echo "changed: the times in the ids are others"; exit 1; }
