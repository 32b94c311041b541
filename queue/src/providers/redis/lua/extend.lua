-- KEYS leases meta
-- ARGV id lease by_ms
-- Answers the new end of the lease, or nothing when it is stale.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local meta, held = redis.call('HGET', KEYS[2], ARGV[1]), redis.call('ZSCORE', KEYS[1], ARGV[1])
if not meta or not held or string.match(meta, ' (%d+)') ~= ARGV[2] then
  return false
end
local until_ms = math.max(tonumber(held), now + tonumber(ARGV[3]))
-- A full server lets a script grow that has freed something first.
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], until_ms, ARGV[1])
return until_ms
