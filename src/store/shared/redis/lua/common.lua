-- common.lua - stands before every script: names, the time, lists and events. A script that says "-- with NAME" in
-- its head has lib_NAME.lua behind it too. Up to the line "-- each call" a file defines, and runs once where scripts
-- are functions of a library (scripts.h); behind it, or where there is no such line, it runs with each call. So what
-- is defined before that line is set anew behind it.
--
-- docs/store-protocol.md is the contract. KEYS: M and O, Bull's prefixes of the queues messages and outbox; S, our
-- own; the prefix of the marks. Lists: HEAD in, TAIL out. What fails in the middle of a script stays done, so each
-- step leaves a job whole or untouched. Numbers above 14 digits (scores, seq) are handed to commands as they are,
-- never joined to a text, which would round them.
local M, O, S, MARK, lists, heard
local call, try, floor, min, max -- not known yet where a library is loaded
local now, stamp -- the time in ms: to count with, and as text for commands, whose numbers Lua writes slowly
local FAR = 2145916800000 -- 2038-01-01: at or above it a score of `delayed` is a parking place, no time
local TURN_MOST = 32 -- messages of one turn

-- ---- lists ----

-- The list that takes what is due: `paused` while people have paused the queue.
local function listed(q)
	if not lists[q] then
		lists[q] = call('EXISTS', q .. 'meta-paused') == 1 and q .. 'paused' or q .. 'wait'
	end
	return lists[q]
end

-- A command of many arguments, a thousand at a time: Lua's stack ends at 8000.
local function bulk(command, key, list)
	for i = 1, #list, 1000 do
		call(command, key, unpack(list, i, min(i + 999, #list)))
	end
end

local function delete(keys)
	for i = 1, #keys, 1000 do
		call('DEL', unpack(keys, i, min(i + 999, #keys)))
	end
end

-- Both lists are filled, which a RENAME by pause or resume would not survive: the one left over goes before all of
-- the other, newest first, so that their order stays. True when something is left to move.
local function merge(q)
	local to = listed(q)
	local from = to == q .. 'wait' and q .. 'paused' or q .. 'wait'
	local n = call('LLEN', from)
	if n > 0 and call('LLEN', to) == 0 then
		call('RENAME', from, to)
		return false
	end
	for _ = 1, min(n, 1000) do
		call('LMOVE', from, to, 'LEFT', 'RIGHT')
	end
	return n > 1000
end

-- What keeps a script from taking out of `wait` at all; nil: nothing.
local function obstacle(q)
	if call('EXISTS', q .. 'meta-paused', q .. 'paused') == 0 then
		return nil
	elseif call('EXISTS', q .. 'meta-paused') == 1 then
		return 'paused'
	end
	return merge(q) and 'more' or nil
end

-- ---- Bull's events: published when somebody listens ----

local function hears()
	if heard == nil then
		local events = call('HGET', S .. 'meta', 'events')
		if events == 'always' or events == 'off' then
			heard = events == 'always'
		else
			local n = call('PUBSUB', 'NUMSUB', M .. 'completed', M .. 'failed', O .. 'completed', O .. 'failed')
			heard = call('PUBSUB', 'NUMPAT') + n[2] + n[4] + n[6] + n[8] > 0
		end
	end
	return heard
end

local function tell(q, event, ids)
	if #ids > 0 and hears() then
		for i = 1, #ids do
			try('PUBLISH', q .. event, ids[i])
		end
	end
end

local function tell_completed(q, id, value)
	if hears() then
		try('PUBLISH', q .. 'completed', cjson.encode({ jobId = id, val = value }))
	end
end

-- ---- lanes ----

local function lane_key(client)
	return S .. 'lane:' .. client
end

-- A command on a key of one client's, his lane or what is parked in it, for scripts that have others' in their hands,
-- too: what stands there without being one (a foreign hand's) is put aside, and the command finds nothing.
local function lane_call(command, key, ...)
	local reply = try(command, key, ...)
	if type(reply) ~= 'table' or not reply.err then
		return reply
	elseif string.find(reply.err, 'WRONGTYPE', 1, true) then
		call('RENAME', key, S .. 'strange:' .. string.sub(key, #S + 1))
	end
	return call(command, key, ...)
end

-- Where the lane was put aside, it reads its row again.
local function lane_fields(client, ...)
	return lane_call('HMGET', lane_key(client), ...)
end

-- The client in a message's `c`; nil where that is none of ours.
local function client_of(c)
	return string.match(c, '^%S+ %S+ %S+ (.*)$')
end

-- The same for a reply's.
local function client_of_reply(c)
	return string.match(c, '^%S+ %S+ (.*)$')
end

-- due later -> due, for a reply that leaves `O delayed`. Where its hash is gone, none is made.
local function is_due(id)
	if call('EXISTS', O .. id) == 1 then
		try('HSET', O .. id, 'delay', '0')
	end
end

-- The reply that a lane speaks, if it waits for a later retry -> due now: its client is there.
local function hurry(s)
	if string.byte(s) == 50 then
		local id = string.sub(s, 3)
		local score = call('ZSCORE', O .. 'delayed', id)
		if score and tonumber(score) < FAR * 4096 then
			call('ZREM', O .. 'delayed', id)
			is_due(id)
			call('LPUSH', listed(O), id)
		end
	end
end

-- each call
M, O, S, MARK = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
call, try, floor, min, max = redis.call, redis.pcall, math.floor, math.min, math.max
lists, heard = {}, nil
local time = call('TIME')
now = time[1] * 1000 + floor(time[2] / 1000)
stamp = string.format('%.0f', now)
