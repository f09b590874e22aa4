#!/usr/bin/env bash
# Expected: a rate limiter takes nothing for a call that it refuses: with 2 of 10 points left, a call of 5 is refused,
# and one of 2 goes through.
# Seen: limits (PyPI) with a fixed window and rate-limiter-flexible (npm) count the refused 5, and refuse the 2 as well
# until the window ends. limits with a moving window or a sliding one takes nothing.
# Versions: PyPI limits 5.8.0, npm rate-limiter-flexible 11.4.0. Run on 2026-11-29.
# Concerns whoever limits by cost, of a GraphQL query or a batch: a client that asks for too much and then, as told, for
# less is refused that too, and which of two strategies is set decides it.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" rate-limiter-flexible@11.4.0 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check limits==5.8.0
cat >"$t/run.mjs" <<'J'
import { RateLimiterMemory } from 'rate-limiter-flexible';
const limiter = new RateLimiterMemory({ points: 10, duration: 3600 });
const seen = [];
for (const cost of [8, 5, 2]) seen.push(await limiter.consume('key', cost).then(() => 'taken', () => 'refused'));
console.log('rate-limiter-flexible', ...seen);
J
seen=$(
  timeout 60 node "$t/run.mjs"
  timeout 60 "$t/v/bin/python" - <<'P'
import limits, limits.storage, limits.strategies as strategies
limit = limits.parse("10/hour")
for name in ["FixedWindow", "MovingWindow", "SlidingWindowCounter"]:
    limiter = getattr(strategies, f"{name}RateLimiter")(limits.storage.MemoryStorage())
    print("limits", name, *("taken" if limiter.hit(limit, "key", cost=cost) else "refused" for cost in [8, 5, 2]))
P
)
echo "$seen"
[ "$seen" = 'rate-limiter-flexible taken refused refused
limits FixedWindow taken refused refused
limits MovingWindow taken refused taken
limits SlidingWindowCounter taken refused taken' ] || { echo "changed: refused calls count otherwise"; exit 1; }
