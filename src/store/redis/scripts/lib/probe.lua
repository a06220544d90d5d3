-- Reading what is about to be written: shared by every script that writes. Redis does not roll
-- back, so a key that somebody has overwritten with another kind of value has to be met before the
-- first write.
local probes = {hash = 'HLEN', list = 'LLEN', zset = 'ZCARD', set = 'SCARD', stream = 'XLEN',
                string = 'STRLEN'}
local probed = {}

local function probe(kind, key)
  if probed[key] then return end
  probed[key] = true
  redis.call(probes[kind], key)
end

-- What every step that moves jobs may write.
local function probe_step()
  probe('hash', meta)
  probe('hash', p .. 'kept')
  probe('stream', p .. 'ev')
end

-- The sets that a job waits or is kept in.
local function probe_sets()
  probe('zset', p .. 'due')
  probe('zset', p .. 'expiring')
  probe('zset', p .. 'ended:succeeded')
  probe('zset', p .. 'ended:failed')
  probe('zset', p .. 'ended:cancelled')
  probe('set', p .. 'suspects')
  probe('list', p .. 'wake_due')
end

-- The lists and counters of a lane.
local function probe_lane(l)
  if not l.queue then return end
  probe('hash', p .. 'n:' .. l.queue)
  probe('list', l.wake)
  probe('zset', p .. 'q:' .. l.lists .. ':again')
  probe('zset', p .. 'q:' .. l.lists .. ':alone')
end

-- A job: its cell, its record, its unique key.
local function probe_job(l, seq)
  local key = job_key(l, seq)
  probe('string', (cell_place(l, seq)))
  local unique = redis.call('HGET', key, 'unique')
  if unique and unique ~= '' then probe('string', p .. 'uniq:' .. unique) end
end
