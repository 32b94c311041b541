-- A record is `due_ms sent_ms attempts error_length id `, then the last error, then the envelope. What another program
-- put there without all that is the envelope of a message that is called `name`.
local function read(record, name)
  local due, sent, attempts, length, id, at = string.match(record, '^(%d+) (%d+) (%d+) (%d+) (%S+) ()')
  if not due then
    return { due = 0, sent = 0, attempts = 0, id = name, error = '', envelope = record }
  end
  local rest = at + tonumber(length)
  return {
    due = tonumber(due),
    sent = tonumber(sent),
    attempts = tonumber(attempts),
    id = id,
    error = string.sub(record, at, rest - 1),
    envelope = string.sub(record, rest),
  }
end

local function write(one)
  local head = string.format('%d %d %d %d ', one.due, one.sent, one.attempts, #one.error)
  return head .. one.id .. ' ' .. one.error .. one.envelope
end

-- Makes a dead letter: `dead_ms reason_length reason`, then the record.
local function bury(dead, letters, one, now, reason)
  redis.call('ZADD', dead, 0, one.id)
  redis.call('HSET', letters, one.id, string.format('%d %d ', now, #reason) .. reason .. write(one))
end

-- `count` messages left the lease `group` of `size` messages; without any it is gone.
local function leave(leases, groups, group, size, count)
  if count > 0 and redis.call('HINCRBY', groups, group, -count) <= 0 then
    redis.call('HDEL', groups, group)
    redis.call('ZREM', leases, group .. '/' .. size)
  end
end
