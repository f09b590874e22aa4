// The switches. Each says what it did; one button puts all of them back.

import { $, el, fill } from "./dom.js";
import { ask, on } from "./desk.js";

const SERVICES = { payments: "Payment provider", redis: "Redis", sqs: "SQS", pgbouncer: "PgBouncer", postgres: "Postgres" };
const PROVIDER = { healthy: "does well", slow: "takes 3 s longer", failing: "fails", declining: "declines every card" };
const BREAKER = { auto: "decides itself", open: "forced open", closed: "forced closed" };

const services = {};
let choices = {};
/** One after the other, as they were pulled: the last one is what stands in the end. */
let latest = Promise.resolve();

/** Sets a switch and shows what was said. */
export const pull = (order) => inTurn("…", "/switch", order);

export const putBack = () => inTurn("Putting everything back …", "/back");

function inTurn(meanwhile, path, order) {
  latest = latest.then(async () => {
    say(meanwhile);
    try {
      say((await ask("POST", path, order)).said);
    } catch (error) {
      say(error.message);
    }
  });
  return latest;
}

const say = (words) => ($("#said").textContent = words);

export function begin() {
  $("#put-back").addEventListener("click", putBack);
  for (const [name, words] of Object.entries(SERVICES)) {
    services[name] = el("button", {
      class: "lever", role: "switch", "aria-checked": "true", "data-service": name,
      click: ({ currentTarget }) => pull({ switch: "service", service: name, on: currentTarget.getAttribute("aria-checked") !== "true" }),
    }, words);
  }
  const choice = (id, words, options, order) => {
    const select = el("select", { id, change: () => pull(order(select.value)) },
      Object.entries(options).map(([value, name]) => el("option", { value }, name)));
    return [el("label", { for: id }, words), select];
  };
  const slider = (id, words, most, step, order) => {
    const shown = el("output", { for: id }, "0");
    const input = el("input", { id, type: "range", min: 0, max: most, step, value: 0,
      input: () => (shown.textContent = input.value), change: () => pull(order(Number(input.value))) });
    return [el("label", { for: id }, words), input, shown];
  };
  fill($("#levers"),
    el("div", { class: "levers", role: "group", "aria-label": "Services" }, Object.values(services)),
    el("div", { class: "choices" },
      choice("provider", "The provider", PROVIDER, (mode) => ({ switch: "provider", mode })),
      choice("breaker", "The breaker", BREAKER, (order) => ({ switch: "breaker", order })),
      slider("visitors", "Customers in the shop", 500, 10, (number) => ({ switch: "visitors", number })),
      slider("callers", "Callers who never pause", 200, 10, (number) => ({ switch: "callers", number }))));
  choices = { provider: $("#provider"), breaker: $("#breaker"), visitors: $("#visitors"), callers: $("#callers") };
  on("state", show);
}

function show(state) {
  for (const [name, lever] of Object.entries(services)) {
    lever.hidden = !(name in state.services);
    lever.setAttribute("aria-checked", String(Boolean(state.services[name])));
  }
  set(choices.provider, state.switches.provider);
  set(choices.breaker, state.switches.breaker);
  for (const name of ["visitors", "callers"]) {
    set(choices[name], String(state[name]));
    choices[name].nextElementSibling.textContent = choices[name].value;
  }
}

/** What somebody is just choosing stays as it is. */
function set(control, value) {
  if (document.activeElement !== control && control.value !== value) control.value = value;
}
