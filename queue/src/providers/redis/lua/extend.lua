-- KEYS held leases groups extended
-- ARGV group size place by_ms
-- Answers the new end of the lease, or nothing when it is stale. A message whose lease was extended leaves its group.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local group, size = ARGV[1], ARGV[2]
local field = group .. '/' .. ARGV[3]
if redis.call('HEXISTS', KEYS[1], field) == 0 then
  return false
end
local own = redis.call('ZSCORE', KEYS[4], field)
local held = own or redis.call('ZSCORE', KEYS[2], group .. '/' .. size) or 0
local until_ms = math.max(tonumber(held), now + tonumber(ARGV[4]))
-- A full server lets a script grow that has freed something first.
redis.call('ZREM', KEYS[4], field)
redis.call('ZADD', KEYS[4], until_ms, field)
if not own then
  leave(KEYS[2], KEYS[3], group, size, 1)
end
return until_ms
