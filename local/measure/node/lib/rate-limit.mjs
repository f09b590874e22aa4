// A sliding window of each caller and policy: a sorted set of the moments of its calls.
import { randomUUID } from 'node:crypto'
import { Problem } from './http.mjs'
import { count } from './log.mjs'
import { redis } from './redis.mjs'

const perMinute = (name, limit) => ({ name, limit, windowMs: 60_000 })

export const API = perMinute('api', 100)
export const SEARCH = perMinute('search', 30)
export const LOGIN = perMinute('login', 5)
export const LOGIN_ACCOUNT = perMinute('login-account', 5)
export const CHECKOUT = perMinute('checkout', 100)

const COMMANDS = 5

/** Whether a policy has nothing left for this caller, of whom no call is counted. */
export const isUsedUp = async (identity, { name, limit, windowMs }) =>
  (await redis.zcount(keyOf(name, identity), Date.now() - windowMs, '+inf')) >= limit

/** Counts a call of this caller against every policy, in one round trip, and says what is left of each. */
export async function check(identity, policies) {
  const now = Date.now()
  const pipeline = redis.pipeline()
  for (const { name, windowMs } of policies) {
    const key = keyOf(name, identity)
    pipeline.zremrangebyscore(key, 0, now - windowMs)
    pipeline.zadd(key, now, `${now}:${randomUUID()}`)
    pipeline.zcard(key)
    pipeline.zrange(key, 0, 0, 'WITHSCORES')
    pipeline.pexpire(key, windowMs)
  }
  const replies = await pipeline.exec()
  const failed = replies.find(([error]) => error)
  if (failed) throw failed[0]
  const quotas = policies.map((policy, index) => quota(policy, replies.slice(index * COMMANDS), now))
  count(quotas.every(({ allowed }) => allowed) ? 'RateAllowed' : 'RateLimited')
  return quotas
}

const keyOf = (name, identity) => `rate:${name}:${identity}`

function quota(policy, replies, now) {
  const used = replies[2][1]
  const oldest = Number(replies[3][1][1])
  return {
    policy,
    allowed: used <= policy.limit,
    remaining: Math.max(0, policy.limit - used),
    resetSeconds: Math.ceil((oldest + policy.windowMs - now) / 1000),
  }
}

/** The answer to a call that a policy does not allow, if one does not. */
export function refusal(quotas) {
  const violated = quotas.filter(({ allowed }) => !allowed)
  if (violated.length === 0) return undefined
  const names = violated.map(({ policy }) => policy.name)
  const wait = Math.max(1, ...violated.map(({ resetSeconds }) => resetSeconds))
  return new Problem(429, 'too-many-requests', 'Too many requests', `Over the rate limit of: ${names.join(', ')}.`, {
    headers: { 'retry-after': String(wait) },
    violated_policies: names,
  })
}

/** The headers that tell a caller what is left. */
export function headersOf(quotas) {
  if (quotas.length === 0) return {}
  const tightest = quotas.reduce((least, quota) => (quota.remaining < least.remaining ? quota : least))
  const list = (item) => quotas.map(item).join(', ')
  return {
    'x-ratelimit-limit': String(tightest.policy.limit),
    'x-ratelimit-remaining': String(tightest.remaining),
    'ratelimit-policy': list(({ policy }) => `"${policy.name}";q=${policy.limit};w=${policy.windowMs / 1000}`),
    ratelimit: list(({ policy, remaining, resetSeconds }) => `"${policy.name}";r=${remaining};t=${resetSeconds}`),
  }
}
