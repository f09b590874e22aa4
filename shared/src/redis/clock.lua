-- Milliseconds since 1970 by Redis' own clock: the only clock that all environments share. 1 command.
-- Where TIME is refused inside scripts, this function alone changes: SET k 1 PX 1000, then PEXPIRETIME k - PTTL k.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
