-- Changes runs of flows from outside: all of the changes, or none.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  nonce of the client
-- ARGV[3]  call
-- ARGV[4]  run_id of the server, as the connection's handshake read it
-- ARGV[5]  jump, random below 2^31: how much farther counters jump in a new run
-- ARGV[6]  suspect_crashes: from so many crashes on a job runs alone
-- ARGV[7]  change_count
-- ARGV[8..]  changes (see lib/run.lua)
-- Returns  {1, conflicts}: new, conflicts as words (see lib/run.lua), none: applied;
--          {0, reply}: known call, ok or conflict; -7 conflict: older call
-- Events   f for each run that begins or ends, j for each job
-- Derived keys  prod:* run:* runs runs_ended lanes lane:* queues queue:* q:* st:* job:* due n:* ev
--               wake:* wake_due
--@include look
--@include probe
--@include move
--@include epoch
--@include request
--@include lane
--@include run
local now_ms, nonce, call = whole(ARGV[1]), ARGV[2], whole(ARGV[3])
local server_run, jump, suspect_crashes = ARGV[4], whole(ARGV[5]), whole(ARGV[6])
local change_count = whole(ARGV[7])

local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local changes, conflicts, at = {}, {}, 8
for i = 1, change_count do
  changes[i], at = read_change(at)
  compare_change(changes[i], conflicts)
end
local new_run = meets_new_run(server_run)
local found = redis.call('HMGET', meta, 'lanes', 'epoch')
local epoch = number(found[2]) + (new_run and 1 or 0)
local issued = {count = number(found[1])}
if #conflicts == 0 then
  for _, c in ipairs(changes) do stage_change(c, epoch, jump, issued) end
end
probe_step()
probe_sets()
probe('set', p .. 'queues')

redis.call('HDEL', meta, '')
if new_run then begin_epoch(server_run, jump) end
if #conflicts == 0 then write_runs(now_ms, epoch, suspect_crashes) end
remember(nonce, call, #conflicts == 0 and 'ok' or 'conflict', now_ms)
flush(now_ms)
return {1, conflicts}
