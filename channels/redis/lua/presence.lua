-- Return who is present, by client.
-- KEYS: as of gone.lua
forget_unconfirmed(-1)
return redis.call('hgetall', KEYS[2])
