// The client that @hey-api/openapi-ts generates.

import { client } from "../made/hey-api/client.gen.js";
import { checkout, getProduct, graphql, searchProducts } from "../made/hey-api/sdk.gen.js";
import { equal, known, order, query, token, tooMany, unknown, url } from "./expect.js";

client.setConfig({ baseUrl: url, auth: token });

function buy(key: string, body: ReturnType<typeof order>) {
  return checkout({ headers: { "Idempotency-Key": key }, body });
}

const found = await getProduct({ path: { id: known } });
equal(found.data?.price.currency, "usd", "a product");

const missing = await getProduct({ path: { id: unknown } });
equal(missing.response?.status, 404, "no product");
equal(missing.error?.type, "urn:millrace:problem:not-found", "no product");

const declined = await buy(crypto.randomUUID(), order("pm_card_chargeDeclined"));
equal(declined.response?.status, 402, "a declined card");
if (declined.error === undefined || !("charge" in declined.error)) throw new Error("a declined card has no charge");
equal(declined.error.charge.status, "failed", "a declined card");

const invalid = await buy(crypto.randomUUID(), order("pm_card_visa", 0));
equal(invalid.response?.status, 422, "no pieces");
equal(invalid.error?.errors?.[0]?.field, "items[0].quantity", "no pieces");

const asked = await graphql({ body: { query, variables: { id: known, limit: 3 } } });
equal(asked.data?.errors, undefined, "GraphQL");
equal((asked.data?.data?.["products"] as unknown[]).length, 3, "GraphQL");

const results = await searchProducts({ query: { q: "wallet" } });
equal(results.data?.products[0]?.highlight.includes("<mark>"), true, "a search");

client.setConfig({ baseUrl: url });
for (let call = 0; ; call++) {
  const limited = await searchProducts({ query: { q: "wallet" } });
  if (limited.data !== undefined) {
    equal(call < tooMany, true, "a limit");
    continue;
  }
  equal(limited.response?.status, 429, "too many searches");
  if (!("violated_policies" in limited.error)) throw new Error("no violated policies");
  equal(limited.error.violated_policies.length > 0, true, "too many searches");
  break;
}
console.log("@hey-api/openapi-ts: every answer is as its type says");
