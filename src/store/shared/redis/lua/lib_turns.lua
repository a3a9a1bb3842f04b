-- lib_turns.lua - turns that end without a finish. Stands behind lib_lanes.lua and lib_dead.lua.
-- in turn -> what it held leaves `active`. Those still there, and their places; gone is what people removed.
local function let_go(held)
	local jobs = {}
	for i = 1, #held, 2 do
		local id = held[i + 1]
		leave_active(id)
		local at = try('HGET', M .. id, 'timestamp')
		if type(at) == 'string' then
			jobs[#jobs + 1] = { seq = held[i], id = id, at = at }
		end
	end
	return jobs
end

local function park_all(client, jobs, from)
	for i = from, #jobs do
		park(jobs[i].id, client, jobs[i].seq, jobs[i].at)
	end
end

local function back_off(client, due)
	call('ZADD', S .. 'due', due, client)
	return '3'
end

-- in turn -> free, nothing spent: a crash counted before the run is taken off again.
local function give_back(client, k, jobs, expired)
	if k[ALONE] == 1 then
		k[CRASHES] = max(k[CRASHES] - 1, 0)
	end
	if expired then
		k[EXPIRE] = 1
		return back_off(client, now)
	end
	park_all(client, jobs, 1)
	return settle(client, k)
end

-- in turn -> the first message dead, the others parked, free.
local function bury_first(client, k, jobs, reason, attempts, di)
	local grave = bury_message(jobs[1].id, reason, attempts, di)
	k[ATTEMPTS], k[CRASHES] = 0, 0
	if k[APART] <= jobs[1].seq then
		k[ALONE] = 0
	end
	park_all(client, jobs, 2)
	return settle(client, k), grave
end

-- in turn -> backing off; with its last attempt free, its one message dead. Several messages run apart from then on.
-- An expired dialog's turn has no message to bury: it is tried again after the longest delay.
local function turn_failed(client, k, held, jobs, reason, attempts, backoff, di)
	if #held == 0 then
		k[EXPIRE], k[CRASHES] = 1, 0
		return back_off(client, now + backoff * 32)
	elseif #jobs == 0 then
		return give_back(client, k, jobs, false)
	elseif #jobs > 1 then
		k[APART] = max(k[APART], held[#held - 1])
		k[CRASHES] = 0
		park_all(client, jobs, 1)
		return back_off(client, now + backoff)
	elseif k[ATTEMPTS] + 1 >= attempts then
		return bury_first(client, k, jobs, reason, k[ATTEMPTS] + 1, di)
	end
	k[ATTEMPTS], k[CRASHES] = k[ATTEMPTS] + 1, 0
	park_all(client, jobs, 1)
	return back_off(client, now + backoff * min(2 ^ (k[ATTEMPTS] - 1), 32))
end

-- in turn of a process that died -> free, to be run again alone and apart; with the third crash while alone its
-- message is dead. An expired dialog's turn has none: after three its dialog stays open for another while.
local function crashed(client, k, held, di, ttl)
	local jobs = let_go(held)
	local third = k[ALONE] == 1 and k[CRASHES] >= 3
	for i = 1, #jobs do
		tell(M, 'stalled@', { jobs[i].id })
	end
	if #held > 0 and #jobs == 0 then
		return give_back(client, k, jobs, false)
	elseif #held > 0 then
		k[APART] = max(k[APART], held[#held - 1])
		if third then
			return bury_first(client, k, jobs, 'the worker crashed three times while this message ran alone', k[CRASHES], di)
		end
		park_all(client, jobs, 1)
	end
	k[CRASHES] = k[ALONE] == 1 and k[CRASHES] or 0
	k[ALONE] = 1
	if #held > 0 then
		return settle(client, k, 'RPUSH')
	elseif third then
		call('ZADD', S .. 'idle', now + ttl, client)
		return settle(client, k)
	end
	k[EXPIRE] = 1
	return back_off(client, now)
end

-- claimed -> waiting: it may have been posted.
local function claim_lost(id, doubtful)
	call('LREM', O .. 'active', -1, id)
	local was = try('HDEL', O .. id, 'l') -- an error: a key that is no job
	if was == 1 or (was == 0 and call('EXISTS', O .. id) == 1) then
		if doubtful then
			call('HSET', O .. id, 'db', '1')
		end
		call('LPUSH', listed(O), id)
	end
end
