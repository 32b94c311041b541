-- KEYS ready leases bodies meta
-- ARGV most
-- Answers per message that waits, the next due first: id due_ms meta stored. Changes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, answer, bytes = tonumber(ARGV[1]), {}, 0
local function show(found)
  for i = 1, #found, 2 do
    local stored = redis.call('HGET', KEYS[3], found[i])
    if stored and #answer < most * 4 and bytes < 1000000 then
      local n = #answer
      answer[n + 1] = found[i]
      answer[n + 2] = found[i + 1]
      answer[n + 3] = redis.call('HGET', KEYS[4], found[i]) or '0 0'
      answer[n + 4] = stored
      bytes = bytes + #stored
    end
  end
end
show(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'WITHSCORES', 'LIMIT', 0, most))
show(redis.call('ZRANGE', KEYS[1], 0, most - 1, 'WITHSCORES'))
return answer
