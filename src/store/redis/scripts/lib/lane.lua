-- Lanes that get new jobs: shared by submit and by changes of runs.
local segment_entries = 100000  -- Then a lane goes on with another list.

-- `l` has its name, pool, priority, jump and base (the number before its first new job), and the
-- length of its last list.
local function write_lane(l, count, epoch)
  local key = p .. 'lane:' .. l.lane
  if l.is_new then
    redis.call('HINCRBY', meta, 'lanes', 1)
    redis.call('HSET', p .. 'lanes', l.name, l.lane)
    redis.call('HSET', key, 'queue', l.queue, 'pool', l.pool, 'priority', l.priority,
               'lists', l.lists, 'wake', l.wake, 'epoch', epoch, 'next', 0, 'first:0', 1)
    redis.call('SADD', p .. 'queues', l.queue)
    local of_queue = redis.call('HGET', p .. 'queue:' .. l.queue, 'lanes')
    local row = l.lane .. '|' .. l.pool .. '|' .. l.priority
    redis.call('HSET', p .. 'queue:' .. l.queue, 'lanes',
               of_queue and of_queue .. ' ' .. row or row)
  end
  redis.call('HINCRBY', key, 'next', l.jump + count)
  if l.jump > 0 then
    local gap = (l.next + 1) .. '-' .. l.base
    l.gaps = l.gaps == '' and gap or l.gaps .. ' ' .. gap
    redis.call('HSET', key, 'epoch', epoch, 'gaps', l.gaps)
  end
  l.next = l.base + count
  if l.length >= segment_entries then
    l.tail = l.tail + 1
    redis.call('HSET', key, 'tail', l.tail, 'first:' .. l.tail, l.base + 1)
  end
end
