-- The work of connection.request in one script: ARGV is the command's id, who asks, who is asked.
local id, from, to = ARGV[1] .. ARGV[2] .. ARGV[3], ARGV[2], ARGV[3]
if from == to then return 'self' end
if redis.call('EXISTS', 'command:' .. id) == 1 then return 'dup' end
local asker = redis.call('HMGET', 'member:' .. from, 'state', 'tier')
local other = redis.call('HGET', 'member:' .. to, 'state')
if asker[1] ~= '1' or other ~= '1' then return 'no_such_member' end
if redis.call('SISMEMBER', 'blocks:' .. to, from) == 1 then return 'blocked' end
local low, high = from, to
if high < low then low, high = to, from end
local pair = 'pair:' .. low .. ':' .. high
if redis.call('EXISTS', pair) == 1 then return 'already_pending' end
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZREMRANGEBYSCORE', 'sent:' .. from, '-inf', ms - 604800000)
local hour = redis.call('ZCOUNT', 'sent:' .. from, ms - 3600000, '+inf')
local week = redis.call('ZCARD', 'sent:' .. from)
if asker[2] ~= 'unlimited' and (hour >= 20 or week >= 100) then return 'quota_exceeded' end
redis.call('HSET', pair, 'state', 1, 'sender', from, 'created', ms, 'expires', ms + 15552000000)
redis.call('ZADD', 'sent:' .. from, ms, id)
redis.call('ZADD', 'outgoing:' .. from, ms, to)
redis.call('ZADD', 'incoming:' .. to, ms, from)
redis.call('ZADD', 'due', ms + 15552000000, pair)
redis.call('XADD', 'events', '*', 'type', 'connection.requested', 'from', from, 'to', to, 'id', id)
redis.call('SET', 'command:' .. id, ms, 'PX', 604800000)
return 'pending'
