-- cache.renew: after the commit of a change, begins a generation: whatever the region holds, or is being filled
-- with, is as good as evicted.
-- KEYS[1] the region's generation
-- Returns 'renewed', or 'lost' where there is none: then all entries are old already, and the next reader begins one.
-- Where memory is full and nothing can be written any more, the generation goes, which has the same effect.
-- Costs 2 commands. Safe to repeat, at the price of filling again: a late or repeated notice counts on, and no
-- generation comes twice.
local generation = redis.call('GET', KEYS[1])                                                      -- 1
if not generation then return 'lost' end
local token, count = string.match(generation, '^(.*):(%d+)$')
local written = redis.pcall('SET', KEYS[1], token .. ':' .. (count + 1))                           -- 2
if written.err then redis.call('DEL', KEYS[1]) end
return 'renewed'
