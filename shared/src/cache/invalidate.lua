-- cache.invalidate: after the commit of `version`, nothing older may be served or stored.
-- KEYS[1] the entry   ARGV version ('' where the key has no versions), keep ms
-- Returns 'removed', or 'current' where the value is already of that version or a later one.
-- Costs 3 commands when current, 4 when removed. Safe to repeat.
local entry = redis.pcall('HMGET', KEYS[1], 'kind', 'version', 'floor')                            -- 1
-- What cannot be read does not keep the update from being told: the value goes, and its version becomes the floor.
local version, stored, floor = tonumber(ARGV[1]), whole(entry[2]), whole(entry[3]) or 0
if version then floor = math.max(floor, version) end
-- A late or repeated notice does no harm: a value that is new enough stays, and so does a refresh begun on it.
if version and entry[1] == 'found' and stored and stored >= version then
  redis.call('HSET', KEYS[1], 'floor', string.format('%.0f', floor))                               -- 2
  redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')                                                    -- 3
  return 'current'
end
-- With the lease goes the right to store of every fill that is under way.
redis.call('DEL', KEYS[1])                                                                         -- 2
if floor > 0 then
  redis.call('HSET', KEYS[1], 'floor', string.format('%.0f', floor))                               -- 3
  redis.call('PEXPIRE', KEYS[1], ARGV[2])                                                          -- 4
end
return 'removed'
