// The five patterns, each with a small live picture, one sentence, and where it is written.

import { $, el, fill, money, ms, svg } from "./dom.js";
import { ask, on } from "./desk.js";
import { call, onRequest } from "./api.js";
import { onOrders } from "./orders.js";
import { onProduct, reprice, someProduct } from "./shop.js";
import { Window } from "./window.js";

const CARDS = [
  ["pool", "Connection pooling", "One connection for each environment, a few at Postgres, whoever calls.",
    "shared/src/database/mod.rs", "docs/database.md"],
  ["queries", "Queries", "An order list is one statement, and not one for each order and item.",
    "shared/src/orders/list.sql", "docs/database.md"],
  ["cache", "Caching", "However many read an entry that has ended, one fills it; and after an update nobody gets what was before.",
    "shared/src/cache/mod.rs", "docs/resilience.md"],
  ["breaker", "Circuit breaker", "A provider that fails is left alone; orders are placed and charged when it is back.",
    "shared/src/breaker/mod.rs", "docs/resilience.md"],
  ["limiter", "Rate limiting", "A sliding window: it empties when it says, and is never exceeded.",
    "shared/src/rate_limit/mod.rs", "docs/resilience.md"],
];

const pictures = {};
let product = null;
/** The windows of who calls from this page, by caller and policy; and the one that the last answer left least of. */
const windows = new Map();
let present = null;
/** Orders of the visitor that were once deferred: when, and how they stand. */
const deferred = new Map();

export function begin() {
  fill($("#cards"), CARDS.map(([id, title, sentence, code, docs]) => {
    pictures[id] = el("div", { class: "picture", id: `picture-${id}` });
    return el("article", { id: `card-${id}`, "aria-labelledby": `title-${id}` },
      el("h3", { id: `title-${id}` }, title), el("p", {}, sentence), pictures[id], actions[id]?.() ?? null,
      el("p", { class: "soft" }, source(code), " · ", source(docs)));
  }));
  onProduct((looked) => (product = looked));
  onRequest(count);
  onOrders(follow);
  on("state", show);
  setInterval(limiter, 250);
}

const source = (path) => el("a", { href: `/source?path=${path}`, target: "_blank", rel: "noopener" }, path);

function show(state) {
  pool(state);
  cache(state.entry);
  breaker(state.breaker, state.postgres?.orders_waiting);
}

function pool({ postgres, pooler, callers, visitors }) {
  const clients = pooler?.clients ?? [];
  const doing = (what) => clients.filter((client) => client === what).length;
  const each = el("span", { class: "environments", "aria-hidden": "true" }, [...clients].sort().map((does) => el("span", { class: does })));
  const rows = [
    ["asking", callers + visitors, callers ? "callers" : "customers"],
    ["environments, a connection each", pooler && clients.length,
      `at PgBouncer: ${doing("busy")} busy, ${doing("waits")} waiting, ${doing("idle")} idle`, each],
    ["PgBouncer's connections", pooler?.servers, "at Postgres"],
    ["of them busy", postgres?.active, "now"],
  ];
  fill(pictures.pool, el("dl", { class: "bars" }, rows.map(([name, value, where, drawn]) => [
    el("dt", {}, name), el("dd", {}, drawn ?? bar(value ?? 0, 200), el("span", {}, Number.isInteger(value) ? `${value} ${where}` : "does not answer"))])));
}

const bar = (value, most) => svg("svg", { viewBox: "0 0 200 10", class: "bar", "aria-hidden": "true", preserveAspectRatio: "none" },
  svg("rect", { width: Math.max(value ? 2 : 0, (200 * Math.min(value, most)) / most), height: 10 }));

const seconds = (milliseconds) => `${Math.round(milliseconds / 1000)} s`;

function cache(entry) {
  const name = product ? product.name : "no product";
  const filling = entry?.filling_ms > 0;
  const fresh = entry?.kind && entry.fresh_ms > 0;
  const stale = entry?.kind && !fresh && entry.stale_ms > 0;
  const words = entry === null || entry === undefined ? "Redis does not answer."
    : filling ? "One reader is filling it; the others wait or get what is there."
    : fresh ? `Version ${entry.version}, fresh for ${seconds(entry.fresh_ms)} more, and then stale for ${seconds(entry.lasts_ms)}.`
    : stale ? `Version ${entry.version}, stale for ${seconds(entry.stale_ms)} more: served while one refreshes it.`
    : "Not in the cache.";
  // One of a hundred readers draws -ln(u) above 4.6, and begins the next fill so many times the last one's cost early.
  const early = fresh ? `Its fill took ${entry.cost_ms} ms: in the last ${ms(4.6 * entry.cost_ms)} one of a hundred readers or more refreshes it early.` : "";
  const floor = entry?.floor ? `Version floor: nothing older than ${entry.floor} may be stored.` : "";
  const whole = 2 * (entry?.lasts_ms ?? 0);
  const share = whole ? ((entry.kind && entry.stale_ms) || 0) / whole : 0;
  fill(pictures.cache, el("p", {}, el("b", {}, name)), life(share, whole ? (4.6 * entry.cost_ms) / whole : 0), el("p", { id: "entry" }, words),
    early && el("p", { class: "soft", id: "early" }, early), floor && el("p", { class: "soft", id: "floor" }, floor));
}

/** An entry's life, stale on the left and fresh on the right: what is left of it, and where readers begin to refresh early. */
const life = (left, early) => svg("svg", { viewBox: "0 0 200 10", class: "bar life", "aria-hidden": "true", preserveAspectRatio: "none" },
  svg("rect", { width: 200 * Math.min(1, left), height: 10 }), svg("rect", { class: "early", x: 100, width: Math.max(1, Math.min(100, 200 * early)), height: 10 }));

function breaker(state, waiting) {
  const orders = [
    el("p", { id: "orders-waiting" }, waiting === undefined ? "Postgres does not answer." : `${waiting} orders of all customers wait for their next step.`),
    el("ul", { id: "deferred" }, [...deferred.values()].slice(-3).map(({ total, at, status, now }) =>
      el("li", {}, `Yours of ${money(total)}: deferred ${at}${status === "deferred" ? "" : `, ${status.replace("_", " ")} ${now}`}`))),
  ];
  if (!state) return fill(pictures.breaker, el("p", {}, "Redis does not answer: each environment decides for itself."), orders);
  const phase = state.forced === "auto" ? state.phase : state.forced;
  const place = (name, label, x) => svg("g", { class: phase === name ? "state on" : "state" },
    svg("rect", { x, y: 4, width: 84, height: 32, rx: 16 }), svg("text", { x: x + 42, y: 24, "text-anchor": "middle" }, label));
  const words = state.forced !== "auto" ? `Forced ${state.forced} by an operator.`
    : state.phase === "open" ? `Opened for ${Math.round(state.opened_for_ms / 1000)} s; probes in ${Math.ceil(state.probes_in_ms / 1000)} s.`
    : state.phase === "half_open" ? `${state.probing} probes under way, ${state.succeeded} succeeded.`
    : `${state.calls} calls lately, ${state.failed} failed, ${state.slow} slow; ${state.streak} failures in a row.`;
  fill(pictures.breaker, svg("svg", { viewBox: "0 0 300 40", role: "img", "aria-label": `The breaker is ${phase.replace("_", "-")}` },
    place("closed", "closed", 2), place("open", "open", 108), place("half_open", "half-open", 214)), el("p", { id: "phase" }, words), orders);
}

/** Keeps of the visitor's orders those that were deferred, and when they became something else. */
function follow(orders) {
  const time = new Date().toLocaleTimeString();
  for (const { id, status, total } of orders) {
    const known = deferred.get(id);
    if (!known && status === "deferred") deferred.set(id, { total, at: time, status, now: time });
    else if (known && known.status !== status) Object.assign(known, { status, now: time });
  }
}

/** What an answer says of the limiter. A call that was refused is charged to no policy. */
function count({ who, quotas, retry, status }) {
  if (!quotas.length) return;
  for (const quota of quotas) {
    const key = `${who} ${quota.policy}`;
    if (!windows.has(key)) windows.set(key, new Window());
    windows.get(key).told(Date.now(), { ...quota, allowed: status !== 429 });
  }
  const { policy } = quotas.reduce((least, quota) => (quota.remaining < least.remaining ? quota : least));
  present = { who, policy, window: windows.get(`${who} ${policy}`), until: status === 429 ? Date.now() + retry * 1000 : 0 };
}

/** Between two requests the window empties, bucket by bucket. */
function limiter() {
  if (!present) return fill(pictures.limiter, el("p", {}, "Ask for something first."));
  const { who, policy, window, until } = present;
  const now = Date.now();
  const { used, first, last } = window.read(now);
  const wait = Math.ceil((until - now) / 1000);
  const left = (milliseconds) => `${Math.ceil(milliseconds / 1000)} s`;
  fill(pictures.limiter, el("p", { class: "soft" }, `“${policy}”, ${who ? `as ${who.toLowerCase()}` : "by address"}`), bar(used, window.limit),
    el("p", { id: "window" }, wait > 0 ? `Refused; the next call passes in ${wait} s.`
      : used ? `${used} of ${window.limit} used; the oldest of them leave in ${left(first)}, the last in ${left(last)}.`
      : `None of ${window.limit} used.`));
}

const said = (id) => el("p", { id, role: "status", class: "soft" });

/** A button that runs something and says what came of it. */
function run(words, line, work) {
  return el("button", { class: "plain", click: async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    line.textContent = "…";
    line.textContent = await work().catch((error) => error.message);
    button.disabled = false;
  } }, words);
}

const actions = {
  queries() {
    const line = said("queries-said");
    const draw = ({ one, many, lines }) => {
      fill(pictures.queries, el("dl", { class: "bars" },
        [["one statement", one], ["1 + orders + items", many]].map(([name, { statements, ms: took }]) => [
          el("dt", {}, name), el("dd", {}, bar(took, Math.max(one.ms, many.ms)), el("span", {}, `${statements} statements, ${ms(took)}`))])));
      return `The same ${lines} lines: ${many.statements} round trips or one.`;
    };
    fill(pictures.queries, el("p", {}, "Not run yet."));
    return el("div", {}, run("Run both", line, async () => draw(await ask("POST", "/try/queries"))), line);
  },
  cache() {
    const line = said("cache-said");
    const tell = ({ readers, answered, fills, stale, waited, hits, statements }) =>
      `${answered} of ${readers} were answered: ${fills} filled, ${stale} got what was stale, ${waited} waited for that fill, ` +
      `${hits - stale - waited} hits; ${statements} statements.`;
    return el("div", { class: "buttons" },
      ...[["Fifty readers meet its end", "ended"], ["… just before its end", "ending"], ["… when it was evicted", "evicted"]].map(([words, entry]) =>
        run(words, line, async () => {
          const { id } = await someProduct();
          return tell(await ask("POST", "/try/readers", { product: id, entry }));
        })),
      run("Update it, then fifty readers", line, async () => {
        const looked = await someProduct();
        const updated = await reprice(looked, looked.price.amount + 1);
        if (!updated.ok) throw new Error("The update was refused; why stands under What happened.");
        const seen = await ask("POST", "/try/readers", { product: looked.id, entry: "left", at_least: updated.body.version });
        return `${seen.older} of ${seen.answered} readers got what was before the update.`;
      }), line, el("p", { class: "soft" }, "At its end and after an eviction Postgres is made to take 200 ms, so that all fifty meet the one fill."));
  },
  limiter() {
    const line = said("limiter-said");
    return el("div", {}, run("Ask until refused", line, async () => {
      const { id } = await someProduct();
      for (let asked = 1; asked <= 250; asked += 1) {
        const answer = await call("GET", `/api/products/${id}`);
        if (answer.status === 429) return `Refused at call ${asked}. ${answer.body?.detail ?? ""}`;
        if (answer.status === 0 || answer.status >= 500) return `Call ${asked} was answered ${answer.status || "nothing"}.`;
      }
      return "250 calls passed: the limit is higher than that.";
    }), line);
  },
};
