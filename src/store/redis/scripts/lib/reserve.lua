-- Taking jobs: the second half of finish. A reservation is what one call may take and has taken.
local function reservation(session, slot, worker, now_ms, most_jobs, most_bytes, ttl_ms,
                           run_id, jump)
  return {session = session, slot = slot, worker = worker, now_ms = now_ms, left = most_jobs,
          run_id = run_id, jump = jump, most_bytes = most_bytes, bytes = 0, ended = 0,
          ttl_ms = ttl_ms, jobs = {}, act = {}}
end
local most_ended = 250  -- Expired jobs and tombstones met on the way: no call drops more.

local function is_full(r)
  return r.full or r.left <= 0 or r.ended >= most_ended or r.bytes >= r.most_bytes
end

-- True when a batch may grow by so many bytes; a first job always may.
local function admit(r, bytes)
  if r.bytes > 0 and r.bytes + bytes > r.most_bytes then r.full = true end
  if not r.full then r.bytes = r.bytes + bytes end
  return not r.full
end

local function hand_over(r, l, seq, task, attempt, held, own_id)
  r.left = r.left - 1
  local name = l.lane .. '.' .. seq
  if not r.fence and meets_new_run(r.run_id) then begin_epoch(r.run_id, r.jump) end
  if not r.fence then r.fence = redis.call('HINCRBY', meta, 'fence', 1) end
  r.act[#r.act + 1], r.act[#r.act + 2] = name, r.fence .. '|' .. r.now_ms .. '|' .. held
  set_cell(l, seq, held == '@' and 'R' or 'r', attempt, r.slot)
  counted(l.queue, 'ready', -1)
  counted(l.queue, 'running', 1)
  job_event(named(l, seq, own_id), 'ready', 'running', attempt, task, r.worker, '')
end

-- When the run that a job is a step of is to have ended, if it has to, and behind a space its
-- state, so that its worker need not ask; empty: of none.
local function state_of_run(options)
  local run = string.match(options, '"node":"([^|"]+)|')
  local key = p .. 'run:' .. (run or '')
  if not run or redis.call('TYPE', key).ok ~= 'hash' then return '' end
  local v = redis.call('HMGET', key, 'state', 'until')
  return v[1] and (v[2] or '') .. ' ' .. v[1] or ''
end

local function take_untouched(r, l, seq, at_ms, body)
  hand_over(r, l, seq, string.match(body, '^(%S+)') or '', 1, at_ms .. '|' .. body, '')
  local state = string.find(body, '^%S+ @') and state_of_run(body) or nil
  r.jobs[#r.jobs + 1] = {l.lane, seq, at_ms, body, state}
end

local recorded = {'task', 'payload', 'attempt', 'crashes', 'misses', 'options', 'tags', 'created',
                  'own_id', 'place', 'expires', 'ready_at'}
local function read_record(l, seq)
  local key, v = job_key(l, seq), {}
  -- Overwritten by somebody else: there is no such job any more.
  if redis.call('TYPE', key).ok == 'hash' then v = redis.call('HMGET', key, unpack(recorded)) end
  local job = {}
  for i, field in ipairs(recorded) do job[field] = v[i] or '' end
  return job
end

-- Takes a job that has a record, or ends it when it was to start earlier.
local function take_recorded(r, l, seq, job)
  if job.expires ~= '' and tonumber(job.expires) <= r.now_ms then
    cancel_waiting(open_job(l, seq, 'y'), r.now_ms, r.ttl_ms, 'expired before it started')
    r.ended = r.ended + 1
    return
  end
  local key, attempt = job_key(l, seq), number(job.attempt) + 1
  if job.expires ~= '' then redis.call('ZREM', p .. 'expiring', due_member(l, seq)) end
  redis.call('HDEL', key, 'place', 'ready_at', 'progress', 'message', 'expires')
  hand_over(r, l, seq, job.task, attempt, '@', job.own_id)
  redis.call('HSET', key, 'state', 'running', 'attempt', attempt, 'session', r.session,
             'slot', r.slot, 'fence', r.fence, 'started', r.now_ms, 'worker', r.worker)
  if job.place == 'alone' then redis.call('HSET', key, 'alone', 1) end
  r.jobs[#r.jobs + 1] = {l.lane, seq, job.created, '@', job.task, job.payload, attempt,
                         number(job.crashes), number(job.misses), job.options, job.tags, job.own_id,
                         job.place == 'alone' and 1 or 0, state_of_run(job.options)}
end

-- What came back, in its order. False when the batch is to end here.
local function draw_again(r, l, youngest_ms)
  local key = p .. 'q:' .. l.lists .. ':again'
  while not is_full(r) do
    local first = redis.call('ZRANGE', key, 0, 0)
    if #first == 0 then return true end
    local seq = tonumber(first[1])
    local job = read_record(l, seq)
    if number(job.ready_at) > youngest_ms or not admit(r, #job.payload) then return false end
    redis.call('ZREM', key, seq)
    take_recorded(r, l, seq, job)
  end
  return false
end

-- The letters of the cells first..last, read at once; both lie in one bucket.
local function letters(l, first, last)
  local key, at = cell_place(l, first)
  local text = redis.call('GETRANGE', key, at, at + (last - first) * 4 + 3)
  return function(seq)
    local letter = string.byte(text, (seq - first) * 4 + 1)
    if not letter or letter == 0 then return 'u' end
    return string.char(letter)
  end
end

local function payload_bytes(body)
  return #body - (string.find(body, ' ', 1, true) or 0)
end

-- Takes what an entry names, as far as it may; what is left of the entry, or nil.
local function draw_entry(r, l, entry, youngest_ms, letter_at)
  local first, count, at_ms, offsets, jobs = open_entry(entry)
  if is_full(r) or at_ms > youngest_ms then return entry end
  if offsets == '@' then
    local job = read_record(l, first)
    if letter_at(first) ~= 'y' or job.place ~= 'list' then
      r.ended = r.ended + 1
    elseif admit(r, #job.payload) then
      take_recorded(r, l, first, job)
    else
      return entry
    end
    return nil
  end
  local bodies = count == 1 and {jobs} or open_run(offsets, jobs)
  for i = 1, count do
    local seq = first + i - 1
    if letter_at(seq) ~= 'u' then
      r.ended = r.ended + 1
    elseif not is_full(r) and admit(r, payload_bytes(bodies[i])) then
      take_untouched(r, l, seq, at_ms, bodies[i])
    else
      local rest, lengths = {}, {}
      for j = i, count do rest[#rest + 1], lengths[#lengths + 1] = bodies[j], #bodies[j] end
      return seq .. '|' .. count - i + 1 .. '|' .. at_ms .. '|' ..
             (#rest > 1 and table.concat(lengths, ',') or '') .. '|' .. table.concat(rest)
    end
  end
end

-- What is fresh, oldest first.
local function draw_fresh(r, l, youngest_ms)
  while not is_full(r) do
    local key = p .. 'q:' .. l.lists .. ':' .. l.head
    local entries = redis.call('LPOP', key, math.min(r.left, 128))
    if not entries or #entries == 0 then
      if l.head >= l.tail then return end
      redis.call('HDEL', p .. 'lane:' .. l.lane, 'first:' .. l.head)
      l.head = l.head + 1
      redis.call('HSET', p .. 'lane:' .. l.lane, 'head', l.head)
    else
      flush_cells()
      local first, count = open_entry(entries[1])
      local last, last_count = open_entry(entries[#entries])
      last = last + last_count - 1
      local letter_at = function(seq) return (look(l, seq)) end
      if first >= l.mark and
         math.floor(first / cells_per_bucket) == math.floor(last / cells_per_bucket) then
        letter_at = letters(l, first, last)
      end
      local back = {}
      for _, entry in ipairs(entries) do
        local rest = draw_entry(r, l, entry, youngest_ms, letter_at)
        if rest then table.insert(back, 1, rest) end
      end
      if #back > 0 then
        redis.call('LPUSH', key, unpack(back))
        return
      end
    end
  end
end

-- What taking from a lane may write. Records that lie behind the first are read as they come.
local function probe_reserve(l, most)
  probe_lane(l)
  probe('set', p .. 'suspects')
  probe('zset', p .. 'expiring')
  probe('hash', p .. 'sessions')
  local key = p .. 'q:' .. l.lists
  for _, waiting in ipairs({'again', 'alone'}) do
    for _, seq in ipairs(redis.call('ZRANGE', key .. ':' .. waiting, 0, most - 1)) do
      probe('hash', job_key(l, tonumber(seq)))
    end
  end
  local entry = redis.call('LINDEX', key .. ':' .. l.head, 0)
  if not entry then return end
  local first, _, _, offsets = open_entry(entry)
  local bucket = cell_place(l, first)
  probe('string', bucket)
  probe('string', (cell_place(l, first + cells_per_bucket)))
  if offsets == '@' then probe_sets() end
end

-- When the first job of a lane became ready; nil when there is none. Drops tombstones.
local function head_ready_ms(r, l)
  local again = redis.call('ZRANGE', p .. 'q:' .. l.lists .. ':again', 0, 0)
  if #again > 0 then
    return number(redis.call('HGET', job_key(l, tonumber(again[1])), 'ready_at'))
  end
  while r.ended < most_ended do
    local key = p .. 'q:' .. l.lists .. ':' .. l.head
    local entry = redis.call('LINDEX', key, 0)
    if entry then
      local first, count, at_ms, offsets = open_entry(entry)
      if count > 1 then return at_ms end
      local letter = look(l, first)
      if letter == 'u' and offsets ~= '@' then return at_ms end
      if letter == 'y' and offsets == '@' and
         redis.call('HGET', job_key(l, first), 'place') == 'list' then return at_ms end
      redis.call('LPOP', key)
      r.ended = r.ended + 1
    elseif l.head < l.tail then
      redis.call('HDEL', p .. 'lane:' .. l.lane, 'first:' .. l.head)
      l.head = l.head + 1
      redis.call('HSET', p .. 'lane:' .. l.lane, 'head', l.head)
    else
      return nil
    end
  end
end

-- The lanes of a queue that serve these pools, unless the queue is paused.
local function open_lanes(queue, pools)
  local v = redis.call('HMGET', p .. 'queue:' .. queue, 'paused', 'lanes')
  local found = {}
  if v[1] == '1' then return found end
  for lane, pool, priority in string.gmatch(v[2] or '', '(%d+)|([^| ]*)|(%d+)') do
    if pools[pool] then
      local l = lane_of(tonumber(lane))
      l.priority = tonumber(priority)
      found[#found + 1] = l
    end
  end
  return found
end

-- Takes from a queue: always from the lane whose head ranks highest, by priority and age, and from
-- it only as far as its jobs outrank the next lane's head.
local function draw(r, found, age_step_ms)
  if #found == 1 then
    if draw_again(r, found[1], 1e15) then draw_fresh(r, found[1], 1e15) end
    return
  end
  while not is_full(r) do
    flush_cells()
    local best, second
    for _, l in ipairs(found) do
      l.head_ms = head_ready_ms(r, l)
      if l.head_ms then
        l.rank = l.priority * age_step_ms + math.max(r.now_ms - l.head_ms, 0)
        if not best or l.rank > best.rank then
          best, second = l, best
        elseif not second or l.rank > second.rank then
          second = l
        end
      end
    end
    if not best then return end
    local lead_ms = second and second.rank - best.priority * age_step_ms or 0
    local youngest_ms = lead_ms > 0 and math.max(r.now_ms - lead_ms, best.head_ms) or 1e15
    local before = #r.jobs + r.ended
    if draw_again(r, best, youngest_ms) then draw_fresh(r, best, youngest_ms) end
    if #r.jobs + r.ended == before then return end
  end
end

-- A poison suspect runs alone in its session. One session at a time is told of it (answer 1),
-- stops fetching, and takes it once it holds nothing; the others go on.
local function take_suspect(r, queues, holds_nothing)
  if redis.call('SCARD', p .. 'suspects') == 0 then return 0 end
  flush_cells()
  local told = redis.call('HGET', meta, 'suspect') or '0'
  local suspect, lane
  for _, found in ipairs(queues) do
    for _, l in ipairs(found) do
      local first = redis.call('ZRANGE', p .. 'q:' .. l.lists .. ':alone', 0, 0)
      if #first > 0 and not suspect then suspect, lane = tonumber(first[1]), l end
      if #first == 0 then redis.call('SREM', p .. 'suspects', l.lane) end
    end
  end
  if suspect and not holds_nothing then
    if redis.call('HEXISTS', p .. 'sessions', told) == 0 then
      told = r.session
      redis.call('HSET', meta, 'suspect', r.session)
    end
    return told == r.session and 1 or 0
  end
  if suspect or told == r.session then redis.call('HSET', meta, 'suspect', 0) end
  if suspect then
    redis.call('ZREM', p .. 'q:' .. lane.lists .. ':alone', suspect)
    take_recorded(r, lane, suspect, read_record(lane, suspect))
  end
  return 0
end

-- Whoever leaves work behind wakes the next; whoever finds nothing takes a stale token away.
local function pass_on(r, queues, nothing_beside)
  local stale = {}
  if nothing_beside or is_full(r) or #r.jobs == 0 then
    for _, found in ipairs(queues) do
      for _, l in ipairs(found) do
        if has_work(l) then wake(l.wake) else stale[l.wake] = true end
      end
    end
  end
  for list in pairs(stale) do
    if not waking[list] then redis.call('DEL', list) end
  end
end
