-- lib_completed.lua - jobs that are done: kept where the setting says so, as Bull's finished() and boards want them.
-- active -> completed, or into `gone`, to be deleted.
local function complete(q, id, value, keep, gone)
	if keep > 0 then
		try('HSET', q .. id, 'finishedOn', stamp, 'returnvalue', value)
		call('ZADD', q .. 'completed', stamp, id)
	else
		gone[#gone + 1] = q .. id
	end
	tell_completed(q, id, value)
end

local function trim_completed(q, keep)
	local old = keep > 0 and call('ZRANGE', q .. 'completed', 0, -keep - 1) or {}
	for i = 1, min(#old, 1000) do
		call('ZREM', q .. 'completed', old[i])
		call('DEL', q .. old[i], q .. old[i] .. ':logs')
	end
end
