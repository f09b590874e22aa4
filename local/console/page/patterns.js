// The five patterns, each with a small live picture, one sentence, and where it is written.

import { $, el, fill, ms, svg } from "./dom.js";
import { ask, on } from "./desk.js";
import { call, onRequest } from "./api.js";
import { onProduct, reprice, someProduct } from "./shop.js";

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
let windowed = null;

export function begin() {
  fill($("#cards"), CARDS.map(([id, title, sentence, code, docs]) => {
    pictures[id] = el("div", { class: "picture", id: `picture-${id}` });
    return el("article", { id: `card-${id}`, "aria-labelledby": `title-${id}` },
      el("h3", { id: `title-${id}` }, title), el("p", {}, sentence), pictures[id], actions[id]?.() ?? null,
      el("p", { class: "soft" }, source(code), " · ", source(docs)));
  }));
  onProduct((looked) => (product = looked));
  onRequest((request) => {
    if (request.remaining !== null) windowed = { ...request, at: performance.now() };
  });
  on("state", show);
  setInterval(limiter, 250);
}

const source = (path) => el("a", { href: `/source?path=${path}`, target: "_blank", rel: "noopener" }, path);

function show(state) {
  pool(state);
  cache(state.entry);
  breaker(state.breaker);
}

function pool({ postgres, pooler, callers, visitors }) {
  const rows = [
    ["asking", callers + visitors, callers ? "callers" : "customers"],
    ["environments' connections", pooler?.clients, "at PgBouncer"],
    ["PgBouncer's connections", pooler?.servers, "at Postgres"],
    ["of them busy", postgres?.active, "now"],
  ];
  fill(pictures.pool, el("dl", { class: "bars" }, rows.map(([name, value, where]) => [
    el("dt", {}, name), el("dd", {}, bar(value ?? 0, 200), el("span", {}, value === undefined ? "does not answer" : `${value} ${where}`))])));
}

const bar = (value, most) => svg("svg", { viewBox: "0 0 200 10", class: "bar", "aria-hidden": "true", preserveAspectRatio: "none" },
  svg("rect", { width: Math.max(value ? 2 : 0, (200 * Math.min(value, most)) / most), height: 10 }));

function cache(entry) {
  const name = product ? product.name : "no product";
  const filling = entry?.filling_ms > 0;
  const words = entry === null || entry === undefined ? "Redis does not answer."
    : filling ? "One reader is filling it; the others wait or get what is there."
    : entry.kind && entry.fresh_ms > 0 ? `Version ${entry.version}, fresh for ${Math.round(entry.fresh_ms / 1000)} s more.`
    : entry.kind && entry.stale_ms > 0 ? `Version ${entry.version}, stale: served while one refreshes it.`
    : entry.floor ? `Nothing older than version ${entry.floor} may be stored.` : "Not in the cache.";
  const share = Math.min(1, (entry?.fresh_ms ?? 0) / 300000);
  fill(pictures.cache, el("p", {}, el("b", {}, name)), bar(share * 200, 200), el("p", { id: "entry" }, words));
}

function breaker(state) {
  if (!state) return fill(pictures.breaker, el("p", {}, "Redis does not answer: each environment decides for itself."));
  const phase = state.forced === "auto" ? state.phase : state.forced;
  const place = (name, label, x) => svg("g", { class: phase === name ? "state on" : "state" },
    svg("rect", { x, y: 4, width: 84, height: 32, rx: 16 }), svg("text", { x: x + 42, y: 24, "text-anchor": "middle" }, label));
  const words = state.forced !== "auto" ? `Forced ${state.forced} by an operator.`
    : state.phase === "open" ? `Opened for ${Math.round(state.opened_for_ms / 1000)} s; probes in ${Math.ceil(state.probes_in_ms / 1000)} s.`
    : state.phase === "half_open" ? `${state.probing} probes under way, ${state.succeeded} succeeded.`
    : `${state.calls} calls lately, ${state.failed} failed, ${state.slow} slow; ${state.streak} failures in a row.`;
  fill(pictures.breaker, svg("svg", { viewBox: "0 0 300 40", role: "img", "aria-label": `The breaker is ${phase.replace("_", "-")}` },
    place("closed", "closed", 2), place("open", "open", 108), place("half_open", "half-open", 214)), el("p", { id: "phase" }, words));
}

/** Between two requests the window empties, and the last answer said how fast. */
function limiter() {
  if (!windowed) return fill(pictures.limiter, el("p", {}, "Ask for something first."));
  const { limit, remaining, resets, retry, at } = windowed;
  const passed = (performance.now() - at) / 1000;
  const left = Math.max(0, Math.ceil((Number.isNaN(resets) ? 60 : resets) - passed));
  const wait = retry === null ? 0 : Math.max(0, Math.ceil(retry - passed));
  const used = left === 0 ? 0 : limit - remaining;
  fill(pictures.limiter, bar((used / limit) * 200, 200), el("p", { id: "window" },
    wait ? `Refused; the next call passes in ${wait} s.` : `${used} of ${limit} used; by now all of it is free again in ${left} s.`));
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
    const tell = ({ readers, answered, fills, waited, hits, statements }) =>
      `${answered} of ${readers} were answered: ${fills} filled, ${waited} waited for that fill, ${hits} hits; ${statements} statements.`;
    return el("div", { class: "buttons" },
      run("Fifty readers meet its end", line, async () => {
        const { id } = await someProduct();
        return tell(await ask("POST", "/try/readers", { product: id, empty: true }));
      }),
      run("Update it, then fifty readers", line, async () => {
        const looked = await someProduct();
        const updated = await reprice(looked, looked.price.amount + 1);
        if (!updated.ok) throw new Error("The update was refused; why stands under What happened.");
        const seen = await ask("POST", "/try/readers", { product: looked.id, empty: false, at_least: updated.body.version });
        return `${seen.older} of ${seen.answered} readers got what was before the update.`;
      }), line);
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
