-- KEYS ready leases bodies meta errors
-- Removes up to 500 messages, leased ones too, and answers how many.
local gone = 0
for _, source in ipairs({ KEYS[1], KEYS[2] }) do
  local ids = redis.call('ZRANGE', source, 0, 249)
  if #ids > 0 then
    redis.call('ZREM', source, unpack(ids))
    redis.call('HDEL', KEYS[3], unpack(ids))
    redis.call('HDEL', KEYS[4], unpack(ids))
    redis.call('HDEL', KEYS[5], unpack(ids))
    gone = gone + #ids
  end
end
return gone
