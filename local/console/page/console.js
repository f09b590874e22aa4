// Puts the page together.

import { $ } from "./dom.js";
import { from } from "./api.js";
import { ask, listen, on } from "./desk.js";
import * as orders from "./orders.js";
import * as patterns from "./patterns.js";
import * as requests from "./requests.js";
import * as shop from "./shop.js";
import * as switches from "./switches.js";
import * as tour from "./tour.js";

const say = (words) => ($("#connection").textContent = words);

on("open", () => say("connected"));
on("closed", () => say("the local cloud does not answer: ./dev up"));
on("plots", ({ figures }) => {
  // Drawn by the console from numbers, with every name escaped; parsed apart, so that nothing in it could run.
  const drawn = new DOMParser().parseFromString(figures.join(""), "text/html");
  $("#plots").replaceChildren(...drawn.body.children);
});

orders.begin();
requests.begin();
switches.begin();
patterns.begin();
tour.begin();
listen();
ask("GET", "/start")
  .then((start) => {
    from(start.api_url);
    return shop.begin(start);
  })
  .catch((error) => say(error.message));
