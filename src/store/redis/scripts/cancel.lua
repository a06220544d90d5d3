-- Cancels jobs: what waits ends at once; what runs is marked, and its session told with its beat.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  ttl_ms: how long what ends is kept, unless the job says otherwise
-- ARGV[5]  cursor, kept with the answer
-- ARGV[6]  why
-- ARGV[7..]  lane and sequence of each job
-- Returns  {1, reply}: new; {0, reply}: known call; -7 conflict: older call
--          reply: changed, cursor, and a letter for each job: + or its state (see look.lua)
-- Events   j for each job that ended
-- Derived keys  prod:* lane:* st:* job:* q:* due expiring ended:* slots cancel:* uniq:* n:* kept ev
--@include look
--@include move
--@include request
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local ttl_ms, cursor, why, first_arg = whole(ARGV[4]), ARGV[5], ARGV[6], 7

local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local jobs, seen, changed, letters = {}, {}, 0, {}
for i = first_arg, #ARGV, 2 do
  local l, seq = lane_of(whole(ARGV[i])), whole(ARGV[i + 1])
  local letter, slot = look(l, seq)
  local name = l.lane .. '.' .. seq
  if seen[name] then letter = 'c' end
  seen[name] = true
  if string.find('uydwrR', letter, 1, true) then
    jobs[#jobs + 1] = {l = l, seq = seq, letter = letter, slot = slot, name = name}
    changed, letter = changed + 1, '+'
  end
  letters[#letters + 1] = letter
end

redis.call('HDEL', meta, '')
for _, job in ipairs(jobs) do
  if job.letter == 'r' or job.letter == 'R' then
    local session = redis.call('HGET', p .. 'slots', job.slot) or '0'
    redis.call('HSET', p .. 'cancel:' .. session, job.name, now_ms)
  else
    local body, at_ms
    if job.letter == 'u' then body, at_ms = find_body(job.l, job.seq) end
    cancel_waiting(open_job(job.l, job.seq, job.letter, body, at_ms), now_ms, ttl_ms, why)
  end
end
reply = changed .. ' ' .. cursor .. ' ' .. table.concat(letters)
remember(nonce, call, reply, now_ms)
flush(now_ms)
return {1, reply}
