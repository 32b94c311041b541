-- KEYS ready later token, then one per idempotency key
-- ARGV ttl_ms, plan (empty: all at once and without keys; else per message: `delay_ms:key_index `), then one record per message, without its times
-- Answers with place and first id of every message whose key was already known.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local times = string.format('%d %d ', now, now)
local ready, later, known = {}, {}, {}
if ARGV[2] == '' then
  for i = 3, #ARGV do
    ready[i - 2] = times .. ARGV[i]
  end
else
  local i = 2
  for delay, key in string.gmatch(ARGV[2], '(%d+):(%d+) ') do
    i = i + 1
    delay, key = tonumber(delay), tonumber(key)
    local id = string.match(ARGV[i], '^%d+ %d+ (%S+)')
    if key > 0 and not redis.call('SET', KEYS[3 + key], id, 'NX', 'PX', ARGV[1]) then
      known[#known + 1] = i - 3
      known[#known + 1] = redis.call('GET', KEYS[3 + key])
    elseif delay > 0 then
      later[#later + 1] = now + delay
      later[#later + 1] = string.format('%d %d ', now + delay, now) .. ARGV[i]
    else
      ready[#ready + 1] = times .. ARGV[i]
    end
  end
end
if #ready > 0 then
  redis.call('RPUSH', KEYS[1], unpack(ready))
end
if #later > 0 then
  redis.call('ZADD', KEYS[2], unpack(later))
end
if #ready + #later > 0 and redis.call('EXISTS', KEYS[3]) == 0 then
  redis.call('LPUSH', KEYS[3], '1')
end
return known
