-- stuck - lanes that nothing would move any more go on: one step of a walk over the parked, and the oldest of
-- `active`.
-- ARGV: TTL ms. Reply: {now, lanes freed, replies recalled, jobs listed again, {{2, job id, data, c, timestamp,
--   reason}...}}
-- with lanes
-- with dead
-- with turns
local ttl = tonumber(ARGV[1])
local SHORT, SEARCHES, LANES = 10000, 4, 200
local freed, recalled, again, searches, lanes, graves = 0, 0, 0, 0, 0, {}

-- Is the id in one of the queue's lists? nil: not looked for, as it would take too long.
local function is_listed(q, id)
	if searches == SEARCHES or call('LLEN', q .. 'wait') + call('LLEN', q .. 'paused') > SHORT then
		return nil
	end
	searches = searches + 1
	for _, list in ipairs({ 'active', 'paused', 'wait' }) do
		if call('LPOS', q .. list, id) then
			return true
		end
	end
	return false
end

local function write(client, s, k)
	call('HSET', lane_key(client), 's', s, 'k', write_k(k))
	freed = freed + 1
end

local function look_at_free(client, k)
	if k[TICKET] ~= '' then
		local id = k[TICKET]
		if call('EXISTS', M .. id) == 1 and not call('ZSCORE', M .. 'delayed', id) and not has_ended(M, id) then
			if is_listed(M, id) == false then
				call('LPUSH', listed(M), id)
				again = again + 1
			end
			return
		end
		k[TICKET] = ''
	end
	write(client, settle(client, k), k)
end

local function look_at_speaking(client, k, id)
	if has_ended(O, id) or is_recalled(id) then
		recalled = recalled + 1
		write(client, settle(client, k), k)
	elseif not call('ZSCORE', O .. 'delayed', id) and is_listed(O, id) == false then
		call('HSET', O .. id, 'db', '1')
		call('LPUSH', listed(O), id)
		again = again + 1
	end
end

local function look_at_turn(client, lane, k)
	local owner = string.match(lane[1], '^1 (.-)%-%x+$')
	if owner and not call('ZSCORE', S .. 'owners', owner) then
		local s, grave = crashed(client, k, cmsgpack.unpack(lane[2]), lane[4] or '', ttl)
		call('HSET', lane_key(client), 's', s, 'h', '', 'k', write_k(k))
		call('HDEL', S .. 'held:' .. owner, client)
		graves[#graves + 1] = grave
		freed = freed + 1
	end
end

local seen = {}
local function look(client)
	if seen[client] or lanes == LANES then
		return
	end
	seen[client] = true
	lanes = lanes + 1
	local lane = lane_fields(client, 's', 'h', 'k', 'di')
	local k = read_k(lane[3])
	if not lane[1] then
		open_lane(client)
		look_at_free(client, k)
	elseif lane[1] == '0' then
		look_at_free(client, k)
	elseif string.byte(lane[1]) == 49 then
		look_at_turn(client, lane, k)
	elseif string.byte(lane[1]) == 50 then
		look_at_speaking(client, k, string.sub(lane[1], 3))
	elseif not call('ZSCORE', S .. 'due', client) then
		call('ZADD', S .. 'due', now, client)
		freed = freed + 1
	end
end

local step = call('ZSCAN', M .. 'delayed', call('HGET', S .. 'cursor', 'stuck') or '0', 'COUNT', 500)
for i = 1, #step[2], 2 do
	local id = step[2][i]
	if tonumber(step[2][i + 1]) >= FAR * 4096 then
		local j = try('HMGET', M .. id, 'c', 'seq')
		if j.err or not j[1] then
			call('ZREM', M .. 'delayed', id)
		elseif not client_of(j[1]) then
			call('ZREM', M .. 'delayed', id)
			bury_nameless(M, id)
		else
			local client = client_of(j[1])
			lane_call('ZADD', S .. 'parked:' .. client, 'NX', j[2] or 0, id)
			look(client)
		end
	end
end
call('HSET', S .. 'cursor', 'stuck', step[1])

-- In `active`, but in no turn: a Bull worker has it while its lock lasts, else it waits again.
for _, id in ipairs(call('LRANGE', M .. 'active', -100, -1)) do
	local c = try('HGET', M .. id, 'c')
	local client, held = type(c) == 'string' and client_of(c), false
	if client then
		local lane = lane_fields(client, 's', 'h')
		for i, v in ipairs(string.byte(lane[1] or '') == 49 and cmsgpack.unpack(lane[2]) or {}) do
			held = held or (i % 2 == 0 and v == id)
		end
	end
	if not held and call('EXISTS', M .. id .. ':lock') == 0 then
		call('LREM', M .. 'active', -1, id)
		if call('EXISTS', M .. id) == 1 and not has_ended(M, id) then
			call('LPUSH', listed(M), id)
			again = again + 1
		end
	end
end
return { now, freed, recalled, again, graves }
