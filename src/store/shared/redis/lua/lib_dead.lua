-- lib_dead.lua - into the dead letters and out of them.
-- -> failed, as a dead letter with a number. dl: the dialog then open, which a retry compares.
local function bury(q, id, reason, attempts, dl)
	local number = call('INCR', S .. 'dead:id')
	call('HSET', q .. id, 'failedReason', reason, 'finishedOn', now, 'attemptsMade', attempts, 'stacktrace', '[]',
		'dn', number, 'dl', dl)
	call('ZADD', q .. 'failed', now, id)
	call('ZADD', S .. 'dead', number, (q == M and 'm ' or 'r ') .. id)
	if hears() then
		try('PUBLISH', q .. 'failed', cjson.encode({ jobId = id, val = reason }))
	end
end

-- waiting -> dead, as nobody knows whose it is. A retry takes it for a foreign job without a `c`.
local function bury_nameless(q, id)
	bury(q, id, "the job's field c is none of ours: it names no client", 1, '')
end

-- in turn -> dead; its log row is wanted. Gives what the log needs.
local function bury_message(id, reason, attempts, di)
	bury(M, id, reason, attempts, di)
	call('SADD', S .. 'unlogged', id)
	local j = call('HMGET', M .. id, 'data', 'c', 'timestamp')
	return { 2, id, j[1], j[2], j[3], reason }
end

-- A dead message on its way back into `wait`: late within the dialog it died in; as if it had arrived now where no
-- dialog was or is open, or when forced. nil: another dialog is open now.
local function revival(dl, di, forced)
	if forced or (dl == '' and di == '') then
		return 'forced'
	elseif dl == di then
		return 'late'
	end
end

-- It arrives now, at the end of its lane; forced, it was also said now. Gives its new `c`.
local function revive(id, c, f)
	if f == 'forced' then
		c = string.gsub(c, '^%S+', string.format('%.0f', now))
	end
	call('HDEL', M .. id, 'finishedOn', 'failedReason', 'attemptsMade', 'stacktrace', 'dl', 'dn', 'seq')
	call('HSET', M .. id, 'f', f, 'timestamp', now, 'c', c, 'delay', '0')
	call('ZREM', S .. 'dead', 'm ' .. id)
	call('SREM', S .. 'unlogged', id)
	return c
end
