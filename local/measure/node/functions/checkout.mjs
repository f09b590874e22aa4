// POST /api/checkout
import { createHash, randomUUID } from 'node:crypto'
import { v7 as newId } from 'uuid'
import placeSql from '../../../../shared/src/checkout/place.sql'
import { statement } from '../lib/database.mjs'
import { endpoint } from '../lib/endpoint.mjs'
import { badRequest, conflict, invalid, json, Problem, unauthorized } from '../lib/http.mjs'
import { orderAnswer } from '../lib/orders.mjs'
import { provider, stripe } from '../lib/payments.mjs'
import { API, CHECKOUT } from '../lib/rate-limit.mjs'
import { isId } from '../lib/request.mjs'
import { settle } from '../lib/settle.mjs'
import { serve } from '../runtime.mjs'

const LEASE_SECONDS = 30
const MOST_LINES = 50
const MOST_UNPAID_ORDERS = 20
const MOST_UNPAID_PIECES = 2000
const DEADLINE_MS = 86_400_000
// What the provider charges, of the one currency that is measured.
const [CURRENCIES, SMALLEST, LARGEST, MULTIPLES] = [['usd'], [50], [99_999_999], [1]]

const place = statement('checkout.place', placeSql)

async function checkout(request) {
  const { sub } = request.user()
  const key = idempotencyKey(request.headers['idempotency-key'])
  const cart = parseCart(request.json())
  const digest = createHash('sha256').update(request.body).digest('hex')
  const [id, owner] = [newId(), randomUUID()]
  const products = cart.items.map(({ product_id }) => product_id)
  const quantities = cart.items.map(({ quantity }) => quantity)
  const [row] = await place(
    id, sub, key, digest, products, quantities, cart.payment_method, 'charging', LEASE_SECONDS, false, owner,
    CURRENCIES, SMALLEST, LARGEST, MULTIPLES, new Date(Date.now() + DEADLINE_MS).toISOString(), null, null,
    MOST_UNPAID_ORDERS, MOST_UNPAID_PIECES, null, null,
  )
  if (!row.placed) return respond(repeated(row, digest))

  const { status, intent, ...charge } = await pay(id, row, cart.payment_method)
  const answer = orderAnswer({ id, status, total: row.amount, currency: row.currency, ...charge })
  await settle({ id, owner, answer, intent })
  return respond(answer)
}

/** Creates the payment and confirms it, in one call; an order whose provider is away is charged later. */
async function pay(order, { amount, currency }, paymentMethod) {
  const intent = {
    amount,
    currency,
    payment_method: paymentMethod,
    payment_method_types: ['card'],
    confirm: true,
    metadata: { order_id: order },
  }
  try {
    const created = () => stripe.paymentIntents.create(intent, { idempotencyKey: `order:${order}` })
    const { id, status, latest_charge } = await provider(created, () => ({ status: 'deferred' }))
    if (status !== 'succeeded') return { status: 'deferred', intent: id }
    return { status: 'paid', intent: id, charge_id: latest_charge, charge_status: 'succeeded' }
  } catch (error) {
    if (error.type !== 'StripeCardError') throw error
    const { payment_intent, charge, decline_code, code } = error
    return {
      status: 'failed',
      intent: payment_intent?.id,
      charge_id: charge,
      charge_status: 'failed',
      decline_code: decline_code ?? code,
    }
  }
}

/** The answer to a request that placed no order: the one it got the first time, or why it cannot be served. */
function repeated(row, digest) {
  if (row.refused) {
    const short = row.refused.map(({ product_id, reason }) => `${product_id} (${reason})`)
    throw conflict(`Not enough is left of some products: ${short.join(', ')}.`)
  }
  if (row.objection === 'currencies') throw invalid('items', 'must all be sold in one currency')
  if (row.objection === 'gone') throw unauthorized('The account of this access token is no longer there.')
  if (row.objection === 'unpaid') throw conflict('Too many orders or pieces are unpaid.')
  if (!row.known?.answered) throw conflict('Another request for this order is still running.')
  if (digest !== row.known.request_digest) throw invalid('Idempotency-Key', 'was used for another order')
  return orderAnswer(row.known)
}

function respond(answer) {
  if (answer.status === 'failed') {
    const { order_id, charge } = answer
    throw new Problem(402, 'payment-declined', 'Payment declined', 'The payment was declined.', { order_id, charge })
  }
  return json(answer.status === 'paid' ? 201 : 202, answer, { location: `/api/orders/${answer.order_id}` })
}

function idempotencyKey(header) {
  if (!/^[\x21-\x7e]{1,255}$/.test(header ?? '')) throw badRequest('Idempotency-Key', 'must have 1 to 255 visible characters')
  return header
}

function parseCart({ items, payment_method }) {
  if (!Array.isArray(items) || items.length < 1 || items.length > MOST_LINES) {
    throw invalid('items', `must have 1 to ${MOST_LINES} lines`)
  }
  for (const { product_id, quantity } of items) {
    if (!isId(product_id)) throw invalid('items.product_id', 'must be a UUID')
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 1000) throw invalid('items.quantity', 'must be from 1 to 1000')
  }
  if (new Set(items.map(({ product_id }) => product_id)).size < items.length) throw invalid('items', 'names a product twice')
  if (!/^pm_\w{1,61}$/.test(payment_method)) throw invalid('payment_method', "must be a payment method's id")
  return { items, payment_method }
}

serve(endpoint('POST /api/checkout', checkout, [CHECKOUT, API]))
