#!/usr/bin/env bash
# Expected: currency.js rounds an amount and its negative alike, so that a charge and its refund cancel each other.
# Seen: halves go up, and up from -1.575 is -1.57: 15 % of 10.50 are 1.58, and of -10.50 only -1.57. A cent stays.
# Versions: npm currency.js 2.0.4, big.js 7.0.1, dinero.js 2.0.2 (both of which round the two alike). Run on 2026-11-29.
# Concerns whoever computes refunds, credit notes or discounts as negative amounts: totals do not come to zero.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" currency.js@2.0.4 big.js@7.0.1 dinero.js@2.0.2 >/dev/null
cat >"$t/run.mjs" <<'J'
import Big from 'big.js';
import currency from 'currency.js';
import { dinero, halfAwayFromZero, multiply, toDecimal, transformScale } from 'dinero.js';
import { EUR } from 'dinero.js/currencies';
const rate = { amount: 15, scale: 2 };
for (const cents of [1050, -1050]) {
  const shared = multiply(dinero({ amount: cents, currency: EUR }), rate);
  console.log(
    `15 % of ${cents / 100}: currency.js ${currency(cents / 100).multiply(0.15)}`,
    `big.js ${Big(cents / 100).times('0.15').toFixed(2)}`,
    `dinero.js ${toDecimal(transformScale(shared, 2, halfAwayFromZero))}`,
  );
}
const [charge, refund] = [10.5, -10.5].map((price) => currency(price).multiply(0.15));
console.log(`left over with currency.js ${charge.add(refund)}`);
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$seen" = '15 % of 10.5: currency.js 1.58 big.js 1.58 dinero.js 1.58
15 % of -10.5: currency.js -1.57 big.js -1.58 dinero.js -1.58
left over with currency.js 0.01' ] || { echo "changed: negative amounts are rounded otherwise"; exit 1; }
