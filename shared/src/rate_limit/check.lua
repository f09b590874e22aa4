-- rate_limit.check: one call against every policy of one caller: all are charged, or none is.
-- KEYS[i] the caller's window under policy i
-- ARGV buckets, then for each policy: limit, window ms; then 'look' to charge none
-- Returns {allowed, then for each policy: remaining, reset ms, wait ms}.
-- Costs 1 command and 1 for each policy; when allowed, 1 more for each policy. A rejected call writes nothing.
--
-- A window is the packed string {last, offset, counts of the newest bucket and the `buckets` before it}. The oldest
-- of them has partly left the window already and is counted in full: no span of `window` ms ever sees more than
-- `limit` calls, and the price is that the window is effectively window * (1 + 1/buckets) long.
--
-- Its clock never runs backwards: it is Redis' clock plus an offset that grows by what Redis' clock steps back.
--
-- What cannot be such a window is as good as evicted: among times beyond any clock a millisecond is lost, and time
-- would stand still. One that only lies ahead is a clock that was set back, which holds a caller up for one window at
-- most.
local real = clock()                                                                               -- 1
local buckets = tonumber(ARGV[1])
local format = '>dd' .. string.rep('I4', buckets + 1)
local windows, allowed = {}, true

-- Not nan either, of which no comparison is true.
local function is_time(number) return number >= 0 and number < 2 ^ 52 end

local function stored_at(key)
  local packed = redis.pcall('GET', key)                                                           -- 1 each
  if type(packed) ~= 'string' or #packed ~= struct.size(format) then return {real, 0} end
  local stored = {struct.unpack(format, packed)}
  return is_time(stored[1]) and is_time(stored[2]) and stored or {real, 0}
end

for i, key in ipairs(KEYS) do
  local limit, length = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local width = math.ceil(length / buckets)
  local stored = stored_at(key)
  local last, offset = stored[1], stored[2]
  local behind = math.max(0, last - (real + offset))
  offset = offset + behind
  local now = real + offset
  local newest = math.floor(now / width)
  local passed = newest - math.floor(last / width)
  local w = {key = key, limit = limit, width = width, now = now, newest = newest, offset = offset,
             stepped_back = behind > 0, used = 0, counts = {}}
  for age = 0, buckets do
    w.counts[age] = age >= passed and stored[3 + age - passed] or 0
    w.used = w.used + w.counts[age]
  end
  windows[i] = w
  allowed = allowed and w.used < limit
end

-- How long until fewer than `below` calls are left: the oldest buckets leave first, each in full.
local function wait_until(w, below)
  local left = w.used
  for age = buckets, 0, -1 do
    left = left - w.counts[age]
    if left < below then return (w.newest - age + buckets + 1) * w.width - w.now end
  end
  return (buckets + 1) * w.width
end

local reply = {allowed and 1 or 0}
local charged = allowed and ARGV[2 * #KEYS + 2] ~= 'look'
for _, w in ipairs(windows) do
  local wait = w.used >= w.limit and wait_until(w, w.limit) or 0
  if charged then
    w.counts[0], w.used = w.counts[0] + 1, w.used + 1
  end
  -- A step back of the clock is remembered even when nothing is charged: else time would stand still for a caller
  -- who is over the limit.
  if charged or w.stepped_back then
    local packed = struct.pack(format, w.now, w.offset, unpack(w.counts, 0, buckets))
    redis.call('SET', w.key, packed, 'PX', (buckets + 1) * w.width)                                -- 1 each
  end
  local reset = w.used > 0 and wait_until(w, w.used) or 0
  table.insert(reply, math.max(0, w.limit - w.used))
  table.insert(reply, reset)
  table.insert(reply, wait)
end
return reply
