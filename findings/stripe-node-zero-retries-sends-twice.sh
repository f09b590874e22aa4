#!/usr/bin/env bash
# Expected: with maxNetworkRetries 0, stripe-node sends each request once.
# Seen: when the connection closes without an answer, a POST is sent a second time; with the fetch client it is sent
# once.
# Versions: npm stripe 23.1.0. Run on 2026-11-28.
# Concerns whoever sets 0 to keep a time limit or to count calls: the second request comes all the same.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
cd "$t"
npm install --silent --no-audit --no-fund --prefix "$t" stripe@23.1.0 >/dev/null
cat >run.mjs <<'J'
import http from 'node:http';
import Stripe from 'stripe';
let requests = 0;
const server = http.createServer((request) => {
  request.resume();
  request.on('end', () => { requests += 1; request.socket.destroy(); });
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const sent = async (more) => {
  requests = 0;
  const here = { host: '127.0.0.1', port: server.address().port, protocol: 'http' };
  const stripe = new Stripe('sk_test_example', { ...here, maxNetworkRetries: 0, ...more });
  await stripe.paymentIntents.create({ amount: 100, currency: 'eur' }).catch((error) => error);
  return requests;
};
console.log(`node http ${await sent({})}`);
console.log(`fetch ${await sent({ httpClient: Stripe.createFetchHttpClient() })}`);
server.close();
J
seen=$(timeout 60 node run.mjs)
echo "stripe $(node -p "require('./node_modules/stripe/package.json').version")"
echo "$seen"
[ "$seen" = $'node http 2\nfetch 1' ] || { echo "changed: requests are repeated otherwise"; exit 1; }
