-- Makes chosen scheduled jobs ready before their time.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  nodes: 1 when jobs of runs are meant too
-- ARGV[5]  cursor, kept with the answer
-- ARGV[6]  suspect_crashes: from so many crashes on a job runs alone
-- ARGV[7..]  lane and sequence of each job
-- Returns  {1, reply}: new; {0, reply}: known call; -7 conflict: older call
--          reply: changed, cursor, and a letter for each job: + or its state (see look.lua)
-- Events   j for each
-- Derived keys  prod:* lane:* st:* job:* q:* due n:* ev wake:* suspects
--@include look
--@include probe
--@include move
--@include request
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local nodes, cursor, suspect_crashes, first_arg = ARGV[4], ARGV[5], whole(ARGV[6]), 7

local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local jobs, seen, changed, letters = {}, {}, 0, {}
for i = first_arg, #ARGV, 2 do
  local l, seq = lane_of(whole(ARGV[i])), whole(ARGV[i + 1])
  local letter = look(l, seq)
  local name = l.lane .. '.' .. seq
  if seen[name] then letter = 'y' end
  if nodes ~= '1' and is_of_run(l, seq) then letter = 'N' end
  seen[name] = true
  if letter == 'd' then
    probe_lane(l)
    probe_job(l, seq)
    jobs[#jobs + 1] = open_job(l, seq, letter)
    changed, letter = changed + 1, '+'
  end
  letters[#letters + 1] = letter
end

probe_step()
probe_sets()
redis.call('HDEL', meta, '')
for _, job in ipairs(jobs) do
  move(job, 'ready', {attempt = job.attempt, crashes = job.crashes, misses = job.misses, text = '',
                      alone = job.crashes >= suspect_crashes}, now_ms, '')
end
reply = changed .. ' ' .. cursor .. ' ' .. table.concat(letters)
remember(nonce, call, reply, now_ms)
flush(now_ms)
return {1, reply}
