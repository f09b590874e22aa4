-- cache.lookup: what is there, and may this caller fill it?
-- KEYS[1] the entry, KEYS[2] the region's generation where it has one
-- ARGV token, lease ms, early (a random draw of -ln(u), for XFetch), the longest that a time may lie ahead in ms
-- Returns {state, kind, version, value, wait ms}.
-- Costs 2 commands for hit, stale and wait, 5 at most where a lease is granted; with a generation 3, 6 to 8 where a
-- lease is granted, and 9 where the generation was lost. Safe to repeat with the same token.
local now = clock()                                                                                -- 1
local entry = redis.pcall('HMGET', KEYS[1],                                                        -- 2
  'kind', 'version', 'value', 'fresh', 'stale', 'cost', 'token', 'lease', 'rest', 'generation')

-- An entry of another generation is as good as evicted, and so is the right of whoever fills it to store.
local generation = KEYS[2] and redis.pcall('GET', KEYS[2])                                         -- 3
if KEYS[2] and not (type(generation) == 'string' and string.match(generation, ':%d+$')) then
  -- Lost or unreadable, and with it the knowledge of what changed: no entry can be of a generation with the caller's
  -- token.
  generation = ARGV[1] .. ':0'
  redis.call('SET', KEYS[2], generation)
end
-- So is a key of another type, under which nothing could be stored.
if entry.err or generation and entry[10] ~= generation then
  redis.call('DEL', KEYS[1])
  entry = {}
end

-- A time that lies further ahead than any that was ever stored, by a hand or by a clock that was set back, is over: it
-- would keep everybody waiting, or a value for ever.
local function time(text, most)
  local at = whole(text)
  return at and at <= now + most and at or 0
end

local kind, version, value = entry[1], entry[2], entry[3]
local longest = tonumber(ARGV[4])
local fresh, stale, cost = time(entry[4], longest), time(entry[5], longest), whole(entry[6]) or 0
local token, lease, rest = entry[7], time(entry[8], tonumber(ARGV[2])), time(entry[9], longest)

-- Whether the value is one that can be served is told by who gets it: not here, where all others wait.
local complete = whole(version) and value and (kind == 'found' or kind == 'missing')
local present = complete and now < stale
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
