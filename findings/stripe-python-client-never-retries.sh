#!/usr/bin/env bash
# Expected: stripe.max_network_retries (2 by default) holds for StripeClient, as stripe-node retries twice by default.
# Seen: a StripeClient sends a request that is answered 500 once, whatever the module's setting says; the older
# module-level calls send it three times. Only StripeClient(..., max_network_retries=N) changes that.
# Versions: PyPI stripe 16.1.0. Run on 2026-11-28.
# Concerns whoever moves to StripeClient, as Stripe recommends, and takes the retries for granted.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check stripe==16.1.0 requests==2.32.5
seen=$(timeout 60 "$t/v/bin/python" - <<'P'
import http.server, stripe, threading
class Failing(http.server.BaseHTTPRequestHandler):
    requests = 0
    def do_POST(self):
        Failing.requests += 1
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"error": {"type": "api_error", "message": "down"}}'
        self.send_response(500)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
def sent(call):
    Failing.requests = 0
    try: call()
    except stripe.APIError: return Failing.requests
params = {"amount": 100, "currency": "eur"}
stripe.api_key, stripe.api_base = "sk_test_example", base
print("stripe", stripe.VERSION, "max_network_retries", stripe.max_network_retries)
print("module", sent(lambda: stripe.PaymentIntent.create(**params)))
client = lambda **k: stripe.StripeClient("sk_test_example", base_addresses={"api": base}, **k)
print("client", sent(lambda: client().v1.payment_intents.create(params)))
print("client with 2", sent(lambda: client(max_network_retries=2).v1.payment_intents.create(params)))
server.shutdown()
P
)
echo "$seen"
[ "$seen" = $'stripe 16.1.0 max_network_retries 2\nmodule 3\nclient 1\nclient with 2 3' ] ||
  { echo "changed: requests are repeated otherwise"; exit 1; }
