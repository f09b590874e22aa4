-- breaker.acquire: may this caller call?
-- KEYS[1] the breaker   ARGV limits (JSON), jitter (0..1), token
-- Returns {'allow' | 'probe' | 'deny', generation, wait ms, watched}.
-- Costs 3 commands. Safe to repeat with the same token, but for one more call counted.
local now, limits = clock(), cjson.decode(ARGV[1])                                                 -- 1
local machine, answer = acquire(load(KEYS[1], now), limits, now, tonumber(ARGV[2]), ARGV[3])       -- 2
save(KEYS[1], machine)                                                                             -- 3
return answer
