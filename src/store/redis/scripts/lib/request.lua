-- Calls of producers and operators: shared by submit and the operator verbs. The same call again
-- gets the first answer again, an older one is refused.
local hour_ms = 3600000

-- The last call of a client and its reply. They are kept under the hour of the call; the clock may
-- have gone on to the next one since, or have been set by an hour, forth or back.
local function last_request(nonce, now_ms)
  local hour, last, reply = math.floor(now_ms / hour_ms), -1, ''
  for near = hour - 1, hour + 1 do
    local kept = redis.call('HGET', p .. 'prod:' .. near, nonce)
    local call, answer = string.match(kept or '', '^(%d+)|(.*)$')
    if call and number(call) > last then last, reply = number(call), answer end
  end
  return last, reply
end

local function remember(nonce, call, reply, now_ms)
  local key = p .. 'prod:' .. math.floor(now_ms / hour_ms)
  redis.call('HSET', key, nonce, call .. '|' .. reply)
  -- A broom, no deadline: the hour in the key says what still counts.
  redis.call('EXPIRE', key, 4 * 3600)
end
