-- sweep - in turn -> free and alone, of processes that died; backing off, where a worker hung. claimed -> waiting, of
-- claims that ended. At most 200 lanes a call.
-- ARGV: owner, lease ms, attempts, backoff ms, TTL ms, hung ms, 'leave' where a process leaves and sweeps itself
--   only.
-- Reply: {now, turns of the dead, turns that hung, replies, 1 if more is left, {{2, job id, data, c, timestamp,
--   reason}...}}
-- with lanes
-- with dead
-- with turns
local me, attempts, backoff = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local ttl, hung_ms, leaving = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == 'leave'
local MOST = 200
local lanes, graves = 0, {}
local n_crashed, n_hung, n_replies, more = 0, 0, 0, 0

local dead, lives = {}, {}
local owners = call('ZRANGE', S .. 'owners', 0, -1, 'WITHSCORES')
for i = 1, #owners, 2 do
	if leaving and owners[i] == me or not leaving and owners[i] ~= me and tonumber(owners[i + 1]) < now then
		dead[#dead + 1] = owners[i]
	else
		lives[owners[i]] = true
	end
end
if leaving then
	dead[1] = me -- also where its beats had ended
end

-- The lane as it stands in a turn of this owner; nil, and the entry goes, where it does not.
local function lane_in_turn(owner, client)
	local lane = lane_fields(client, 's', 'h', 'k', 'di')
	if string.sub(lane[1] or '', 1, #owner + 3) ~= '1 ' .. owner .. '-' then
		call('HDEL', S .. 'held:' .. owner, client)
		return nil
	end
	return { client = client, owner = owner, held = cmsgpack.unpack(lane[2]), k = read_k(lane[3]), di = lane[4] or '' }
end

local function write(lane, s, grave)
	call('HSET', lane_key(lane.client), 's', s, 'h', '', 'k', write_k(lane.k))
	call('HDEL', S .. 'held:' .. lane.owner, lane.client)
	graves[#graves + 1] = grave
end

-- Put before all that waits, the youngest first, so that the oldest is the next.
local found = {}
for _, owner in ipairs(dead) do
	for _, client in ipairs(call('HKEYS', S .. 'held:' .. owner)) do
		if #found == MOST then
			more = 1
			break
		end
		local lane = lane_in_turn(owner, client)
		if lane then
			lane.seq = lane.held[1] or 0
			local at = lane.held[2] and try('HGET', M .. lane.held[2], 'timestamp')
			lane.at = type(at) == 'string' and tonumber(at) or 0
			found[#found + 1] = lane
		end
	end
end
table.sort(found, function(a, b)
	if a.at ~= b.at then
		return a.at > b.at
	end
	return a.seq > b.seq
end)
for _, lane in ipairs(found) do
	local s, grave = crashed(lane.client, lane.k, lane.held, lane.di, ttl)
	write(lane, s, grave)
end
n_crashed = #found

for owner in pairs(leaving and {} or lives) do
	local held = call('HGETALL', S .. 'held:' .. owner)
	for i = 1, #held, 2 do
		local lane = n_crashed + n_hung < MOST and lane_in_turn(owner, held[i])
		if lane and tonumber(string.match(held[i + 1], '^%d+')) <= now - hung_ms then
			local jobs = let_go(lane.held)
			local s, grave = turn_failed(lane.client, lane.k, lane.held, jobs, 'the worker hung for a minute', attempts, backoff,
				lane.di)
			write(lane, s, grave)
			n_hung = n_hung + 1
		end
	end
end

for _, id in ipairs(call('LRANGE', O .. 'active', 0, 999)) do
	local l = try('HGET', O .. id, 'l')
	local owner, ends
	if type(l) == 'string' then
		owner, ends = string.match(l, '^(.-)%-%x+ (%d+)$')
	end
	local ended = not owner or not lives[owner] or tonumber(ends) < now
	if leaving then
		ended = owner == me
	end
	if ended then
		claim_lost(id, true)
		n_replies = n_replies + 1
	end
end

for _, owner in ipairs(dead) do
	if call('EXISTS', S .. 'held:' .. owner) == 0 then
		call('ZREM', S .. 'owners', owner)
		if leaving then -- the connections of one that was swept may live: bull_workers.c looks
			call('HDEL', S .. 'workers', owner)
		end
	end
end
if leaving and call('GET', S .. 'keeper') == me then
	call('DEL', S .. 'keeper')
end
return { now, n_crashed, n_hung, n_replies, more, graves }
