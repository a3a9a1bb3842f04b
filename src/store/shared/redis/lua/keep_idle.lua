-- keep_idle - free -> (none), silent without a dialog; free -> backing off and due, silent with one: the turn that
-- closes it.
-- ARGV: TTL ms, most. Reply: {now, lanes removed, 1 if more is left}
-- with lanes
local ttl, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local removed = 0

-- When the oldest message that waits arrived: a silent client's may be among them, unseen. The TAIL is the oldest.
local function oldest_waiting()
	local oldest = FAR
	for _, list in ipairs({ 'wait', 'paused' }) do
		local id = call('LINDEX', M .. list, -1)
		if id then
			local at = try('HGET', M .. id, 'timestamp')
			oldest = min(oldest, type(at) == 'string' and tonumber(at) or 0)
		end
	end
	return oldest
end
local oldest = oldest_waiting()

local function is_empty(parking)
	return lane_call('ZCARD', S .. parking) == 0
end

local function look(client)
	local key = lane_key(client)
	local lane = lane_fields(client, 's', 'k', 'b', 'la', 'sh')
	local s, k = lane[1], read_k(lane[2])
	if not s then
		return nil
	end
	if (s == '0' and k[TICKET] ~= '' and call('EXISTS', M .. k[TICKET]) == 0)
		or (string.byte(s) == 50 and (has_ended(O, string.sub(s, 3)) or is_recalled(string.sub(s, 3)))) then
		if s == '0' then
			k[TICKET] = ''
		end
		s = settle(client, k)
		call('HSET', key, 's', s, 'k', write_k(k))
	end
	local la, sh = min(tonumber(lane[4]) or 0, now), min(tonumber(lane[5]) or 0, now)
	local last, open = max(la, sh), string.byte(lane[3] or '0') or 48
	local rests = s == '0' and k[TICKET] == '' and is_empty('parked:' .. client) and is_empty('replies:' .. client)
	if rests and open == 48 and la + ttl <= now then
		call('DEL', key)
		removed = removed + 1
		return nil
	elseif rests and open ~= 48 and last + ttl <= now and last + ttl < oldest then
		k[EXPIRE] = 1
		call('HSET', key, 's', '3', 'k', write_k(k))
		call('ZADD', S .. 'due', now, client)
	end
	return last + ttl > now and last + ttl or now + min(60000, ttl)
end

local clients = call('ZRANGEBYSCORE', S .. 'idle', '-inf', now, 'LIMIT', 0, most)
for _, client in ipairs(clients) do
	local again = look(client)
	if again then
		call('ZADD', S .. 'idle', again, client)
	else
		call('ZREM', S .. 'idle', client)
	end
end
return { now, removed, #clients == most and 1 or 0 }
