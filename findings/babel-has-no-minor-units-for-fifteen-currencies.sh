#!/usr/bin/env bash
# Expected: Babel's get_currency_precision gives a currency's minor units as ISO 4217 has them.
# Seen: 0 for fifteen currencies that have them, among them COP, HUF, IDR (2) and IQD (3): CLDR says how many digits
# people write, not in which unit one is paid. py-moneyed has ISO's.
# Versions: PyPI Babel 2.19.0, py-moneyed 3.0, iso4217 1.16.20260101. Run on 2026-11-28.
# Concerns whoever turns amounts into minor units with Babel: 10.50 forints become 10 or 11, or are charged as 0.10.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check babel==2.19.0 py-moneyed==3.0 iso4217==1.16.20260101
seen=$("$t/v/bin/python" - <<'P'
from babel.numbers import get_currency_precision
from iso4217 import Currency
from moneyed import Money
others = {c.code: c.exponent for c in Currency
          if c.exponent is not None and get_currency_precision(c.code) != c.exponent}
print(len(others), *others)
print("HUF: Babel", get_currency_precision("HUF"), "ISO", others["HUF"],
      "py-moneyed", Money(1, "HUF").get_amount_in_sub_unit())
P
)
echo "$seen"
[ "$seen" = "15 AFN ALL COP HUF IDR IRR IQD KPW LAK LBP MGA MMK SOS SYP YER
HUF: Babel 0 ISO 2 py-moneyed 100" ] || { echo "changed: the two lists differ otherwise"; exit 1; }
