// POST /api/orders/{id}/cancel
import { randomUUID } from 'node:crypto'
import cancelSql from '../../../../shared/src/checkout/cancel.sql'
import findSql from '../../../../shared/src/orders/find.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { conflict, json, notFound } from '../lib/http.mjs'
import { orderAnswer } from '../lib/orders.mjs'
import { provider, stripe } from '../lib/payments.mjs'
import { settle } from '../lib/settle.mjs'
import { serve } from '../runtime.mjs'

const LEASE_SECONDS = 30
const CANCELLED = ['cancelling', 'cancelled', 'refund_pending', 'refunded']

const cancel = statement('checkout.cancel', cancelSql)
const find = statement('orders.find', findSql)

async function cancelOrder(request) {
  const { sub } = request.user()
  const id = request.pathId
  const owner = randomUUID()
  const [order] = await cancel(id, sub, owner, LEASE_SECONDS)
  const answer = order ? await cancelCharge(order, owner) : await alreadyCancelled(id, sub)
  return json(['cancelled', 'refunded'].includes(answer.status) ? 200 : 202, answer, { location: `/api/orders/${answer.order_id}` })
}

async function cancelCharge({ id, total, currency, intent_id }, owner) {
  const call = async () => {
    if (intent_id) await stripe.paymentIntents.cancel(intent_id)
    return 'cancelled'
  }
  const status = await provider(call, () => 'cancelling')
  const answer = orderAnswer({ id, status, total, currency })
  await settle({ id, owner, answer })
  return answer
}

async function alreadyCancelled(id, user) {
  const [order] = await find(id, user)
  if (!order) throw notFound('order')
  if (!CANCELLED.includes(order.status)) throw conflict(`The order is ${order.status} and cannot be cancelled.`)
  return orderAnswer(order)
}

serve(endpoint('POST /api/orders/{id}/cancel', cancelOrder))
