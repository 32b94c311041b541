-- KEYS ready later held leases groups extended
-- Removes every message, leased ones too, and answers how many.
local gone = redis.call('LLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2]) + redis.call('HLEN', KEYS[3])
redis.call('UNLINK', unpack(KEYS))
return gone
