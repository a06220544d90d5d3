-- Keeps what grows with every job short: buckets of cells all of whose jobs are gone or have a
-- record (the mark of the lane passes them), and the event stream.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  now_ms
-- ARGV[2]  events_before_ms
-- ARGV[3]  most_events
-- ARGV[4]  most_event_bytes
-- ARGV[5]  most_entries to take at once
-- ARGV[6..]  lanes
-- Returns  {1, buckets}: how many buckets were closed
-- Derived keys  lane:* st:* old:* ev
--@include look
local now_ms, before_ms, most_events = whole(ARGV[1]), whole(ARGV[2]), whole(ARGV[3])
local most_bytes, most_entries, first_arg = whole(ARGV[4]), whole(ARGV[5]), 6

-- Closes the bucket at the lane's mark, if nothing in it lives by its cell alone.
local function close_bucket(l)
  local first = l.mark - l.mark % cells_per_bucket
  local last = first + cells_per_bucket - 1
  if not l.queue or last > l.next then return false end
  local text = redis.call('GET', p .. 'st:' .. l.lane .. ':' .. first / cells_per_bucket) or ''
  local old, jump_to = {}, nil
  for seq = math.max(first, l.mark, 1), last do
    if l.gaps ~= '' and in_gap(l, seq) then
      for from, to in string.gmatch(l.gaps, '(%d+)-(%d+)') do
        -- Nothing of a gap was ever written: the mark may jump over all of it.
        if seq >= tonumber(from) and tonumber(to) >= last then jump_to = tonumber(to) + 1 end
      end
    else
      local letter = string.byte(text, (seq - first) * 4 + 1)
      letter = letter and letter ~= 0 and string.char(letter) or 'u'
      if letter == 'u' or letter == 'r' or letter == 's' then return false end
      if letter ~= 'x' then
        old[#old + 1] = seq
        old[#old + 1] = seq
      end
    end
  end
  local mark = jump_to and jump_to or last + 1
  redis.call('DEL', p .. 'st:' .. l.lane .. ':' .. first / cells_per_bucket)
  for i = 1, #old, 1000 do
    redis.call('ZADD', p .. 'old:' .. l.lane, unpack(old, i, math.min(i + 999, #old)))
  end
  redis.call('HSET', p .. 'lane:' .. l.lane, 'mark', string.format('%.0f', mark))
  l.mark = mark
  return true
end

redis.call('HDEL', meta, '')
local closed, worked = 0, 0
for i = first_arg, #ARGV do
  local l = lane_of(whole(ARGV[i]))
  while worked < 8 and close_bucket(l) do closed, worked = closed + 1, worked + 1 end
end
local length = redis.call('XLEN', p .. 'ev')
if length > 1 then
  local surplus = math.max(length - most_events, 0)
  local bytes = redis.call('MEMORY', 'USAGE', p .. 'ev') or 0
  if bytes > most_bytes then
    surplus = math.max(surplus, math.ceil(length * (1 - most_bytes / bytes)))
  end
  -- The newest entry stays whatever its age.
  local entries = redis.call('XRANGE', p .. 'ev', '-', '+',
                             'COUNT', math.min(most_entries, length - 1))
  local last, taken = nil, {}
  for i, entry in ipairs(entries) do
    if i <= surplus or number(entry[2][2]) <= before_ms then
      last = entry[1]
      taken[#taken + 1] = last
    else
      break
    end
  end
  if last then
    redis.call('XDEL', p .. 'ev', unpack(taken))
    redis.call('HSET', meta, 'ev_trimmed', last)
  end
end
return {1, closed}
