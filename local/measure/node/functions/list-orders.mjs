// GET /api/orders
import listSql from '../../../../shared/src/orders/list.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { badRequest, json } from '../lib/http.mjs'
import { cursor, parseCursor, START, summary } from '../lib/orders.mjs'
import { serve } from '../runtime.mjs'

const PAGE = 20

const list = statement('orders.list', listSql)

async function listOrders(request) {
  const { sub } = request.user()
  const after = request.query('cursor')
  const start = after === null ? START : parseCursor(after)
  if (!start) throw badRequest('cursor', 'must be the next_cursor of the page before')
  const limit = request.number('limit', 1, PAGE, PAGE)
  // One more than asked for tells whether there is a next page.
  const rows = await list(sub, start.created_at, start.id, limit + 1, null)
  const orders = rows.slice(0, limit)
  return json(200, { orders: orders.map(summary), next_cursor: rows.length > limit ? cursor(orders.at(-1)) : null })
}

serve(endpoint('GET /api/orders', listOrders))
