// A small shop that is a client like any other.

import { $, el, fill, money } from "./dom.js";
import { call } from "./api.js";
import { ask } from "./desk.js";
import { orders, outcome, problem } from "./orders.js";
import { callAs, email, enter, isIn, may } from "./session.js";

const CARDS = [
  ["pm_card_visa", "A card that pays"],
  ["pm_card_chargeDeclined", "A card that is declined"],
  ["pm_card_authenticationRequired", "A card that asks its holder first"],
];
/** How long nothing must be typed before it is searched for. */
const PAUSE = 200;

let cart = [];
let shown = null;
const watchers = [];

/** Calls `listener` with the product that is looked at. */
export const onProduct = (listener) => watchers.push(listener);

/** The product that is looked at, or the first there is. */
export async function someProduct() {
  if (!shown) await front();
  if (!shown) throw new Error("the shop shows no product: is it open?");
  return shown;
}

export function begin(start) {
  may(start);
  let typing;
  $("#words").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(search, PAUSE);
  });
  $("#search").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  who();
  basket();
  return front();
}

async function front() {
  const answer = await call("GET", "/api/products/featured");
  list("Featured", answer);
  if (answer.ok && !shown) look(answer.body.products[0]);
}

async function search() {
  const words = $("#words").value.trim();
  if (!words) return front();
  const answer = await call("GET", `/api/search?q=${encodeURIComponent(words)}`);
  if ($("#words").value.trim() === words) list(`Found for “${words}”`, answer);
}

function list(title, answer) {
  if (!answer.ok) return fill($("#shelf"), el("h3", {}, title), problem(answer));
  const products = answer.body.products;
  const rows = products.map((product) =>
    el("li", {}, el("button", { class: "plain", click: () => open(product.id) }, product.name), " ", money(product.price)));
  fill($("#shelf"), el("h3", {}, title), rows.length ? el("ul", { class: "products" }, rows) : el("p", {}, "Nothing was found."));
}

/** Reads a product and shows it. */
export async function open(id) {
  const answer = await call("GET", `/api/products/${id}`);
  if (!answer.ok) return fill($("#shelf"), problem(answer));
  look(answer.body);
  const product = answer.body;
  fill($("#shelf"), el("article", {},
    el("h3", {}, product.name),
    el("p", {}, product.description),
    el("p", { id: "price" }, money(product.price), el("small", {}, ` version ${product.version}`)),
    el("p", { class: "buttons" },
      el("button", { click: () => put(product) }, "Put into the cart"),
      el("button", { class: "plain", click: () => open(id) }, "Read it again"),
      el("button", { class: "plain", click: front }, "Back")),
    el("form", { class: "inline", submit: (event) => (event.preventDefault(), reprice(product)) },
      el("label", { for: "new-price" }, `New price, in minor units of ${product.price.currency}`),
      el("input", { id: "new-price", type: "number", min: 50, max: 99999999, required: true, value: product.price.amount + 100 }),
      el("button", {}, "Change it, as the administrator"))));
}

function look(product) {
  shown = product;
  ask("POST", "/watch", { product: product.id }).catch(() => {});
  for (const watcher of watchers) watcher(product);
}

/** Gives a product another price, and reads it again. Answers what the update answered. */
export async function reprice(product, amount = Number($("#new-price")?.value)) {
  await enter("ADMIN");
  const { name, description, featured, price } = product;
  const body = { name, description, featured, price: { amount, currency: price.currency } };
  const answer = await callAs("ADMIN", "PUT", `/api/products/${product.id}`, { body });
  if (!answer.ok) fill($("#shelf"), problem(answer));
  else await open(product.id);
  return answer;
}

function who() {
  if (isIn("CUSTOMER")) return fill($("#who"), el("p", {}, `Logged in as ${email("CUSTOMER")}.`));
  fill($("#who"), el("p", {}, el("button", { id: "login", click: login }, `Log in as ${email("CUSTOMER") ?? "the demo customer"}`)));
}

export async function login() {
  const entered = await enter("CUSTOMER");
  who();
  if (entered) await orders();
  else fill($("#orders"), el("p", { class: "bad" }, "The log-in failed; what was answered stands under What happened."));
}

export function put(product) {
  cart = [...cart, product];
  basket();
}

function basket() {
  if (!cart.length) return fill($("#cart"));
  const choose = el("select", { id: "card" }, CARDS.map(([id, name]) => el("option", { value: id }, name)));
  fill($("#cart"), el("h3", {}, "Cart"),
    el("ul", {}, cart.map((product, at) => el("li", {}, `${product.name}, ${money(product.price)} `,
      el("button", { class: "plain", "aria-label": `Take ${product.name} out`, click: () => (cart.splice(at, 1), basket()) }, "×")))),
    el("form", { class: "inline", submit: (event) => (event.preventDefault(), buy(choose.value)) },
      el("label", { for: "card" }, "Pay with"), choose, el("button", { id: "buy" }, "Buy")));
}

/** Buys what is in the cart. */
export async function buy(card = CARDS[0][0]) {
  if (!isIn("CUSTOMER")) await login();
  const counted = new Map();
  for (const { id } of cart) counted.set(id, (counted.get(id) ?? 0) + 1);
  const items = [...counted].map(([product_id, quantity]) => ({ product_id, quantity }));
  const answer = await callAs("CUSTOMER", "POST", "/api/checkout", {
    headers: { "idempotency-key": `"${crypto.randomUUID()}"` }, body: { items, payment_method: card },
  });
  if (answer.ok) cart = [];
  basket();
  if (answer.ok) outcome(answer.body);
  else fill($("#outcome"), problem(answer));
  await orders();
  return answer;
}
