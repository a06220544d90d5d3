-- Forgets runs whose time is over.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  most_runs
-- Returns  {1, done}
-- Derived keys  runs runs_ended run:*
--@include look
local now_ms, most = whole(ARGV[1]), whole(ARGV[2])
local gone = redis.call('ZRANGEBYSCORE', p .. 'runs_ended', '-inf', now_ms, 'LIMIT', 0, most)
redis.call('HDEL', meta, '')
for _, run in ipairs(gone) do
  local key = p .. 'run:' .. run
  for _, list in ipairs(redis.call('SMEMBERS', key .. ':lists')) do
    redis.call('UNLINK', key .. ':l:' .. list)
  end
  redis.call('UNLINK', key, key .. ':lists')
  redis.call('ZREM', p .. 'runs', run)
  redis.call('ZREM', p .. 'runs_ended', run)
end
return {1, #gone}
