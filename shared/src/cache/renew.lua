-- cache.renew: after the commit of a change, begins a generation: whatever the region holds, or is being filled
-- with, is as good as evicted.
-- KEYS[1] the region's generation
-- Returns 'renewed', or 'lost' where there is none, or one that cannot be read and goes: then all entries are old, and
-- the next reader begins one.
-- Where memory is full and nothing can be written any more, the generation goes, which has the same effect.
-- Costs 2 commands. Safe to repeat, at the price of filling again: a late or repeated notice counts on, and no
-- generation comes twice.
local generation = redis.pcall('GET', KEYS[1])                                                     -- 1
local token, count = string.match(type(generation) == 'string' and generation or '', '^(.*):(%d+)$')
if not count then
  redis.call('DEL', KEYS[1])                                                                       -- 2
  return 'lost'
end
local written = redis.pcall('SET', KEYS[1], token .. ':' .. (count + 1))                           -- 2
if written.err then redis.call('DEL', KEYS[1]) end
return 'renewed'
