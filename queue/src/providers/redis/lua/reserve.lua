-- KEYS ready later held leases groups extended dead letters token paused
-- ARGV max lease_ms max_attempts no_verdict out_of_attempts group
-- Answers {now, ms to the next that is due (-1: none), then the record of each delivery, in the order of the group}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = { now, -1 }
if redis.call('EXISTS', KEYS[10]) == 1 then
  return answer
end
local max, group, found = tonumber(ARGV[1]), ARGV[6], {}

local function head(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return first[1], tonumber(first[2])
end

-- Takes the first message out of the leases whose lease is over. First comes a write that needs no memory: a full server
-- lets the script go on then, so that it can be emptied.
local function expired()
  local lease, lease_end = head(KEYS[4])
  local alone, alone_end = head(KEYS[6])
  if alone and alone_end <= now and (not lease or alone_end <= lease_end) then
    redis.call('ZREM', KEYS[6], alone)
    local record = redis.call('HGET', KEYS[3], alone)
    redis.call('HDEL', KEYS[3], alone)
    return record or '', alone
  end
  if not lease or lease_end > now then
    return
  end
  local name, size = string.match(lease, '^(.*)/(%d+)$')
  for k = 0, tonumber(size) - 1 do
    local field = name .. '/' .. k
    local record = redis.call('HGET', KEYS[3], field)
    if record and not redis.call('ZSCORE', KEYS[6], field) then
      redis.call('HDEL', KEYS[3], field)
      leave(KEYS[4], KEYS[5], name, size, 1)
      return record, field
    end
  end
  redis.call('ZREM', KEYS[4], lease)
  redis.call('HDEL', KEYS[5], name)
  return '', name
end

-- What was leased and is due again may have killed who had it: it comes alone. Bounded, as everything here.
for _ = 1, 200 do
  local record, name = expired()
  if not record then
    break
  end
  if record ~= '' then
    local one = read(record, name)
    one.attempts = one.attempts + 1
    one.error = ARGV[4]
    if one.attempts >= tonumber(ARGV[3]) then
      bury(KEYS[7], KEYS[8], one, now, ARGV[5])
    else
      found[1] = write(one)
      break
    end
  end
end

if #found == 0 then
  local bytes, some = 0, nil
  repeat
    some = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, math.min(max - #found, 100))
    if #some > 0 then
      redis.call('ZREM', KEYS[2], unpack(some))
    else
      some = redis.call('LPOP', KEYS[1], math.min(max - #found, 100)) or {}
    end
    for _, record in ipairs(some) do
      found[#found + 1] = record
      bytes = bytes + #record
    end
  until #some == 0 or #found >= max or bytes > 1000000
end

if #found > 0 then
  local held = {}
  for k, record in ipairs(found) do
    held[2 * k - 1] = group .. '/' .. (k - 1)
    held[2 * k] = record
    answer[k + 2] = record
  end
  redis.call('HSET', KEYS[3], unpack(held))
  redis.call('HSET', KEYS[5], group, #found)
  redis.call('ZADD', KEYS[4], now + tonumber(ARGV[2]), group .. '/' .. #found)
end

if redis.call('EXISTS', KEYS[1]) == 1 then
  answer[2] = 0
else
  for _, key in ipairs({ KEYS[2], KEYS[4], KEYS[6] }) do
    local _, due = head(key)
    if due then
      local left = math.max(due - now, 0)
      if answer[2] < 0 or left < answer[2] then
        answer[2] = left
      end
    end
  end
end
-- The token woke one consumer; what that one leaves is for the next.
if answer[2] == 0 and redis.call('EXISTS', KEYS[9]) == 0 then
  redis.call('LPUSH', KEYS[9], '1')
end
return answer
