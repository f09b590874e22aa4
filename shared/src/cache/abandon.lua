-- cache.abandon: gives a lease back, unused. Where the origin failed, readers that have a stale value are spared it for
-- a while (`rest`); where the reader was refused, the next one fills at once (rest 0).
-- KEYS[1] the entry   ARGV token, rest ms
-- Returns 1, or 0 where the lease was no longer the caller's.
-- Costs 1 command when overtaken, else 3.
if redis.pcall('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end                              -- 1
redis.call('HSET', KEYS[1], 'token', '', 'lease', 0, 'rest', clock() + tonumber(ARGV[2]))          -- 2, 3
return 1
