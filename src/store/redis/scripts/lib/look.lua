-- Reading jobs: shared by every script. Writes nothing.
--
-- A cell is 4 bytes: a state letter, the attempt modulo 256, and the slot of the session (16 bits).
-- Letters: none or NUL ready and untouched (the entry in the list is all there is), r running and
-- s succeeded without a record; with a record y ready, d scheduled, w waiting, R running,
-- S succeeded, f failed, c cancelled; x gone.
local meta = KEYS[1]
local p = string.sub(meta, 1, -5)
local cells_per_bucket, results_per_bucket = 2048, 64
local letter_of = {ready = 'y', scheduled = 'd', waiting = 'w', running = 'R', succeeded = 'S',
                   failed = 'f', cancelled = 'c'}
local state_of = {u = 'ready', y = 'ready', d = 'scheduled', w = 'waiting', r = 'running',
                  R = 'running', s = 'succeeded', S = 'succeeded', f = 'failed', c = 'cancelled'}

local function number(text)
  return tonumber(text) or 0
end

-- An argument that has to be a whole number. What is none ends the script before it has written.
local function whole(text)
  local value = tonumber(text)
  if not value or value ~= math.floor(value) or value > 1e16 or value < -1e16 then
    error('not a whole number: ' .. string.sub(text or 'nothing', 1, 40))
  end
  return value
end

local function whole_or_none(text)
  if text == '' then return nil end
  return whole(text)
end

local lanes = {}
-- A lane by its number; `queue` is nil when there is none.
local function lane_of(lane)
  local known = lanes[lane]
  if known then return known end
  local v = redis.call('HMGET', p .. 'lane:' .. lane, 'queue', 'lists', 'wake', 'next', 'mark',
                       'head', 'tail', 'gaps')
  known = {lane = lane, queue = v[1] or nil, lists = v[2] or '', wake = v[3] or '',
           next = number(v[4]), mark = number(v[5]), head = number(v[6]), tail = number(v[7]),
           gaps = v[8] or ''}
  lanes[lane] = known
  return known
end

local function cell_place(l, seq)
  local at = seq % cells_per_bucket
  local bucket = (seq - at) / cells_per_bucket
  if l.bucket ~= bucket then
    l.bucket, l.bucket_key = bucket, p .. 'st:' .. l.lane .. ':' .. bucket
  end
  return l.bucket_key, at * 4
end

local function job_key(l, seq)
  return p .. 'job:' .. l.lane .. '.' .. seq
end

local function result_key(l, seq)
  local bucket = math.floor(seq / results_per_bucket)
  if l.results ~= bucket then
    l.results, l.results_key = bucket, p .. 'res:' .. l.lane .. ':' .. bucket
  end
  return l.results_key
end

-- Numbers that were issued and then forgotten by a server that lost its last second.
local function in_gap(l, seq)
  if l.gaps == '' then return false end
  for first, last in string.gmatch(l.gaps, '(%d+)-(%d+)') do
    if seq >= tonumber(first) and seq <= tonumber(last) then return true end
  end
  return false
end

-- The state letter of a job; u for ready and untouched, x for gone, n for never issued. The second
-- value is the slot that a running job is held by.
local function look(l, seq)
  if not l.queue or seq < 1 or seq > l.next or in_gap(l, seq) then return 'n', 0 end
  if seq < l.mark then
    -- Below the mark there are no cells: what outlived its bucket has a record.
    local v = redis.call('HMGET', job_key(l, seq), 'state', 'slot')
    return v[1] and letter_of[v[1]] or 'x', number(v[2])
  end
  local key, at = cell_place(l, seq)
  local letter, _, low, high = string.byte(redis.call('GETRANGE', key, at, at + 3), 1, 4)
  if not letter or letter == 0 then return 'u', 0 end
  return string.char(letter), low + 256 * high
end

-- Task, payload and options of a job without a record: "task payload", or "task @options" of a step
-- of a run, whose payload is null.
local function open_body(body)
  local task, payload = string.match(body, '^(%S+) (.*)$')
  if string.sub(payload or '', 1, 1) == '@' then return task, 'null', string.sub(payload, 2) end
  return task or '', payload or '', ''
end

-- The parts of an entry of a list: first sequence, count, time, offsets, jobs.
local function open_entry(entry)
  local first, count, at, offsets, jobs = string.match(entry, '^(%d+)|(%d+)|(%d+)|([^|]*)|(.*)$')
  return number(first), number(count), number(at), offsets or '', jobs or ''
end

-- Splits the jobs of a run of several: the offsets are their lengths in bytes.
local function open_run(offsets, jobs)
  local bodies, from = {}, 1
  for length in string.gmatch(offsets, '%d+') do
    bodies[#bodies + 1] = string.sub(jobs, from, from + tonumber(length) - 1)
    from = from + tonumber(length)
  end
  return bodies
end

-- The body of an untouched job, found in its lane's lists: they are in order of sequence, so the
-- place is guessed from the distance to the head and then narrowed down.
local function find_body(l, seq)
  local segment = l.head
  for k = l.head, l.tail do
    local first = number(redis.call('HGET', p .. 'lane:' .. l.lane, 'first:' .. k))
    if first > seq then break end
    segment = k
  end
  local key = p .. 'q:' .. l.lists .. ':' .. segment
  local low, high = 0, redis.call('LLEN', key) - 1
  local guess = low
  local head = redis.call('LINDEX', key, 0)
  if head then guess = seq - open_entry(head) end
  while low <= high do
    guess = math.max(low, math.min(high, guess))
    local entry = redis.call('LINDEX', key, guess)
    local first, count, at, offsets, jobs = open_entry(entry or '')
    if seq >= first and seq < first + count then
      if count == 1 then return jobs, at end
      return open_run(offsets, jobs)[seq - first + 1], at
    end
    if first < seq then low = guess + 1 else high = guess - 1 end
    guess = math.floor((low + high) / 2)
  end
  return nil, 0
end

-- Of a job that runs without a record: started_ms, created_ms, body, session.
local function find_held(l, seq, slot)
  local session = redis.call('HGET', p .. 'slots', slot) or '0'
  local held = redis.call('HGET', p .. 'act:' .. session, l.lane .. '.' .. seq) or ''
  local started_ms, created_ms, body = string.match(held, '^%d+|(%d+)|(%d+)|(.*)$')
  return started_ms or '0', created_ms or '0', body or ' ', session
end

-- A job of a flow's run is ended by the run alone.
local function is_of_run(l, seq)
  if not l.queue then return false end
  local letter, slot = look(l, seq)
  if letter == 's' then
    return string.find(redis.call('HGET', result_key(l, seq), seq) or '', '^%d+|[^|]*@|') ~= nil
  end
  local options, body, _ = '', nil, nil
  if letter == 'u' then body = find_body(l, seq) end
  if letter == 'r' then _, _, body = find_held(l, seq, slot) end
  if body then
    _, _, options = open_body(body)
  elseif redis.call('TYPE', job_key(l, seq)).ok == 'hash' then
    options = redis.call('HGET', job_key(l, seq), 'options') or ''
  end
  return string.find(options, '"node":', 1, true) ~= nil
end

-- True when something waits in a lane. Tombstones count: who looks closer drops them.
local function has_work(l)
  local lists = p .. 'q:' .. l.lists
  return l.head < l.tail or redis.call('LLEN', lists .. ':' .. l.head) > 0 or
         redis.call('ZCARD', lists .. ':again') > 0
end

-- The earliest time at which a job is due or expires; empty when there is none.
local function next_due()
  local due = redis.call('ZRANGE', p .. 'due', 0, 0, 'WITHSCORES')[2]
  local expiring = redis.call('ZRANGE', p .. 'expiring', 0, 0, 'WITHSCORES')[2]
  if expiring and (not due or tonumber(expiring) < tonumber(due)) then return expiring end
  return due or ''
end

-- A job that a session holds: {lane, sequence, fence, created_ms, body}, or with a record {lane,
-- sequence, fence, created_ms, @, task, payload, attempt, crashes, misses, options, tags, own_id,
-- alone}. Nothing when `held` is not one of ours.
local function open_held(name, held)
  local lane, seq = string.match(name, '^(%d+)%.(%d+)$')
  local fence, rest = string.match(held, '^(%d+)|%d+|(.*)$')
  if not lane or not fence then return nil end
  local created_ms, body = string.match(rest, '^(%d+)|(.*)$')
  if body then return {tonumber(lane), tonumber(seq), fence, created_ms, body} end
  local v = redis.call('HMGET', p .. 'job:' .. name, 'created', 'task', 'payload', 'attempt',
                       'crashes', 'misses', 'options', 'tags', 'own_id', 'alone')
  for i = 1, 10 do v[i] = v[i] or '' end
  return {tonumber(lane), tonumber(seq), fence, v[1], '@', v[2], v[3], number(v[4]), number(v[5]),
          number(v[6]), v[7], v[8], v[9], number(v[10])}
end
