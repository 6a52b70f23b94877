-- Enter or confirm followers of one channel, by the clock of Redis; a few of those who are gone go with it.
-- KEYS: as of gone.lua
-- ARGV: ttl ms, then client, user and info of each
for place = 2, #ARGV, 3 do
  local client, user, info = ARGV[place], ARGV[place + 1], ARGV[place + 2]
  redis.call('zadd', KEYS[1], now_ms + ARGV[1], client)
  if redis.call('hset', KEYS[2], client, info) == 1 then
    redis.call('hincrby', KEYS[3], user, 1)
  end
end
forget_unconfirmed(100)
for _, key in ipairs(KEYS) do
  redis.call('pexpire', key, ARGV[1])
end
return 1
