#!/usr/bin/env bash
# Expected: OpenTelemetry's baggage "a b" set in a Python service is "a b" in a Node.js service behind it.
# Seen: it is "a+b". Python writes spaces as in HTML forms; W3C Baggage, and JavaScript's propagator, know %20 alone.
# The other way round, a plus that stands for itself in the header, as the format allows, is a space in Python.
# Versions: PyPI opentelemetry-api 1.45.2, npm @opentelemetry/core 2.12.1 and @opentelemetry/api 1.9.1. Run on
# 2026-11-28.
# Concerns whoever hands names or plans on in baggage between services of several languages.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check opentelemetry-api==1.45.2
npm install --silent --no-audit --no-fund --prefix "$t" @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1 >/dev/null
header=$("$t/v/bin/python" - <<'P'
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
carrier = {}
W3CBaggagePropagator().inject(carrier, baggage.set_baggage("plan", "gold and silver"))
print(carrier["baggage"])
P
)
cat >"$t/run.mjs" <<'J'
import { ROOT_CONTEXT, defaultTextMapGetter, propagation } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
const context = new W3CBaggagePropagator().extract(ROOT_CONTEXT, { baggage: process.argv[2] }, defaultTextMapGetter);
console.log('JavaScript reads', propagation.getBaggage(context).getEntry('plan').value);
J
seen=$(
  echo "Python writes $header"
  node "$t/run.mjs" "$header"
  "$t/v/bin/python" - <<'P'
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
print("Python reads", baggage.get_baggage("sum", W3CBaggagePropagator().extract({"baggage": "sum=1+1"})))
P
)
echo "$seen"
[ "$seen" = $'Python writes plan=gold+and+silver\nJavaScript reads gold+and+silver\nPython reads 1 1' ] ||
  { echo "changed: baggage is written or read otherwise"; exit 1; }
