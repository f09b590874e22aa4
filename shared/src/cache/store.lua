-- cache.store: keeps what a fill has read, unless something overtook the fill.
-- KEYS[1] the entry   ARGV token, kind, version, value, fresh ms, stale ms, cost ms
-- Returns 'stored', 'overtaken' (invalidation, takeover or eviction took the lease away) or 'outdated' (the origin
-- answered with a version older than one that was already announced).
-- Costs 1 command when overtaken, 2 when outdated, 4 when stored. Repeated after success it answers 'overtaken'.
local entry = redis.pcall('HMGET', KEYS[1], 'token', 'floor')                                      -- 1
if entry[1] ~= ARGV[1] then return 'overtaken' end
-- One that cannot be read may have been any: nothing is kept until the next update, or the floor's own end.
local floor = entry[2] and (whole(entry[2]) or math.huge) or 0
if ARGV[2] == 'found' and tonumber(ARGV[3]) < floor then
  redis.call('HSET', KEYS[1], 'token', '')                                                         -- 2
  return 'outdated'
end
local fresh = clock() + tonumber(ARGV[5])                                                          -- 2
local stale = fresh + tonumber(ARGV[6])
redis.call('HSET', KEYS[1],                                                                        -- 3
  'kind', ARGV[2], 'version', ARGV[3], 'value', ARGV[4],
  'fresh', fresh, 'stale', stale, 'cost', ARGV[7],
  'token', '', 'lease', 0, 'rest', 0)
-- Longer only: the floor of an update must not go with a value that is soon over (GT: Redis 7, any Valkey).
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[5]) + tonumber(ARGV[6]), 'GT')                        -- 4
return 'stored'
