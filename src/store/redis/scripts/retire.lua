-- Declares a session dead, unless its beat is not the one that was seen any more. From here on it
-- writes nothing; its jobs are given back by finish in mode rescue.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  session
-- ARGV[2]  beat that was seen
-- ARGV[3]  now_ms
-- ARGV[4]  certificate: what is known of its death
-- Returns  {1, worker, certificate}: retired, with what was known then; 0: it beats, or is no more
-- Events   w lost
-- Derived keys  ses:* sessions elders retired ev
--@include look
--@include probe
--@include move
local session, beat, now_ms, certificate = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local v = redis.call('HMGET', p .. 'ses:' .. session, 'worker', 'retired', 'certificate')
if not v[1] then return 0 end
if v[2] == '1' then return {1, v[1], v[3] or ''} end
if redis.call('HGET', p .. 'sessions', session) ~= beat or not certificate then return 0 end
probe('stream', p .. 'ev')
probe('zset', p .. 'elders')
probe('set', p .. 'retired')
probe('hash', meta)
redis.call('HDEL', p .. 'sessions', session)
redis.call('ZREM', p .. 'elders', session)
redis.call('HSET', p .. 'ses:' .. session, 'retired', 1, 'certificate', certificate)
redis.call('SADD', p .. 'retired', session)
redis.call('HINCRBY', meta, 'sessions_lost', 1)
event('w\t' .. escape(v[1]) .. '\tlost: ' .. escape(certificate))
flush(now_ms)
return {1, v[1], certificate}
