-- Redis' time, the fields of an entry of the cache but for its value, and for how long it is kept.
-- KEYS[1] the entry
local fields = redis.call('HMGET', KEYS[1], 'kind', 'version', 'fresh', 'stale', 'cost', 'token', 'lease', 'floor')
return { redis.call('TIME'), fields, redis.call('PTTL', KEYS[1]) }
