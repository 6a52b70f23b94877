-- Number, remember and publish one publication, all or nothing. A key that was seen answers as the first time did.
-- KEYS: past (list, the newest last), top, idempotency key where there is one
-- ARGV: command that publishes, pub/sub channel, body, this publication's own word (the epoch if a new one is needed),
--       history size (0 is none), history ttl ms, top ttl ms, idempotency ttl ms, version (empty is none), its epoch
-- Returns offset, epoch, and what became of it: 'published', 'repeated' or 'outdated'.
local command, channel, body, size = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])

if KEYS[3] then
  local done = redis.call('get', KEYS[3])
  if done then
    local offset, epoch, word = string.match(done, '^(%d+):(%x*):(%x*)$')
    -- With its own word it is this very publication, sent again since the answer was lost.
    return {tonumber(offset), epoch, word == ARGV[4] and 'published' or 'repeated'}
  end
end

local offset, epoch = 0, ''
if size > 0 then
  epoch = redis.call('hget', KEYS[2], 'epoch')
  if not epoch then
    epoch = ARGV[4]
    redis.call('hset', KEYS[2], 'epoch', epoch)
    redis.call('del', KEYS[1])
  end
end

local version = ARGV[9]
if version ~= '' then
  local newest = redis.call('hmget', KEYS[2], 'version', 'version_epoch', 'offset')
  if newest[1] and (ARGV[10] == '' or ARGV[10] == newest[2]) then
    -- Compared as text: Lua's numbers are exact to 53 bits only.
    local longer = #version - #newest[1]
    if longer < 0 or (longer == 0 and version <= newest[1]) then
      redis.call('pexpire', KEYS[2], ARGV[7])
      return {size > 0 and tonumber(newest[3] or 0) or 0, epoch, 'outdated'}
    end
  end
  redis.call('hset', KEYS[2], 'version', version, 'version_epoch', ARGV[10])
  redis.call('pexpire', KEYS[2], ARGV[7])
end

if size > 0 then
  offset = redis.call('hincrby', KEYS[2], 'offset', 1)
  -- Not a stream: to append to one and trim it exactly takes four times as long.
  if redis.call('rpush', KEYS[1], body) > size then
    redis.call('ltrim', KEYS[1], -size, -1)
  end
  redis.call('pexpire', KEYS[1], ARGV[6])
  redis.call('pexpire', KEYS[2], ARGV[7])
end
if KEYS[3] then
  redis.call('set', KEYS[3], offset .. ':' .. epoch .. ':' .. ARGV[4], 'px', ARGV[8])
end
redis.call(command, channel, offset .. ':' .. epoch .. ':' .. body)
return {offset, epoch, 'published'}
