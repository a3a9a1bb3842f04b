-- takeover - the predecessor's unsent replies that are too old -> dead letters; 200 a call, from the oldest on.
-- ARGV: list (wait, paused, delayed), place looked at first, from the oldest; written before this ms; reason;
--   act (0: only count). Reply: {now, looked at, too old, the oldest one's time or 0, place to go on from}
-- with dead
local STEP = 200
local list, from, before, reason, act = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local key = O .. list
local ids
if list == 'delayed' then
	ids = call('ZRANGE', key, from, from + STEP - 1)
else
	ids = call('LRANGE', key, -from - STEP, -from - 1)
end

local old, oldest = 0, 0
for n = 1, #ids do
	local id = list == 'delayed' and ids[n] or ids[#ids + 1 - n]
	local job = try('HMGET', O .. id, 'timestamp', 'c')
	local at = not job.err and not job[2] and tonumber(job[1])
	if at and (oldest == 0 or at < oldest) then
		oldest = at
	end
	if at and at < before then
		old = old + 1
		if act then
			if list == 'delayed' then
				call('ZREM', key, id)
			else
				call('LREM', key, -1, id)
			end
			bury(O, id, reason, 0, '')
		end
	end
end
return { now, #ids, old, oldest, from + #ids - (act and old or 0) }
