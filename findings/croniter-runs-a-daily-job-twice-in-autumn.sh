#!/usr/bin/env bash
# Expected: a job at 1:30 every day runs once on the day on which clocks go back from 2 to 1, as cron(8) says of itself.
# Seen: croniter (Python) gives 1:30 twice on that day; cron-parser (npm) gives it once.
# Versions: PyPI croniter 7.0.0, tzdata 2025.2, npm cron-parser 5.10.6. Run on 2026-11-28.
# Concerns whoever settles accounts or sends letters by such a schedule: once a year they go out twice.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check croniter==7.0.0 tzdata==2025.2
npm install --silent --no-audit --no-fund --prefix "$t" cron-parser@5.10.6 >/dev/null
seen=$(
  "$t/v/bin/python" - <<'P'
from datetime import datetime, timezone
from zoneinfo import ZoneInfo
from croniter import croniter
runs = croniter("30 1 * * *", datetime(2026, 10, 31, 12, tzinfo=ZoneInfo("America/New_York")))
print("croniter", *(runs.get_next(datetime).astimezone(timezone.utc).strftime("%d %H:%M") for _ in range(3)))
P
  cat >"$t/run.mjs" <<'J'
import { CronExpressionParser } from 'cron-parser';
const currentDate = new Date('2026-10-31T16:00:00Z');
const runs = CronExpressionParser.parse('30 1 * * *', { currentDate, tz: 'America/New_York' });
console.log('cron-parser', ...[1, 2, 3].map(() => runs.next().toISOString().slice(8, 16).replace('T', ' ')));
J
  node "$t/run.mjs"
)
echo "$seen"
[ "$seen" = $'croniter 01 05:30 01 06:30 02 06:30\ncron-parser 01 05:30 02 06:30 03 06:30' ] ||
  { echo "changed: the hour that comes twice is treated otherwise"; exit 1; }
