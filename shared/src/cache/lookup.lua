-- cache.lookup: what is there, and may this caller fill it?
-- KEYS[1] the entry, KEYS[2] the region's generation where it has one
-- ARGV token, lease ms, early (a random draw of -ln(u), for XFetch)
-- Returns {state, kind, version, value, wait ms}.
-- Costs 2 commands for hit, stale and wait, 5 where a lease is granted; with a generation 3, and 6 to 8 where a lease
-- is granted. Safe to repeat with the same token.
local now = clock()                                                                                -- 1
local entry = redis.call('HMGET', KEYS[1],                                                         -- 2
  'kind', 'version', 'value', 'fresh', 'stale', 'cost', 'token', 'lease', 'rest', 'generation')

-- An entry of another generation is as good as evicted, and so is the right of whoever fills it to store.
local generation = KEYS[2] and redis.call('GET', KEYS[2])                                          -- 3
if KEYS[2] and not generation then
  -- Lost, and with it the knowledge of what changed: no entry can be of a generation with the caller's token.
  generation = ARGV[1] .. ':0'
  redis.call('SET', KEYS[2], generation)
end
if generation and entry[10] ~= generation then
  redis.call('DEL', KEYS[1])
  entry = {}
end

local kind, version, value = entry[1], entry[2], entry[3]
local fresh, stale, cost = tonumber(entry[4] or 0), tonumber(entry[5] or 0), tonumber(entry[6] or 0)
local token, lease, rest = entry[7], tonumber(entry[8] or 0), tonumber(entry[9] or 0)

local present = kind and now < stale
local function answer(state, wait)
  if present then return {state, kind, version, value, wait} end
  return {state, '', 0, '', wait}
end

-- XFetch: the longer the last fill took, the earlier somebody begins the next one, each reader by its own luck.
if present and now + cost * tonumber(ARGV[3]) < fresh then return answer('hit', 0) end

-- Another caller holds the lease, or the origin failed a moment ago: whoever has a value is served with it.
local taken = token and token ~= '' and token ~= ARGV[1] and now < lease
if present and (taken or now < rest) then
  return answer(now < fresh and 'hit' or 'stale', 0)
end
if taken then return answer('wait', lease - now) end

redis.call('HSET', KEYS[1], 'token', ARGV[1], 'lease', now + tonumber(ARGV[2]))                    -- 3
if generation then redis.call('HSET', KEYS[1], 'generation', generation) end
-- An entry lives at least as long as its lease. A stored value's own, longer life is left alone.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then                                            -- 4
  redis.call('PEXPIRE', KEYS[1], ARGV[2])                                                          -- 5
end
return answer(present and 'refresh' or 'fill', 0)
