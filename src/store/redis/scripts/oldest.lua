-- Since when the first job of a lane is ready. Writes nothing.
-- KEYS[1]  PREFIX:{0}:meta  HASH
-- ARGV[1]  lane
-- Returns  a time in ms; empty when nothing is ready
-- Derived keys  lane:* st:* job:* q:*
--@include look
local l = lane_of(whole(ARGV[1]))

local again = redis.call('ZRANGE', p .. 'q:' .. l.lists .. ':again', 0, 0)
if #again > 0 then return redis.call('HGET', job_key(l, tonumber(again[1])), 'ready_at') or '' end
local at = 0
-- Past tombstones, up to a bound.
while at < 250 do
  local entry = redis.call('LINDEX', p .. 'q:' .. l.lists .. ':' .. l.head, at)
  if not entry then return '' end
  local first, count, at_ms, offsets = open_entry(entry)
  local letter = look(l, first)
  if count > 1 or letter == 'u' or letter == 'y' and offsets == '@' then
    return string.format('%.0f', at_ms)
  end
  at = at + 1
end
return ''
