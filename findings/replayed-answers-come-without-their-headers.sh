#!/usr/bin/env bash
# Expected: a middleware for Idempotency-Key gives a repeated request the answer that the first one got: status, body
# and headers.
# Seen: express-idempotency and asgi-idempotency-header keep status, body and type alone. Location is gone, and so is
# ETag; Express then makes up an ETag of its own. fastapi-idempotency gives all of them again.
# Versions: npm express-idempotency 1.0.6, express 4.22.3, PyPI asgi-idempotency-header 0.2.0, fastapi-idempotency
# 0.1.1, fastapi 0.165.0, httpx 0.28.1, redis 8.1.0. Run on 2026-11-29.
# Concerns whoever says where an order is in Location, or guards its next change with ETag and If-Match: a customer
# whose connection broke once does not learn the one, and fails with the other.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" express-idempotency@1.0.6 express@4.22.3 >/dev/null
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check asgi-idempotency-header==0.2.0 fastapi-idempotency==0.1.1 \
  fastapi==0.165.0 httpx==0.28.1 redis==8.1.0
cat >"$t/run.mjs" <<'J'
import express from 'express';
import { getSharedIdempotencyService, idempotency } from 'express-idempotency';
const shop = express().use(idempotency());
shop.post('/orders', (request, answer) => {
  if (getSharedIdempotencyService().isHit(request)) return;
  answer.status(201).set({ Location: '/orders/1', ETag: '"1"' }).json({ id: 1 });
});
const server = shop.listen(0, '127.0.0.1');
await new Promise((go) => server.once('listening', go));
for (const time of ['first', 'again']) {
  const url = `http://127.0.0.1:${server.address().port}/orders`;
  const answer = await fetch(url, { method: 'POST', headers: { 'Idempotency-Key': 'order 1' } });
  const etag = answer.headers.get('etag') === '"1"' ? '"1"' : 'another';
  console.log('express-idempotency', time, answer.status, await answer.text(), answer.headers.get('location'), etag);
}
process.exit();
J
seen=$(
  timeout 60 node "$t/run.mjs"
  timeout 60 "$t/v/bin/python" - <<'P'
import asyncio, fastapi, httpx
from fastapi_idempotency import IdempotencyMiddleware
from idempotency_header_middleware import IdempotencyHeaderMiddleware
from idempotency_header_middleware.backends import MemoryBackend

async def main():
    for name, middleware, settings in [
        ("asgi-idempotency-header", IdempotencyHeaderMiddleware, {"backend": MemoryBackend()}),
        ("fastapi-idempotency", IdempotencyMiddleware, {}),
    ]:
        app = fastapi.FastAPI()
        app.add_middleware(middleware, **settings)

        @app.post("/orders", status_code=201)
        async def create(response: fastapi.Response):
            response.headers.update({"location": "/orders/1", "etag": '"1"'})
            return {"id": 1}

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            for time in ["first", "again"]:
                answer = await client.post("/orders", headers={"idempotency-key": "order 1"})
                found = [answer.headers.get(header) for header in ["location", "etag"]]
                print(name, time, answer.status_code, answer.text, *found)

asyncio.run(main())
P
)
echo "$seen"
[ "$seen" = 'express-idempotency first 201 {"id":1} /orders/1 "1"
express-idempotency again 201 {"id":1} null another
asgi-idempotency-header first 201 {"id":1} /orders/1 "1"
asgi-idempotency-header again 201 {"id":1} None None
fastapi-idempotency first 201 {"id":1} /orders/1 "1"
fastapi-idempotency again 201 {"id":1} /orders/1 "1"' ] || { echo "changed: other headers are kept"; exit 1; }
