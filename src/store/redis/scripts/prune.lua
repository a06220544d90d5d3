-- Takes ended jobs of one state away, oldest first: one bounded step. Either all that is past its
-- time, and the oldest until the others are within their bounds; or all that ended before a time.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  state
-- ARGV[3]  most_count to keep; empty: it is before_ms that counts
-- ARGV[4]  most_bytes to keep
-- ARGV[5]  before_ms
-- ARGV[6]  most_jobs to take
-- Returns  {1, done, more}; -1 invalid: bad arguments
-- Events   q pruned
-- Derived keys  ended:* done done:* res:* job:* log:* alias:* uniq:* st:* lane:* old:* n:* kept ev
--@include look
--@include move
local now_ms, state, most_count = whole(ARGV[1]), ARGV[2], whole_or_none(ARGV[3])
local most_bytes, before_ms, left = whole_or_none(ARGV[4]), whole_or_none(ARGV[5]), whole(ARGV[6])
local ended_key, most_looked = p .. 'ended:' .. state, 1000
if not letter_of[state] or not (most_count and most_bytes or before_ms) then return -1 end
local totals = redis.call('HMGET', p .. 'kept', state, state .. '_bytes')
local jobs, bytes, done = number(totals[1]), number(totals[2]), 0
redis.call('ZCARD', ended_key)

local function fits(until_ms, finished_ms)
  if not most_count then return finished_ms > before_ms end
  return until_ms > now_ms and jobs <= most_count and bytes <= most_bytes
end
local function gone(size)
  jobs, bytes, done, left = jobs - 1, bytes - size, done + 1, left - 1
end
-- The list whose head goes first: until, finished, key, the jobs it names.
local function next_list(classes)
  local best
  for _, class in ipairs(classes) do
    local key = p .. 'done:' .. class
    local entry = redis.call('LINDEX', key, 0)
    local until_ms, finished_ms, names = string.match(entry or '', '^(%d+)|(%d+)|(.*)$')
    if not until_ms then
      redis.call('SREM', p .. 'done', class)
    elseif not best or tonumber(until_ms) < best.until_ms then
      best = {until_ms = tonumber(until_ms), finished_ms = tonumber(finished_ms), key = key,
              names = names, ends = until_ms .. '|' .. finished_ms .. '|'}
    end
  end
  return best
end
local function take_list(list)
  redis.call('LPOP', list.key)
  local rest = {}
  for lane, seq, size in string.gmatch(list.names, '(%d+)%.(%d+):(%d+)') do
    if left > 0 and not fits(list.until_ms, list.finished_ms) then
      local l = lane_of(tonumber(lane))
      -- A removed job is gone already.
      local result = look(l, tonumber(seq)) == 's' and
                     redis.call('HGET', result_key(l, tonumber(seq)), tonumber(seq))
      if result then
        forget_plain(l, tonumber(seq), result)
        gone(tonumber(size))
      end
    else
      rest[#rest + 1] = lane .. '.' .. seq .. ':' .. size
    end
  end
  if #rest > 0 then redis.call('LPUSH', list.key, list.ends .. table.concat(rest, ' ')) end
  flush_cells()
end

redis.call('HDEL', meta, '')
local classes = state == 'succeeded' and redis.call('SMEMBERS', p .. 'done') or {}
local looked, skipped = 0, 0
while left > 0 and looked < most_looked do
  looked = looked + 1
  local list = next_list(classes)
  local row = redis.call('ZRANGE', ended_key, skipped, skipped, 'WITHSCORES')
  local until_ms = row[1] and tonumber(row[2])
  if list and (not until_ms or list.until_ms <= until_ms) and
     not fits(list.until_ms, list.finished_ms) then
    take_list(list)
  elseif row[1] then
    local seq, lane = string.match(row[1], '^(%d+)%.(%d+)$')
    local l = lane_of(tonumber(lane))
    local finished_ms = most_count and 0 or
                        number(redis.call('HGET', job_key(l, tonumber(seq)), 'finished'))
    if not fits(until_ms, finished_ms) then
      local job = open_job(l, tonumber(seq), letter_of[state])
      forget(job, now_ms)
      gone(job.kept_bytes)
    elseif most_count then
      break
    else
      skipped = skipped + 1
    end
  elseif not list or fits(list.until_ms, list.finished_ms) then
    break
  end
end
if done > 0 then event('q\t\tpruned ' .. done .. ' ' .. state) end
flush(now_ms)
return {1, done, (left <= 0 or looked >= most_looked) and 1 or 0}
