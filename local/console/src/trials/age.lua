-- Makes an entry as old as it is so long before it ceases to be fresh, or after.
-- KEYS[1] the entry   ARGV milliseconds left, what its last fill is said to have taken
local time = redis.call('TIME')
local fresh = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local entry = redis.call('HMGET', KEYS[1], 'fresh', 'stale')
if not entry[2] then return 0 end
redis.call('HSET', KEYS[1], 'fresh', fresh, 'stale', fresh + entry[2] - entry[1], 'cost', ARGV[2])
return 1
