#!/usr/bin/env bash
# Expected: a half-open breaker lets one call through to find out, and refuses the others meanwhile.
# Seen: five calls at once all go through, with pybreaker and with circuitbreaker (PyPI) alike; opossum (npm) lets one.
# Versions: PyPI pybreaker 1.4.1, circuitbreaker 2.1.3, npm opossum 9.0.0. Run on 2026-11-28.
# Concerns whoever protects something that has just come back: all waiting threads meet it in the same moment.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check pybreaker==1.4.1 circuitbreaker==2.1.3
npm install --silent --no-audit --no-fund --prefix "$t" opossum@9.0.0 >/dev/null
cat >"$t/run.mjs" <<'J'
import Breaker from 'opossum';
const sleep = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));
let calls = 0, away = true;
const call = async () => { calls += 1; if (away) throw new Error('away'); await sleep(500); };
const breaker = new Breaker(call, { resetTimeout: 1000 });
await breaker.fire().catch(() => {});
await sleep(1200);
away = false; calls = 0;
await Promise.allSettled([1, 2, 3, 4, 5].map(() => breaker.fire()));
console.log('opossum', calls);
breaker.shutdown();
J
seen=$(
  timeout 60 "$t/v/bin/python" - <<'P'
import circuitbreaker, pybreaker, threading, time

def tried(call):
    """How many of five simultaneous calls are made by a breaker that has just become half-open."""
    def fail(): raise OSError("away")
    made = []
    def work():
        made.append(1)
        time.sleep(0.5)
    def attempt(function):
        try: call(function)
        except (OSError, pybreaker.CircuitBreakerError, circuitbreaker.CircuitBreakerError): pass
    attempt(fail)
    attempt(work)
    assert not made, "the breaker did not open"
    time.sleep(1.2)
    threads = [threading.Thread(target=attempt, args=[work]) for _ in range(5)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return len(made)

print("pybreaker", tried(pybreaker.CircuitBreaker(fail_max=1, reset_timeout=1).call))
breaker = circuitbreaker.CircuitBreaker(failure_threshold=1, recovery_timeout=1)
print("circuitbreaker", tried(lambda function: breaker.decorate(function)()))
P
  timeout 60 node "$t/run.mjs"
)
echo "$seen"
[ "$seen" = $'pybreaker 5\ncircuitbreaker 5\nopossum 1' ] ||
  { echo "changed: half-open breakers let other numbers through"; exit 1; }
