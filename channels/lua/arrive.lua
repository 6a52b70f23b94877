-- Enter or confirm one follower, by the clock of Redis.
-- KEYS: expiries (sorted set), infos (hash)
-- ARGV: client, info, ttl ms
local now = redis.call('time')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('zadd', KEYS[1], now_ms + ARGV[3], ARGV[1])
redis.call('hset', KEYS[2], ARGV[1], ARGV[2])
redis.call('pexpire', KEYS[1], ARGV[3])
redis.call('pexpire', KEYS[2], ARGV[3])
return 1
