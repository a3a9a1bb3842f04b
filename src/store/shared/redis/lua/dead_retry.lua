-- dead_retry - dead -> waiting, late within its dialog, or as if it had arrived now; a reply -> parked, spoken when
-- its lane is free, so that it overtakes nothing.
-- ARGV: owner, force (0, 1), then numbers. Reply: {now, {0 gone | 1 retried | 2 in another dialog, stays...}}
-- with lanes
-- with dead
local force = ARGV[2] == '1'

local function retry_message(member, id)
	local j = call('HMGET', M .. id, 'c', 'dl')
	local client = j[1] and client_of(j[1])
	if client then
		local f = revival(j[2] or '', lane_fields(client, 'di')[1] or '', force)
		if not f then
			return 2
		end
		revive(id, j[1], f)
	else
		call('HDEL', M .. id, 'finishedOn', 'failedReason', 'attemptsMade', 'stacktrace', 'dl', 'dn', 'c')
	end
	call('ZREM', M .. 'failed', id)
	call('ZREM', S .. 'dead', member)
	call('LPUSH', listed(M), id)
	tell(M, 'waiting@' .. ARGV[1], { id })
	return 1
end

local function retry_reply(member, id)
	local j = call('HMGET', O .. id, 'c', 'timestamp')
	call('ZREM', O .. 'failed', id)
	call('ZREM', S .. 'dead', member)
	call('HDEL', O .. id, 'finishedOn', 'failedReason', 'attemptsMade', 'stacktrace', 'dl', 'dn', 'l')
	local client, created = j[1] and client_of_reply(j[1]), tonumber(j[2]) or now
	if not client then
		call('HDEL', O .. id, 'c')
		call('LPUSH', listed(O), id) -- a foreign one: adopted when it is claimed
		return 1
	end
	local lane = lane_fields(client, 's', 'k')
	if not lane[1] then
		open_lane(client)
	end
	call('HSET', O .. id, 'delay', '1')
	lane_call('ZADD', S .. 'replies:' .. client, created, id)
	call('ZADD', O .. 'delayed', (FAR + floor(created / 1000)) * 4096, id)
	if (lane[1] or '0') == '0' then
		local k = read_k(lane[2])
		call('HSET', lane_key(client), 's', settle(client, k), 'k', write_k(k))
	end
	return 1
end

local out = {}
for i = 3, #ARGV do
	local member = call('ZRANGEBYSCORE', S .. 'dead', ARGV[i], ARGV[i])[1]
	local id = member and string.sub(member, 3)
	local q = member and string.byte(member) == 109 and M or O
	if not member then
		out[#out + 1] = 0
	elseif not call('ZSCORE', q .. 'failed', id) or call('TYPE', q .. id).ok ~= 'hash' then
		call('ZREM', S .. 'dead', member)
		out[#out + 1] = 0
	else
		out[#out + 1] = (q == M and retry_message or retry_reply)(member, id)
	end
end
return { now, out }
