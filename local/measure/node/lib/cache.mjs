// Read-through cache: whoever finds nothing takes a lock and fetches, the others wait a moment and look again.
import { count } from './log.mjs'
import { redis } from './redis.mjs'

const LOCK_SECONDS = 10
const WAIT_MS = 100

/** The cached value, or what `fetch` returns, kept for so many seconds. What is not there (`undefined`) is not kept. */
export async function cacheable(key, seconds, fetch) {
  const known = (await redis.get(key)) ?? (await lockOrWait(key))
  if (known) {
    count('CacheHit')
    return JSON.parse(known)
  }
  count('CacheMiss')
  let value
  try {
    value = await fetch()
  } finally {
    const pipeline = redis.pipeline()
    if (value !== undefined) pipeline.set(key, JSON.stringify(value), 'EX', seconds)
    await pipeline.del(lock(key)).exec()
  }
  return value
}

/** Nothing if the lock is ours; else what its holder has stored meanwhile, if anything. */
async function lockOrWait(key) {
  if (await redis.set(lock(key), '1', 'EX', LOCK_SECONDS, 'NX')) return null
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
  return redis.get(key)
}

const lock = (key) => `lock:${key}`
