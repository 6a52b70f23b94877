-- Put before the scripts of presence: who has left or was not confirmed is counted no more.
-- KEYS: expiries (sorted set), infos (hash), clients of each user (hash)
local function forget(client)
  local info = redis.call('hget', KEYS[2], client)
  redis.call('zrem', KEYS[1], client)
  if info then
    redis.call('hdel', KEYS[2], client)
    local length, start = string.match(info, '^(%d+):()')
    local user = string.sub(info, start, start + length - 1)
    if redis.call('hincrby', KEYS[3], user, -1) <= 0 then
      redis.call('hdel', KEYS[3], user)
    end
  end
end

local time = redis.call('time')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local function forget_unconfirmed(most)
  for _, client in ipairs(redis.call('zrangebyscore', KEYS[1], '-inf', now_ms, 'LIMIT', 0, most)) do
    forget(client)
  end
end

