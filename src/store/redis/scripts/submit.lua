-- Takes in all jobs of one call or none, and keeps the answer with the producer's call number.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  layout
-- ARGV[2]  run_id of the server, as the connection's handshake read it
-- ARGV[3]  now_ms
-- ARGV[4]  nonce of the producer
-- ARGV[5]  call
-- ARGV[6]  jump, random below 2^31: how much farther counters jump in a new run
-- ARGV[7]  lane_count
-- ARGV[8..]  for each lane: queue, pool, priority, lists, wake; then for each job: its lane's index
--            and "task payload", or index followed by * and 13 fields (see `story` below)
-- Returns  {1, reply}: new; {0, reply}: known call; -7 conflict: older call;
--          {-7, layout}: another layout; -8 limited: too many lanes; -1 invalid: bad arguments
--          reply: words aLANE.SEQ+COUNT accepted, dLANE.SEQ[=OWN] known, r draining, x key reused
-- Events   j for each job
-- Derived keys  lanes lane:* queues queue:* q:*:SEGMENT st:* job:* due expiring alias:* uniq:*
--               idem:* prod:* n:* ev wake:* wake_due
--@include look
--@include probe
--@include move
--@include epoch
--@include request
--@include lane
local layout, run_id, now_ms = ARGV[1], ARGV[2], whole(ARGV[3])
local nonce, call, jump = ARGV[4], whole(ARGV[5]), whole(ARGV[6])
local lane_count = whole(ARGV[7])
local most_lanes, day_ms = 2 ^ 20 - 1, 86400000

local found = redis.call('HMGET', meta, 'layout', 'lanes', 'epoch')
if found[1] ~= layout then return {-7, found[1] or 'none'} end
local last, reply = last_request(nonce, now_ms)
if call == last then return {0, reply} end
if call < last then return -7 end
local new_run = meets_new_run(run_id)
local epoch = number(found[3]) + (new_run and 1 or 0)

-- The lanes of the call.
local chosen, next_arg, issued = {}, 8, number(found[2])
for i = 1, lane_count do
  local queue, pool, priority = ARGV[next_arg], ARGV[next_arg + 1], ARGV[next_arg + 2]
  if not ARGV[next_arg + 4] then return -1 end
  local name = queue .. '|' .. pool .. '|' .. priority
  local lane = redis.call('HGET', p .. 'lanes', name)
  local l
  if lane then
    l = lane_of(tonumber(lane))
    l.jump = 0
    if number(redis.call('HGET', p .. 'lane:' .. lane, 'epoch')) ~= epoch then
      l.jump = 2 ^ 32 + jump
    end
  else
    l = {queue = queue, lists = ARGV[next_arg + 3], wake = ARGV[next_arg + 4], next = 0, mark = 0,
         head = 0, tail = 0, gaps = '', name = name}
    -- In a later run its number may be one that was given out before and forgotten.
    l.jump = epoch > 1 and 2 ^ 32 + jump or 0
  end
  l.base, l.count, l.entries = l.next + l.jump, 0, {}
  l.pool, l.priority = pool, priority
  l.length = redis.call('LLEN', p .. 'q:' .. l.lists .. ':' .. l.tail)
  l.draining = redis.call('HGET', p .. 'queue:' .. queue, 'draining') == '1'
  probe_lane(l)
  chosen[i] = l
  next_arg = next_arg + 5
end

-- A new lane gets its number with the first job that is taken in.
local function number_lane(l)
  issued = issued + 1
  l.lane, l.is_new = issued, true
  lanes[issued] = l
  probe('hash', p .. 'lane:' .. issued)
end

-- The job that a key of a new one belongs to already, if any.
local claimed = {}
local function known(story)
  if story.own_id ~= '' then
    local name = claimed['a' .. story.own_id] or redis.call('GET', p .. 'alias:' .. story.own_id)
    if name then return 'd' .. name .. '=' .. story.own_id end
  end
  local function holder(name)
    local own_id = claimed['o' .. name] or redis.call('HGET', p .. 'job:' .. name, 'own_id') or ''
    return 'd' .. name .. (own_id ~= '' and '=' .. own_id or '')
  end
  if story.idem ~= '' then
    local day = math.floor(now_ms / day_ms)
    local kept = claimed['i' .. story.idem]
    for near = day + 1, day - 1, -1 do  -- The clock may have been set back over midnight.
      kept = kept or redis.call('HGET', p .. 'idem:' .. near, story.idem)
    end
    local name, digest, at = string.match(kept or '', '^(%S+) (%S+) (%d+)$')
    if name and tonumber(at) > now_ms - day_ms then
      return digest == story.digest and holder(name) or 'x'
    end
  end
  if story.unique ~= '' then
    local kept = claimed['u' .. story.unique] or redis.call('GET', p .. 'uniq:' .. story.unique)
    local lane, seq, until_ms = string.match(kept or '', '^(%d+)%.(%d+) (%d*)$')
    if lane then
      local lives = claimed['u' .. story.unique] or
                    string.find('uydwrR', (look(lane_of(tonumber(lane)), tonumber(seq))), 1, true)
      if lives or number(until_ms) > now_ms then return holder(lane .. '.' .. seq) end
    end
  end
end

local words, stories, accepted = {}, {}, 0
local range = {}
local function say(word)
  if range.lane then
    words[#words + 1] = 'a' .. range.lane .. '.' .. range.first .. '+' .. range.count
  end
  range.lane = nil
  if word then words[#words + 1] = word end
end
local jobs, count, has_story = {}, 0, false
while next_arg <= #ARGV do
  local index, story, body, refused = tonumber(ARGV[next_arg]), nil, nil, nil
  if index then
    body = ARGV[next_arg + 1]
    next_arg = next_arg + 2
  else
    index = tonumber(string.sub(ARGV[next_arg], 1, -2))
    story = {task = ARGV[next_arg + 1], payload = ARGV[next_arg + 2], state = ARGV[next_arg + 3],
             due = ARGV[next_arg + 4], expires = ARGV[next_arg + 5], options = ARGV[next_arg + 6],
             tags = ARGV[next_arg + 7], own_id = ARGV[next_arg + 8], unique = ARGV[next_arg + 9],
             unique_until = ARGV[next_arg + 10], idem = ARGV[next_arg + 11],
             digest = ARGV[next_arg + 12], ttl = ARGV[next_arg + 13]}
    next_arg = next_arg + 14
    local is_whole = story.ttl and (story.state ~= 'scheduled' or whole(story.due)) and
                     (story.expires == '' or whole(story.expires)) and
                     (story.ttl == '' or whole(story.ttl)) and letter_of[story.state]
    if not is_whole then return -1 end
    refused, has_story = known(story), true
  end
  local l = chosen[index]
  if not l or not (story or body) then return -1 end
  if not refused and l.draining then refused = 'r' end
  if refused then
    say(refused)
  else
    if not l.lane then number_lane(l) end
    l.count = l.count + 1
    local seq = l.base + l.count
    count = count + 1
    jobs[count] = {l = l, seq = seq, body = body, story = story}
    if range.lane == l.lane and range.first + range.count == seq then
      range.count = range.count + 1
    else
      say()
      range = {lane = l.lane, first = seq, count = 1}
    end
    if story then
      local name = l.lane .. '.' .. seq
      probe('hash', job_key(l, seq))
      probe('string', (cell_place(l, seq)))
      if story.own_id ~= '' then
        claimed['a' .. story.own_id], claimed['o' .. name] = name, story.own_id
      end
      if story.idem ~= '' then
        claimed['i' .. story.idem] = name .. ' ' .. story.digest .. ' ' .. now_ms
      end
      if story.unique ~= '' then
        claimed['u' .. story.unique] = name .. ' ' .. story.unique_until
      end
    end
  end
end
say()
if issued > most_lanes then return -8 end
reply = table.concat(words, ' ')

probe_step()
if has_story then probe_sets() end
probe('set', p .. 'queues')

-- Writes from here on; the first is one that a full server refuses.
if new_run then begin_epoch(run_id, jump) end
for _, l in ipairs(chosen) do
  if l.count > 0 then write_lane(l, l.count, epoch) end
end
for i = 1, count do
  local job = jobs[i]
  local l, seq, story = job.l, job.seq, job.story
  local state, own_id, task = 'ready', '', nil
  if story then
    local key, name, member = job_key(l, seq), l.lane .. '.' .. seq, due_member(l, seq)
    state, own_id, task = story.state, story.own_id, story.task
    local fields = {'state', state, 'task', task, 'payload', story.payload, 'created', now_ms}
    local function put(field, value)
      if value ~= '' then fields[#fields + 1], fields[#fields + 2] = field, value end
    end
    put('options', story.options)
    put('tags', story.tags)
    put('own_id', own_id)
    put('unique', story.unique)
    put('ttl', story.ttl)
    put('expires', story.expires)
    if state == 'scheduled' then
      put('due', story.due)
      redis.call('ZADD', p .. 'due', story.due, member)
      wake(p .. 'wake_due')
    elseif state == 'ready' then
      put('place', 'list')
    end
    if story.expires ~= '' then
      redis.call('ZADD', p .. 'expiring', story.expires, member)
      wake(p .. 'wake_due')
    end
    if own_id ~= '' then redis.call('SET', p .. 'alias:' .. own_id, name) end
    if story.unique ~= '' then
      redis.call('SET', p .. 'uniq:' .. story.unique, name .. ' ' .. story.unique_until)
    end
    if story.idem ~= '' then
      local day = p .. 'idem:' .. math.floor(now_ms / day_ms)
      redis.call('HSET', day, story.idem, claimed['i' .. story.idem])
      redis.call('EXPIRE', day, 3 * 86400)
    end
    redis.call('HSET', key, unpack(fields))
    set_cell(l, seq, letter_of[state], 0, 0)
    if state == 'ready' then l.entries[#l.entries + 1] = seq .. '|1|' .. now_ms .. '|@|' end
  else
    task = string.match(job.body, '^(%S+)') or ''
    l.entries[#l.entries + 1] = seq .. '|1|' .. now_ms .. '||' .. job.body
  end
  counted(l.queue, state, 1)
  counted(l.queue, 'submitted', 1)
  event('j\t' .. named(l, seq, own_id) .. '\t-\t' .. state .. '\t0\t' .. task .. '\t\t')
end
for _, l in ipairs(chosen) do
  if #l.entries > 0 then
    redis.call('RPUSH', p .. 'q:' .. l.lists .. ':' .. l.tail, unpack(l.entries))
    wake(l.wake)
  end
end
remember(nonce, call, reply, now_ms)
flush(now_ms)
return {1, reply}
