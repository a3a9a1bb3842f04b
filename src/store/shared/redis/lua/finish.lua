-- finish - in turn -> speaking, its reply in the outbox or claimed; without a reply: free. Messages done.
-- ARGV: owner, claim most, rate limit, claim lease ms, keep completed, then 9 a turn: client, turn id, new version,
--   b, di, question digest, profile ('' unchanged, NUL none), reply data ('' none), reply c.
-- Reply: {now, {0 stale | 1 done | 2 done before | 3 done and claimed | 4 done before, still claimed}}
-- with lanes
-- with rate
-- with completed
local claim_most, limit, lease_ends, keep, room, gone, freed, claimed, waiting, opened

-- Replies may be claimed at once where no older one waits, as far as there are slots.
local function claim_room()
	local first = call('ZRANGE', O .. 'delayed', '0', '0', 'WITHSCORES')
	if claim_most == 0 or call('LLEN', O .. 'wait') > 0 or call('EXISTS', O .. 'meta-paused') == 1
		or (first[2] and tonumber(first[2]) <= now * 4096) then
		return 0
	end
	return min(claim_most, free_slots(limit))
end

local function put_reply(turn, data, c)
	local job = { 'name', '__default__', 'data', data, 'opts', '{"attempts":1}', 'timestamp', stamp, 'delay', '0',
		'priority', '0', 'c', c }
	if #claimed < room then
		claimed[#claimed + 1] = turn
		job[15], job[16] = 'l', turn .. ' ' .. lease_ends
	else
		waiting[#waiting + 1] = turn
	end
	call('HSET', O .. turn, unpack(job))
	return job[15] and 3 or 1
end

-- The answer of an earlier call was lost, not the step.
local function before(turn, last)
	if last ~= turn then
		return 0
	end
	local l = try('HGET', O .. turn, 'l')
	if type(l) ~= 'string' or string.sub(l, 1, #turn + 1) ~= turn .. ' ' then
		return 2
	end
	call('HSET', O .. turn, 'l', turn .. ' ' .. lease_ends) -- nobody has posted it yet
	return 4
end

local function finish(i)
	local client, turn = ARGV[i], ARGV[i + 1]
	local b, q, profile, reply = ARGV[i + 3], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
	local key = lane_key(client)
	local lane = lane_fields(client, 's', 'h', 'q', 'sh', 'k', 'lt', 'b')
	if lane[1] ~= '1 ' .. turn then
		return before(turn, lane[6])
	end
	local held, how = cmsgpack.unpack(lane[2]), 1
	for n = 2, #held, 2 do
		leave_active(held[n])
		complete(M, held[n], '{"turn":"' .. turn .. '"}', keep, gone)
	end
	local set = { 's', '2 ' .. turn, 'h', '', 'lt', turn, 'v', ARGV[i + 2], 'b', b, 'di', ARGV[i + 4], 'la', stamp, 'q', q }
	if lane[4] and lane[4] ~= '0' and (q == '' or q ~= lane[3]) then
		set[#set + 1], set[#set + 2] = 'sh', '0'
	end
	if profile ~= '' then
		set[#set + 1], set[#set + 2] = 'p', profile ~= '\0' and profile or ''
	end
	local was = lane[5] or ''
	local k = read_k(was)
	k[ATTEMPTS], k[CRASHES], k[EXPIRE] = 0, 0, 0
	if #held == 0 or k[APART] <= held[#held - 1] then
		k[ALONE], k[APART] = 0, 0
	end
	if #held == 0 then
		call('ZADD', S .. 'idle', now, client)
	end
	if reply ~= '' then
		how = put_reply(turn, reply, ARGV[i + 8])
	else
		set[2] = settle(client, k)
	end
	write_lane(key, set, k, was)
	opened = opened + (string.byte(b) == 49 and 1 or 0) - (string.byte(lane[7] or '') == 49 and 1 or 0)
	freed[#freed + 1] = client
	return how
end

-- each call
local owner, out = ARGV[1], {}
claim_most, limit, keep = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
lease_ends = string.format('%.0f', now + tonumber(ARGV[4]))
gone, freed, claimed, waiting, opened = {}, {}, {}, {}, 0
room = claim_room()
for i = 6, #ARGV, 9 do
	out[#out + 1] = finish(i)
end
delete(gone)
if #freed > 0 then
	bulk('HDEL', S .. 'held:' .. owner, freed)
end
begin_posts(claimed, limit, owner)
if #waiting > 0 then
	bulk('LPUSH', listed(O), waiting)
	tell(O, 'waiting@' .. owner, waiting)
end
if opened ~= 0 then
	call('HINCRBY', S .. 'meta', 'open', opened)
end
trim_completed(M, keep)
return { now, out }
