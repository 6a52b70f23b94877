-- Return how many clients and users are present.
-- KEYS: as of gone.lua
forget_unconfirmed(-1)
return {redis.call('hlen', KEYS[2]), redis.call('hlen', KEYS[3])}
