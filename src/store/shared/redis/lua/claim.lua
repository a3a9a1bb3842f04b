-- claim - waiting -> claimed, with a slot of the rate window each; or parked, while its lane is at something else.
-- ARGV: most, owner, first counter, rate limit, claim lease ms.
-- Reply: {now, why, ms until the next slot or due reply or '', {{id, lease, data, c, attemptsMade, doubtful,
--   timestamp}...}}, why: empty | paused | rate | more | unknown | audit: an old reply that came back by a roll-back is
--   recalled by it, and must not go out before
-- with lanes
-- with dead
-- with rate
local owner, counter, lease_ends, out, active, doubt

-- A foreign reply -> ours, or dead.
local function adopt(id, j)
	call('ZREM', O .. 'priority', id)
	local ok, d = pcall(cjson.decode, j[2] or '')
	local client = ok and type(d) == 'table' and d.clientId
	if type(client) == 'number' then
		client = string.format('%.0f', client)
	end
	if type(client) ~= 'string' or client == '' or type(d.text) ~= 'string' then
		bury(O, id, "the job's data is not a reply", 1, '')
		return nil
	elseif #id > 47 then
		bury(O, id, "the job's id is too long for a reply's", 1, '')
		return nil
	end
	local c = '0 - ' .. client
	j[5] = j[5] or tostring(now)
	call('HSET', O .. id, 'c', c, 'timestamp', j[5], 'priority', '0')
	return c
end

local function claim(id, j)
	local name = string.format('%s-%010x', owner, counter)
	counter = counter + 1
	call('HSET', O .. id, 'l', name .. ' ' .. lease_ends, 'delay', '0')
	active[#active + 1] = id
	out[#out + 1] = { id, name, j[2], j[1], tonumber(j[3]) or 0, (j[4] or (tonumber(j[5]) or 0) < doubt) and 1 or 0, j[5] }
end

local function place(id)
	local j = try('HMGET', O .. id, 'c', 'data', 'attemptsMade', 'db', 'timestamp', 'dl', 'l')
	if j.err or (not j[1] and call('EXISTS', O .. id) == 0) then
		return -- a ghost: removed, or no job
	end
	j[1] = j[1] or adopt(id, j)
	if not j[1] then
		return
	end
	if j[6] then -- a dead letter that a board put back
		call('HDEL', O .. id, 'dl', 'dn', 'attemptsMade', 'finishedOn', 'failedReason')
		call('ZREM', S .. 'dead', 'r ' .. id)
		j[3] = nil
	end
	if j[7] then -- claimed, and moved by a foreign hand: it may be posted
		call('HSET', O .. id, 'db', '1')
		call('LREM', O .. 'active', -1, id)
		j[4] = '1'
	end
	local client = client_of_reply(j[1])
	if not client then
		bury_nameless(O, id)
		return
	end
	local s = lane_fields(client, 's')[1]
	if not s then
		open_lane(client)
	end
	if s == '2 ' .. id then
		claim(id, j)
	elseif not s or s == '0' or (string.byte(s) == 50 and is_recalled(string.sub(s, 3))) then
		call('HSET', lane_key(client), 's', '2 ' .. id) -- a ticket stays where it is
		lane_call('ZREM', S .. 'replies:' .. client, id)
		claim(id, j)
	else
		local created = tonumber(j[5]) or now
		call('HDEL', O .. id, 'l')
		call('HSET', O .. id, 'delay', '1')
		lane_call('ZADD', S .. 'replies:' .. client, created, id)
		call('ZADD', O .. 'delayed', (FAR + floor(created / 1000)) * 4096, id)
	end
end

-- each call
local most, limit = tonumber(ARGV[1]), tonumber(ARGV[4])
owner, counter, lease_ends = ARGV[2], tonumber(ARGV[3]), string.format('%.0f', now + tonumber(ARGV[5]))
out, active = {}, {}
if not call('ZSCORE', S .. 'owners', owner) then
	return { now, 'unknown', '', {} }
end

-- Due later -> waiting. A parked one is due only when its lane is free.
local due = call('ZRANGEBYSCORE', O .. 'delayed', '-inf', (now + 1) * 4096 - 1, 'LIMIT', '0', '100')
if #due > 0 then
	bulk('ZREM', O .. 'delayed', due)
	for i = 1, #due do
		is_due(due[i])
	end
	bulk('LPUSH', listed(O), due)
end
local stands = obstacle(O)
if stands then
	return { now, stands, '', {} }
end
local meta = call('HMGET', S .. 'meta', 'audit', 'doubt')
if meta[1] and meta[2] then
	return { now, 'audit', 100, {} }
end
doubt = tonumber(meta[2]) or 0

local free = free_slots(limit)
local wanted, popped, why = min(most, free), 0, 'empty'
while #out < wanted and popped < most * 4 do
	local ids = call('RPOP', O .. 'wait', wanted - #out)
	if not ids then
		break
	end
	popped = popped + #ids
	for i = 1, #ids do
		place(ids[i])
	end
end
begin_posts(active, limit, owner)

local wait = ''
if #out < most and free <= #out and call('EXISTS', O .. 'wait') == 1 then
	why = 'rate'
	local lo = tonumber(call('HGET', S .. 'rate', 'lo') or 0)
	wait = max((lo + 241) * 250 - now, 1)
elseif #out < wanted and popped >= most * 4 then
	why = 'more'
else
	local first = call('ZRANGE', O .. 'delayed', '0', '0', 'WITHSCORES')[2]
	if first and tonumber(first) < FAR * 4096 then
		wait = max(floor(tonumber(first) / 4096) - now, 1)
	end
end
return { now, why, wait, out }
