-- KEYS ready leases bodies meta errors dead reasons token paused
-- ARGV max lease_ms max_attempts no_verdict out_of_attempts
-- Answers {now, ms to the next that is due (-1: none), then per delivery: id attempt lease stored}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { now, -1 }
if redis.call('EXISTS', KEYS[9]) == 1 then
  return answer
end
local until_ms, most = now + tonumber(ARGV[2]), tonumber(ARGV[3])
local taken, bytes, looked = 0, 0, 0

local function take(source, max, expired)
  -- Bounded: one call neither moves nor copies more than the server can spare.
  while taken < max and bytes < 1000000 and looked < 1000 do
    local ids = redis.call('ZRANGEBYSCORE', source, '-inf', now, 'LIMIT', 0, math.min(max - taken, 100))
    if #ids == 0 then
      return
    end
    looked = looked + #ids
    -- First a write that needs no memory: a full server lets the script go on then, so that it can be emptied.
    redis.call('ZREM', source, unpack(ids))
    local metas = redis.call('HMGET', KEYS[4], unpack(ids))
    local bodies = redis.call('HMGET', KEYS[3], unpack(ids))
    local ends, counts = {}, {}
    for i, id in ipairs(ids) do
      local attempts, lease = 0, 0
      if metas[i] then
        attempts, lease = string.match(metas[i], '(%d+) (%d+)')
        attempts, lease = tonumber(attempts), tonumber(lease)
      end
      if expired then
        redis.call('HSET', KEYS[5], id, ARGV[4])
      end
      if not bodies[i] then
        redis.call('HDEL', KEYS[4], id)
        redis.call('HDEL', KEYS[5], id)
      elseif attempts >= most then
        redis.call('ZADD', KEYS[6], 0, id)
        redis.call('HSET', KEYS[7], id, string.format('%d ', now) .. ARGV[5])
        redis.call('HSET', KEYS[4], id, attempts .. ' ' .. (lease + 1))
      else
        local n, m = #ends, #answer
        ends[n + 1] = until_ms
        ends[n + 2] = id
        counts[n + 1] = id
        counts[n + 2] = (attempts + 1) .. ' ' .. (lease + 1)
        answer[m + 1] = id
        answer[m + 2] = attempts + 1
        answer[m + 3] = lease + 1
        answer[m + 4] = bodies[i]
        taken = taken + 1
        bytes = bytes + #bodies[i]
      end
    end
    if #ends > 0 then
      redis.call('ZADD', KEYS[2], unpack(ends))
      redis.call('HSET', KEYS[4], unpack(counts))
    end
  end
end

-- What was leased and is due again may have killed who had it: it comes alone, when it is its turn.
local lease, ready = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES'), redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if lease[2] and tonumber(lease[2]) <= now and not (ready[2] and tonumber(ready[2]) < tonumber(lease[2])) then
  take(KEYS[2], 1, true)
end
if taken == 0 then
  take(KEYS[1], tonumber(ARGV[1]), false)
end
local next_ms = -1
for _, source in ipairs({ KEYS[1], KEYS[2] }) do
  local first = redis.call('ZRANGE', source, 0, 0, 'WITHSCORES')
  if first[2] then
    local left = math.max(tonumber(first[2]) - now, 0)
    if next_ms < 0 or left < next_ms then
      next_ms = left
    end
  end
end
answer[2] = next_ms
-- The token woke one consumer; what that one leaves is for the next.
if next_ms == 0 and redis.call('EXISTS', KEYS[8]) == 0 then
  redis.call('LPUSH', KEYS[8], '1')
end
return answer
