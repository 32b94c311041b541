-- KEYS ready leases bodies meta errors dead reasons token
-- ARGV max_attempts out_of_attempts, then per message: verdict id lease delay_ms text
-- Answers one digit each: 1 done, 2 out of attempts and dead, 0 stale.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer, back = {}, false

local function bury(id, reason)
  redis.call('ZADD', KEYS[6], 0, id)
  redis.call('HSET', KEYS[7], id, string.format('%d ', now) .. reason)
end

for i = 3, #ARGV, 5 do
  local verdict, id, delay, text = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 3]), ARGV[i + 4]
  local meta = redis.call('HGET', KEYS[4], id)
  local attempts, lease
  if meta then
    attempts, lease = string.match(meta, '(%d+) (%d+)')
  end
  local done = '0'
  if lease and lease == ARGV[i + 2] then
    done = '1'
    attempts = tonumber(attempts)
    redis.call('ZREM', KEYS[2], id)
    if verdict == 'ack' then
      redis.call('HDEL', KEYS[3], id)
      redis.call('HDEL', KEYS[4], id)
      redis.call('HDEL', KEYS[5], id)
    else
      if verdict == 'dead' then
        bury(id, text)
      else
        if verdict == 'retry' and text ~= '' then
          redis.call('HSET', KEYS[5], id, text)
        end
        if verdict == 'retry' and attempts >= tonumber(ARGV[1]) then
          done = '2'
          bury(id, ARGV[2])
        else
          if verdict == 'release' then
            attempts = math.max(attempts - 1, 0)
          end
          redis.call('ZADD', KEYS[1], now + delay, id)
          back = true
        end
      end
      redis.call('HSET', KEYS[4], id, attempts .. ' ' .. (tonumber(lease) + 1))
    end
  end
  answer[#answer + 1] = done
end
if back and redis.call('EXISTS', KEYS[8]) == 0 then
  redis.call('LPUSH', KEYS[8], '1')
end
return table.concat(answer)
