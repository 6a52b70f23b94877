-- Read the top of a stream and a part of it at one moment.
-- KEYS: stream, top
-- ARGV: epoch if a new one is needed, top ttl ms, first id, last id, limit, '1' for newest first
-- Returns offset, epoch and entries.
local epoch = redis.call('hget', KEYS[2], 'epoch')
if not epoch then
  epoch = ARGV[1]
  redis.call('hset', KEYS[2], 'epoch', epoch)
  redis.call('del', KEYS[1])
end
redis.call('pexpire', KEYS[2], ARGV[2])
local offset = tonumber(redis.call('hget', KEYS[2], 'offset') or 0)

local entries = {}
if tonumber(ARGV[5]) > 0 then
  if ARGV[6] == '1' then
    entries = redis.call('xrevrange', KEYS[1], ARGV[4], ARGV[3], 'COUNT', ARGV[5])
  else
    entries = redis.call('xrange', KEYS[1], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
  end
end
return {offset, epoch, entries}
