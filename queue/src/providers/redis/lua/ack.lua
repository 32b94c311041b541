-- KEYS leases bodies meta errors
-- ARGV per message: id lease
-- Answers one digit each: 1 removed, 0 stale.
local ids, answer, gone, seen = {}, {}, {}, {}
for i = 1, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
end
local metas = redis.call('HMGET', KEYS[3], unpack(ids))
for i, id in ipairs(ids) do
  if metas[i] and not seen[id] and string.match(metas[i], ' (%d+)') == ARGV[2 * i] then
    seen[id] = true
    gone[#gone + 1] = id
    answer[i] = '1'
  else
    answer[i] = '0'
  end
end
if #gone > 0 then
  redis.call('ZREM', KEYS[1], unpack(gone))
  redis.call('HDEL', KEYS[2], unpack(gone))
  redis.call('HDEL', KEYS[3], unpack(gone))
  redis.call('HDEL', KEYS[4], unpack(gone))
end
return table.concat(answer)
