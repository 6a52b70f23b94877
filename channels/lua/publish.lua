-- Number, remember and publish one publication, all or nothing. A key that was seen answers as the first time did.
-- KEYS: stream, top, idempotency key
-- ARGV: pub/sub channel, body, epoch if a new one is needed, history size (0 is none), history ttl ms, top ttl ms,
--       idempotency ttl ms (0 is none)
-- Returns offset and epoch.
local keyed = tonumber(ARGV[7]) > 0
if keyed then
  local done = redis.call('get', KEYS[3])
  if done then
    local offset, epoch = string.match(done, '^(%d+):(.*)$')
    return {tonumber(offset), epoch}
  end
end

local offset, epoch = 0, ''
if tonumber(ARGV[4]) > 0 then
  epoch = redis.call('hget', KEYS[2], 'epoch')
  if not epoch then
    epoch = ARGV[3]
    redis.call('hset', KEYS[2], 'epoch', epoch)
    redis.call('del', KEYS[1])
  end
  offset = redis.call('hincrby', KEYS[2], 'offset', 1)
  redis.call('xadd', KEYS[1], 'MAXLEN', ARGV[4], offset .. '-0', 'b', ARGV[2])
  redis.call('pexpire', KEYS[1], ARGV[5])
  redis.call('pexpire', KEYS[2], ARGV[6])
end

if keyed then
  redis.call('set', KEYS[3], offset .. ':' .. epoch, 'px', ARGV[7])
end
redis.call('publish', ARGV[1], offset .. ':' .. epoch .. ':' .. ARGV[2])
return {offset, epoch}
