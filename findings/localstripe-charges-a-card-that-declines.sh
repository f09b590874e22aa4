#!/usr/bin/env bash
# Expected: localstripe declines a PaymentIntent that is confirmed with the test card 4000 0000 0000 0002, as Stripe
# does.
# Seen: it succeeds. The card is declined only where it is attached to a customer, and even then the intent succeeds.
# Versions: PyPI localstripe 1.15.10, stripe 16.1.0. Run on 2026-11-28.
# Concerns whoever tests on it what a shop does about declined cards: that way is never taken, and the tests pass.
set -euo pipefail
t=$(mktemp -d); server=
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; } 2>/dev/null; server=; }
trap 'stop; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check localstripe==1.15.10 stripe==16.1.0 requests==2.32.5
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd "$t" && exec v/bin/python -m localstripe --port "$port" --from-scratch >log 2>&1) & server=$!
seen=$(timeout 60 "$t/v/bin/python" - "$port" <<'P'
import stripe, sys, time
client = stripe.StripeClient("sk_test_example", base_addresses={"api": f"http://127.0.0.1:{sys.argv[1]}"})
for _ in range(100):
    try: customer = client.v1.customers.create({"email": "customer@example.com"}); break
    except stripe.APIConnectionError: time.sleep(0.1)
card = {"number": "4000000000000002", "exp_month": 1, "exp_year": 2030, "cvc": "123"}
method = client.v1.payment_methods.create({"type": "card", "card": card})
try: client.v1.payment_methods.attach(method.id, {"customer": customer.id})
except stripe.CardError as error: print("attached:", error.http_status)
intent = {"amount": 100, "currency": "eur", "payment_method": method.id, "confirm": True}
print("confirmed:", client.v1.payment_intents.create(intent).status)
print("confirmed for the customer:", client.v1.payment_intents.create({**intent, "customer": customer.id}).status)
P
)
echo "$seen"
[ "$seen" = $'attached: 402\nconfirmed: succeeded\nconfirmed for the customer: succeeded' ] ||
  { echo "changed: the card is treated otherwise"; exit 1; }
