// Five steps of a minute each: one pattern each, ending with the file to read.

import { $, el, fill } from "./dom.js";

const STEPS = [
  { card: "pool", title: "Many callers, few connections",
    words: "Move “Callers who never pause” to 200. Environments start, each opens one connection to PgBouncer, and Postgres sees five. " +
      "A statement is one round trip, so that a connection is free again at once.", read: "shared/src/database/mod.rs" },
  { card: "queries", title: "One statement",
    words: "Press “Run both”. The list of orders with items and products is one statement with LATERAL joins; following the objects one " +
      "by one takes a round trip for each.", read: "shared/src/orders/list.sql" },
  { card: "cache", title: "One fill for many readers",
    words: "Press “Fifty readers meet its end”: one of them reads Postgres, the others get what is there meanwhile; where it was evicted, they " +
      "wait for that one. Then “Update it, then fifty readers”: " +
      "nobody gets the older price, because the update takes the right to store away from every fill that began before it.",
    read: "shared/src/cache/lookup.lua" },
  { card: "breaker", title: "A provider that is away",
    words: "Put something into the cart. Switch the payment provider off and buy four times: the orders are placed, and the breaker opens. " +
      "Switch it on again: after its time the breaker lets a probe through, and the orders are paid.", read: "shared/src/breaker/machine.rs" },
  { card: "limiter", title: "A window that slides",
    words: "Press “Ask until refused”. The answer says how long to wait, and that is when the next call passes.",
    read: "shared/src/rate_limit/window.rs" },
];

let at = 0;

export function begin() {
  $("#take-tour").addEventListener("click", () => show(0));
}

function show(step) {
  at = step;
  for (const card of document.querySelectorAll(".toured")) card.classList.remove("toured");
  const { card, title, words, read } = STEPS[at];
  const target = $(`#card-${card}`);
  target.classList.add("toured");
  const last = at === STEPS.length - 1;
  fill($("#tour"),
    el("h2", { id: "tour-title", tabindex: -1 }, `${at + 1} of ${STEPS.length}: ${title}`),
    el("p", {}, words),
    el("p", {}, "Then read ", el("a", { href: `/source?path=${read}`, target: "_blank", rel: "noopener" }, read), "."),
    el("p", { class: "buttons" },
      el("button", { class: "plain", disabled: at === 0, click: () => show(at - 1) }, "Back"),
      el("button", { class: "plain", click: () => target.scrollIntoView({ block: "center" }) }, "Show me where"),
      el("button", { click: last ? end : () => show(at + 1) }, last ? "Done" : "Next")));
  $("#tour").hidden = false;
  $("#tour-title").focus();
}

function end() {
  for (const card of document.querySelectorAll(".toured")) card.classList.remove("toured");
  $("#tour").hidden = true;
  $("#take-tour").focus();
}
