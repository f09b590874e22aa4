-- breaker.report: what became of a call.
-- KEYS[1] the breaker   ARGV limits (JSON), jitter (0..1), token, generation, outcome, environment
-- Returns 'ignored', 'counted', 'opened' or 'closed'.
-- Costs 3 commands.
local now, limits = clock(), cjson.decode(ARGV[1])                                                 -- 1
local machine, effect = report(load(KEYS[1], now), limits, now, tonumber(ARGV[2]),                 -- 2
  ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6])
save(KEYS[1], machine)                                                                             -- 3
return effect
