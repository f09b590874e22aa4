// Each request with its line of the functions' log, and its way through the rooms.

import { $, el, fill, ms, svg } from "./dom.js";
import { ask, on } from "./desk.js";
import { onRequest } from "./api.js";

/** How many are kept. */
const KEPT = 60;
/** The statements that a route may send, in order, by the names that `./dev explain` knows. */
const STATEMENTS = {
  "GET /api/products/{id}": ["catalog.find"],
  "GET /api/products/featured": ["catalog.featured"],
  "GET /api/search": ["catalog.search"],
  "PUT /api/products/{id}": ["catalog.update"],
  "POST /api/auth/login": ["accounts.by_email", "accounts.sign_in"],
  "GET /api/orders": ["orders.list"],
  "GET /api/orders/{id}": ["orders.find"],
  "GET /api/admin/orders/{id}": ["orders.find_any"],
  "POST /api/orders/{id}/cancel": ["checkout.cancel", "checkout.settle", "orders.find"],
  "POST /api/checkout": ["checkout.place", "checkout.settle"],
  "POST /api/webhooks/payments": ["orders.intent_of_charge", "orders.due_by_intent"],
  "charge-worker": ["checkout.claim", "checkout.attempt", "checkout.settle", "checkout.postpone"],
  "order-sweeper": ["orders.oldest", "catalog.changed", "catalog.announced", "orders.due", "catalog.rank"],
};

/** Rows that wait for their lines, and lines that came before their answers: each travels on a connection of its own. */
const waiting = new Map();
const early = new Map();

export function begin() {
  onRequest((request) => {
    add(request, early.get(request.id));
    early.delete(request.id);
  });
  on("line", (line) => {
    const show = waiting.get(line.request_id);
    if (show) show(line);
    else keep(early, line.request_id, line);
    waiting.delete(line.request_id);
  });
  on("work", (line) => add({ method: "", path: line.Route, status: line.status ?? line.StatusClass, took: line.Latency }, line));
}

function keep(map, id, value) {
  map.set(id, value);
  if (map.size > KEPT) map.delete(map.keys().next().value);
}

function add(request, line) {
  const cost = el("span", { class: "cost" });
  const inside = el("div", { class: "inside" });
  const status = request.status || "no answer";
  const left = request.remaining === null || request.remaining === undefined ? "" : `${request.remaining} of ${request.limit} left`;
  const row = el("li", {}, el("details", {},
    el("summary", {},
      el("span", { class: `status ${shade(status)}` }, String(status)), " ",
      el("span", { class: "what" }, `${request.method} ${request.path}`.trim()), " ",
      el("span", { class: "soft" }, ms(request.took), left ? `, ${left}` : ""), " ", cost),
    inside));
  const show = (line) => {
    fill(cost, ...marks(line));
    fill(inside, way(line), curl(request), plans(line), log(line), body(request));
  };
  fill(inside, curl(request), body(request));
  if (line) show(line);
  else if (request.id) keep(waiting, request.id, show);
  const list = $("#list");
  list.prepend(row);
  while (list.children.length > KEPT) list.lastChild.remove();
}

const shade = (status) => ({ 2: "good", o: "good", 4: "warn" })[String(status)[0]] ?? "bad";

/** In words what the line counts: hit, miss, waited, refused, deferred. */
function marks(line) {
  const named = [
    ["CacheStale", "stale"], ["CacheWaited", "waited for another's fill"], ["CacheRefreshed", "refreshed the cache"], ["CacheHit", "cache hit"],
    ["CacheMiss", "cache miss"],
    ["CacheDegraded", "without cache"], ["RateLimited", "limited"], ["RateDegraded", "limit of this environment"],
    ["BreakerDenied", "breaker open"], ["BreakerProbed", "probe"], ["BreakerOpened", "opened the breaker"],
    ["BreakerClosed", "closed the breaker"], ["ProviderHeldBack", "over the provider's limit"], ["DeferredOrders", "charged later"], ["RedisAway", "Redis away"],
    ["DatabaseAway", "Postgres away"], ["ColdStart", "cold start"],
  ];
  const seen = named.filter(([name]) => line[name]).map(([, words]) => words);
  return seen.slice(0, 3).map((words) => el("span", { class: "mark" }, words));
}

/** What the cache did. Of the lookups of one request the one that tells most. */
function cached(line) {
  const outcomes = [["CacheStale", "stale"], ["CacheWaited", "waited"], ["CacheRefreshed", "refreshed"], ["CacheMiss", "miss"], ["CacheHit", "hit"]];
  return outcomes.find(([name]) => line[name])?.[1] ?? null;
}

/** The rooms that the request went through, in order, each with how often and for how long. */
function way(line) {
  const times = (count) => (count ? `${count}×` : "");
  const rooms = [
    ["limiter", line.RateLimited ? "refused" : line.RateAllowed ? "allowed" : null, null],
    ["cache", cached(line), line.CacheWait],
    ["breaker", line.BreakerDenied ? "open" : line.BreakerProbed ? "probe" : line.BreakerAllowed ? "closed" : null, null],
    ["Redis", times(line.RedisRoundTrips), line.RedisTime],
    ["Postgres", times(line.DatabaseRoundTrips), line.DatabaseTime],
    ["provider", times(line.ProviderCalls), line.ProviderTime],
    ["queue", times(line.QueueSent), line.QueueTime],
  ];
  const seen = rooms.filter(([, what]) => what);
  const wide = 104;
  const box = ([name, what, took], at) => svg("g", { transform: `translate(${at * (wide + 18)} 0)` },
    svg("rect", { width: wide, height: 46, rx: 6, class: "room" }),
    svg("text", { x: wide / 2, y: 19, "text-anchor": "middle", class: "name" }, name),
    svg("text", { x: wide / 2, y: 36, "text-anchor": "middle" }, [what, ms(took)].filter(Boolean).join(", ")),
    at ? svg("path", { d: "M-18 23 h13 m-5 -4 l5 4 l-5 4", class: "arrow" }) : "");
  const width = Math.max(1, seen.length) * (wide + 18) - 18;
  const words = seen.map(([name, what, took]) => `${name} ${what} ${ms(took)}`).join(", then ");
  return svg("svg", { viewBox: `0 0 ${width} 46`, class: "way", role: "img", "aria-label": `Way: ${words || "no room"}`, width }, seen.map(box));
}

function curl(request) {
  if (!request.curl) return null;
  const copy = el("button", { class: "plain", click: async () => {
    await navigator.clipboard.writeText(request.curl);
    copy.textContent = "Copied";
  } }, "Copy as curl");
  return el("div", {}, el("pre", { tabindex: 0 }, request.curl), copy);
}

/** The plans of what it sent to Postgres, where it sent anything. */
function plans(line) {
  if (!line.DatabaseRoundTrips) return null;
  const shown = el("pre", { tabindex: 0, hidden: true });
  const buttons = (STATEMENTS[line.Route] ?? []).map((statement) => el("button", { class: "plain", click: async () => {
    shown.hidden = false;
    shown.textContent = "Postgres explains …";
    shown.textContent = await ask("GET", `/plan/${statement}`).catch((error) => error.message);
  } }, `Plan of ${statement}`));
  return el("div", {}, el("div", { class: "buttons" }, buttons), shown);
}

function log(line) {
  const { _aws, ...rest } = line;
  return el("details", {}, el("summary", {}, "Log line"), el("pre", { tabindex: 0 }, JSON.stringify(rest, null, 1)));
}

function body(request) {
  if (request.answer === undefined || request.answer === null || request.answer === "") return null;
  const hidden = (key, value) => (["access_token", "client_secret", "refresh_token"].includes(key) ? "…" : value);
  return el("details", {}, el("summary", {}, "Answer"), el("pre", { tabindex: 0 }, JSON.stringify(request.answer, hidden, 1)));
}
