-- token_bucket: a token for one call, or how long until there is one; or a token that was not used comes back.
-- KEYS[1] the bucket
-- ARGV tokens a second and the most that are kept, of class 1, then of class 2; which class asks; 'take' or 'give'
-- Returns {1, 0}, or {0, wait ms}.
-- Costs 2 commands, and 1 more where something changes. A refused call writes nothing.
--
-- A bucket is the packed string {level of class 1, level of class 2, when}. Levels are in thousandths of a token, so
-- that a rate of so many tokens a second is as many thousandths a millisecond, and nothing is ever rounded. What flows
-- to a class that has all that it may keep flows on to the other: neither can starve the other, and nothing is wasted.
local now, class = clock(), tonumber(ARGV[5])                                                      -- 1
local rates = {tonumber(ARGV[1]), tonumber(ARGV[3])}
local most = {tonumber(ARGV[2]) * 1000, tonumber(ARGV[4]) * 1000}
local packed = redis.pcall('GET', KEYS[1])                                                         -- 2
-- One that nobody asked for a minute is full, and so is one that is not there, or that no call has left so: a level
-- below nothing would refuse everybody, and of nan no comparison is true.
local stored = {most[1], most[2], now}
if type(packed) == 'string' and #packed == struct.size('>ddd') then
  local one, two, last = struct.unpack('>ddd', packed)
  if one >= 0 and two >= 0 and last >= 0 then stored = {one, two, last} end
end

local passed = math.max(0, now - stored[3])
local filled, over = {}, {}
for i = 1, 2 do
  filled[i] = stored[i] + rates[i] * passed
  over[i] = math.max(0, filled[i] - most[i])
end
local levels = {math.min(most[1], filled[1] + over[2]), math.min(most[2], filled[2] + over[1])}

local granted, wait = true, 0
if ARGV[6] == 'give' then
  levels[class] = math.min(most[class], levels[class] + 1000)
elseif levels[class] >= 1000 then
  levels[class] = levels[class] - 1000
else
  granted, wait = false, math.ceil((1000 - levels[class]) / rates[class])
end
-- A step back of the clock is remembered even when nothing is taken: else nothing would flow in until it has caught up.
if granted or now < stored[3] then
  redis.call('SET', KEYS[1], struct.pack('>ddd', levels[1], levels[2], now), 'PX', 60000)          -- 3
end
return {granted and 1 or 0, wait}
