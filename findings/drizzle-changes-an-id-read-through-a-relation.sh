#!/usr/bin/env bash
# Expected: Drizzle gives a column the same value whether its rows are read alone or through a relation (`with`).
# Seen: through a relation, rows travel as JSON, and JSON.parse rounds them before Drizzle makes a BigInt or a text of
# them again: bigint 9007199254740993 is …992, another row's id, and numeric 123456789012345678.10 loses its digits.
# Versions: npm drizzle-orm 0.45.4, @electric-sql/pglite 0.5.17 (Postgres 18 in WebAssembly). Run on 2026-11-29.
# Concerns whoever chose mode "bigint" and numeric to be exact: they are, until a query asks for an order's lines.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" drizzle-orm@0.45.4 @electric-sql/pglite@0.5.17 >/dev/null
cat >"$t/run.mjs" <<'J'
import { PGlite } from '@electric-sql/pglite';
import { relations } from 'drizzle-orm';
import { bigint, integer, numeric, pgTable } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
const orders = pgTable('orders', { id: integer('id').primaryKey() });
const lines = pgTable('lines', {
  id: bigint('id', { mode: 'bigint' }).primaryKey(),
  order: integer('order_id').references(() => orders.id),
  price: numeric('price', { precision: 20, scale: 2 }),
});
const schema = {
  orders, lines,
  linesOfOrders: relations(orders, ({ many }) => ({ lines: many(lines) })),
  ordersOfLines: relations(lines, ({ one }) => ({
    order: one(orders, { fields: [lines.order], references: [orders.id] }),
  })),
};
const client = new PGlite();
await client.exec(`
  create table orders (id int primary key);
  create table lines (id bigint primary key, order_id int references orders, price numeric(20, 2));
  insert into orders values (1);
  insert into lines values (9007199254740993, 1, 123456789012345678.10), (9007199254740995, 1, 1.10);
`);
const database = drizzle(client, { schema });
const shown = (name, rows) => {
  for (const { id, price } of rows) console.log(name, typeof id, String(id), typeof price, price);
};
shown('alone', await database.query.lines.findMany({ orderBy: lines.id }));
const [order] = await database.query.orders.findMany({ with: { lines: { orderBy: lines.id } } });
shown('through a relation', order.lines);
await client.close();
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$seen" = 'alone bigint 9007199254740993 string 123456789012345678.10
alone bigint 9007199254740995 string 1.10
through a relation bigint 9007199254740992 string 123456789012345680
through a relation bigint 9007199254740996 string 1.1' ] || { echo "changed: relations are read otherwise"; exit 1; }
