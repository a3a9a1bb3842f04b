-- lib_lanes.lua - what several scripts do with a lane: its bookkeeping, its parked messages and replies.
-- `k` unpacked; '' stands for a lane at rest.
local ATTEMPTS, CRASHES, ALONE, APART, EXPIRE, TICKET = 1, 2, 3, 4, 5, 6
local function read_k(text)
	if text and text ~= '' then
		return cmsgpack.unpack(text)
	end
	return { 0, 0, 0, 0, 0, '' }
end

local function write_k(k)
	if k[1] == 0 and k[2] == 0 and k[3] == 0 and k[4] == 0 and k[5] == 0 and k[6] == '' then
		return ''
	end
	return cmsgpack.pack(k)
end

-- Fields of a lane, and its `k` where that has changed.
local function write_lane(key, set, k, was)
	k = write_k(k)
	if k ~= was then
		set[#set + 1], set[#set + 2] = 'k', k
	end
	call('HSET', key, unpack(set))
end

-- (none) -> free. keep_idle gives it its time when it looks at it first.
local function open_lane(client)
	call('HSET', lane_key(client), 's', '0', 'la', now)
	call('ZADD', S .. 'idle', now, client)
end

-- waiting or in turn -> parked: in its lane by seq, and for Bull in `delayed`, where its arrival orders it.
local function park(id, client, seq, arrived)
	lane_call('ZADD', S .. 'parked:' .. client, seq, id)
	call('ZADD', M .. 'delayed', (FAR + floor((tonumber(arrived) or now) / 1000)) * 4096, id)
	call('HSET', M .. id, 'seq', seq, 'delay', '1')
end

-- parked -> taken out of `delayed`. 2: it was there; 1: people had put it into `wait`; 0: it is gone (removed, or
-- emptied out of its list, and so its hash goes).
local function unpark(q, id)
	local delay = try('HGET', q .. id, 'delay')
	local was = call('ZREM', q .. 'delayed', id)
	if type(delay) ~= 'string' then
		return 0
	elseif was == 1 then
		return 2
	elseif delay == '1' then
		call('DEL', q .. id)
		return 0
	end
	return 1
end

-- Has it been put where nothing moves any more?
local function has_ended(q, id)
	return call('ZSCORE', q .. 'failed', id) or call('ZSCORE', q .. 'completed', id)
end

-- Is the reply that a lane speaks gone? It was removed, or emptied out of `delayed` by people: then its hash, which
-- stays behind, goes.
local function is_recalled(id)
	local delay = try('HGET', O .. id, 'delay')
	if type(delay) ~= 'string' then
		return true
	elseif delay == '0' or call('ZSCORE', O .. 'delayed', id) or has_ended(O, id) then
		return false
	end
	for _, list in ipairs({ 'active', 'wait', 'paused' }) do -- a foreign hand may have moved it
		if call('LPOS', O .. list, id) then
			return false
		end
	end
	call('DEL', O .. id)
	return true
end

-- A free lane: its first parked message -> waiting, as the lane's ticket. push: RPUSH before all that waits.
local function release(client, k, push)
	for _ = 1, 1000 do
		if k[TICKET] ~= '' then
			return
		end
		local id = lane_call('ZRANGE', S .. 'parked:' .. client, '0', '0')[1]
		if not id then
			return
		end
		local how = unpark(M, id)
		if how == 0 then
			call('ZREM', S .. 'parked:' .. client, id)
		else
			call('HSET', M .. id, 'delay', '0')
			if how == 2 then
				call(push or 'LPUSH', listed(M), id)
			end
			k[TICKET] = id
		end
	end
end

-- A lane that has just become free -> speaking, if a reply is parked in it; else free, with a ticket if messages
-- are. The caller writes the state given and k.
local function settle(client, k, push)
	local key = S .. 'replies:' .. client
	if call('EXISTS', key, S .. 'parked:' .. client) == 0 then
		return '0'
	end
	local id = lane_call('ZRANGE', key, '0', '0')[1]
	while id do
		local how = unpark(O, id)
		call('ZREM', key, id)
		if how > 0 then
			call('HSET', O .. id, 'delay', '0')
			if how == 2 then
				call('LPUSH', listed(O), id)
			end
			return '2 ' .. id
		end
		id = call('ZRANGE', key, '0', '0')[1]
	end
	release(client, k, push)
	return '0'
end

-- active -> out of it. Where someone has moved the job, it leaves the set he put it into; an entry in `wait` stays,
-- and is dropped when it is popped.
local function leave_active(id)
	if call('LREM', M .. 'active', '-1', id) == 0 then
		call('ZREM', M .. 'failed', id)
		call('ZREM', M .. 'completed', id)
		call('ZREM', M .. 'delayed', id)
	end
end
