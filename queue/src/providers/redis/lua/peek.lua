-- KEYS ready later held leases extended
-- ARGV most
-- Answers per message that waits, in no order: due_ms, 1 when its record lacks a delivery, a name, the record. Changes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, answer, bytes = tonumber(ARGV[1]), {}, 0
local function show(due, missing, name, record)
  if record and bytes < 1000000 then
    local n = #answer
    answer[n + 1] = tonumber(due)
    answer[n + 2] = missing
    answer[n + 3] = name
    answer[n + 4] = record
    bytes = bytes + #record
  end
end
local leases = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #leases, 2 do
  local group, size = string.match(leases[i], '^(.*)/(%d+)$')
  for k = 0, tonumber(size) - 1 do
    local field = group .. '/' .. k
    if not redis.call('ZSCORE', KEYS[5], field) then
      show(leases[i + 1], 1, field, redis.call('HGET', KEYS[3], field))
    end
  end
end
local extended = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #extended, 2 do
  show(extended[i + 1], 1, extended[i], redis.call('HGET', KEYS[3], extended[i]))
end
for i, record in ipairs(redis.call('LRANGE', KEYS[1], 0, most - 1)) do
  show(read(record, '').due, 0, 'ready/' .. i, record)
end
local later = redis.call('ZRANGE', KEYS[2], 0, most - 1, 'WITHSCORES')
for i = 1, #later, 2 do
  show(later[i + 1], 0, 'later/' .. i, later[i])
end
return answer
