-- Runs of flows: shared by finish and signal. Changes are read and compared against the run as the
-- changes before them leave it, and written only when everything has been compared.
--
-- A change in ARGV: run, then for each kind its number and its words: expected fields (name, has,
-- value), additions (name, by, at_most), fields (name, has, value), appended values (list, value),
-- jobs (field, prefix, queue, pool, priority, lists, wake, task, payload, state, due, options),
-- fields that name a job to wake, and its mark: empty, or = and a state; and until when it is kept.
local run_of, changed_runs, run_order = {}, {}, {}
local run_jobs, run_wakes, run_lanes, largest = {}, {}, {}, 2 ^ 53

local function read_change(at)
  local c = {run = ARGV[at], expect = {}, add = {}, set = {}, append = {}, jobs = {}, wake = {}}
  at = at + 1
  local function take(into, width)
    for _ = 1, whole(ARGV[at]) do
      local words = {}
      for i = 1, width do words[i] = ARGV[at + i] end
      if not words[width] then error('a change of a run ends too early') end
      into[#into + 1] = words
      at = at + width
    end
    at = at + 1
  end
  take(c.expect, 3)
  take(c.add, 3)
  take(c.set, 3)
  take(c.append, 2)
  take(c.jobs, 12)
  take(c.wake, 1)
  c.mark, c.keep_until = ARGV[at], ARGV[at + 1]
  if not c.run or c.run == '' or not c.keep_until then error('a change of a run ends too early') end
  if c.keep_until ~= '' then whole(c.keep_until) end
  for _, job in ipairs(c.jobs) do
    if not letter_of[job[10]] or job[10] == 'scheduled' and not whole(job[11]) then
      error('a job of a run has no state')
    end
  end
  return c, at + 2
end

local function run_key(run)
  return p .. 'run:' .. run
end

-- A field as the changes before have left it; false: there is none.
local function run_field(run, name)
  local own = changed_runs[run] and changed_runs[run].fields[name]
  if own ~= nil then return own end
  return redis.call('HGET', run_key(run), name)
end

-- The sum, or nil when one is no number or it is out of bounds.
local function run_sum(known, by, at_most)
  known = known or '0'
  local a, b = tonumber(known), tonumber(by)
  if not a or not b or string.find(known .. by, '[%sx]') then return nil end
  local sum = a + b
  if string.find(known, '^-?%d+$') and string.find(by, '^-?%d+$') then
    local out = a >= largest or a <= -largest or sum >= largest or sum <= -largest
    if out or at_most ~= '' and sum > tonumber(at_most) then return nil end
    return string.format('%.0f', sum)
  end
  if sum ~= sum or sum == math.huge or sum == -math.huge then return nil end
  return string.format('%.17g', sum)
end

-- What is not as the change expects, as words: run, count, then name, has, value of each field.
local function compare_change(c, conflicts)
  local found, after = {}, {}
  local function differs(name, value)
    found[#found + 1], found[#found + 2] = name, value and '1' or '0'
    found[#found + 1] = value or ''
  end
  for _, e in ipairs(c.expect) do
    local value = run_field(c.run, e[1])
    if (value and '1' or '0') ~= e[2] or value and value ~= e[3] then differs(e[1], value) end
  end
  for _, s in ipairs(c.set) do after[s[1]] = s[2] == '1' and s[3] end
  for _, a in ipairs(c.add) do
    local known = after[a[1]]
    if known == nil then known = run_field(c.run, a[1]) end
    local sum = run_sum(known, a[2], a[3])
    if not sum then differs(a[1], known) else after[a[1]] = sum end
  end
  if #found == 0 then return end
  conflicts[#conflicts + 1], conflicts[#conflicts + 2] = c.run, #found / 3
  for _, word in ipairs(found) do conflicts[#conflicts + 1] = word end
end

local function lane_for(job, epoch, jump, issued)
  local name = job[3] .. '|' .. job[4] .. '|' .. job[5]
  if run_lanes[name] then return run_lanes[name] end
  local lane = redis.call('HGET', p .. 'lanes', name)
  local l = lane and lane_of(tonumber(lane))
  if not l then
    issued.count = issued.count + 1
    l = {queue = job[3], lists = job[6], wake = job[7], next = 0, mark = 0, head = 0, tail = 0,
         gaps = '', lane = issued.count, is_new = true}
    lanes[l.lane] = l
  end
  l.name, l.pool, l.priority, l.jump, l.added = name, job[4], job[5], 0, {}
  local known = number(redis.call('HGET', p .. 'lane:' .. l.lane, 'epoch'))
  if l.is_new and epoch > 1 or not l.is_new and known ~= epoch then l.jump = 2 ^ 32 + jump end
  l.base = l.next + l.jump
  l.length = redis.call('LLEN', p .. 'q:' .. l.lists .. ':' .. l.tail)
  run_lanes[name] = l
  probe_lane(l)
  probe('hash', p .. 'lane:' .. l.lane)
  probe('hash', p .. 'queue:' .. l.queue)
  probe('set', p .. 'queues')
  return l
end

-- Takes a compared change up: what follows is compared against it.
local function stage_change(c, epoch, jump, issued)
  local r = changed_runs[c.run]
  if not r then
    r = {fields = {}, append = {}, erased = {}}
    changed_runs[c.run] = r
    run_order[#run_order + 1] = c.run
    probe('hash', run_key(c.run))
    probe('set', run_key(c.run) .. ':lists')
    probe('zset', p .. 'runs')
    probe('zset', p .. 'runs_ended')
  end
  for _, w in ipairs(c.wake) do
    local lane, seq = string.match(run_field(c.run, w[1]) or '', '|@(%d+)%.(%d+)$')
    if lane then
      local l = lane_of(tonumber(lane))
      probe_lane(l)
      probe_job(l, tonumber(seq))
      run_wakes[#run_wakes + 1] = {l = l, seq = tonumber(seq)}
    end
  end
  for _, s in ipairs(c.set) do
    r.fields[s[1]] = s[2] == '1' and s[3]
    r.erased[s[1]], r.append[s[1]] = true, nil
  end
  for _, a in ipairs(c.add) do
    r.fields[a[1]] = run_sum(run_field(c.run, a[1]), a[2], a[3])
  end
  for _, a in ipairs(c.append) do
    local list = r.append[a[1]] or {}
    r.append[a[1]] = list
    list[#list + 1] = a[2]
    probe('list', run_key(c.run) .. ':l:' .. a[1])
  end
  for _, job in ipairs(c.jobs) do
    local l = lane_for(job, epoch, jump, issued)
    local seq = l.base + #l.added + 1
    l.added[#l.added + 1] = job
    run_jobs[#run_jobs + 1] = {l = l, seq = seq, words = job}
    probe('hash', job_key(l, seq))
    probe('string', (cell_place(l, seq)))
    if job[1] ~= '' then r.fields[job[1]] = job[2] .. '@' .. l.lane .. '.' .. seq end
  end
  if c.mark ~= '' then r.mark, r.keep_until = string.sub(c.mark, 2), c.keep_until end
end

local function write_run_job(job, now_ms, entries)
  local l, seq, words = job.l, job.seq, job.words
  local state, task = words[10], words[8]
  local fields = {'state', state, 'task', task, 'payload', words[9], 'created', now_ms,
                  'options', words[12]}
  if state == 'scheduled' then
    fields[#fields + 1], fields[#fields + 2] = 'due', words[11]
    redis.call('ZADD', p .. 'due', words[11], due_member(l, seq))
    wake(p .. 'wake_due')
  elseif state == 'ready' then
    fields[#fields + 1], fields[#fields + 2] = 'place', 'list'
    local of_lane = entries[l] or {}
    entries[l] = of_lane
    of_lane[#of_lane + 1] = seq .. '|1|' .. now_ms .. '|@|'
  end
  redis.call('HSET', job_key(l, seq), unpack(fields))
  set_cell(l, seq, letter_of[state], 0, 0)
  counted(l.queue, state, 1)
  counted(l.queue, 'submitted', 1)
  event('j\t' .. named(l, seq, '') .. '\t-\t' .. state .. '\t0\t' .. task .. '\t\t')
end

-- Everything that was staged. Nothing here can fail.
local function write_runs(now_ms, epoch, suspect_crashes)
  for _, run in ipairs(run_order) do
    local r, key = changed_runs[run], run_key(run)
    for name in pairs(r.erased) do
      if redis.call('SREM', key .. ':lists', name) == 1 then
        redis.call('DEL', key .. ':l:' .. name)
      end
    end
    for name, value in pairs(r.fields) do
      if value then redis.call('HSET', key, name, value) else redis.call('HDEL', key, name) end
    end
    for name, values in pairs(r.append) do
      redis.call('SADD', key .. ':lists', name)
      for i = 1, #values, 1000 do
        redis.call('RPUSH', key .. ':l:' .. name, unpack(values, i, math.min(i + 999, #values)))
      end
    end
    if r.mark then
      local place = redis.call('HINCRBY', meta, 'runs', 1)
      redis.call('ZADD', p .. 'runs', 'NX', place, run)
      if r.keep_until == '' then
        redis.call('ZREM', p .. 'runs_ended', run)
      else
        redis.call('ZADD', p .. 'runs_ended', r.keep_until, run)
      end
      event('f\t' .. escape(run) .. '\t' .. r.mark)
    end
  end
  for _, l in pairs(run_lanes) do write_lane(l, #l.added, epoch) end
  local entries = {}
  for _, job in ipairs(run_jobs) do write_run_job(job, now_ms, entries) end
  for l, of_lane in pairs(entries) do
    redis.call('RPUSH', p .. 'q:' .. l.lists .. ':' .. l.tail, unpack(of_lane))
    wake(l.wake)
  end
  for _, job in ipairs(run_wakes) do
    local letter = look(job.l, job.seq)
    if letter == 'w' or letter == 'd' then
      local opened = open_job(job.l, job.seq, letter)
      move(opened, 'ready', {attempt = opened.attempt, crashes = opened.crashes,
                             misses = opened.misses, text = '',
                             alone = opened.crashes >= suspect_crashes}, now_ms, '')
      wake(job.l.wake)
    end
  end
end
