-- KEYS ready bodies token, then one per idempotency key
-- ARGV ttl_ms, then per message: id delay_ms key_index(0: none) envelope
-- Answers with place and first id of every message whose key was already known.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = string.format('%d ', now)
local due, bodies, known = {}, {}, {}
for i = 2, #ARGV, 4 do
  local id, key = ARGV[i], tonumber(ARGV[i + 2])
  if key > 0 and not redis.call('SET', KEYS[3 + key], id, 'NX', 'PX', ARGV[1]) then
    known[#known + 1] = (i - 2) / 4
    known[#known + 1] = redis.call('GET', KEYS[3 + key])
  else
    local n = #due
    due[n + 1] = now + tonumber(ARGV[i + 1])
    due[n + 2] = id
    bodies[n + 1] = id
    bodies[n + 2] = stamp .. ARGV[i + 3]
  end
end
if #due > 0 then
  redis.call('HSET', KEYS[2], unpack(bodies))
  redis.call('ZADD', KEYS[1], unpack(due))
  if redis.call('EXISTS', KEYS[3]) == 0 then
    redis.call('LPUSH', KEYS[3], '1')
  end
end
return known
