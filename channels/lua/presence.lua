-- Return who is present, and forget those whose time has run out.
-- KEYS: expiries (sorted set), infos (hash)
local now = redis.call('time')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
for _, client in ipairs(redis.call('zrangebyscore', KEYS[1], '-inf', now_ms)) do
  redis.call('zrem', KEYS[1], client)
  redis.call('hdel', KEYS[2], client)
end
return redis.call('hgetall', KEYS[2])
