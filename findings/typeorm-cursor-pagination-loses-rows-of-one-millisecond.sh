#!/usr/bin/env bash
# Expected: typeorm-cursor-pagination, told to page by a time and then by the id, shows each row once.
# Seen: its cursor holds the time in milliseconds, as JavaScript's Date does, and Postgres' has microseconds. Ten rows
# of one moment, as one INSERT with now() writes them, end after the first page when sorted down; sorted up, the second
# page is the first again.
# Versions: npm typeorm-cursor-pagination 0.10.1, typeorm 0.3.31, typeorm-pglite 0.3.4, @electric-sql/pglite 0.5.17
# (Postgres 18 in WebAssembly), reflect-metadata 0.2.2. Run on 2026-11-29.
# Concerns whoever lists products or orders by the time of their creation: an import's are not found on any page.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
npm install --silent --no-audit --no-fund --prefix "$t" typeorm-cursor-pagination@0.10.1 typeorm@0.3.31 \
  typeorm-pglite@0.3.4 @electric-sql/pglite@0.5.17 reflect-metadata@0.2.2 >/dev/null
cat >"$t/run.mjs" <<'J'
import 'reflect-metadata';
import { DataSource, EntitySchema } from 'typeorm';
import { buildPaginator } from 'typeorm-cursor-pagination';
import { PGliteDriver } from 'typeorm-pglite';
class Product {}
// What TypeScript's decorators say of a class.
Reflect.defineMetadata('design:type', Number, Product.prototype, 'id');
Reflect.defineMetadata('design:type', Date, Product.prototype, 'created');
const columns = { id: { type: 'int', primary: true }, created: { type: 'timestamptz' } };
const products = new EntitySchema({ name: 'Product', target: Product, tableName: 'products', columns });
const { driver } = new PGliteDriver();
const source = new DataSource({ type: 'postgres', driver, entities: [products], synchronize: true });
await source.initialize();
for (const [name, created] of [['.123456', '.123456'], ['.123000', '.123']]) {
  await source.query('truncate products');
  await source.query(`insert into products select n, '2026-11-29 10:00:00${created}Z' from generate_series(1, 10) n`);
  for (const order of ['DESC', 'ASC']) {
    const pages = [];
    let afterCursor;
    do {
      const query = { limit: 4, order, afterCursor };
      const settings = { entity: Product, alias: 'product', paginationKeys: ['created', 'id'], query };
      const rows = source.getRepository(Product).createQueryBuilder('product');
      const { data, cursor } = await buildPaginator(settings).paginate(rows);
      pages.push(data.map(({ id }) => id).join(' ') || 'none');
      afterCursor = cursor.afterCursor;
    } while (afterCursor && pages.length < 3);
    console.log(`${name} ${order}: ${pages.join(' | ')}`);
  }
}
process.exit();
J
seen=$(timeout 60 node "$t/run.mjs")
echo "$seen"
[ "$seen" = '.123456 DESC: 10 9 8 7 | none
.123456 ASC: 1 2 3 4 | 1 2 3 4 | 1 2 3 4
.123000 DESC: 10 9 8 7 | 6 5 4 3 | 2 1
.123000 ASC: 1 2 3 4 | 5 6 7 8 | 9 10' ] || { echo "changed: pages hold other rows"; exit 1; }
