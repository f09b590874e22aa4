// One connection to Redis for the environment.
import Redis from 'ioredis'

export const redis = new Redis(process.env.REDIS_URL, {
  keyPrefix: 'node:',
  maxRetriesPerRequest: 3,
  retryStrategy: (attempt) => Math.min(attempt * 100, 3000),
})
// ioredis tries again by itself; without a listener it would also write each failure as a stack trace.
redis.on('error', (error) => console.error(JSON.stringify({ level: 'WARN', message: `Redis: ${error.message}` })))
