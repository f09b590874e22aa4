// The customer's orders: how each stands, in words; one of them whole; and how they go on by themselves.

import { $, el, fill, money } from "./dom.js";
import { ask, on } from "./desk.js";
import { callAs, enter, isIn } from "./session.js";

/** What each status means to its customer: all that the contract has. */
const STATUSES = {
  charging: "Placed. It is being charged, or was and the answer is not known yet: that is asked for, by itself.",
  deferred: "Placed. It is charged later, by itself.",
  action_required: "Placed. Your bank wants to know whether it is you.",
  paid: "Paid.",
  failed: "Declined: nothing was charged.",
  cancelling: "It is cancelled as soon as the provider confirms that nothing was charged.",
  cancelled: "Cancelled: no charge stands.",
  refund_pending: "Paid, and the money is on its way back.",
  refunded: "Paid back.",
};
/** Why a charge was put off, where the answer says so. */
const WAITS_FOR = {
  provider: "Placed. The payment provider seems to be away: it is charged later, by itself.",
  providers_limit: "Placed. The payment provider takes no more calls just now: it is charged later, by itself.",
};
/** Nothing happens to these by itself. */
const FINAL = ["paid", "failed", "cancelled", "refunded"];
const CANCELLABLE = ["deferred", "action_required"];
/** For so long nobody looks again, however much is told: a minute has a hundred requests. */
const PAUSE = 2000;

const watchers = [];
let listed = [];
/** The order that was placed last, and the one that is shown whole. */
let placed = null;
let shown = null;
let planned = null;

/** Calls `listener` with the orders each time they were looked at. */
export const onOrders = (listener) => watchers.push(listener);

/** Work that no request waits for may have brought an order forward. */
export function begin() {
  on("worked", () => {
    if (listed.every(({ status }) => FINAL.includes(status))) return;
    planned ??= setTimeout(() => {
      planned = null;
      orders();
    }, PAUSE);
  });
}

/** The customer's latest orders. */
export async function orders() {
  if (!isIn("CUSTOMER")) return;
  const answer = await callAs("CUSTOMER", "GET", "/api/orders?limit=5");
  if (!answer.ok) return fill($("#orders"), problem(answer));
  listed = answer.body.orders;
  const focused = document.activeElement?.id;
  fill($("#orders"), el("h3", {}, "Orders ", el("button", { class: "plain", id: "look-again", click: orders }, "Look again")),
    el("ul", {}, listed.map(row)));
  // What was just about to be pressed is another button now.
  if (focused) document.getElementById(focused)?.focus();
  for (const watcher of watchers) watcher(listed);
  const status = (order) => listed.find(({ id }) => id === order?.id)?.status ?? order?.status;
  if (placed && status(placed) !== placed.status) outcome({ order_id: placed.id, status: status(placed), charge: {} });
  if (shown && status(shown) !== shown.status) await show(shown.id);
}

function row({ id, status, total, items }) {
  const what = `${money(total)}: ${items.map((item) => `${item.quantity} × ${item.name}`).join(", ")}`;
  return el("li", { "data-order": id, "data-status": status },
    el("b", { title: STATUSES[status] }, status.replace("_", " ")), ` ${what} `,
    el("button", { class: "plain", id: `show-${id}`, "aria-label": `Show the order of ${what}`, click: () => show(id) }, "Show"), " ",
    CANCELLABLE.includes(status)
      ? el("button", { class: "plain", id: `cancel-${id}`, "aria-label": `Cancel the order of ${what}`, click: () => cancel(id) }, "Cancel")
      : null);
}

/** Says what came of a purchase, and keeps saying how the order stands. */
export function outcome({ order_id: id, status, charge }) {
  placed = { id, status };
  const words = (status === "deferred" && WAITS_FOR[charge.waits_for]) || STATUSES[status] || `The order is ${status}.`;
  if (status !== "action_required" || !charge.client_secret) {
    return fill($("#outcome"), el("p", { class: status === "failed" ? "bad" : "good" }, words));
  }
  const settle = (succeeds) => () => ask("POST", "/authenticate", { client_secret: charge.client_secret, succeeds });
  fill($("#outcome"), el("p", {}, `${words} `,
    el("button", { click: settle(true) }, "It is me"), " ", el("button", { class: "plain", click: settle(false) }, "It is not")));
}

async function cancel(id) {
  const answer = await callAs("CUSTOMER", "POST", `/api/orders/${id}/cancel`);
  await orders();
  if (!answer.ok) return $("#orders").prepend(problem(answer));
  // The list leaves out what is cancelled, so nothing else would tell.
  outcome({ order_id: id, status: answer.body.status, charge: {} });
  if (shown?.id === id) await show(id);
}

/** One order, as its customer may see it. What happened to it only an administrator may see. */
async function show(id) {
  const answer = await callAs("CUSTOMER", "GET", `/api/orders/${id}`);
  if (!answer.ok) return fill($("#order"), problem(answer));
  const { status, created_at, total, items, charge, deadline } = answer.body;
  const history = shown?.id === id && shown.history;
  shown = { id, status, history };
  const facts = [
    ["Status", `${status.replace("_", " ")}: ${STATUSES[status]}`], ["Placed", new Date(created_at).toLocaleString()],
    ["Charge", [charge.status.replace("_", " "), charge.decline_code].filter(Boolean).join(": ")],
    ["Waits until", deadline && new Date(deadline).toLocaleString()],
    ["Given back", charge.refunded && money({ amount: charge.refunded, currency: total.currency })],
    ["Disputed", charge.disputed && "with the bank"], ["Total", money(total)],
  ].filter(([, what]) => what);
  const story = el("div", {});
  const open = async () => {
    shown.history = true;
    await tell(id, story);
  };
  const close = () => {
    shown = null;
    fill($("#order"));
    document.getElementById(`show-${id}`)?.focus();
  };
  fill($("#order"), el("article", { "aria-labelledby": "order-title" },
    el("h3", { id: "order-title", tabindex: -1 }, `Order ${id.slice(0, 8)}… `,
      el("button", { class: "plain", "aria-label": "Close the order", click: close }, "Close")),
    el("ul", {}, items.map(({ quantity, name, unit_price: price }) => el("li", {}, `${quantity} × ${name}, ${money(price)} each`))),
    el("dl", { class: "facts" }, facts.map(([name, what]) => [el("dt", {}, name), el("dd", {}, what)])),
    el("button", { class: "plain", click: open }, "Its history, as the administrator"), story));
  if (history) await open();
}

/** What happened to an order, the oldest first. */
async function tell(id, story) {
  await enter("ADMIN");
  const answer = await callAs("ADMIN", "GET", `/api/admin/orders/${id}`);
  if (!answer.ok) return fill(story, problem(answer));
  const { history, total } = answer.body;
  fill(story, el("ol", { id: "history" }, history.map(({ at, event, amount, note }) =>
    el("li", {}, [`${new Date(at).toLocaleTimeString()} ${event.replaceAll("_", " ")}`,
      amount && money({ amount, currency: total.currency }), note].filter(Boolean).join(", ")))));
}

/** What went wrong, in the API's own words. */
export function problem({ status, body }) {
  const words = status === 0 ? "There was no answer." : (body?.detail ?? body?.title ?? body?.message ?? String(body));
  return el("p", { class: "bad", role: "alert" }, `${status || ""} ${words}`);
}
