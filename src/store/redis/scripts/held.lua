-- What a session holds. Asked by the session itself, it fences off every call below this one.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  session
-- ARGV[2]  nonce
-- ARGV[3]  call
-- ARGV[4]  mode: own (nonce must match, the call must grow) or rescue (the session must be retired)
-- ARGV[5]  most_jobs to answer
-- Returns  {1, jobs}: see open_held; -9 lease_lost; -7 conflict: the call does not grow
-- Derived keys  ses:* act:* job:*
--@include look
local session, nonce, call = ARGV[1], ARGV[2], whole(ARGV[3])
local mode, most = ARGV[4], whole(ARGV[5])

local v = redis.call('HMGET', p .. 'ses:' .. session, 'nonce', 'call', 'retired')
local retired = v[3] == '1'
if mode == 'own' and (v[1] ~= nonce or retired) or mode ~= 'own' and not retired then return -9 end
if mode == 'own' and call <= number(v[2]) then return -7 end
local all, jobs = redis.call('HGETALL', p .. 'act:' .. session), {}
for i = 1, #all, 2 do
  if #jobs < most then jobs[#jobs + 1] = open_held(all[i], all[i + 1]) end
end
if mode == 'own' then
  redis.call('HDEL', p .. 'ses:' .. session, '')
  redis.call('HSET', p .. 'ses:' .. session, 'call', call)
end
return {1, jobs}
