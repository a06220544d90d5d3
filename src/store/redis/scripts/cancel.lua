-- Cancels jobs: what waits ends at once; what runs is marked, and its session told with its beat.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  nodes: 1 when jobs of runs are meant too; r: they are, and only what runs
-- ARGV[5]  ttl_ms: how long what ends is kept, unless the job says otherwise
-- ARGV[6]  cursor, kept with the answer
-- ARGV[7]  why
-- ARGV[8..]  lane and sequence of each job
-- Returns  {1, reply}: new; {0, reply}: known call; -7 conflict: older call
--          reply: changed, cursor, and a letter for each job: + or its state (see look.lua)
-- Events   j for each job that ended
-- Derived keys  prod:* lane:* st:* job:* q:* due expiring ended:* slots cancel:* uniq:* n:* kept ev
--@include look
--@include probe
--@include move
--@include request
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local nodes, ttl_ms, cursor, why, first_arg = ARGV[4], whole(ARGV[5]), ARGV[6], ARGV[7], 8

local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local jobs, seen, changed, letters = {}, {}, 0, {}
for i = first_arg, #ARGV, 2 do
  local l, seq = lane_of(whole(ARGV[i])), whole(ARGV[i + 1])
  local letter, slot = look(l, seq)
  local name = l.lane .. '.' .. seq
  if seen[name] then letter = 'c' end
  if nodes == '0' and is_of_run(l, seq) then letter = 'N' end
  seen[name] = true
  if string.find(nodes == 'r' and 'rR' or 'uydwrR', letter, 1, true) then
    local job = {l = l, seq = seq, letter = letter, slot = slot, name = name}
    if letter == 'r' or letter == 'R' then
      job.cancel_key = p .. 'cancel:' .. (redis.call('HGET', p .. 'slots', slot) or '0')
      probe('hash', job.cancel_key)
    else
      local body, at_ms
      if letter == 'u' then body, at_ms = find_body(l, seq) end
      probe_lane(l)
      probe_job(l, seq)
      job.opened = open_job(l, seq, letter, body, at_ms)
    end
    jobs[#jobs + 1] = job
    changed, letter = changed + 1, '+'
  end
  letters[#letters + 1] = letter
end

probe_step()
probe_sets()
redis.call('HDEL', meta, '')
for _, job in ipairs(jobs) do
  if job.cancel_key then
    redis.call('HSET', job.cancel_key, job.name, now_ms)
  else
    cancel_waiting(job.opened, now_ms, ttl_ms, why)
  end
end
reply = changed .. ' ' .. cursor .. ' ' .. table.concat(letters)
remember(nonce, call, reply, now_ms)
flush(now_ms)
return {1, reply}
