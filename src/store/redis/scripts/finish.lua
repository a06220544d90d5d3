-- Ends attempts and takes new jobs, in one step. Only what a session holds can be ended by it.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  session
-- ARGV[2]  nonce
-- ARGV[3]  call
-- ARGV[4]  mode: turn (the call must grow), close (the call is the last one), rescue (the session
--          must be retired; nonce and call do not count)
-- ARGV[5]  now_ms
-- ARGV[6]  ttl_ms of what expires on the way
-- ARGV[7]  most_jobs to take
-- ARGV[8]  most_bytes to take
-- ARGV[9]  age_step_ms: so much waiting is worth one step of priority
-- ARGV[10]  holds_nothing: 1 when the session may be given a suspect
-- ARGV[11]  queue_count
-- ARGV[12]  pool_count
-- ARGV[13]  run_id of the server, as the connection's handshake read it
-- ARGV[14]  jump, random below 2^31: how much farther counters jump in a new run
-- ARGV[15]  transition_count
-- ARGV[16]  suspect_crashes: from so many crashes on a job runs alone
-- ARGV[17..]  queues; pools; for each transition lane, sequence, fence, to, attempt, crashes,
--          misses, at_ms, text, flags (k keep in full, a alone, b give back, r in a run),
--          cancelled_until_ms, change_count and so many changes of runs (see lib/run.lua)
-- Returns  {1, accepted, alone_waiting, next_due_ms, fence, jobs, conflicts}: accepted has a 1 or 0
--          for each, or c when its runs are not as it expects: then conflicts has its number, how
--          many words follow, and these (see lib/run.lua);
--          a job is {lane, sequence, created_ms, body[, state of its run]} or, with a record,
--          {lane, sequence, created_ms, @, task, payload, attempt, crashes, misses, options, tags,
--          own_id, alone, state of its run};
--          -9 lease_lost: retired; -7 conflict: the call does not grow; -1 invalid: bad arguments
-- Events   j for each job, f for each run that begins or ends
-- Derived keys  ses:* act:* cancel:* lane:* job:* res:* done:* st:* q:* queue:* due expiring
--               ended:* uniq:* n:* kept ev wake:* wake_due suspects run:* runs runs_ended lanes
--               queues
--@include look
--@include probe
--@include move
--@include epoch
--@include reserve
--@include lane
--@include run
local session, nonce, call, mode = ARGV[1], ARGV[2], whole(ARGV[3]), ARGV[4]
local now_ms, ttl_ms, most_jobs = whole(ARGV[5]), whole(ARGV[6]), whole(ARGV[7])
local most_bytes, age_step_ms, holds_nothing = whole(ARGV[8]), whole(ARGV[9]), ARGV[10] == '1'
local queue_count, pool_count = whole(ARGV[11]), whole(ARGV[12])
local run_id, jump = ARGV[13], whole(ARGV[14])
local count, suspect_crashes = whole(ARGV[15]), whole(ARGV[16])
local most_plain_result = 16384
local next_arg = 17 + queue_count + pool_count
local ses_key, act_key = p .. 'ses:' .. session, p .. 'act:' .. session
local cancel_key = p .. 'cancel:' .. session

local v = redis.call('HMGET', ses_key, 'nonce', 'call', 'worker', 'retired', 'slot')
local retired, worker, slot = v[4] == '1', v[3] or '', number(v[5])
if mode ~= 'rescue' and (v[1] ~= nonce or retired) or mode == 'rescue' and not retired then
  if mode == 'turn' and count > 0 then
    redis.call('HDEL', meta, '')
    redis.call('HINCRBY', meta, 'stale_writes_refused', count)
  end
  return -9
end
if mode == 'turn' and call <= number(v[2]) or mode == 'close' and call ~= number(v[2]) then
  return -7
end

-- Who still holds what is to be ended.
local told = redis.call('HLEN', cancel_key) > 0
local ending, accepted, taken, seen, conflicts = {}, {}, {}, {}, {}
local counters = redis.call('HMGET', meta, 'lanes', 'epoch')
local new_run = meets_new_run(run_id)
local epoch, issued = number(counters[2]) + (new_run and 1 or 0), {count = number(counters[1])}
for i = 1, count do
  local at, changes, found = next_arg, {}, {}
  local lane, seq, to = whole(ARGV[at]), whole(ARGV[at + 1]), ARGV[at + 3]
  local name = lane .. '.' .. seq
  local t = {attempt = whole(ARGV[at + 4]), crashes = whole(ARGV[at + 5]),
             misses = whole(ARGV[at + 6]), at_ms = whole_or_none(ARGV[at + 7]), text = ARGV[at + 8],
             keep_full = string.find(ARGV[at + 9], 'k', 1, true),
             alone = string.find(ARGV[at + 9], 'a', 1, true),
             give_back = string.find(ARGV[at + 9], 'b', 1, true),
             in_run = string.find(ARGV[at + 9], 'r', 1, true)}
  local until_ms = whole(ARGV[at + 10])
  next_arg = at + 12
  for k = 1, whole(ARGV[at + 11]) do changes[k], next_arg = read_change(next_arg) end
  if not letter_of[to] or not until_ms or not (t.attempt and t.crashes and t.misses) or
     to ~= 'ready' and not t.at_ms then return -1 end
  local held = redis.call('HGET', act_key, name)
  local fence, started_ms, rest = string.match(held or '', '^(%d+)|(%d+)|(.*)$')
  local ours = fence == ARGV[at + 2] and not seen[name]
  if ours then
    for _, c in ipairs(changes) do compare_change(c, found) end
  end
  accepted[i] = #found > 0 and 'c' or ours and '1' or '0'
  if #found > 0 then
    ours = false
    conflicts[#conflicts + 1], conflicts[#conflicts + 2] = i, #found
    for _, word in ipairs(found) do conflicts[#conflicts + 1] = word end
  end
  if ours then
    for _, c in ipairs(changes) do stage_change(c, epoch, jump, issued) end
  end
  if ours then
    seen[name] = true
    -- The request may be younger than what the worker knew when it decided. A step that goes on is
    -- ended by its run alone.
    local goes_on = t.in_run and (to == 'ready' or to == 'scheduled')
    if told and not goes_on and to ~= 'succeeded' and to ~= 'cancelled' and
       redis.call('HEXISTS', cancel_key, name) == 1 then
      local own_ttl = redis.call('HGET', p .. 'job:' .. name, 'ttl')
      to, t.alone = 'cancelled', nil
      t.at_ms = own_ttl and now_ms + number(own_ttl) or until_ms
      if t.text == '' then t.text = 'cancelled while it ran' end
    end
    local l = lane_of(lane)
    ending[#ending + 1] = {l = l, seq = seq, to = to, t = t, rest = rest,
                           started_ms = started_ms, name = name}
    taken[#taken + 1] = name
    probe_lane(l)
    if to == 'succeeded' and rest ~= '@' and #t.text <= most_plain_result then
      probe('string', (cell_place(l, seq)))
      probe('hash', result_key(l, seq))
      probe('list', done_key(t.at_ms, now_ms))
      probe('set', p .. 'done')
    else
      probe_job(l, seq)
      probe_sets()
    end
  end
end
local pools, queues = {}, {}
for i = 1, pool_count do pools[ARGV[16 + queue_count + i]] = true end
if pool_count == 0 then pools[''] = true end
for i = 1, most_jobs > 0 and queue_count or 0 do
  queues[i] = open_lanes(ARGV[16 + i], pools)
  for _, l in ipairs(queues[i]) do probe_reserve(l, most_jobs) end
end
probe_step()
probe('zset', p .. 'due')
probe('zset', p .. 'expiring')

-- Writes from here on; the first is one that a full server never refuses.
redis.call('HDEL', act_key, '', unpack(taken))
if told and #taken > 0 then redis.call('HDEL', cancel_key, unpack(taken)) end
if mode == 'turn' then redis.call('HSET', ses_key, 'call', call) end
local stale = 0
for _, one in ipairs(accepted) do stale = stale + (one == '0' and 1 or 0) end
if mode == 'turn' and stale > 0 then
  redis.call('HINCRBY', meta, 'stale_writes_refused', stale)
end
if #run_order > 0 then
  if new_run then begin_epoch(run_id, jump) end
  write_runs(now_ms, epoch, suspect_crashes)
end
local done = {}
for _, job in ipairs(ending) do
  local l, t, created_ms, body = job.l, job.t, string.match(job.rest, '^(%d+)|(.*)$')
  if body and job.to == 'succeeded' and not t.keep_full and #t.text <= most_plain_result then
    local task, bytes = string.match(body, '^(%S+)') or '', 100 + #t.text
    local mark = string.find(body, '^%S+ @') and '@' or ''  -- A step of a run.
    redis.call('HSET', result_key(l, job.seq), job.seq,
               t.attempt .. '|' .. task .. mark .. '|' .. created_ms .. '|' .. job.started_ms ..
               '|' .. now_ms .. '|' .. t.at_ms .. '|' .. worker .. '|' .. t.text)
    set_cell(l, job.seq, 's', t.attempt, 0)
    counted(l.queue, 'running', -1)
    counted(l.queue, 'succeeded', 1)
    counted_kept('succeeded', 1, bytes)
    job_event(job.name, 'running', 'succeeded', t.attempt, task, worker, '')
    local kept = done[t.at_ms] or {}
    done[t.at_ms] = kept
    kept[#kept + 1] = job.name .. ':' .. bytes
  else
    local moved = open_job(l, job.seq, 'R', body, created_ms)
    moved.started_ms = job.started_ms
    move(moved, job.to, t, now_ms, worker)
  end
end
for until_ms, kept in pairs(done) do
  local key, class = done_key(until_ms, now_ms)
  redis.call('SADD', p .. 'done', class)
  redis.call('RPUSH', key,
             until_ms .. '|' .. now_ms .. '|' .. table.concat(kept, ' '))
end

local r = reservation(session, slot, worker, now_ms, most_jobs, most_bytes, ttl_ms, run_id, jump)
local alone_waiting = 0
if most_jobs > 0 then
  alone_waiting = take_suspect(r, queues, holds_nothing)
  local nothing_beside = alone_waiting == 1 or #r.jobs > 0
  for i = 1, queue_count do
    if not nothing_beside and #queues[i] > 0 then draw(r, queues[i], age_step_ms) end
  end
  if #r.act > 0 then redis.call('HSET', act_key, unpack(r.act)) end
  pass_on(r, queues, nothing_beside)
end
flush(now_ms)
return {1, table.concat(accepted), alone_waiting, next_due(), r.fence or 0, r.jobs, conflicts}
