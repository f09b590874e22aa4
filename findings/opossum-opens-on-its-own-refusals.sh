#!/usr/bin/env bash
# Expected: with a `capacity`, opossum refuses what is too much at once, and opens only when the calls it makes fail.
# Seen: each refusal counts as a failure. Two of two calls succeed, and the breaker is open: it refuses everybody for
# resetTimeout, 30 seconds by default, though nothing was wrong. `volumeThreshold` counts refusals too.
# Versions: npm opossum 9.0.0, cockatiel 3.2.1 (whose bulkhead outside its breaker does not). Run on 2026-11-29.
# Concerns whoever guards a payment provider with both: a burst of customers takes a healthy provider away.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" opossum@9.0.0 cockatiel@3.2.1 >/dev/null
cat >"$t/run.mjs" <<'J'
import Breaker from 'opossum';
import { ConsecutiveBreaker, bulkhead, circuitBreaker, handleAll, wrap } from 'cockatiel';
const sleep = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));
// How many of ten calls at once reach a service that always answers, and whether one more is made afterwards.
const shown = async (name, execute) => {
  let made = 0;
  const fire = () => execute(async () => { made += 1; await sleep(200); });
  await Promise.allSettled(Array.from({ length: 10 }, fire));
  const before = made;
  const after = await fire().then(() => 'is made', (error) => error.message);
  console.log(`${name}: ${before} made; the next: ${after}`);
};
for (const more of [{}, { volumeThreshold: 5 }]) {
  const breaker = new Breaker((call) => call(), { capacity: 2, ...more });
  await shown(`opossum ${JSON.stringify(more)}`, (call) => breaker.fire(call));
  breaker.shutdown();
}
const breaker = circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(1) });
const both = wrap(bulkhead(2), breaker);
await shown('cockatiel', (call) => both.execute(call));
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$seen" = 'opossum {}: 2 made; the next: Breaker is open
opossum {"volumeThreshold":5}: 2 made; the next: Breaker is open
cockatiel: 2 made; the next: is made' ] || { echo "changed: refusals count otherwise"; exit 1; }
