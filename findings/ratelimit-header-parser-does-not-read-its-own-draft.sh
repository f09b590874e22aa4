#!/usr/bin/env bash
# Expected: ratelimit-header-parser, of the makers of express-rate-limit, reads the RateLimit header as
# express-rate-limit writes it for draft 8 of the IETF.
# Seen: NaN for every number and an invalid date, also when the older X-RateLimit fields stand beside it, which it reads
# alone.
# Versions: npm ratelimit-header-parser 0.1.0, express-rate-limit 8.7.5, express 5.1.0. Run on 2026-11-28.
# Concerns whoever waits until `reset`: comparisons with NaN are false, so a client never waits, or always does.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" \
  ratelimit-header-parser@0.1.0 express-rate-limit@8.7.5 express@5.1.0 >/dev/null
cat >"$t/run.mjs" <<'J'
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import { parseRateLimit } from 'ratelimit-header-parser';
const read = async (settings) => {
  const shop = express().use(rateLimit({ limit: 5, windowMs: 60_000, ...settings }));
  const server = shop.get('/', (_, answer) => answer.end()).listen(0);
  await new Promise((go) => server.once('listening', go));
  const { headers } = await fetch(`http://127.0.0.1:${server.address().port}/`);
  server.close();
  const { limit, remaining } = parseRateLimit(headers);
  return `${headers.get('ratelimit')?.replace(/pk=:.*:/, 'pk=…')} -> limit ${limit}, remaining ${remaining}`;
};
console.log(await read({ standardHeaders: 'draft-8', legacyHeaders: false }));
console.log(await read({ standardHeaders: 'draft-8', legacyHeaders: true }));
console.log(await read({ standardHeaders: false, legacyHeaders: true }));
process.exit();
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$(sed 's/.*-> //' <<<"$seen")" = $'limit NaN, remaining NaN\nlimit NaN, remaining NaN\nlimit 5, remaining 4' ] ||
  { echo "changed: the header is read otherwise"; exit 1; }
