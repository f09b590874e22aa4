// Who is logged in, and calls in their name.

import { call } from "./api.js";

let accounts = {};
/** The access tokens of who is logged in: of CUSTOMER and of ADMIN. */
const tokens = {};

/** Who can log in, as the console knows them. */
export function may(start) {
  accounts = { CUSTOMER: start.customer, ADMIN: start.administrator };
}

export const isIn = (who) => Boolean(tokens[who]);

export const email = (who) => accounts[who]?.email;

/** Logs in, unless that has happened. Answers whether they are in now. */
export async function enter(who) {
  tokens[who] ??= await token(who);
  return isIn(who);
}

async function token(who) {
  const answer = await call("POST", "/api/auth/login", { body: accounts[who] });
  return answer.ok ? answer.body.access_token : null;
}

/**
 * Calls as somebody who is logged in. A token is good for an hour, and the page may be open for longer: where one is
 * refused, a new one is fetched, once, and the very same request sent again, also under the same idempotency key.
 */
export async function callAs(who, method, path, request = {}) {
  const send = () => call(method, path, { ...request, token: tokens[who], who });
  const answer = await send();
  if (answer.status !== 401 || !tokens[who]) return answer;
  const fresh = await token(who);
  if (!fresh) return answer;
  tokens[who] = fresh;
  return send();
}
