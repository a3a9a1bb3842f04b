-- lost - a message that stands nowhere (people's RENAME destroyed its list) -> waiting. One step of a walk over all
-- jobs.
-- Reply: {now, how many were found, 1 while the walk goes on}
-- with lanes
local SHORT, AGE, LOOKS = 10000, 60000, 4 -- a search in a longer list would take too long
if call('LLEN', M .. 'wait') + call('LLEN', M .. 'paused') > SHORT then
	return { now, 0, 0 }
end
local found, looks = 0, 0

-- Only what has never been in its lane, or is its lane's ticket, can stand in a list.
local function may_be_lost(id, j)
	if not j[1] or (tonumber(j[2]) or now) > now - AGE then
		return false
	end
	local client = client_of(j[1])
	local lane = client and try('HMGET', lane_key(client), 's', 'h', 'k') or {}
	if string.byte(lane[1] or '') == 49 then
		for i, v in ipairs(cmsgpack.unpack(lane[2])) do
			if i % 2 == 0 and v == id then
				return false
			end
		end
	end
	if j[3] and read_k(lane[3])[TICKET] ~= id then
		return false
	end
	return not (call('ZSCORE', M .. 'failed', id) or call('ZSCORE', M .. 'completed', id)
		or call('ZSCORE', M .. 'delayed', id) or call('LPOS', M .. 'active', id))
end

local step = call('SCAN', call('HGET', S .. 'cursor', 'lost') or '0', 'MATCH', M .. 'm-*', 'COUNT', 500, 'TYPE', 'hash')
for _, key in ipairs(step[2]) do
	local id = string.sub(key, #M + 1)
	if looks < LOOKS and may_be_lost(id, call('HMGET', key, 'c', 'timestamp', 'seq')) then
		looks = looks + 1
		if not call('LPOS', M .. 'wait', id) and not call('LPOS', M .. 'paused', id) then
			call('LPUSH', listed(M), id)
			found = found + 1
		end
	end
end
call('HSET', S .. 'cursor', 'lost', step[1])
return { now, found, step[1] ~= '0' and 1 or 0 }
