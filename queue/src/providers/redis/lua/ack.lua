-- KEYS held leases groups extended
-- ARGV per run of one lease: group size count, then the place of each message in it
-- Answers one digit each: 1 removed, 0 stale.
local answer = {}
local extended = redis.call('EXISTS', KEYS[4]) == 1
local i = 1
while i <= #ARGV do
  local group, size, count = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local fields, gone = {}, 0
  for k = 1, count do
    fields[k] = group .. '/' .. ARGV[i + 2 + k]
  end
  if not extended and count == tonumber(size) and redis.call('HGET', KEYS[3], group) == size then
    -- All of the lease is there. Who names one twice has its second word refused.
    gone = redis.call('HDEL', KEYS[1], unpack(fields))
    local seen = {}
    for _, field in ipairs(fields) do
      answer[#answer + 1] = seen[field] and '0' or '1'
      seen[field] = true
    end
  else
    for _, field in ipairs(fields) do
      local removed = redis.call('HDEL', KEYS[1], field)
      answer[#answer + 1] = removed
      if removed == 1 and not (extended and redis.call('ZREM', KEYS[4], field) == 1) then
        gone = gone + 1
      end
    end
  end
  leave(KEYS[2], KEYS[3], group, size, gone)
  i = i + 3 + count
end
return table.concat(answer)
