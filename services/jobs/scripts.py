"""The Lua scripts that make every change of state one atomic step in Redis.

A behaviour moves queued → running → one of the terminal states. Whoever changes a running one must be the owner of
its current attempt: the pair is the fencing token, so a worker that was taken for dead cannot write any more.
Times are milliseconds of the Redis server's clock, the only clock that all processes share.
"""

from __future__ import annotations

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

#: KEYS: idempotency key or '', record, events, queued, Celery list, bytes, leases.
#: ARGV: id, body digest, limit, time to live in seconds, request, backend, priority, message, limit of bytes, trace,
#:       robot that it is to move or ''.
#: Returns {'created'}, {'replayed', id}, {'conflict'} or {'full', waiting, bytes}; sending it again changes nothing.
SUBMIT = (
    _NOW
    + """
if KEYS[1] ~= '' then
  local known = redis.call('HMGET', KEYS[1], 'id', 'digest')
  if known[1] then
    if known[2] ~= ARGV[2] then return {'conflict'} end
    return {'replayed', known[1]}
  end
end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'created'} end
local waiting = redis.call('ZCARD', KEYS[4])
local bytes = tonumber(redis.call('GET', KEYS[6]) or 0)
if waiting == 0 and redis.call('ZCARD', KEYS[7]) == 0 then bytes = 0 end
if waiting >= tonumber(ARGV[3]) or (bytes > 0 and bytes + #ARGV[5] > tonumber(ARGV[9])) then
  return {'full', waiting, bytes}
end
redis.call('SET', KEYS[6], bytes + #ARGV[5])
redis.call('HSET', KEYS[2], 'status', 'queued', 'request', ARGV[5], 'backend', ARGV[6], 'priority', ARGV[7],
  'accepted', now, 'attempt', 0, 'owner', '', 'trace', ARGV[10], 'robot', ARGV[11])
redis.call('XADD', KEYS[3], '*', 'event', 'queued', 'data', '{"id":"' .. ARGV[1] .. '"}')
redis.call('ZADD', KEYS[4], now, ARGV[1])
redis.call('LPUSH', KEYS[5], ARGV[8])
if KEYS[1] ~= '' then
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'digest', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  redis.call('HSET', KEYS[2], 'idempotency', KEYS[1])
end
return {'created'}
"""
)

#: KEYS: record, queued, leases. ARGV: id, owner, lease in ms, longest wait in ms.
#: Returns {request, backend, attempt, milliseconds waited, trace, milliseconds of acceptance, why it is not to be
#: worked on} or nil when there is nothing to do (a duplicate). The reason is 'stopped' if its robot was stopped since
#: then, 'cancelled' if somebody asked for that, 'expired' if it waited for too long, else ''.
CLAIM = (
    _NOW
    + """
local state = redis.call('HMGET', KEYS[1], 'status', 'request', 'backend', 'accepted', 'trace', 'robot', 'cancel')
if state[1] ~= 'queued' then return nil end
local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
redis.call('HSET', KEYS[1], 'status', 'running', 'owner', ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
local stopped = (state[6] or '') ~= '' and redis.call('GET', 'rbe:stopped:' .. state[6])
local unwanted = ''
if now - state[4] > tonumber(ARGV[4]) then unwanted = 'expired' end
if state[7] then unwanted = 'cancelled' end
if stopped and tonumber(stopped) >= tonumber(state[4]) then unwanted = 'stopped' end
return {state[2], state[3], attempt, now - state[4], state[5] or '{}', state[4], unwanted}
"""
)

#: KEYS: record, events, result, queued, leases, finished, bytes.
#: ARGV: id, owner, attempt, 'expired' to demand an ended lease or '', terminal status or '', final document or '',
#:       key of the robot's last emergency stop when it is about to move or '', time to live in seconds, kept results,
#:       number of this batch of events within the attempt, recording of the robot's motion or '', then pairs of name,
#:       data.
#: Returns 1, 0 when the caller is not (or no longer) the owner of a living behaviour, or -1, with nothing written, when
#: the robot was stopped since the behaviour was accepted and must not begin to move for it. A batch that is sent again
#: because its answer was lost is not written twice.
APPEND = (
    _NOW
    + """
local state = redis.call('HMGET', KEYS[1], 'status', 'owner', 'attempt', 'batch', 'accepted', 'idempotency')
if state[2] ~= ARGV[2] or state[3] ~= ARGV[3] then return 0 end
local batch = ARGV[3] .. '/' .. ARGV[10]
if state[4] == batch then return 1 end
if state[1] ~= 'running' and state[1] ~= 'queued' then return 0 end
if ARGV[4] == 'expired' then
  local ends = redis.call('ZSCORE', KEYS[5], ARGV[1])
  if ends and tonumber(ends) > now then return 0 end
end
if ARGV[7] ~= '' then
  local stopped = redis.call('GET', ARGV[7])
  if stopped and tonumber(stopped) >= tonumber(state[5]) then return -1 end
  redis.call('HSET', KEYS[1], 'acting', 1)
end
redis.call('HSET', KEYS[1], 'batch', batch)
for i = 12, #ARGV, 2 do redis.call('XADD', KEYS[2], '*', 'event', ARGV[i], 'data', ARGV[i + 1]) end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], 'status', ARGV[5])
  redis.call('DECRBY', KEYS[7], redis.call('HSTRLEN', KEYS[1], 'request'))
  redis.call('HDEL', KEYS[1], 'request')
  if ARGV[11] ~= '' then redis.call('HSET', KEYS[1], 'recording', ARGV[11]) end
  redis.call('XADD', KEYS[3], '*', 'document', ARGV[6])
  redis.call('ZREM', KEYS[4], ARGV[1])
  redis.call('ZREM', KEYS[5], ARGV[1])
  for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[8]) end
  if state[6] then redis.call('EXPIRE', state[6], ARGV[8]) end
  redis.call('ZADD', KEYS[6], now, ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', now - ARGV[8] * 1000)
  local surplus = redis.call('ZCARD', KEYS[6]) - tonumber(ARGV[9])
  if surplus > 0 then
    local oldest = redis.call('ZPOPMIN', KEYS[6], surplus)
    for i = 1, #oldest, 2 do
      local key = redis.call('HGET', 'rbe:b:' .. oldest[i], 'idempotency')
      if key and redis.call('HGET', key, 'id') == oldest[i] then redis.call('UNLINK', key) end
      redis.call('UNLINK', 'rbe:b:' .. oldest[i], 'rbe:e:' .. oldest[i], 'rbe:r:' .. oldest[i])
    end
  end
end
return 1
"""
)

#: KEYS: record, queued, leases, Celery list. ARGV: id, owner, attempt, 'expired' or '', message.
#: Puts a running behaviour back in the queue. Returns 1, or 0 when the caller may not.
REQUEUE = (
    _NOW
    + """
local state = redis.call('HMGET', KEYS[1], 'status', 'owner', 'attempt', 'acting', 'accepted')
if state[1] ~= 'running' or state[2] ~= ARGV[2] or state[3] ~= ARGV[3] or state[4] then return 0 end
if ARGV[4] == 'expired' then
  local ends = redis.call('ZSCORE', KEYS[3], ARGV[1])
  if ends and tonumber(ends) > now then return 0 end
end
redis.call('HSET', KEYS[1], 'status', 'queued', 'owner', '')
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[2], state[5], ARGV[1])
redis.call('LPUSH', KEYS[4], ARGV[5])
return 1
"""
)

#: KEYS: record. ARGV: id, channel. Asks the owner of a running behaviour to cancel it, or its next one if it was put
#: back in the queue a moment ago. Returns 1, or 0 if it has ended.
CANCEL = """
local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'running' and status ~= 'queued' then return 0 end
redis.call('HSET', KEYS[1], 'cancel', 1)
redis.call('PUBLISH', ARGV[2], ARGV[1])
return 1
"""

#: KEYS: leases, workers. ARGV: owner, lease in ms, then triples of id, attempt.
#: Renews the worker's heartbeat and leases. Returns pairs of id and 'lost' or 'cancel' for those that need attention.
RENEW = (
    _NOW
    + """
redis.call('ZADD', KEYS[2], now, ARGV[1])
local attention = {}
for i = 3, #ARGV, 2 do
  local state = redis.call('HMGET', 'rbe:b:' .. ARGV[i], 'status', 'owner', 'attempt', 'cancel')
  if state[1] ~= 'running' or state[2] ~= ARGV[1] or state[3] ~= ARGV[i + 1] then
    attention[#attention + 1] = ARGV[i]
    attention[#attention + 1] = 'lost'
  else
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i])
    if state[4] then
      attention[#attention + 1] = ARGV[i]
      attention[#attention + 1] = 'cancel'
    end
  end
end
return attention
"""
)

#: KEYS: stop. ARGV: time to live in seconds, channel, robot, milliseconds since the stop was asked for.
#: Notes an emergency stop, for as long as a behaviour could still act, and tells the workers. Returns its milliseconds,
#: or those of a later one that was noted before it.
STOP = (
    _NOW
    + """
local stopped = math.max(now - ARGV[4], tonumber(redis.call('GET', KEYS[1]) or 0))
redis.call('SET', KEYS[1], string.format('%.0f', stopped), 'EX', ARGV[1])
redis.call('PUBLISH', ARGV[2], string.format('%.0f', stopped) .. ' ' .. ARGV[3])
return stopped
"""
)
