-- Pauses, resumes or drains a queue; or tells a session what to do with its next beat.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  queue; empty: a session is meant
-- ARGV[5]  paused: 0, 1, or empty for as it was; or the session
-- ARGV[6]  draining: 0, 1, or empty for as it was; or the order
-- ARGV[7]  opened: 1 when work may be handed out again
-- ARGV[8]  what happened, for the event
-- Returns  1: done; 0: known call; -7 conflict: older call; -4 not_found: no such session
-- Events   q for a queue
-- Derived keys  prod:* queues queue:* lane:* ses:* ev wake:*
--@include look
--@include move
--@include request
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local queue, paused, draining, opened, what = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]

local last = last_request(nonce, now_ms)
if call == last then return 0 end
if call < last or not what then return -7 end
if queue == '' then
  local key = p .. 'ses:' .. paused
  local v = redis.call('HMGET', key, 'nonce', 'retired')
  if not v[1] or v[2] == '1' then return -4 end
  redis.call('HDEL', meta, '')
  redis.call('HSET', key, 'order', draining)
else
  local of_queue = redis.call('HGET', p .. 'queue:' .. queue, 'lanes') or ''
  redis.call('SCARD', p .. 'queues')
  redis.call('HDEL', meta, '')
  redis.call('SADD', p .. 'queues', queue)
  if paused ~= '' then redis.call('HSET', p .. 'queue:' .. queue, 'paused', paused) end
  if draining ~= '' then redis.call('HSET', p .. 'queue:' .. queue, 'draining', draining) end
  if opened == '1' then
    for lane in string.gmatch(of_queue, '(%d+)|') do wake(lane_of(tonumber(lane)).wake) end
  end
  event('q\t' .. queue .. '\t' .. what)
end
remember(nonce, call, 'ok', now_ms)
flush(now_ms)
return 1
