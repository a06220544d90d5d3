-- Runs of flows: shared by finish and signal. Changes are read and compared against the run as the
-- changes before them leave it, and written only when everything has been compared.
--
-- A change in ARGV: run, then for each kind its number and its words: expected fields (name, has,
-- value), additions (name, by, at_least, at_most), fields (name, has, value), appended values
-- (list, value), jobs (field, prefix, queue, pool, priority, lists, wake, task, payload, state,
-- due, options), fields that name a job to wake, and its mark: empty, or = and a state; and until
-- when it is kept. Words stay where they are: a table for each would cost more than all else.
local runs_by_name, run_order = {}, {}
-- Lanes by name, and in the order of their first jobs, in which new ones stand in their queue.
local run_lanes, lane_order = {}, {}
local run_jobs, run_wakes, largest = {}, {}, 2 ^ 53

-- `known` fields as they lie there, `fields` as the changes leave them; false: there is none.
local function run_named(name)
  local r = runs_by_name[name]
  if not r then
    r = {name = name, key = p .. 'run:' .. name, known = {}, fields = {}, set = {}, append = {}}
    runs_by_name[name] = r
  end
  return r
end

-- Rows of so many words: the first of the first, the last of the last, and what stands behind.
local function rows(at, width)
  local count = whole(ARGV[at])
  local last = at + count * width
  if count < 0 or not ARGV[last] then error('a change of a run ends too early') end
  return at + 1, last, last + 1
end

local function read_change(at)
  if not ARGV[at + 1] or ARGV[at] == '' then error('a change of a run ends too early') end
  local c = {r = run_named(ARGV[at])}
  c.expect, c.expect_end, at = rows(at + 1, 3)
  c.add, c.add_end, at = rows(at, 4)
  c.set, c.set_end, at = rows(at, 3)
  c.append, c.append_end, at = rows(at, 2)
  c.jobs, c.jobs_end, at = rows(at, 12)
  c.wake, c.wake_end, at = rows(at, 1)
  c.mark, c.keep_until = ARGV[at], ARGV[at + 1]
  if not c.keep_until then error('a change of a run ends too early') end
  whole_or_none(c.keep_until)
  for i = c.jobs, c.jobs_end, 12 do
    local state = ARGV[i + 9]
    if not letter_of[state] or state == 'scheduled' and not whole(ARGV[i + 10]) then
      error('a job of a run has no state')
    end
  end
  return c, at + 2
end

local function read_fields(r, names)
  for i = 1, #names, 1000 do
    local last = math.min(i + 999, #names)
    local values = redis.call('HMGET', r.key, unpack(names, i, last))
    for k = i, last do r.known[names[k]] = values[k - i + 1] end
  end
end

-- A field as the changes before have left it; false: there is none.
local function run_field(r, name)
  local own = r.fields[name]
  if own ~= nil then return own end
  if r.known[name] == nil then read_fields(r, {name}) end
  return r.known[name]
end

-- nil: none, or too small to be told from 0. tonumber takes more than rules::sum_of.
local function run_number(text)
  if string.find(text, '[^%d.eE+-]') or string.find(text, '^%+') then return nil end
  local value = tonumber(text)
  if value == 0 and string.find(text, '^[^eE]*[1-9]') then return nil end
  return value
end

-- The sum, or nil when one is no number or it is out of bounds.
local function run_sum(known, by, at_least, at_most)
  known = known or '0'
  local a, b = run_number(known), run_number(by)
  if string.find(known, '^-?%d+$') and string.find(by, '^-?%d+$') then
    local sum = a + b
    local out = math.max(a, -a, b, -b) >= largest or sum >= largest or sum <= -largest
    if out or at_most ~= '' and sum > tonumber(at_most) or
       at_least ~= '' and sum < tonumber(at_least) then return nil end
    return string.format('%.0f', sum + 0)
  end
  if not a or not b then return nil end
  local sum = a + b
  if sum ~= sum or sum == math.huge or sum == -math.huge then return nil end
  return string.format('%.17g', sum)
end

-- What is not as the change expects, as words: run, count, then name, has, value of each field.
local function compare_change(c, conflicts)
  local r, found, after, names = c.r, {}, {}, {}
  for i = c.expect, c.expect_end, 3 do
    if r.known[ARGV[i]] == nil then names[#names + 1] = ARGV[i] end
  end
  for i = c.add, c.add_end, 4 do
    if r.known[ARGV[i]] == nil then names[#names + 1] = ARGV[i] end
  end
  read_fields(r, names)
  local function differs(name, value)
    found[#found + 1], found[#found + 2] = name, value and '1' or '0'
    found[#found + 1] = value or ''
  end
  for i = c.expect, c.expect_end, 3 do
    local value = run_field(r, ARGV[i])
    if (value and '1' or '0') ~= ARGV[i + 1] or value and value ~= ARGV[i + 2] then
      differs(ARGV[i], value)
    end
  end
  if c.add <= c.add_end then
    for i = c.set, c.set_end, 3 do after[ARGV[i]] = ARGV[i + 1] == '1' and ARGV[i + 2] end
  end
  for i = c.add, c.add_end, 4 do
    local name = ARGV[i]
    local known = after[name]
    if known == nil then known = run_field(r, name) end
    local sum = run_sum(known, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
    if not sum then differs(name, known) else after[name] = sum end
  end
  if #found == 0 then return end
  conflicts[#conflicts + 1], conflicts[#conflicts + 2] = r.name, #found / 3
  for _, word in ipairs(found) do conflicts[#conflicts + 1] = word end
end

-- The lane of the job whose words begin at `at`.
local function lane_for(at, epoch, jump, issued)
  local queue, pool, priority = ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local name = queue .. '|' .. pool .. '|' .. priority
  if run_lanes[name] then return run_lanes[name] end
  local lane = redis.call('HGET', p .. 'lanes', name)
  local l = lane and lane_of(tonumber(lane))
  if not l then
    issued.count = issued.count + 1
    l = {queue = queue, lists = ARGV[at + 5], wake = ARGV[at + 6], next = 0, mark = 0, head = 0,
         tail = 0, gaps = '', lane = issued.count, is_new = true}
    lanes[l.lane] = l
  end
  l.name, l.pool, l.priority, l.jump, l.added = name, pool, priority, 0, 0
  local known = number(redis.call('HGET', p .. 'lane:' .. l.lane, 'epoch'))
  if l.is_new and epoch > 1 or not l.is_new and known ~= epoch then l.jump = 2 ^ 32 + jump end
  l.base = l.next + l.jump
  l.length = redis.call('LLEN', p .. 'q:' .. l.lists .. ':' .. l.tail)
  run_lanes[name], lane_order[#lane_order + 1] = l, l
  probe_lane(l)
  probe('hash', p .. 'lane:' .. l.lane)
  probe('hash', p .. 'queue:' .. l.queue)
  probe('set', p .. 'queues')
  return l
end

-- Takes a compared change up: what follows is compared against it.
local function stage_change(c, epoch, jump, issued)
  local r = c.r
  if not r.staged then
    r.staged, r.lists = true, r.key .. ':lists'
    run_order[#run_order + 1] = r
    probe('hash', r.key)
    probe('set', r.lists)
  end
  for i = c.wake, c.wake_end do
    local lane, seq = string.match(run_field(r, ARGV[i]) or '', '|@(%d+)%.(%d+)$')
    if lane then
      local l = lane_of(tonumber(lane))
      probe_lane(l)
      probe_job(l, tonumber(seq))
      run_wakes[#run_wakes + 1] = {l = l, seq = tonumber(seq)}
    end
  end
  for i = c.set, c.set_end, 3 do
    local name = ARGV[i]
    r.fields[name] = ARGV[i + 1] == '1' and ARGV[i + 2]
    r.set[#r.set + 1], r.append[name] = name, nil
  end
  for i = c.add, c.add_end, 4 do
    local name = ARGV[i]
    r.fields[name] = run_sum(run_field(r, name), ARGV[i + 1], '', '')
  end
  for i = c.append, c.append_end, 2 do
    local list = r.append[ARGV[i]]
    if not list then
      list = {}
      r.append[ARGV[i]] = list
      probe('list', r.key .. ':l:' .. ARGV[i])
    end
    list[#list + 1] = ARGV[i + 1]
  end
  for i = c.jobs, c.jobs_end, 12 do
    local l = lane_for(i, epoch, jump, issued)
    l.added = l.added + 1
    local seq = l.base + l.added
    run_jobs[#run_jobs + 1] = {l = l, seq = seq, at = i}
    probe('hash', job_key(l, seq))
    probe('string', (cell_place(l, seq)))
    if ARGV[i] ~= '' then r.fields[ARGV[i]] = ARGV[i + 1] .. '@' .. l.lane .. '.' .. seq end
  end
  if c.mark ~= '' then
    r.mark, r.keep_until = string.sub(c.mark, 2), c.keep_until
    probe('zset', p .. 'runs')
    probe('zset', p .. 'runs_ended')
  end
end

-- A job that is ready needs no record: its entry says it all.
local function write_run_job(job, now_ms, entries)
  local l, seq, at = job.l, job.seq, job.at
  local state, task = ARGV[at + 9], ARGV[at + 7]
  counted(l.queue, state, 1)
  counted(l.queue, 'submitted', 1)
  event('j\t' .. named(l, seq, '') .. '\t-\t' .. state .. '\t0\t' .. task .. '\t\t')
  if state == 'ready' then
    local of_lane = entries[l] or {}
    entries[l] = of_lane
    of_lane[#of_lane + 1] = seq .. '|1|' .. now_ms .. '||' .. task .. ' @' .. ARGV[at + 11]
    return
  end
  local fields = {'state', state, 'task', task, 'payload', ARGV[at + 8], 'created', now_ms,
                  'options', ARGV[at + 11]}
  if state == 'scheduled' then
    fields[#fields + 1], fields[#fields + 2] = 'due', ARGV[at + 10]
    redis.call('ZADD', p .. 'due', ARGV[at + 10], due_member(l, seq))
    wake(p .. 'wake_due')
  end
  redis.call('HSET', job_key(l, seq), unpack(fields))
  set_cell(l, seq, letter_of[state], 0, 0)
end

-- One command with all the words, in so many parts as it takes; the sum of the answers.
local function in_parts(command, key, words)
  local sum = 0
  for i = 1, #words, 1000 do
    sum = sum + redis.call(command, key, unpack(words, i, math.min(i + 999, #words)))
  end
  return sum
end

local function write_run(r)
  local set, gone, lists = {}, {}, {}
  if in_parts('SREM', r.lists, r.set) > 0 then
    for _, name in ipairs(r.set) do redis.call('DEL', r.key .. ':l:' .. name) end
  end
  for name, value in pairs(r.fields) do
    if value then set[#set + 1], set[#set + 2] = name, value else gone[#gone + 1] = name end
  end
  in_parts('HSET', r.key, set)
  in_parts('HDEL', r.key, gone)
  for name, values in pairs(r.append) do
    lists[#lists + 1] = name
    in_parts('RPUSH', r.key .. ':l:' .. name, values)
  end
  in_parts('SADD', r.lists, lists)
  if not r.mark then return end
  local place = redis.call('HINCRBY', meta, 'runs', 1)
  redis.call('ZADD', p .. 'runs', 'NX', place, r.name)
  if r.keep_until == '' then
    redis.call('ZREM', p .. 'runs_ended', r.name)
  else
    redis.call('ZADD', p .. 'runs_ended', r.keep_until, r.name)
  end
  event('f\t' .. escape(r.name) .. '\t' .. r.mark)
end

-- Everything that was staged. Nothing here can fail.
local function write_runs(now_ms, epoch, suspect_crashes)
  for _, r in ipairs(run_order) do write_run(r) end
  for _, l in ipairs(lane_order) do write_lane(l, l.added, epoch) end
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
