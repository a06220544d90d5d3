-- Progress and log lines of running jobs. A line whose number is known already is not repeated.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  session
-- ARGV[2]  nonce
-- ARGV[3]  now_ms
-- ARGV[4]  most_log_bytes of one job: the oldest lines go
-- ARGV[5]  note_count
-- ARGV[6..]  for each note lane, sequence, fence, progress or empty, message, line_count; then for
--          each line number, at_ms, attempt, text
-- Returns  {1, refused}: how many notes were not the owner's; -9 lease_lost: retired; -1 invalid
-- Events   p and l
-- Derived keys  ses:* act:* job:* log:* st:* ev
--@include look
--@include probe
--@include move
local session, nonce, now_ms, most_bytes = ARGV[1], ARGV[2], ARGV[3], whole(ARGV[4])
local count, act_key = whole(ARGV[5]), p .. 'act:' .. session

local v = redis.call('HMGET', p .. 'ses:' .. session, 'nonce', 'retired', 'slot', 'worker')
local alive = v[1] == nonce and v[2] ~= '1'
local notes, at, refused = {}, 6, 0
for i = 1, count do
  local name, fence = ARGV[at] .. '.' .. ARGV[at + 1], ARGV[at + 2]
  local note = {l = lane_of(whole(ARGV[at])), seq = whole(ARGV[at + 1]), fence = fence,
                progress = ARGV[at + 3], message = ARGV[at + 4], lines = {}, name = name}
  local lines = whole(ARGV[at + 5])
  at = at + 6
  for k = 1, lines do
    if not whole(ARGV[at]) or not ARGV[at + 3] then return -1 end
    note.lines[k] = {whole(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]}
    at = at + 4
  end
  local held = redis.call('HGET', act_key, name) or ''
  local owner, started_ms, rest = string.match(held, '^(%d+)|(%d+)|(.*)$')
  if owner == fence and alive then
    note.started_ms, note.rest = started_ms, rest
    note.own_id = redis.call('HGET', p .. 'job:' .. name, 'own_id') or ''
    probe('list', p .. 'log:' .. name)
    probe('string', (cell_place(note.l, note.seq)))
    notes[#notes + 1] = note
  else
    refused = refused + 1
  end
end

probe('stream', p .. 'ev')
redis.call('HDEL', meta, '')
if refused > 0 then redis.call('HINCRBY', meta, 'stale_writes_refused', refused) end
if not alive then return -9 end
for _, note in ipairs(notes) do
  local key, log_key = p .. 'job:' .. note.name, p .. 'log:' .. note.name
  local named_job = named(note.l, note.seq, note.own_id)
  local created_ms, body = string.match(note.rest, '^(%d+)|(.*)$')
  if body and redis.call('EXISTS', key) == 0 then
    -- From here on the job has a story.
    local task, payload, options = open_body(body)
    if options ~= '' then redis.call('HSET', key, 'options', options) end
    redis.call('HSET', key, 'state', 'running', 'task', task, 'payload', payload,
               'created', created_ms, 'attempt', 1, 'session', session, 'slot', v[3],
               'fence', note.fence, 'started', note.started_ms, 'worker', v[4])
    redis.call('HSET', act_key, note.name, note.fence .. '|' .. note.started_ms .. '|@')
    set_cell(note.l, note.seq, 'R', 1, number(v[3]))
  end
  if note.progress ~= '' then
    redis.call('HSET', key, 'progress', note.progress, 'message', note.message)
    event('p\t' .. named_job .. '\t' .. note.progress .. '\t' .. escape(note.message))
  end
  local written = redis.call('HGET', key, 'log_last') or ''
  local last_fence, last = string.match(written, '^(%d+)%.(%d+)$')
  last = last_fence == note.fence and tonumber(last) or 0
  local bytes = number(redis.call('HGET', key, 'log_bytes'))
  for _, line in ipairs(note.lines) do
    if line[1] > last then
      redis.call('RPUSH', log_key,
                 table.concat({note.fence, line[1], line[2], line[3], line[4]}, '|'))
      bytes, last = bytes + #line[4] + 1, line[1]
      event('l\t' .. named_job .. '\t' .. line[1] .. '\t' .. escape(line[4]))
    end
  end
  while bytes > most_bytes do
    local oldest = redis.call('LPOP', log_key)
    if not oldest then break end
    local text = string.match(oldest, '^%d+|%d+|%d+|%d+|(.*)$')
    bytes = bytes - #(text or oldest) - 1
  end
  if #note.lines > 0 then
    redis.call('HSET', key, 'log_last', note.fence .. '.' .. last, 'log_bytes', bytes)
  end
end
flush(now_ms)
return {1, refused}
