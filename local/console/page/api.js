// The public API, as any client calls it; and the same request as a line of curl.

const listeners = [];
let address = "";

/** Where the API really is: the console passes requests on, so that the browser lets this page read the answers. */
export function from(apiUrl) {
  address = apiUrl;
}

/** Calls `listener` with each request when its answer is there. */
export function onRequest(listener) {
  listeners.push(listener);
}

/** Sends a request. Answers `{ ok, status, body, headers }`; a status of 0 is no answer. */
export async function call(method, path, { token, body, headers = {}, who = "" } = {}) {
  const sent = { ...headers };
  if (token) sent.authorization = `Bearer ${token}`;
  if (body !== undefined) sent["content-type"] = "application/json";
  const began = performance.now();
  let answer = { ok: false, status: 0, body: null, headers: new Headers() };
  try {
    const response = await fetch(path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    answer = { ok: response.ok, status: response.status, body: parsed(text), headers: response.headers };
  } catch {
    // No answer: the listeners are told so.
  }
  const request = {
    method, path, status: answer.status, took: performance.now() - began,
    id: answer.headers.get("x-request-id"),
    limit: number(answer.headers.get("x-ratelimit-limit")), remaining: number(answer.headers.get("x-ratelimit-remaining")),
    who, quotas: quotas(answer.headers), retry: number(answer.headers.get("retry-after")),
    curl: curl(method, path, sent, body, who), answer: answer.body,
  };
  for (const listener of listeners) listener(request);
  return answer;
}

/** What is left of each policy of the limiter: of `"api";q=100;w=60` and `"api";r=42;t=13`. */
function quotas(headers) {
  const limits = Object.fromEntries([...(headers.get("ratelimit-policy") ?? "").matchAll(/"([^"]+)";q=(\d+)/g)].map((it) => [it[1], Number(it[2])]));
  return [...(headers.get("ratelimit") ?? "").matchAll(/"([^"]+)";r=(\d+);t=(\d+)/g)]
    .map(([, policy, left, resets]) => ({ policy, limit: limits[policy], remaining: Number(left), resets: Number(resets) }));
}

const number = (text) => (text === null ? null : Number(text));

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Tokens stay where they are: `.dev/env` has them under these names. Passwords as well. */
function curl(method, path, headers, body, who) {
  const words = ["curl -i"];
  if (method !== "GET") words.push(`-X ${method}`);
  for (const [name, value] of Object.entries(headers)) {
    words.push(name === "authorization" ? `-H "Authorization: Bearer $${who}_TOKEN"` : `-H ${quoted(`${name}: ${value}`)}`);
  }
  if (body !== undefined) {
    const text = JSON.stringify(body, (key, value) => (key === "password" ? "…" : value));
    words.push(`-d ${quoted(text)}`);
  }
  return `${words.join(" ")} ${quoted(address + path)}`;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
