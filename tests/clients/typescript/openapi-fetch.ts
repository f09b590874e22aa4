// The contract's types by openapi-typescript, called through openapi-fetch.

import createClient from "openapi-fetch";

import type { paths } from "../made/openapi-typescript/schema.js";
import { equal, known, order, query, token, tooMany, unknown, url } from "./expect.js";

const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

function buy(key: string, body: ReturnType<typeof order>) {
  return client.POST("/api/checkout", { params: { header: { "Idempotency-Key": key } }, body });
}

const found = await client.GET("/api/products/{id}", { params: { path: { id: known } } });
equal(found.data?.price.currency, "usd", "a product");

const missing = await client.GET("/api/products/{id}", { params: { path: { id: unknown } } });
equal(missing.response.status, 404, "no product");
equal(missing.error?.type, "urn:millrace:problem:not-found", "no product");

const declined = await buy(crypto.randomUUID(), order("pm_card_chargeDeclined"));
equal(declined.response.status, 402, "a declined card");
if (declined.error !== undefined && "charge" in declined.error) {
  equal(declined.error.charge.status, "failed", "a declined card");
  equal(declined.response.headers.get("location"), `/api/orders/${declined.error.order_id}`, "a declined card");
} else {
  throw new Error("a declined card has no charge");
}

const invalid = await buy(crypto.randomUUID(), order("pm_card_visa", 0));
equal(invalid.response.status, 422, "no pieces");
equal(invalid.error?.errors?.[0]?.field, "items[0].quantity", "no pieces");

const asked = await client.POST("/api/graphql", { body: { query, variables: { id: known, limit: 3 } } });
equal(asked.data?.errors, undefined, "GraphQL");
equal((asked.data?.data?.["products"] as unknown[]).length, 3, "GraphQL");

const results = await client.GET("/api/search", { params: { query: { q: "wallet" } } });
equal(results.data?.products[0]?.highlight.includes("<mark>"), true, "a search");

const visitor = createClient<paths>({ baseUrl: url });
for (let call = 0; ; call++) {
  const limited = await visitor.GET("/api/search", { params: { query: { q: "wallet" } } });
  if (limited.data !== undefined) {
    equal(call < tooMany, true, "a limit");
    continue;
  }
  equal(limited.response.status, 429, "too many searches");
  if (!("violated_policies" in limited.error)) throw new Error("no violated policies");
  equal(limited.error.violated_policies.length > 0, true, "too many searches");
  break;
}
console.log("openapi-typescript with openapi-fetch: every answer is as its type says");
