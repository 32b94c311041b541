-- KEYS ready later held leases groups extended dead
-- Answers {ready delayed leased dead, how long the first has been due in ms (-1: none is)}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZCOUNT', KEYS[2], '-inf', now)
local expired = redis.call('ZCOUNT', KEYS[6], '-inf', now)
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now)) do
  expired = expired + (redis.call('HGET', KEYS[5], string.match(lease, '^(.*)/%d+$')) or 0)
end
local age = -1
local first = redis.call('LINDEX', KEYS[1], 0)
if first then
  age = now - read(first, '').due
end
for _, key in ipairs({ KEYS[2], KEYS[4], KEYS[6] }) do
  local head = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if head[2] then
    age = math.max(age, now - tonumber(head[2]))
  end
end
return {
  redis.call('LLEN', KEYS[1]) + due + expired,
  redis.call('ZCARD', KEYS[2]) - due,
  redis.call('HLEN', KEYS[3]) - expired,
  redis.call('ZCARD', KEYS[7]),
  math.max(age, -1),
}
