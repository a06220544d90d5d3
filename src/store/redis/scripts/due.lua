-- Makes ready what is due, and ends what should have started by now: one bounded step.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  most_jobs
-- ARGV[3]  ttl_ms: how long what ends is kept, unless the job says otherwise
-- ARGV[4]  suspect_crashes: from so many crashes on a job runs alone
-- Returns  {1, done, more, next_due_ms}; -1 invalid: bad arguments
-- Events   j for each
-- Derived keys  due expiring lane:* st:* job:* q:* ended:* uniq:* n:* kept ev wake:* suspects
--@include look
--@include move
local now_ms, most, ttl_ms = whole(ARGV[1]), whole(ARGV[2]), whole(ARGV[3])
local suspect_crashes = whole(ARGV[4])

local function open_member(member)
  local seq, lane = string.match(member, '^(%d+)%.(%d+)$')
  local l = lane_of(tonumber(lane))
  return open_job(l, tonumber(seq), (look(l, tonumber(seq))))
end
local due = redis.call('ZRANGEBYSCORE', p .. 'due', '-inf', now_ms, 'LIMIT', 0, most)
local jobs = {}
for i, member in ipairs(due) do jobs[i] = open_member(member) end
local late = redis.call('ZRANGEBYSCORE', p .. 'expiring', '-inf', now_ms, 'LIMIT', 0, most - #due)
if not suspect_crashes then return -1 end

if #due + #late > 0 then redis.call('HDEL', meta, '') end
for i, job in ipairs(jobs) do
  redis.call('ZREM', p .. 'due', due[i])
  if job.from == 'scheduled' then
    move(job, 'ready', {attempt = job.attempt, crashes = job.crashes, misses = job.misses,
                        text = '', alone = job.crashes >= suspect_crashes}, now_ms, '')
  end
end
flush_cells()
for _, member in ipairs(late) do
  local job = open_member(member)
  redis.call('ZREM', p .. 'expiring', member)
  if job.from == 'ready' or job.from == 'scheduled' or job.from == 'waiting' then
    cancel_waiting(job, now_ms, ttl_ms, 'expired before it started')
    flush_cells()
  end
end
flush(now_ms)
return {1, #due + #late, #late == most - #due and 1 or 0, next_due()}
