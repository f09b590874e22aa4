// What all clients are asked for, and how a call that came out otherwise is told.

import { env } from "node:process";

export const url = setting("API_URL");
export const token = setting("CUSTOMER_TOKEN");
export const known = "01900000-0000-7000-8000-000000000001";
export const unknown = "01900000-0000-7000-8000-ffffffffffff";
export const query =
  "query Product($id: ID!, $limit: Int) { product(id: $id) { name } products(limit: $limit) { id } }";
/** More than any caller may search in a minute. */
export const tooMany = 400;

export function order(payment_method: string, quantity = 1) {
  return { items: [{ product_id: known, quantity }], payment_method };
}

export function equal<T>(found: T, expected: T, what: string): void {
  if (found !== expected) {
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
  }
}

export function setting(name: string): string {
  const value = env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}
