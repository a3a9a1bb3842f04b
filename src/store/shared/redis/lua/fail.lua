-- fail - in turn -> free (given back), backing off (failed), or with its last attempt free, its one message dead.
-- ARGV: owner, backoff ms, attempts, then 4 a turn: client, turn id, kind, reason.
--   B given back, nothing spent; F failed, for this reason;
--   X one job can't be read: JSON array of its id and the reason;
--   D these jobs were applied before: JSON array of their ids; the others as B.
-- Reply: {now, {0 stale | 1 done | {2 buried, job id, data, c, timestamp, reason}}}
-- with lanes
-- with dead
-- with turns
local owner, backoff, attempts = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- The jobs of `ids` leave the turn; gives what is held without them.
local function without(held, ids)
	local is, rest = {}, {}
	for _, id in ipairs(ids) do
		is[id] = true
	end
	for i = 1, #held, 2 do
		if not is[held[i + 1]] then
			rest[#rest + 1], rest[#rest + 2] = held[i], held[i + 1]
		end
	end
	return rest
end

local function fail(client, turn, kind, reason)
	local key = lane_key(client)
	local lane = lane_fields(client, 's', 'h', 'k', 'di')
	if lane[1] ~= '1 ' .. turn then
		return 0
	end
	local held, k, grave = cmsgpack.unpack(lane[2]), read_k(lane[3]), nil
	local expired = #held == 0
	local s
	if kind == 'X' then
		local broken = cjson.decode(reason)
		leave_active(broken[1])
		if try('HEXISTS', M .. broken[1], 'c') == 1 then
			grave = bury_message(broken[1], broken[2], k[ATTEMPTS] + 1, lane[4] or '')
		end
		held = without(held, { broken[1] })
		if #held > 0 then
			call('HSET', key, 'h', cmsgpack.pack(held))
			return grave or 1
		end
		k[ATTEMPTS], k[CRASHES] = 0, 0
		s = settle(client, k)
	elseif kind == 'F' then
		s, grave = turn_failed(client, k, held, let_go(held), reason, attempts, backoff, lane[4] or '')
	else
		if kind == 'D' then
			local dups = cjson.decode(reason)
			for _, id in ipairs(dups) do
				leave_active(id)
				call('DEL', M .. id)
				tell_completed(M, id, '{"duplicate":true}')
			end
			held = without(held, dups)
		end
		s = give_back(client, k, let_go(held), expired)
	end
	call('HSET', key, 's', s, 'h', '', 'k', write_k(k))
	call('HDEL', S .. 'held:' .. owner, client)
	return grave or 1
end

local out = {}
for i = 4, #ARGV, 4 do
	out[#out + 1] = fail(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
end
return { now, out }
