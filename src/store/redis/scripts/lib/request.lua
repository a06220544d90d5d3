-- Calls of producers and operators: shared by submit and the operator verbs. The same call again
-- gets the first answer again, an older one is refused.
local hour_ms = 3600000

-- The last call of a client and its reply, of this hour or the one before.
local function last_request(nonce, now_ms)
  local hour = math.floor(now_ms / hour_ms)
  local last = redis.call('HGET', p .. 'prod:' .. hour, nonce) or
               redis.call('HGET', p .. 'prod:' .. hour - 1, nonce)
  if not last then return -1, '' end
  local call, reply = string.match(last, '^(%d+)|(.*)$')
  return number(call), reply or ''
end

local function remember(nonce, call, reply, now_ms)
  local key = p .. 'prod:' .. math.floor(now_ms / hour_ms)
  redis.call('HSET', key, nonce, call .. '|' .. reply)
  -- A broom, no deadline: the hour in the key says what still counts.
  redis.call('EXPIRE', key, 4 * 3600)
end
