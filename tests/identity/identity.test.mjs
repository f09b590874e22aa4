// What a shop does with the tokens of its own identity provider, end to end.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { importJWK, SignJWT } from "jose";
import { Cloud } from "./cloud.mjs";
import { IdentityProvider, SHOP, newKey, newKeys } from "./provider.mjs";

const PRODUCT = "01900000-0000-7000-8000-000000000001";
const idp = new IdentityProvider();
let cloud;

before(async () => {
  await idp.start(await newKeys("first"));
  cloud = new Cloud(idp.issuer);
  cloud.start();
});

after(async () => {
  cloud?.stop();
  await idp.goesAway();
});

beforeEach(() => cloud.calm());

const me = (token) => cloud.call("GET", "/api/me", { token });

const buy = (token) =>
  cloud.call("POST", "/api/checkout", {
    token,
    headers: { "idempotency-key": randomUUID() },
    body: { items: [{ product_id: PRODUCT, quantity: 1 }], payment_method: "pm_card_visa" },
  });

const asked = () => idp.asked["/jwks"] ?? 0;

/** What holds sooner or later, asked for every second. */
async function eventually(what, holds) {
  for (let second = 0; second < 60; second++) {
    if (await holds()) return;
    await sleep(1000);
  }
  assert.fail(`not within a minute: ${what}`);
}

function assertProblem(answer, status, type) {
  assert.deepEqual([answer.status, answer.body?.type], [status, `urn:millrace:problem:${type}`], JSON.stringify(answer.body));
}

/** A token that nobody issued, signed with this key. */
async function forged(key, claims = {}, header = {}) {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: idp.issuer, aud: SHOP, sub: "ada", client_id: "ada", iat: now, exp: now + 600 };
  const { alg, kid } = key;
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg, kid, typ: "at+jwt", ...header })
    .sign(await importJWK(key, alg));
}

test("tokens of each algorithm are taken, and the same subject is the same user", async () => {
  for (const name of ["RS256", "ES256", "EdDSA"]) {
    const [first, again] = [await me(await idp.token(name)), await me(await idp.token(name))];
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.deepEqual(first.body, again.body);
    assert.deepEqual([first.body.email, first.body.role, first.body.created_at], [null, "customer", null]);
  }
});

test("a token of the provider buys, and a warm request does not ask the provider", async () => {
  const token = await idp.token("ada");
  const first = await buy(token);
  assert.equal(first.status, 201, JSON.stringify(first.body));
  const before = { ...idp.asked };
  for (let order = 0; order < 3; order++) assert.equal((await buy(token)).status, 201);
  assert.deepEqual(idp.asked, before);
  const { body } = await cloud.call("GET", "/api/orders", { token });
  assert.equal(body.orders.length, 4);
  assert.ok((await me(token)).body.created_at);
  const others = await cloud.call("GET", "/api/orders", { token: await idp.token("bob") });
  assert.deepEqual(others.body.orders, []);
});

test("who has the shop's role in the claim of the setting is an administrator, and gives money back", async () => {
  const [ada, eve] = [await idp.token("ada"), await idp.token("eve")];
  assertProblem(await cloud.call("GET", "/api/admin/orders", { token: ada }), 403, "forbidden");
  const { status, body } = await cloud.call("GET", "/api/admin/orders", { token: eve });
  assert.equal(status, 200);
  const { customer, id } = body.orders[0];
  assert.deepEqual([customer.email, customer.subject], [null, "ada"]);
  const refund = await cloud.call("POST", `/api/orders/${id}/refund`, {
    token: eve,
    headers: { "idempotency-key": randomUUID() },
    body: {},
  });
  assert.deepEqual([refund.status, refund.body.status], [200, "succeeded"], JSON.stringify(refund.body));
});

test("the shop has no accounts of its own, and its own tokens are nobody's", async () => {
  for (const path of ["login", "register", "password", "refresh", "logout"]) {
    const answer = await cloud.call("POST", `/api/auth/${path}`, { body: {} });
    assertProblem(answer, 404, "sign-in-elsewhere");
    assert.equal(answer.body.issuer, idp.issuer);
  }
  for (const name of ["CUSTOMER_TOKEN", "ADMIN_TOKEN"]) assertProblem(await me(cloud.env[name]), 401, "unauthorized");
});

test("what is forged, expired, of another issuer or for another audience is 401", async () => {
  const key = idp.keys[0];
  assert.equal((await me(await forged(key))).status, 200, "else the others prove nothing");
  const past = Math.floor(Date.now() / 1000) - 3600;
  const [header, payload, signature] = (await idp.token("ada")).split(".");
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const secret = { kty: "oct", k: key.n, alg: "HS256", kid: key.kid };
  for (const [what, token] of Object.entries({
    "another audience": await idp.token("ada", "https://other.example.com"),
    "another issuer": await forged(key, { iss: "https://id.example.com" }),
    expired: await forged(key, { exp: past }),
    "not yet good": await forged(key, { nbf: past + 7200 }),
    "an ID token": await forged(key, { nonce: "n" }, { typ: "JWT" }),
    "of no algorithm": `${encoded({ alg: "none", kid: key.kid })}.${payload}.`,
    "of no algorithm, and signed": `${encoded({ alg: "none", kid: key.kid })}.${payload}.${signature}`,
    "signed with the public key": await forged(secret),
    "signed with another key of that name": await forged(await newKey("RS256", key.kid)),
    "changed after it was signed": `${header}.${encoded({ iss: idp.issuer, aud: SHOP, sub: "eve" })}.${signature}`,
    nothing: "..",
  })) {
    const answer = await me(token);
    assert.equal(answer.status, 401, what);
    assertProblem(answer, 401, "unauthorized");
  }
});

test("strangers with unknown keys make each environment ask once in half a minute", async () => {
  const unknown = await forged(await newKey("ES256", "nobody's"));
  const token = await idp.token("ada");
  const list = (token) => cloud.call("GET", "/api/orders", { token });
  await list(token);
  const before = asked();
  const begin = Date.now();
  for (let request = 0; request < 40; request++) assertProblem(await list(unknown), 401, "unauthorized");
  const most = 1 + Math.floor((Date.now() - begin) / 30_000);
  assert.ok(asked() - before <= most, `${asked() - before} in ${Date.now() - begin} ms`);
  assert.equal((await list(token)).status, 200);
});

test("while the provider is away warm functions go on, and cold ones say that nobody can know", async () => {
  const token = await idp.token("ada");
  await me(token);
  await idp.goesAway();
  try {
    assert.equal((await me(token)).status, 200);
    assert.equal((await buy(token)).status, 201);
    // Nobody has called this one before.
    const cold = () => cloud.call("DELETE", "/api/me", { token });
    const answer = await cold();
    assertProblem(answer, 503, "unavailable");
    assert.ok(answer.headers.get("retry-after"));
    // Whoever needs no token is served all the same.
    assert.equal((await cloud.call("GET", `/api/products/${PRODUCT}`, { token })).status, 200);
  } finally {
    await idp.comesBack();
  }
  const bob = await idp.token("bob");
  await eventually("it is asked again", async () => {
    return (await cloud.call("DELETE", "/api/me", { token: bob })).status === 204;
  });
});

test("whose account was erased stays out, whatever token the provider issues", async () => {
  const bob = await idp.token("bob");
  const leave = (token) => cloud.call("DELETE", "/api/me", { token });
  // The test before may have seen him off already.
  assert.ok([204, 401].includes((await leave(bob)).status));
  const again = await idp.token("bob");
  for (const answer of [await me(again), await buy(again), await leave(again)]) {
    assertProblem(answer, 401, "unauthorized");
  }
});

test("a new key is found once the provider may be asked again, and a withdrawn one is good no more", async () => {
  const old = await idp.token("ada");
  idp.changesItsKeys(await newKeys("second"));
  const token = await idp.token("ada");
  await eventually("the new key is found", async () => (await me(token)).status === 200);
  assertProblem(await me(old), 401, "unauthorized");
});
