-- counts - how much waits where. Reads lengths, and looks at the lanes of the 200 oldest of `wait` and of the
-- parked; what is beyond counts as waiting, and as behind a busy lane.
-- Reply: {now, waiting, in lanes, active, lanes in turn, speaking, backing off, replies waiting, replies claimed,
--   dead messages, dead replies, dialogs open, oldest waiting ms, oldest reply ms}
local SAMPLE = 200
local oldest, oldest_reply = now, now
local in_wait = call('LLEN', M .. 'wait') + call('LLEN', M .. 'paused')
local parking = string.format('%.0f', FAR * 4096)
local parked = call('ZCOUNT', M .. 'delayed', parking, '+inf')
local behind = 0

local states = {}
local function is_busy(client)
	if states[client] == nil then
		local s = try('HGET', lane_key(client), 's')
		states[client] = type(s) == 'string' and s ~= '0'
	end
	return states[client]
end

-- Of these jobs, how many are behind a busy lane, and free ones.
local function look(ids)
	local busy, rest = 0, 0
	for _, id in ipairs(ids) do
		local j = try('HMGET', M .. id, 'c', 'timestamp')
		if not j.err then
			oldest = min(oldest, tonumber(j[2]) or now)
			local client = j[1] and client_of(j[1])
			if client and is_busy(client) then
				busy = busy + 1
			else
				rest = rest + 1
			end
		end
	end
	return busy, rest
end

for _, list in ipairs({ 'wait', 'paused' }) do
	behind = behind + (look(call('LRANGE', M .. list, -SAMPLE, -1)))
end
local _, free = look(call('ZRANGEBYSCORE', M .. 'delayed', parking, '+inf', 'LIMIT', 0, SAMPLE))

local in_turn = 0
for _, owner in ipairs(call('ZRANGE', S .. 'owners', 0, -1)) do
	in_turn = in_turn + call('HLEN', S .. 'held:' .. owner)
end

local replies = call('LLEN', O .. 'wait') + call('LLEN', O .. 'paused')
local claimed, delayed = call('LLEN', O .. 'active'), call('ZCARD', O .. 'delayed')
local due_later = call('ZCOUNT', O .. 'delayed', '-inf', '(' .. parking)
local function look_at_replies(ids)
	for _, id in ipairs(ids) do
		local at = try('HGET', O .. id, 'timestamp')
		oldest_reply = min(oldest_reply, type(at) == 'string' and tonumber(at) or now)
	end
end
for _, list in ipairs({ 'wait', 'paused', 'active' }) do
	look_at_replies(call('LRANGE', O .. list, -SAMPLE, -1))
end
look_at_replies(call('ZRANGE', O .. 'delayed', 0, SAMPLE - 1))

return { now, in_wait - behind + free, parked - free + behind, call('LLEN', M .. 'active'), in_turn,
	replies + claimed + due_later, call('ZCARD', S .. 'due'), replies + delayed, claimed,
	call('ZCARD', M .. 'failed'), call('ZCARD', O .. 'failed'), tonumber(call('HGET', S .. 'meta', 'open') or 0),
	now - oldest, now - oldest_reply }
