// The limiter's sliding window, as shared/src/rate_limit/window.rs has it: what empties, and when, between two answers.

const BUCKETS = 12;
const WIDTH = 60_000 / BUCKETS;

/** The calls of one caller under one policy. Moments are milliseconds since 1970, as the limiter counts them too. */
export class Window {
  /** The limit that the last answer named. */
  limit = 0;
  /** How many calls count, by the number of the bucket in which they were made. The oldest counts in full. */
  #buckets = new Map();

  /** Takes in what an answer said: how many calls count, and in how many seconds the oldest of them leave. */
  told(now, { limit, remaining, resets, allowed }) {
    this.limit = limit;
    if (allowed) this.#add(Math.floor(now / WIDTH), 1);
    const unknown = limit - remaining - this.read(now).used;
    // Calls that this page has not made: of them is known when the first of them leave.
    if (unknown > 0) this.#add(Math.floor(Math.min(now, now + resets * 1000 - (BUCKETS + 1) * WIDTH) / WIDTH), unknown);
    for (let gone = -unknown; gone > 0; gone -= 1) this.#add(Math.min(...this.#buckets.keys()), -1);
  }

  /** How many calls count, in how many milliseconds the oldest of them leave, and the last. */
  read(now) {
    for (const number of this.#buckets.keys()) if (leaves(number) <= now) this.#buckets.delete(number);
    const numbers = [...this.#buckets.keys()];
    const used = [...this.#buckets.values()].reduce((sum, count) => sum + count, 0);
    return used === 0 ? { used, first: 0, last: 0 }
      : { used, first: leaves(Math.min(...numbers)) - now, last: leaves(Math.max(...numbers)) - now };
  }

  #add(number, count) {
    const sum = (this.#buckets.get(number) ?? 0) + count;
    if (sum > 0) this.#buckets.set(number, sum);
    else this.#buckets.delete(number);
  }
}

/** When a bucket has left the window. */
const leaves = (number) => (number + BUCKETS + 1) * WIDTH;
