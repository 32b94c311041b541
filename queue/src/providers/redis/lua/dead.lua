-- KEYS ready bodies meta errors dead reasons token
-- ARGV action after most before_ms(or nothing) reason, then ids (none: all)
-- Looks at up to 500 letters behind `after`, oldest message first, and acts on up to `most` that match.
-- Answers {where to go on (nothing: the end), then per letter: its id, and with `list` reason meta error stored}.
local action, after, most, before, reason = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = {}
if #ARGV > 5 then
  for i = 6, #ARGV do
    if redis.call('ZSCORE', KEYS[5], ARGV[i]) then
      ids[#ids + 1] = ARGV[i]
    end
  end
else
  ids = redis.call('ZRANGEBYLEX', KEYS[5], after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, 500)
end
local answer, found, bytes, last = { '' }, 0, 0, ''
for _, id in ipairs(ids) do
  if found >= most or (#ARGV == 5 and bytes > 1000000) then
    break
  end
  last = id
  local why = redis.call('HGET', KEYS[6], id) or '0 '
  local at, text = string.match(why, '^(%d+) (.*)$')
  if (not before or tonumber(at) < before) and string.find(text, reason, 1, true) then
    found = found + 1
    local n = #answer
    answer[n + 1] = id
    if action == 'list' then
      local stored = redis.call('HGET', KEYS[2], id) or ''
      answer[n + 2] = why
      answer[n + 3] = redis.call('HGET', KEYS[3], id) or '0 0'
      answer[n + 4] = redis.call('HGET', KEYS[4], id) or ''
      answer[n + 5] = stored
      bytes = bytes + #stored
    elseif action ~= 'look' then
      redis.call('ZREM', KEYS[5], id)
      redis.call('HDEL', KEYS[6], id)
      if action == 'redrive' then
        local lease = string.match(redis.call('HGET', KEYS[3], id) or '0 0', ' (%d+)')
        redis.call('HSET', KEYS[3], id, '0 ' .. (lease + 1))
        redis.call('ZADD', KEYS[1], now, id)
      else
        redis.call('HDEL', KEYS[2], id)
        redis.call('HDEL', KEYS[3], id)
        redis.call('HDEL', KEYS[4], id)
      end
    end
  end
end
if action == 'redrive' and found > 0 and redis.call('EXISTS', KEYS[7]) == 0 then
  redis.call('LPUSH', KEYS[7], '1')
end
if #ARGV == 5 and #ids > 0 and (#ids == 500 or last ~= ids[#ids]) then
  answer[1] = last
end
return answer
