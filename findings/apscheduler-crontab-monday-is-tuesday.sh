#!/usr/bin/env bash
# Expected: CronTrigger.from_crontab reads `0 9 * * 1` as cron does: Mondays at nine.
# Seen: Tuesdays. APScheduler counts weekdays from Monday = 0, in crontab lines too; `mon` means Monday, and 7 is
# refused.
# Versions: PyPI APScheduler 3.11.3, croniter 7.0.0. Run on 2026-11-28.
# Concerns whoever brings lines of a crontab along: each runs a day late, and Sunday's 0 runs on Mondays.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check APScheduler==3.11.3 croniter==7.0.0
seen=$("$t/v/bin/python" - <<'P'
from datetime import datetime, timezone
from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
now = datetime(2026, 11, 28, tzinfo=timezone.utc)
for day in ["0", "1", "mon"]:
    line = f"0 9 * * {day}"
    print(line, "croniter", croniter(line, now).get_next(datetime).strftime("%A"),
          "APScheduler", CronTrigger.from_crontab(line, timezone="UTC").get_next_fire_time(None, now).strftime("%A"))
P
)
echo "$seen"
[ "$seen" = "0 9 * * 0 croniter Sunday APScheduler Monday
0 9 * * 1 croniter Monday APScheduler Tuesday
0 9 * * mon croniter Monday APScheduler Monday" ] || { echo "changed: weekdays are counted otherwise"; exit 1; }
