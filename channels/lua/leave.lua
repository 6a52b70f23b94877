-- End one follower's presence.
-- KEYS: expiries (sorted set), infos (hash)
-- ARGV: client
redis.call('zrem', KEYS[1], ARGV[1])
redis.call('hdel', KEYS[2], ARGV[1])
return 1
