-- KEYS ready later held leases groups extended dead letters token
-- ARGV max_attempts out_of_attempts, then per message: verdict group size place delay_ms text
-- Answers one digit each: 1 done, 2 out of attempts and dead, 0 stale.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer, back = {}, false

for i = 3, #ARGV, 6 do
  local verdict, group, size, delay, text = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 4]), ARGV[i + 5]
  local field = group .. '/' .. ARGV[i + 3]
  local record = redis.call('HGET', KEYS[3], field)
  local done = '0'
  if record then
    done = '1'
    redis.call('HDEL', KEYS[3], field)
    if redis.call('ZREM', KEYS[6], field) == 0 then
      leave(KEYS[4], KEYS[5], group, size, 1)
    end
    if verdict ~= 'ack' then
      local one = read(record, field)
      if verdict ~= 'release' then
        one.attempts = one.attempts + 1
      end
      if verdict == 'retry' and text ~= '' then
        one.error = text
      end
      if verdict == 'dead' then
        bury(KEYS[7], KEYS[8], one, now, text)
      elseif verdict == 'retry' and one.attempts >= tonumber(ARGV[1]) then
        done = '2'
        bury(KEYS[7], KEYS[8], one, now, ARGV[2])
      else
        one.due = now + delay
        back = true
        if delay > 0 then
          redis.call('ZADD', KEYS[2], one.due, write(one))
        else
          redis.call('RPUSH', KEYS[1], write(one))
        end
      end
    end
  end
  answer[#answer + 1] = done
end
if back and redis.call('EXISTS', KEYS[9]) == 0 then
  redis.call('LPUSH', KEYS[9], '1')
end
return table.concat(answer)
