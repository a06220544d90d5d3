-- Makes failed and cancelled jobs ready, with attempts and crashes counted anew.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  nodes: 1 when jobs of runs are meant too
-- ARGV[5]  cursor, kept with the answer
-- ARGV[6..]  lane and sequence of each job
-- Returns  {1, reply}: new; {0, reply}: known call; -7 conflict: older call
--          reply: changed, cursor, and a letter for each job: +, its state (see look.lua), or U
--          when another job holds its unique key
-- Events   j for each
-- Derived keys  prod:* lane:* st:* job:* q:* ended:* uniq:* n:* kept ev wake:*
--@include look
--@include probe
--@include move
--@include request
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local nodes, cursor, first_arg = ARGV[4], ARGV[5], 6

local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local jobs, claimed, seen, changed, letters = {}, {}, {}, 0, {}
for i = first_arg, #ARGV, 2 do
  local l, seq = lane_of(whole(ARGV[i])), whole(ARGV[i + 1])
  local letter = look(l, seq)
  local name = l.lane .. '.' .. seq
  if seen[name] then letter = 'y' end
  if nodes ~= '1' and is_of_run(l, seq) then letter = 'N' end
  seen[name] = true
  if letter == 'f' or letter == 'c' then
    local job = open_job(l, seq, letter)
    local lane, other, until_ms = string.match(
      job.unique ~= '' and redis.call('GET', p .. 'uniq:' .. job.unique) or '',
      '^(%d+)%.(%d+) (%d*)$')
    job.until_ms = until_ms or ''
    local taken = claimed[job.unique]
    if lane and lane .. '.' .. other ~= name then
      local rival = look(lane_of(tonumber(lane)), tonumber(other))
      taken = taken or string.find('uydwrR', rival, 1, true)
    end
    if taken then
      letter = 'U'
    else
      if job.unique ~= '' then claimed[job.unique] = true end
      probe_lane(l)
      probe_job(l, seq)
      jobs[#jobs + 1] = job
      changed, letter = changed + 1, '+'
    end
  end
  letters[#letters + 1] = letter
end

probe_step()
probe_sets()
redis.call('HDEL', meta, '')
for _, job in ipairs(jobs) do
  if job.unique ~= '' then
    redis.call('SET', p .. 'uniq:' .. job.unique, job.name .. ' ' .. job.until_ms)
  end
  redis.call('HDEL', job_key(job.l, job.seq), 'progress', 'message', 'started', 'worker',
             'expires')
  move(job, 'ready', {attempt = 0, crashes = 0, misses = 0, text = ''}, now_ms, '')
end
reply = changed .. ' ' .. cursor .. ' ' .. table.concat(letters)
remember(nonce, call, reply, now_ms)
flush(now_ms)
return {1, reply}
