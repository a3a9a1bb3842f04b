-- sent - claimed -> gone (A accepted), waiting (R retry, B given back), or dead (D).
-- ARGV: owner, rate limit, keep completed, then 9 a reply: how, id, lease, client, question digest, posted ms, delay
--   ms, flags (d doubtful, u unused), reason.
-- Reply: {now, {1 | 0 stale}}
-- with lanes
-- with dead
-- with rate
-- with completed
local limit, keep, gone, waiting

-- speaking this reply -> free or speaking the next; accepted, its question counts as shown, if it is still the open
-- one.
local function free_lane(client, id, question, posted)
	local key = lane_key(client)
	local lane = lane_fields(client, 's', 'q', 'sh', 'k')
	if lane[1] ~= '2 ' .. id then
		return -- people removed the reply meanwhile, and the lane has gone on
	end
	local was = lane[4] or ''
	local k = read_k(was)
	local set = { 's', settle(client, k) }
	if posted and question ~= '' and question == lane[2] and (lane[3] or '0') == '0' then
		set[3], set[4] = 'sh', tonumber(posted) < now and posted or stamp
	end
	write_lane(key, set, k, was)
end

local function accepted(i, id)
	if keep > 0 then
		call('HDEL', O .. id, 'l')
	end
	free_lane(ARGV[i + 3], id, ARGV[i + 4], ARGV[i + 5])
	complete(O, id, 'null', keep, gone)
end

local function dead(i, id)
	local job = call('HMGET', O .. id, 'data', 'attemptsMade')
	local ok, data = pcall(cjson.decode, job[1] or '')
	local dialog = ok and type(data) == 'table' and type(data.dialogId) == 'string' and data.dialogId or ''
	call('HDEL', O .. id, 'l')
	bury(O, id, ARGV[i + 8], tonumber(job[2] or 0) + 1, dialog)
	free_lane(ARGV[i + 3], id)
end

local function put_back(i, id, spent)
	local delay, flags = tonumber(ARGV[i + 6]), ARGV[i + 7]
	call('HDEL', O .. id, 'l')
	if spent then
		call('HINCRBY', O .. id, 'attemptsMade', 1)
	elseif limit > 0 and string.find(flags, 'u', 1, true) then
		return_slot()
	end
	if delay > 0 then
		call('HSET', O .. id, 'delay', '1')
		call('ZADD', O .. 'delayed', (now + delay) * 4096, id)
	else
		waiting[#waiting + 1] = id -- behind all that are due, so that a probe meets another client
	end
end

-- each call
local owner, out = ARGV[1], {}
limit, keep = tonumber(ARGV[2]), tonumber(ARGV[3])
gone, waiting = {}, {}
for i = 4, #ARGV, 9 do
	local how, id, lease = ARGV[i], ARGV[i + 1], ARGV[i + 2]
	local l = try('HGET', O .. id, 'l')
	if type(l) ~= 'string' or string.sub(l, 1, #lease + 1) ~= lease .. ' ' or call('LREM', O .. 'active', '-1', id) == 0 then
		out[#out + 1] = 0
	else
		out[#out + 1] = 1
		if string.find(ARGV[i + 7], 'd', 1, true) and how ~= 'A' then
			call('HSET', O .. id, 'db', '1')
		end
		if how == 'A' then
			accepted(i, id)
		elseif how == 'D' then
			dead(i, id)
		else
			put_back(i, id, how == 'R')
		end
	end
end
delete(gone)
if #waiting > 0 then
	bulk('LPUSH', listed(O), waiting)
	tell(O, 'waiting@' .. owner, waiting)
end
trim_completed(O, keep)
return { now, out }
