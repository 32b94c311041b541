-- KEYS ready leases dead
-- Answers {ready delayed leased dead, how long the first has been due in ms (-1: none is)}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due, expired = redis.call('ZCOUNT', KEYS[1], '-inf', now), redis.call('ZCOUNT', KEYS[2], '-inf', now)
local age = -1
for _, source in ipairs({ KEYS[1], KEYS[2] }) do
  local first = redis.call('ZRANGE', source, 0, 0, 'WITHSCORES')
  if first[2] then
    age = math.max(age, now - tonumber(first[2]))
  end
end
return {
  due + expired,
  redis.call('ZCARD', KEYS[1]) - due,
  redis.call('ZCARD', KEYS[2]) - expired,
  redis.call('ZCARD', KEYS[3]),
  math.max(age, -1),
}
