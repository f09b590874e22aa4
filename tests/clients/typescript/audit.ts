// graphql-http's audits: what GraphQL over HTTP demands of a server, and what it advises.

import { setTimeout } from "node:timers/promises";

import { auditServer } from "graphql-http";

import { setting, url } from "./expect.js";

// More calls than others have left of their minute.
const token = setting("ADMIN_TOKEN");

// Advice that is not followed, with the reason.
const declined = new Map<string, string>([]);

const results = await auditServer({
  url: `${url}/api/graphql`,
  fetchFn: async (input: RequestInfo, init?: RequestInit) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${token}`);
    for (;;) {
      const response = await fetch(input, { ...init, headers });
      if (response.status !== 429) return response;
      await setTimeout(1000 * Number(response.headers.get("retry-after")));
    }
  },
});
let failed = 0;
for (const result of results) {
  if (result.status === "ok" || result.name.startsWith("MAY")) continue;
  const reason = declined.get(result.id);
  if (reason === undefined) failed++;
  const verdict = reason === undefined ? "FAILED" : `not followed, ${reason}`;
  console.log(`${verdict}: ${result.id} ${result.name}: ${result.reason}`);
}
console.log(`graphql-http: ${results.length} audits, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
