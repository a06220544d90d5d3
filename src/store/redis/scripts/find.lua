-- One job, from wherever it is remembered. Writes nothing.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  lane
-- ARGV[2]  sequence
-- Returns  {letter} for n (never issued) and x (gone); {u, created_ms, body};
--          {r, created_ms, body, started_ms, worker}; {s, result}; else {letter, record}, all its
--          fields and values
-- Derived keys  lane:* st:* job:* q:* act:* slots ses:* res:*
--@include look
local l, seq = lane_of(whole(ARGV[1])), whole(ARGV[2])

local letter, slot = look(l, seq)
if letter == 'n' or letter == 'x' then return {letter} end
if letter == 'u' then
  local body, at_ms = find_body(l, seq)
  return {letter, at_ms, body or ' '}
end
if letter == 'r' then
  local started_ms, created_ms, body, session = find_held(l, seq, slot)
  return {letter, created_ms, body, started_ms,
          redis.call('HGET', p .. 'ses:' .. session, 'worker') or ''}
end
if letter == 's' then return {letter, redis.call('HGET', result_key(l, seq), seq) or ''} end
return {letter, redis.call('HGETALL', job_key(l, seq))}
