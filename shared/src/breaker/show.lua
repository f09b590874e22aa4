-- breaker.show: the state as it is stored, and the time it is to be read at.
-- KEYS[1] the breaker
-- Returns {now, JSON}. Costs 2 commands, writes nothing.
local now = clock()                                                                                -- 1
return {now, cjson.encode(load(KEYS[1], now))}                                                     -- 2
