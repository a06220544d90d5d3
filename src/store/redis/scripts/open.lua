-- Opens a session: a number that no session ever had, and the lowest slot near a random one.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  layout
-- ARGV[2]  run_id of the server, as the connection's handshake read it
-- ARGV[3]  now_ms
-- ARGV[4]  jump, random below 2^31: how much farther counters jump in a new run
-- ARGV[5]  nonce
-- ARGV[6]  slot_hint, random below 65535
-- ARGV[7]  worker
-- ARGV[8]  host
-- ARGV[9]  pid
-- ARGV[10]  queues, one a line
-- ARGV[11]  pools, one a line
-- ARGV[12]  tasks, one a line
-- ARGV[13]  concurrency
-- Returns  {1, session}; {-7, layout} conflict: another layout; -8 limited: all slots are taken;
--          -1 invalid: bad arguments
-- Events   w opened
-- Derived keys  sessions elders ses:* slots ev
--@include look
--@include move
--@include epoch
local layout, run_id, now_ms, jump = ARGV[1], ARGV[2], whole(ARGV[3]), whole(ARGV[4])
local nonce, hint, worker, host, pid = ARGV[5], whole(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local queues, pools, tasks, concurrency = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local most_slots = 65535

local found = redis.call('HGET', meta, 'layout')
if found ~= layout then return {-7, found or 'none'} end
local new_run = meets_new_run(run_id)
if not (now_ms and jump and hint and concurrency) then return -1 end
if redis.call('HLEN', p .. 'slots') >= most_slots then return -8 end
redis.call('HLEN', p .. 'sessions')
redis.call('ZCARD', p .. 'elders')
local slot = hint % most_slots
while redis.call('HEXISTS', p .. 'slots', slot) == 1 do slot = (slot + 1) % most_slots end

redis.call('HDEL', meta, '')
if new_run then begin_epoch(run_id, jump) end
local session = redis.call('HINCRBY', meta, 'fence', 1)
redis.call('HSET', p .. 'ses:' .. session, 'nonce', nonce, 'slot', slot, 'call', 0,
           'worker', worker, 'host', host, 'pid', pid, 'queues', queues, 'pools', pools,
           'tasks', tasks, 'concurrency', concurrency, 'opened', now_ms, 'seen', now_ms,
           'state', 'starting')
redis.call('HSET', p .. 'slots', slot, session)
redis.call('HSET', p .. 'sessions', session, 0)
redis.call('ZADD', p .. 'elders', session, session)
event('w\t' .. escape(worker) .. '\topened')
flush(now_ms)
return {1, session}
