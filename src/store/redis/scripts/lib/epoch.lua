-- Who meets another run of the server: shared by submit, open and finish. A server that starts
-- again may have forgotten its last second, and with it numbers that it has given out. So every
-- counter jumps, by more than a second can issue and by a random part, in case it happens twice.
local function meets_new_run(run_id)
  return redis.call('HGET', meta, 'run_id') ~= run_id
end

local function begin_epoch(run_id, jump)
  redis.call('HINCRBY', meta, 'epoch', 1)
  redis.call('HINCRBY', meta, 'fence', 2 ^ 20 + jump % 2 ^ 19)
  redis.call('HSET', meta, 'run_id', run_id)
end
