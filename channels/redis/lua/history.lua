-- Read the top of a channel and a part of its past at one moment.
-- KEYS: past (list, the newest last), top
-- ARGV: epoch if a new one is needed, top ttl ms, offset to read from on (empty for none), limit, '1' for backwards
-- Returns offset, epoch, and the offset of the first of the bodies that follow, in the order of their offsets.
local epoch = redis.call('hget', KEYS[2], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('hset', KEYS[2], 'epoch', epoch)
  redis.call('del', KEYS[1])
end
redis.call('pexpire', KEYS[2], ARGV[2])
local top, limit = tonumber(redis.call('hget', KEYS[2], 'offset') or 0), tonumber(ARGV[4])
if limit <= 0 then
  return {top, epoch, 0, {}}
end

-- The past has no holes and ends with the top, so a place in it is an offset.
local oldest, since = top - redis.call('llen', KEYS[1]) + 1, tonumber(ARGV[3])
local first, last
if ARGV[5] == '1' then
  last = math.min(since and since - 1 or top, top)
  first = math.max(last - limit + 1, oldest)
else
  first = math.max(since and since + 1 or oldest, oldest)
  last = math.min(first + limit - 1, top)
end
if first > last then
  return {top, epoch, 0, {}}
end
return {top, epoch, first, redis.call('lrange', KEYS[1], first - oldest, last - oldest)}
