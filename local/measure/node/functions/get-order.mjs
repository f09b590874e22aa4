// GET /api/orders/{id}
import findSql from '../../../../shared/src/orders/find.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { json, notFound } from '../lib/http.mjs'
import { charge, summary } from '../lib/orders.mjs'
import { serve } from '../runtime.mjs'

const find = statement('orders.find', findSql)

async function getOrder(request) {
  const { sub } = request.user()
  const [order] = await find(request.pathId, sub)
  if (!order) throw notFound('order')
  return json(200, { ...summary(order), charge: charge(order) })
}

serve(endpoint('GET /api/orders/{id}', getOrder))
