-- Ends a session that holds nothing any more, closed by itself or retired by another.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  session
-- ARGV[2]  nonce; empty: it must be retired
-- ARGV[3]  now_ms
-- Returns  1; 0: it still holds jobs; -9 lease_lost: it is not ours, or gone
-- Events   w closed
-- Derived keys  ses:* sessions elders retired slots act:* cancel:* ev
--@include look
--@include move
local session, nonce, now_ms = ARGV[1], ARGV[2], whole(ARGV[3])

local v = redis.call('HMGET', p .. 'ses:' .. session, 'nonce', 'worker', 'retired', 'slot')
local ours = nonce == '' and v[3] == '1' or nonce ~= '' and v[1] == nonce and v[3] ~= '1'
if not ours then return -9 end
if redis.call('HLEN', p .. 'act:' .. session) > 0 then return 0 end
redis.call('HDEL', p .. 'sessions', session)
redis.call('ZREM', p .. 'elders', session)
redis.call('SREM', p .. 'retired', session)
redis.call('HDEL', p .. 'slots', v[4])
redis.call('DEL', p .. 'ses:' .. session, p .. 'act:' .. session, p .. 'cancel:' .. session)
if nonce ~= '' then event('w\t' .. escape(v[2]) .. '\tclosed') end
flush(now_ms)
return 1
