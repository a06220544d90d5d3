-- Moving jobs: shared by every script that writes. What a script changes is gathered here and
-- written by flush(): cells side by side as one string, counters as one sum each, one event entry.
local cells = {at = 0, text = {}}
local deltas, kept, events, waking = {}, {}, {}, {}

local function flush_cells()
  if not cells.key then return end
  redis.call('SETRANGE', cells.key, cells.first, table.concat(cells.text))
  cells.key, cells.text = nil, {}
end

local function set_cell(l, seq, letter, attempt, slot)
  if seq < l.mark then return end
  local key, at = cell_place(l, seq)
  if key ~= cells.key or at ~= cells.at then
    flush_cells()
    cells.key, cells.first = key, at
  end
  cells.text[#cells.text + 1] = string.char(string.byte(letter), attempt % 256, slot % 256,
                                            math.floor(slot / 256))
  cells.at = at + 4
end

local function counted(queue, field, jobs)
  local of_queue = deltas[queue]
  if not of_queue then
    of_queue = {}
    deltas[queue] = of_queue
  end
  of_queue[field] = (of_queue[field] or 0) + jobs
end

-- Ended jobs and their bytes, of all queues: what retention is measured by.
local function counted_kept(state, jobs, bytes)
  kept[state] = (kept[state] or 0) + jobs
  kept[state .. '_bytes'] = (kept[state .. '_bytes'] or 0) + bytes
end

local escapes = {['\t'] = '\\t', ['\n'] = '\\n', ['\\'] = '\\\\'}
local function escape(text)
  return (string.gsub(text, '[\t\n\\]', escapes))
end

local function named(l, seq, own_id)
  if own_id and own_id ~= '' then return l.lane .. '.' .. seq .. '=' .. own_id end
  return l.lane .. '.' .. seq
end

local function event(line)
  events[#events + 1] = line
end

local escaped = {[''] = ''}
local function job_event(name, from, to, attempt, task, worker, message)
  if message ~= '' then message = escape(string.sub(message, 1, 400)) end
  if not escaped[worker] then escaped[worker] = escape(worker) end
  events[#events + 1] = 'j\t' .. name .. '\t' .. from .. '\t' .. to .. '\t' .. attempt .. '\t' ..
                        task .. '\t' .. escaped[worker] .. '\t' .. message
end

-- A token for whoever sleeps; one is enough, since a reserve that leaves work behind passes it on.
local function wake(list)
  waking[list] = true
end

local function flush(now_ms)
  flush_cells()
  for queue, fields in pairs(deltas) do
    for field, jobs in pairs(fields) do
      if jobs ~= 0 then redis.call('HINCRBY', p .. 'n:' .. queue, field, jobs) end
    end
  end
  for field, sum in pairs(kept) do
    if sum ~= 0 then redis.call('HINCRBY', p .. 'kept', field, sum) end
  end
  if #events > 0 then
    redis.call('XADD', p .. 'ev', '*', 'at', now_ms, 'b', table.concat(events, '\n') .. '\n')
  end
  for list in pairs(waking) do
    if redis.call('LLEN', list) == 0 then redis.call('RPUSH', list, '1') end
  end
end

local function due_member(l, seq)
  return string.format('%015d.%s', seq, l.lane)
end

-- What moving has to know of a job. `body` is there while it has no record.
local function open_job(l, seq, letter, body, created_ms)
  local job = {l = l, seq = seq, from = state_of[letter], name = l.lane .. '.' .. seq}
  if body then
    job.task, job.payload, job.options = open_body(body)
    job.created_ms, job.own_id, job.unique = created_ms, '', ''
    return job
  end
  local key = job_key(l, seq)
  local v = redis.call('HMGET', key, 'task', 'own_id', 'unique', 'kept_bytes', 'expires', 'attempt',
                       'crashes', 'misses', 'ttl')
  job.task, job.own_id, job.unique = v[1] or '', v[2] or '', v[3] or ''
  job.kept_bytes, job.expires = number(v[4]), v[5]
  job.attempt, job.crashes, job.misses = number(v[6]), number(v[7]), number(v[8])
  job.ttl_ms = v[9] and tonumber(v[9])
  return job
end

-- Releases a unique key that the job holds, unless it is held for longer.
local function free_unique(job, now_ms)
  if job.unique == '' then return end
  local key = p .. 'uniq:' .. job.unique
  local holder, until_ms = string.match(redis.call('GET', key) or '', '^(%S+) (%d*)$')
  if holder == job.name and number(until_ms) <= now_ms then redis.call('DEL', key) end
end

-- Takes a job out of whatever it waits or is kept in.
local function leave(job)
  local l, member = job.l, due_member(job.l, job.seq)
  if job.from == 'ready' then
    redis.call('ZREM', p .. 'q:' .. l.lists .. ':again', job.seq)
    redis.call('ZREM', p .. 'q:' .. l.lists .. ':alone', job.seq)
  elseif job.from == 'scheduled' then
    redis.call('ZREM', p .. 'due', member)
  elseif letter_of[job.from] and job.from ~= 'running' and job.from ~= 'waiting' then
    redis.call('ZREM', p .. 'ended:' .. job.from, member)
    counted_kept(job.from, -1, -job.kept_bytes)
  end
end

-- Applies a decision: `to` with the fields of rules::Transition in `t`. The job has a record after
-- it. `t.at_ms` is when a scheduled job is due, or until when an ended one is kept.
local function move(job, to, t, now_ms, worker)
  local l, key = job.l, job_key(job.l, job.seq)
  local fields = {'state', to, 'attempt', t.attempt, 'crashes', t.crashes, 'misses', t.misses}
  local function put(field, value)
    fields[#fields + 1], fields[#fields + 2] = field, value
  end
  leave(job)
  if job.payload then
    redis.call('HSET', key, 'task', job.task, 'payload', job.payload, 'created', job.created_ms)
    if job.options ~= '' then put('options', job.options) end
  end
  if job.started_ms then put('started', job.started_ms) end
  if worker ~= '' then put('worker', worker) end
  redis.call('HDEL', key, 'session', 'slot', 'fence', 'place', 'due', 'ready_at', 'error',
             'finished', 'until', 'kept_bytes', 'alone')
  local member = due_member(l, job.seq)
  if to == 'ready' then
    local place = t.give_back and job.seq - 4e15 or redis.call('HINCRBY', meta, 'again', 1)
    local list = t.alone and ':alone' or ':again'
    redis.call('ZADD', p .. 'q:' .. l.lists .. list, string.format('%.0f', place), job.seq)
    put('place', t.alone and 'alone' or 'again')
    put('ready_at', now_ms)
    if t.alone then redis.call('SADD', p .. 'suspects', l.lane) end
    if t.text ~= '' then put('error', t.text) end
    wake(l.wake)
  elseif to == 'scheduled' then
    redis.call('ZADD', p .. 'due', t.at_ms, member)
    put('due', t.at_ms)
    if t.text ~= '' then put('error', t.text) end
    wake(p .. 'wake_due')
  else
    if to == 'succeeded' then
      put('result', t.text)
      if not t.keep_full then redis.call('HDEL', key, 'payload', 'tags') end
    else
      put('error', t.text)
    end
    local bytes = 100 + redis.call('HSTRLEN', key, 'payload') + #t.text
    put('finished', now_ms)
    put('until', t.at_ms)
    put('kept_bytes', bytes)
    redis.call('ZADD', p .. 'ended:' .. to, t.at_ms, member)
    if job.expires then redis.call('ZREM', p .. 'expiring', member) end
    counted_kept(to, 1, bytes)
    free_unique(job, now_ms)
  end
  redis.call('HSET', key, unpack(fields))
  set_cell(l, job.seq, letter_of[to], t.attempt, 0)
  counted(l.queue, job.from, -1)
  counted(l.queue, to, 1)
  job_event(named(l, job.seq, job.own_id), job.from, to, t.attempt, job.task, worker,
            to == 'succeeded' and '' or t.text)
end

-- Ends a job that no session holds.
local function cancel_waiting(job, now_ms, ttl_ms, why)
  move(job, 'cancelled', {attempt = job.attempt or 0, crashes = job.crashes or 0, misses = 0,
                          at_ms = now_ms + (job.ttl_ms or ttl_ms), text = why}, now_ms, '')
end

-- The list of those that succeeded without a record, one for each time of keeping, so that its head
-- is always the next to go.
local function done_key(until_ms, now_ms)
  local class = math.floor((until_ms - now_ms) / 10000 + 0.5)
  return p .. 'done:' .. class, class
end

-- Forgets a job that succeeded without a record.
local function forget_plain(l, seq, result)
  local text = string.match(result, '^[^|]*|[^|]*|[^|]*|[^|]*|[^|]*|[^|]*|[^|]*|(.*)$') or ''
  redis.call('HDEL', result_key(l, seq), seq)
  set_cell(l, seq, 'x', 0, 0)
  counted(l.queue, 'succeeded', -1)
  counted_kept('succeeded', -1, -(100 + #text))
end

-- Forgets a job that does not run: nothing of it stays but its cell.
local function forget(job, now_ms)
  local l, key = job.l, job_key(job.l, job.seq)
  leave(job)
  if job.expires then redis.call('ZREM', p .. 'expiring', due_member(l, job.seq)) end
  free_unique(job, now_ms)
  if job.own_id ~= '' then redis.call('DEL', p .. 'alias:' .. job.own_id) end
  redis.call('DEL', key, p .. 'log:' .. job.name)
  if job.seq < l.mark then redis.call('ZREM', p .. 'old:' .. l.lane, job.seq) end
  set_cell(l, job.seq, 'x', 0, 0)
  counted(l.queue, job.from, -1)
end
