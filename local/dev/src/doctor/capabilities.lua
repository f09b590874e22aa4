-- What the functions' scripts need of Redis: pairs of a name and, where it does not work, why. Then what Redis says of
-- itself.
local found = {}
local function try(name, works)
  local ok, result = pcall(works)
  local why = ''
  if not ok then
    why = type(result) == 'table' and tostring(result.err) or tostring(result)
  elseif not result then
    why = 'it answers something else than Redis does'
  end
  found[#found + 1] = name
  found[#found + 1] = why
end

local key = KEYS[1]
try('TIME within scripts', function()
  return tonumber(redis.call('TIME')[1]) > 1700000000
end)
try('struct', function()
  return struct.unpack('>I4', struct.pack('>I4', 7)) == 7 and struct.size('>I4') == 4
end)
try('cjson', function()
  return cjson.decode(cjson.encode({ a = 1 })).a == 1
end)
try('SET … PX', function()
  redis.call('SET', key, 'x', 'PX', 10000)
  return redis.call('GET', key) == 'x' and redis.call('PTTL', key) > 0
end)
try('hashes', function()
  redis.call('DEL', key)
  redis.call('HSET', key, 'a', '1', 'b', '2')
  local both = redis.call('HMGET', key, 'a', 'b')
  return both[1] == '1' and both[2] == '2' and redis.call('HGET', key, 'a') == '1'
end)
try('PEXPIRE … GT', function()
  redis.call('PEXPIRE', key, 10000)
  return redis.call('PEXPIRE', key, 1000, 'GT') == 0 and redis.call('PEXPIRE', key, 20000, 'GT') == 1
end)
redis.pcall('DEL', key)

local ok, info = pcall(redis.call, 'INFO')
found[#found + 1] = 'INFO'
found[#found + 1] = ok and type(info) == 'string' and info or ''
return found
