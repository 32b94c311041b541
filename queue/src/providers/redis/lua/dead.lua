-- KEYS ready dead letters token
-- ARGV action after most before_ms(or nothing) reason, then ids (none: all)
-- Looks at up to 500 letters behind `after`, oldest message first, and acts on up to `most` that match.
-- Answers {where to go on (nothing: the end), then per letter: its id, and with `list` the letter}.
local action, after, most, before, reason = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = {}
if #ARGV > 5 then
  for i = 6, #ARGV do
    if redis.call('ZSCORE', KEYS[2], ARGV[i]) then
      ids[#ids + 1] = ARGV[i]
    end
  end
else
  ids = redis.call('ZRANGEBYLEX', KEYS[2], after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, 500)
end
local answer, found, bytes, last = { '' }, 0, 0, ''
for _, id in ipairs(ids) do
  if found >= most or (#ARGV == 5 and bytes > 1000000) then
    break
  end
  last = id
  local letter = redis.call('HGET', KEYS[3], id) or '0 0 '
  local at, length, text_at = string.match(letter, '^(%d+) (%d+) ()')
  local record_at = text_at + tonumber(length)
  local text = string.sub(letter, text_at, record_at - 1)
  if (not before or tonumber(at) < before) and string.find(text, reason, 1, true) then
    found = found + 1
    answer[#answer + 1] = id
    if action == 'list' then
      answer[#answer + 1] = letter
      bytes = bytes + #letter
    elseif action ~= 'look' then
      redis.call('ZREM', KEYS[2], id)
      redis.call('HDEL', KEYS[3], id)
      if action == 'redrive' then
        local one = read(string.sub(letter, record_at), id)
        one.due, one.attempts = now, 0
        redis.call('RPUSH', KEYS[1], write(one))
      end
    end
  end
end
if action == 'redrive' and found > 0 and redis.call('EXISTS', KEYS[4]) == 0 then
  redis.call('LPUSH', KEYS[4], '1')
end
if #ARGV == 5 and #ids > 0 and (#ids == 500 or last ~= ids[#ids]) then
  answer[1] = last
end
return answer
