-- disown - turns and claims whose answer was lost -> given back: nobody ran or posted them.
-- ARGV: owner, then pairs of first and last counter. Reply: {now, turns, replies}
-- with lanes
-- with dead
-- with turns
local owner = ARGV[1]
local function is_lost(lease)
	local counter = tonumber(string.match(lease, '%-(%x+)$') or '', 16)
	for i = 2, #ARGV, 2 do
		if counter and counter >= tonumber(ARGV[i]) and counter <= tonumber(ARGV[i + 1]) then
			return true
		end
	end
	return false
end

local turns, replies = 0, 0
for _, client in ipairs(call('HKEYS', S .. 'held:' .. owner)) do
	local key = lane_key(client)
	local lane = call('HMGET', key, 's', 'h', 'k')
	if string.sub(lane[1] or '', 1, #owner + 3) == '1 ' .. owner .. '-' and is_lost(lane[1]) then
		local held, k = cmsgpack.unpack(lane[2]), read_k(lane[3])
		local s = give_back(client, k, let_go(held), #held == 0)
		call('HSET', key, 's', s, 'h', '', 'k', write_k(k))
		call('HDEL', S .. 'held:' .. owner, client)
		turns = turns + 1
	end
end
for _, id in ipairs(call('LRANGE', O .. 'active', 0, 999)) do
	local l = try('HGET', O .. id, 'l')
	local lease = type(l) == 'string' and string.match(l, '^(%S+) ')
	if lease and string.sub(lease, 1, #owner + 1) == owner .. '-' and is_lost(lease) then
		claim_lost(id, false)
		replies = replies + 1
	end
end
return { now, turns, replies }
