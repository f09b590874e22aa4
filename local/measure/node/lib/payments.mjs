// The payment provider, behind the breaker.
import Stripe from 'stripe'
import { CircuitBreaker } from './breaker.mjs'

const { protocol, hostname, port } = new URL(process.env.PAYMENTS_URL)

export const stripe = new Stripe(process.env.PAYMENTS_KEY, {
  protocol: protocol.slice(0, -1),
  host: hostname,
  port: port || (protocol === 'https:' ? 443 : 80),
  timeout: 5_000,
  maxNetworkRetries: 1,
})

const breaker = new CircuitBreaker({ threshold: 3, resetMs: 60_000, halfOpenSuccesses: 3 })

const { StripeAPIError, StripeConnectionError, StripeRateLimitError } = Stripe.errors
/** A refused card says nothing against the provider. */
const isAway = (error) => [StripeAPIError, StripeConnectionError, StripeRateLimitError].some((kind) => error instanceof kind)

/** Calls the provider; `fallback` where it is away. */
export const provider = (call, fallback) => breaker.execute(call, fallback, isAway)
