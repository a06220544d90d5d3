-- One beat, and all that a session has to be told. A retired session stays dead.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  session
-- ARGV[2]  nonce
-- ARGV[3]  known: 1 when this session was alive at its last beat
-- ARGV[4]  now_ms
-- ARGV[5]  watchers: so many of the oldest sessions watch all, the others watch these
-- ARGV[6]  state of the worker
-- ARGV[7]  running
-- ARGV[8]  processed
-- ARGV[9]  failed
-- ARGV[10]  rss_bytes
-- ARGV[11]  tally: JSON, or empty when it is the same as before
-- Returns  {1, held, order, next_due_ms, work_waiting, upkeep, cancels, watch, news, oldest_ms}:
--          watch has session and beat of each, beat -1 for one that is retired; news is the newest
--          event's position and oldest_ms until when the next ended job is kept, both for the
--          holder of upkeep only; -9 lease_lost: retired; -1 invalid: bad arguments
-- Derived keys  ses:* sessions elders retired act:* cancel:* lease queue:* lane:* q:* n:* due
--               expiring ev ended:* done done:*
--@include look
local session, nonce, known, now_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local watchers = whole(ARGV[5])
local state, running, processed, failed, rss = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local tally = ARGV[11]

local ses_key, sessions = p .. 'ses:' .. session, p .. 'sessions'
local v = redis.call('HMGET', ses_key, 'nonce', 'retired', 'order', 'queues', 'pools')
if not tally or not watchers then return -1 end
if v[1] ~= nonce or v[2] == '1' then
  if v[1] == nonce or known == '1' then
    -- It beats, so it lives: whoever declared it dead was mistaken, or it had been stopped.
    redis.call('HDEL', meta, '')
    redis.call('HINCRBY', meta, 'false_alarms', 1)
  end
  return -9
end
local upkeep = redis.call('GET', p .. 'lease') or ''
local retired = redis.call('SMEMBERS', p .. 'retired')
local rank = redis.call('ZRANK', p .. 'elders', session) or watchers
local watch = {}
if rank < watchers then
  watch = redis.call('HGETALL', sessions)
else
  for _, elder in ipairs(redis.call('ZRANGE', p .. 'elders', 0, watchers - 1)) do
    watch[#watch + 1], watch[#watch + 2] = elder, redis.call('HGET', sessions, elder) or '0'
  end
end
for _, dead in ipairs(retired) do watch[#watch + 1], watch[#watch + 2] = dead, -1 end

local pools, waiting = {}, 0
for pool in string.gmatch(v[5] or '', '[^\n]+') do pools[pool] = true end
if not next(pools) then pools[''] = true end
for queue in string.gmatch(v[4] or '', '[^\n]+') do
  if waiting == 0 and number(redis.call('HGET', p .. 'n:' .. queue, 'ready')) > 0 then
    local q = redis.call('HMGET', p .. 'queue:' .. queue, 'paused', 'lanes')
    for lane, pool in string.gmatch(q[1] ~= '1' and q[2] or '', '(%d+)|([^| ]*)|%d+') do
      local l = pools[pool] and lane_of(tonumber(lane))
      if l and (has_work(l) or redis.call('ZCARD', p .. 'q:' .. l.lists .. ':alone') > 0) then
        waiting = 1
      end
    end
  end
end
local held = redis.call('HLEN', p .. 'act:' .. session)
local cancels = redis.call('HKEYS', p .. 'cancel:' .. session)
local due = next_due()

local takes_upkeep = upkeep == '' or redis.call('HEXISTS', sessions, upkeep) == 0
if takes_upkeep then upkeep = session end
local news, oldest = '', nil
if upkeep == session then
  local newest = redis.call('XREVRANGE', p .. 'ev', '+', '-', 'COUNT', 1)[1]
  news = newest and newest[1] or ''
  local function older(until_ms)
    if until_ms and (not oldest or tonumber(until_ms) < tonumber(oldest)) then oldest = until_ms end
  end
  for _, ended in ipairs({'succeeded', 'failed', 'cancelled'}) do
    older(redis.call('ZRANGE', p .. 'ended:' .. ended, 0, 0, 'WITHSCORES')[2])
  end
  for _, class in ipairs(redis.call('SMEMBERS', p .. 'done')) do
    older(string.match(redis.call('LINDEX', p .. 'done:' .. class, 0) or '', '^(%d+)|'))
  end
end

redis.call('HDEL', ses_key, '')
redis.call('HINCRBY', sessions, session, 1)
redis.call('HSET', ses_key, 'state', state, 'running', running, 'processed', processed,
           'failed', failed, 'rss', rss, 'seen', now_ms)
if tally ~= '' then redis.call('HSET', ses_key, 'tally', tally) end
if takes_upkeep then redis.call('SET', p .. 'lease', session) end
return {1, held, number(v[3]), due, waiting, upkeep, cancels, watch, news, oldest or ''}
