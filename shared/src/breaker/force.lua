-- breaker.force: an operator's order. What was measured before is forgotten.
-- KEYS[1] the breaker   ARGV 'open', 'closed' or 'auto'
-- Costs 3 commands. Safe to repeat.
local now = clock()                                                                                -- 1
local machine = fresh(next_generation(load(KEYS[1], now), now))                                    -- 2
machine.forced = ARGV[1]
save(KEYS[1], machine)                                                                             -- 3
return 'forced'
