-- The state machine of machine.rs and tally.rs, line for line; see there for the reasons. The state is one JSON string
-- that both languages read. No command is called here but by load (1) and save (1).

local function fresh(generation)
  return {generation = generation, forced = 'auto', phase = 'closed', ['until'] = 0, interval = 0, leases = {},
          successes = 0, tally = {streak = 0, streak_since = 0, parts = {}, failing = {}}}
end

-- Whether a decoded text is a state, as machine.rs reads one: anything may have been left at the key.

-- Of 14 digits, which is as many as cjson writes; of 32 bits.
local TIME, COUNT = 99999999999999, 4294967295

local function whole(value, most)
  return type(value) == 'number' and value >= 0 and value <= most and math.floor(value) == value
end

-- Whether it has nothing but members by name that pass.
local function each(members, passes)
  if type(members) ~= 'table' then return false end
  for name, value in pairs(members) do
    if type(name) ~= 'string' or not passes(value, name) then return false end
  end
  return true
end

local function is_time(value) return whole(value, TIME) end

local function is_part(seen, number)
  return string.match(number, '^%d+$') and #number <= 14 and type(seen) == 'table' and whole(seen.calls, COUNT)
    and whole(seen.failed, COUNT) and whole(seen.slow, COUNT)
end

local ORDERS, PHASES = {auto = true, open = true, closed = true}, {closed = true, open = true, half_open = true}

local function is_state(machine)
  local tally = type(machine) == 'table' and machine.tally
  return type(tally) == 'table' and is_time(machine.generation) and ORDERS[machine.forced] and PHASES[machine.phase]
    and is_time(machine['until']) and is_time(machine.interval) and each(machine.leases, is_time)
    and whole(machine.successes, COUNT) and whole(tally.streak, COUNT) and is_time(tally.streak_since)
    and each(tally.parts, is_part) and each(tally.failing, is_time)
end

-- What cannot be read is as good as evicted.
local function load(key, now)
  local stored = redis.pcall('GET', key)
  local readable, machine = pcall(cjson.decode, stored)
  return readable and is_state(machine) and machine or fresh(now)
end

-- Kept for a day without calls; what an operator has ordered stays until the order is withdrawn.
local function save(key, machine)
  if machine.forced == 'auto' then
    redis.call('SET', key, cjson.encode(machine), 'PX', 86400000)
  else
    redis.call('SET', key, cjson.encode(machine))
  end
end

local function next_generation(machine, now) return math.max(machine.generation + 1, now) end

-- The tally of a closed breaker --------------------------------------------------------------------------------------

local function part(tally, limits, now)
  local current = math.floor(now / math.max(1, math.floor(limits.window_ms / 10)))
  for number in pairs(tally.parts) do
    if tonumber(number) > current or tonumber(number) + 10 <= current then tally.parts[number] = nil end
  end
  local name = string.format('%.0f', current)
  tally.parts[name] = tally.parts[name] or {calls = 0, failed = 0, slow = 0}
  return tally.parts[name]
end

local function count(tally, limits, now, outcome, environment)
  if outcome == 'skipped' then return false end
  if outcome == 'ok' then
    tally.streak, tally.streak_since = 0, 0
    return false
  end
  local current = part(tally, limits, now)
  current[outcome] = current[outcome] + 1
  if tally.streak == 0 then tally.streak_since = now end
  tally.streak = tally.streak + 1
  tally.failing[environment] = now
  local size, oldest = 0, nil
  for name, at in pairs(tally.failing) do
    size = size + 1
    local first = oldest and tally.failing[oldest]
    if not oldest or at < first or (at == first and name < oldest) then oldest = name end
  end
  if size > 16 then tally.failing[oldest] = nil end
  return true
end

local function enough_environments(tally, limits, since)
  local failing = 0
  for _, at in pairs(tally.failing) do
    if at >= since then failing = failing + 1 end
  end
  return failing >= limits.minimum_environments
end

local function says_open(tally, limits, now)
  local calls, failed, slow = 0, 0, 0
  for _, seen in pairs(tally.parts) do
    calls, failed, slow = calls + seen.calls, failed + seen.failed, slow + seen.slow
  end
  local few, long = calls < limits.minimum_calls, now - tally.streak_since >= limits.window_ms
  local row = tally.streak >= limits.consecutive and enough_environments(tally, limits, tally.streak_since)
  local over = failed * 100 >= limits.failure_percent * calls or slow * 100 >= limits.slow_percent * calls
  return (few or long) and row
    or not few and over and enough_environments(tally, limits, math.max(0, now - limits.window_ms))
end

-- The transitions ----------------------------------------------------------------------------------------------------

local function open(machine, limits, now, at, jitter)
  local healthy = machine.interval == 0
  machine.interval = healthy and limits.open_ms or math.min(machine.interval * 2, limits.open_most_ms)
  local length = machine.interval
  if not healthy then
    length = math.min(math.floor(machine.interval * (0.75 + 0.5 * jitter)), limits.open_most_ms)
  end
  local opened = fresh(next_generation(machine, now))
  opened.phase, opened.interval, opened['until'] = 'open', machine.interval, at + length
  return opened
end

local function settle(machine, limits, now, jitter)
  machine['until'] = math.min(machine['until'], now + math.max(limits.open_ms, limits.open_most_ms))
  local first
  for token, ends in pairs(machine.leases) do
    ends = math.min(ends, now + limits.lease_ms)
    machine.leases[token], first = ends, math.min(first or ends, ends)
  end
  if first and first <= now then machine = open(machine, limits, now, first, jitter) end
  if machine.phase == 'open' and machine['until'] <= now then
    machine.phase, machine.generation = 'half_open', next_generation(machine, now)
    machine['until'], machine.successes = 0, 0
  end
  return machine
end

-- Returns the machine, and the answer: {'allow' | 'probe' | 'deny', generation, wait ms, watched}.
local function acquire(machine, limits, now, jitter, token)
  if machine.forced == 'open' then return machine, {'deny', 0, limits.open_ms, 0} end
  if machine.forced == 'closed' then return machine, {'allow', machine.generation, 0, 0} end
  machine = settle(machine, limits, now, jitter)
  if machine.phase == 'closed' then
    local current = part(machine.tally, limits, now)
    current.calls = current.calls + 1
    return machine, {'allow', machine.generation, 0, machine.tally.streak > 0 and 1 or 0}
  end
  if machine.phase == 'open' then return machine, {'deny', 0, machine['until'] - now, 0} end
  local live, first = 0, nil
  for _, ends in pairs(machine.leases) do live, first = live + 1, math.min(first or ends, ends) end
  if not machine.leases[token] then
    if live + machine.successes >= limits.probes then
      return machine, {'deny', 0, math.max(1, (first or now) - now), 0}
    end
    machine.leases[token] = now + limits.lease_ms
  end
  return machine, {'probe', machine.generation, 0, 0}
end

-- Returns the machine, and what the report changed: 'ignored', 'counted', 'opened' or 'closed'.
local function report(machine, limits, now, jitter, token, generation, outcome, environment)
  if machine.forced ~= 'auto' then return machine, 'ignored' end
  machine = settle(machine, limits, now, jitter)
  if generation ~= machine.generation or machine.phase == 'open' then return machine, 'ignored' end
  if machine.phase == 'closed' then
    if count(machine.tally, limits, now, outcome, environment) and says_open(machine.tally, limits, now) then
      return open(machine, limits, now, now, jitter), 'opened'
    end
    return machine, 'counted'
  end
  if not machine.leases[token] then return machine, 'ignored' end
  machine.leases[token] = nil
  if outcome == 'skipped' then return machine, 'counted' end
  if outcome ~= 'ok' then return open(machine, limits, now, now, jitter), 'opened' end
  machine.successes = machine.successes + 1
  if machine.successes < limits.probes then return machine, 'counted' end
  return fresh(next_generation(machine, now)), 'closed'
end
