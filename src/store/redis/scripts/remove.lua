-- Forgets jobs that do not run.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  nodes: 1 when jobs of runs are meant too
-- ARGV[5]  cursor, kept with the answer
-- ARGV[6..]  lane and sequence of each job
-- Returns  {1, reply}: new; {0, reply}: known call; -7 conflict: older call
--          reply: changed, cursor, and a letter for each job: + or its state (see look.lua)
-- Events   r for each
-- Derived keys  prod:* lane:* st:* job:* res:* log:* q:* due expiring ended:* old:* alias:* uniq:*
--               n:* kept ev
--@include look
--@include probe
--@include move
--@include request
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local nodes, cursor, first_arg = ARGV[4], ARGV[5], 6

local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local jobs, seen, changed, letters = {}, {}, 0, {}
for i = first_arg, #ARGV, 2 do
  local l, seq = lane_of(whole(ARGV[i])), whole(ARGV[i + 1])
  local letter = look(l, seq)
  local name = l.lane .. '.' .. seq
  if seen[name] then letter = 'x' end
  if nodes ~= '1' and is_of_run(l, seq) then letter = 'N' end
  seen[name] = true
  if string.find('uydwsSfc', letter, 1, true) then
    probe_lane(l)
    probe_job(l, seq)
    jobs[#jobs + 1] = {l = l, seq = seq, letter = letter, name = name,
                       result = letter == 's' and redis.call('HGET', result_key(l, seq), seq) or ''}
    changed, letter = changed + 1, '+'
  end
  letters[#letters + 1] = letter
end

probe_step()
probe_sets()
redis.call('HDEL', meta, '')
for _, job in ipairs(jobs) do
  local own_id = ''
  if job.letter == 's' then
    forget_plain(job.l, job.seq, job.result)
  elseif job.letter == 'u' then
    set_cell(job.l, job.seq, 'x', 0, 0)
    counted(job.l.queue, 'ready', -1)
  else
    local opened = open_job(job.l, job.seq, job.letter)
    own_id = opened.own_id
    forget(opened, now_ms)
  end
  event('r\t' .. named(job.l, job.seq, own_id) .. '\tremoved')
end
reply = changed .. ' ' .. cursor .. ' ' .. table.concat(letters)
remember(nonce, call, reply, now_ms)
flush(now_ms)
return {1, reply}
