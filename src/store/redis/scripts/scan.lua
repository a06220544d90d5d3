-- The jobs of a lane in some states, newest first: looks at a bounded number of cells.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  lane
-- ARGV[2]  below: only sequences below this one; 0: from the newest
-- ARGV[3]  most_cells to look at
-- ARGV[4]  letters that are meant (see look.lua)
-- ARGV[5]  most_jobs to answer
-- Returns  {next, sequences}: next is where to go on below, 0 when there is nothing more
-- Derived keys  lane:* st:* old:* job:*
--@include look
local l, below, most = lane_of(whole(ARGV[1])), whole(ARGV[2]), whole(ARGV[3])
local wanted, most_jobs = ARGV[4], whole(ARGV[5])

if not l.queue then return {0, {}} end
local seq, found, looked = l.next, {}, 0
if below > 0 then seq = math.min(seq, below - 1) end
while seq >= math.max(l.mark, 1) and looked < most and #found < most_jobs do
  local gap_first
  for first, last in string.gmatch(l.gaps, '(%d+)-(%d+)') do
    if seq >= tonumber(first) and seq <= tonumber(last) then gap_first = tonumber(first) end
  end
  if gap_first then
    seq = gap_first - 1
  else
    local key, at = cell_place(l, seq)
    local first = math.max(seq - seq % cells_per_bucket, l.mark, 1, seq - (most - looked) + 1)
    local text = redis.call('GETRANGE', key, at - (seq - first) * 4, at + 3)
    while seq >= first and #found < most_jobs do
      if l.gaps ~= '' and in_gap(l, seq) then break end
      local letter = string.byte(text, (seq - first) * 4 + 1)
      letter = letter and letter ~= 0 and string.char(letter) or 'u'
      if string.find(wanted, letter, 1, true) then found[#found + 1] = seq end
      seq, looked = seq - 1, looked + 1
    end
  end
end
if seq < l.mark and looked < most and #found < most_jobs then
  -- What outlived its bucket.
  local old = redis.call('ZREVRANGEBYSCORE', p .. 'old:' .. l.lane, seq, 1,
                         'LIMIT', 0, most - looked)
  local i = 0
  while i < #old and #found < most_jobs do
    i = i + 1
    seq = tonumber(old[i])
    if string.find(wanted, (look(l, seq)), 1, true) then found[#found + 1] = seq end
    seq = seq - 1
  end
  if i == #old and #old < most - looked then seq = 0 end
end
return {seq >= 1 and seq + 1 or 0, found}
