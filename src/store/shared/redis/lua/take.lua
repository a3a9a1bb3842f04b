-- take - waiting -> in turn, or parked in a lane that is busy.
-- ARGV: most, owner, first counter, window, gather, TTL ms, dedup ms, keep completed.
-- Reply: {now, why, next due ms or '', {{client, turn id, v, b, di, p, sh, attempts, alone, expired, held_to, {{job
--   id, timestamp, data, c, f}...}}...}}, why: empty | more | paused | alone | unknown
-- with lanes
-- with dead
local BYTES_MOST = 1048576 -- of data in one answer, after which no more is taken
local owner, counter, dedup, held, turns, by_client, why, stop, bytes, seq, wait

local function next_seq()
	seq = (seq or call('INCRBY', S .. 'seq', '4096') - 4096) + 1
	return seq
end

-- ---- jobs ----

local function job_of(id)
	local j = try('HMGET', M .. id, 'c', 'seq', 'dl', 'timestamp', 'data', 'f')
	if j.err then
		return nil -- a key that is no hash
	end
	return { id = id, c = j[1], seq = tonumber(j[2]), dl = j[3], at = j[4], data = j[5], f = j[6] }
end

local function text_of(value)
	if type(value) == 'number' then
		return string.format('%.0f', value)
	end
	return type(value) == 'string' and value ~= '' and value or nil
end

-- What is wrong with a foreign job's data; nil and the two ids where nothing is.
local function read_foreign(id, data)
	local ok, d = pcall(cjson.decode, data or '')
	if not ok or type(d) ~= 'table' then
		return 'it is no JSON object'
	end
	local client, message = text_of(d.clientId), string.match(id, '^m%-(.+)$') or text_of(d.messageId)
	if not client then
		return 'it has no clientId'
	elseif not message or not text_of(d.messageId) then
		return 'it has no messageId'
	elseif #message > 1024 then
		return 'its messageId is too long'
	elseif d.messageText ~= nil and d.messageText ~= cjson.null and type(d.messageText) ~= 'string' then
		return 'its messageText is no text'
	elseif d.timestamp ~= nil and d.timestamp ~= cjson.null and type(d.timestamp) ~= 'number' then
		return 'its timestamp is no number'
	end
	return nil, client, message
end

-- foreign -> ours, or dead, or gone as a duplicate of another job. False where nothing is left to place.
local function adopt(j)
	if call('EXISTS', M .. j.id) == 0 then
		return false
	end
	call('ZREM', M .. 'priority', j.id)
	local wrong, client, message = read_foreign(j.id, j.data)
	if wrong then
		bury(M, j.id, "the job's data is not a message: " .. wrong, 1, '')
		return false
	end
	if not call('SET', MARK .. message, j.id, 'PX', dedup, 'NX') and try('GET', MARK .. message) ~= j.id then
		call('DEL', M .. j.id)
		tell_completed(M, j.id, '{"duplicate":true}')
		return false
	end
	j.at = tostring(min(tonumber(j.at) or now, now))
	j.c = j.at .. ' 0 - ' .. client
	call('HSET', M .. j.id, 'c', j.c, 'priority', '0', 'timestamp', j.at)
	return true
end

-- A dead letter that a board put back: by the rules of a retry, and dead again where another dialog is open.
local function back_from_death(j, client)
	local f = revival(j.dl, lane_fields(client, 'di')[1] or '', false)
	if not f then
		local number = call('HGET', M .. j.id, 'dn') or call('INCR', S .. 'dead:id')
		call('HSET', M .. j.id, 'failedReason', 'put back in another dialog; retry it with force', 'finishedOn', now,
			'dn', number)
		call('ZADD', M .. 'failed', now, j.id)
		call('ZADD', S .. 'dead', number, 'm ' .. j.id)
		return false
	end
	j.c = revive(j.id, j.c, f)
	j.f, j.at, j.seq = f, tostring(now), nil
	return true
end

-- ---- turns ----

local function lane_of(client)
	local l = lane_fields(client, 's', 'v', 'b', 'di', 'p', 'sh', 'k')
	return { new = not l[1], s = l[1] or '0', v = l[2], b = l[3], di = l[4], p = l[5], sh = l[6], k = read_k(l[7]),
		was = l[7] }
end

local function busy()
	return held + #turns > 0
end

local function begin(client, lane)
	local id = string.format('%s-%010x', owner, counter)
	local t = { client = client, lane = lane, id = id, jobs = {}, held = {}, has = {} }
	counter = counter + 1
	turns[#turns + 1] = t
	by_client[client] = t
	stop = lane.k[ALONE] == 1
	return t
end

-- waiting or parked -> held by this turn. A message that once failed or crashed with others runs apart.
local function join(t, j, place)
	local n = #t.jobs + 1
	t.jobs[n] = { j.id, j.at, j.data, j.c, j.f }
	t.held[2 * n - 1], t.held[2 * n] = place, j.id
	t.has[j.id] = true
	bytes = bytes + #(j.data or '')
	t.full = n == TURN_MOST or place <= t.lane.k[APART] or bytes > BYTES_MOST
	stop = stop or bytes > BYTES_MOST
end

-- The lane's parked messages -> held, by their places; what is gone leaves the lane.
local function join_parked(t)
	local key = S .. 'parked:' .. t.client
	while not t.full do
		local z = lane_call('ZRANGE', key, 0, TURN_MOST - 1, 'WITHSCORES')
		local out = {}
		for i = 1, #z, 2 do
			if t.full then
				break
			end
			out[#out + 1] = z[i]
			if unpark(M, z[i]) > 0 then
				local j = job_of(z[i])
				if j.c then
					join(t, j, tonumber(z[i + 1]))
				end
			end
		end
		if #out == 0 then
			return
		end
		call('ZREM', key, unpack(out))
	end
end

local function is_held(client, id)
	local h = call('HGET', lane_key(client), 'h')
	for i, v in ipairs(h and h ~= '' and cmsgpack.unpack(h) or {}) do
		if i % 2 == 0 and v == id then
			return true
		end
	end
	return false
end

-- -> parked behind what the lane is at.
local function park_behind(j, client, lane)
	park(j.id, client, j.seq or next_seq(), j.at)
	if lane.k[TICKET] == j.id then
		lane.k[TICKET] = ''
		call('HSET', lane_key(client), 'k', write_k(lane.k))
	end
	hurry(lane.s)
end

-- A lane that speaks a reply which people removed, or waits for a ticket which they removed, goes on.
local function mend(client, lane)
	if string.byte(lane.s) == 50 and is_recalled(string.sub(lane.s, 3)) then
		lane.s = settle(client, lane.k)
	elseif lane.s == '0' and lane.k[TICKET] ~= '' and call('EXISTS', M .. lane.k[TICKET]) == 0 then
		lane.k[TICKET] = ''
		release(client, lane.k)
	else
		return
	end
	call('HSET', lane_key(client), 's', lane.s, 'k', write_k(lane.k))
end

-- One popped job to where it belongs. False: an alone lane must wait, and so does all behind it.
local function place(id)
	local j = job_of(id)
	if not j or (not j.c and not adopt(j)) then
		return true
	end
	local client = client_of(j.c)
	if not client then
		bury_nameless(M, id)
		return true
	elseif j.dl and not back_from_death(j, client) then
		return true
	end
	local t = by_client[client]
	if t then
		if t.has[id] then
			return true -- listed twice
		elseif j.seq or t.full then
			park(id, client, j.seq or next_seq(), j.at)
		else
			join(t, j, next_seq())
		end
		return true
	end
	local lane = lane_of(client)
	mend(client, lane)
	if lane.s ~= '0' then
		if string.byte(lane.s) ~= 49 or not is_held(client, id) then
			park_behind(j, client, lane)
		end
	elseif lane.k[TICKET] ~= '' and lane.k[TICKET] ~= id then
		park_behind(j, client, lane)
	elseif lane.k[ALONE] == 1 and busy() then
		return false
	else
		t = begin(client, lane)
		if not lane.new then
			join_parked(t)
		end
		if not t.has[id] and t.full then
			park(id, client, j.seq or next_seq(), j.at)
		elseif not t.has[id] then
			join(t, j, j.seq and j.seq > (t.held[#t.held - 1] or 0) and j.seq or next_seq())
		end
	end
	return true
end

-- -> `wait` as it was, where it is taken next.
local function put_back(ids, from)
	local back = {}
	for i = #ids, from, -1 do
		back[#back + 1] = ids[i]
	end
	bulk('RPUSH', wait, back)
end

-- each call
local most, window, gather = tonumber(ARGV[1]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ttl, keep = tonumber(ARGV[6]), tonumber(ARGV[8])
owner, counter, dedup, wait, seq = ARGV[2], tonumber(ARGV[3]), ARGV[7], M .. 'wait', nil
if not call('ZSCORE', S .. 'owners', owner) then
	return { now, 'unknown', '', {} } -- sweep would not find what it takes
end
local stands = obstacle(M)
if stands then
	return { now, stands, '', {} }
end
held = call('HLEN', S .. 'held:' .. owner)
if held == 1 and string.sub(call('HVALS', S .. 'held:' .. owner)[1], -1) == 'a' then
	return { now, 'alone', '', {} }
end

turns, by_client, why, stop, bytes = {}, {}, 'empty', false, 0

-- ---- lanes that back off, or whose silent dialog is to be closed ----

for _, client in ipairs(call('ZRANGEBYSCORE', S .. 'due', '-inf', stamp, 'LIMIT', '0', ARGV[1])) do
	local lane = lane_of(client)
	if stop or (lane.s == '3' and lane.k[ALONE] == 1 and busy()) then
		why = 'alone'
		stop = true
		break
	end
	call('ZREM', S .. 'due', client)
	if lane.s == '3' then
		local t = begin(client, lane)
		join_parked(t)
		if #t.jobs == 0 and lane.k[EXPIRE] == 1 then
			t.expired, t.full = true, true
		elseif #t.jobs == 0 then
			table.remove(turns)
			by_client[client], stop = nil, false
			call('HSET', lane_key(client), 's', settle(client, lane.k), 'k', write_k(lane.k))
		end
	end
end

-- ---- what waits ----

local popped, drained = 0, false
while not stop and not drained and #turns < most and popped < window do
	local wanted = min(most - #turns, window - popped)
	local ids = call('RPOP', wait, wanted) or {}
	popped = popped + #ids
	drained = #ids < wanted
	for i = 1, #ids do
		if stop then
			put_back(ids, i)
			break
		elseif not place(ids[i]) then
			put_back(ids, i)
			why, stop = 'alone', true
			break
		end
	end
end
if popped >= window and #turns < most then
	why = 'more'
end

-- Later messages of the turns' own lanes come along, as long as some are found near the TAIL. Nobody overtakes a job
-- whose lane is not known yet.
local seen, found = 0, #turns > 0 and not drained
while found and seen < gather do
	local ids = call('LRANGE', wait, -seen - 8, -seen - 1)
	found = false
	for i = #ids, 1, -1 do
		local j = job_of(ids[i])
		local t = j and j.c and by_client[client_of(j.c)]
		if not j or not j.c or (t and (j.seq or j.dl or t.has[j.id])) then
			seen = gather
			break
		elseif t and not t.full then
			call('LREM', wait, -1, j.id)
			join(t, j, next_seq())
			found = true
		else
			seen = seen + 1
		end
	end
	if #ids < 8 then
		break
	end
end

-- ---- what was taken becomes true ----

local out, active, owned = {}, {}, {}
for i, t in ipairs(turns) do
	local lane, k = t.lane, t.lane.k
	local set = { 's', '1 ' .. t.id, 'h', cmsgpack.pack(t.held) }
	if lane.new then
		set[5], set[6] = 'la', stamp
		call('ZADD', S .. 'idle', now + ttl, t.client)
	elseif lane.was and lane.was ~= '' or k[TICKET] ~= '' then
		k[CRASHES] = k[CRASHES] + k[ALONE] -- counted before the run
		k[EXPIRE], k[TICKET] = 0, ''
		set[5], set[6] = 'k', write_k(k)
	end
	call('HSET', lane_key(t.client), unpack(set))
	for n = 2, #t.held, 2 do
		active[#active + 1] = t.held[n]
	end
	owned[2 * i - 1], owned[2 * i] = t.client, k[ALONE] == 1 and stamp .. ' a' or stamp
	out[i] = { t.client, t.id, lane.v, lane.b or '', lane.di or '', lane.p or '', min(tonumber(lane.sh) or 0, now),
		k[ATTEMPTS], k[ALONE], t.expired and 1 or 0, t.held[#t.held - 1] or 0, t.jobs }
end
if #turns > 0 then
	bulk('HSET', S .. 'held:' .. owner, owned)
	bulk('LPUSH', M .. 'active', active)
	if keep > 0 then
		for i = 1, #active do
			call('HSET', M .. active[i], 'processedOn', stamp)
		end
	end
	tell(M, 'active@' .. owner, active)
end
return { now, why, call('ZRANGE', S .. 'due', '0', '0', 'WITHSCORES')[2] or '', out }
