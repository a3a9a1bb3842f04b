-- dead_index - failed without a number -> a dead letter with one: the predecessor's, and those of a foreign hand.
-- ARGV: 'm' or 'r', first rank looked at. Reply: {now, 1 if more is left | 0 | -1 nothing to do: all have one}
local q = ARGV[1] == 'm' and M or O
local from = tonumber(ARGV[2])
if from == 0 and call('ZCARD', M .. 'failed') + call('ZCARD', O .. 'failed') == call('ZCARD', S .. 'dead') then
	return { now, -1 }
end
local ids = call('ZRANGE', q .. 'failed', from, from + 499)
for _, id in ipairs(ids) do
	local member = ARGV[1] .. ' ' .. id
	if not call('ZSCORE', S .. 'dead', member) then
		local number = try('HGET', q .. id, 'dn')
		if type(number) ~= 'string' then
			number = call('INCR', S .. 'dead:id')
			try('HSET', q .. id, 'dn', number)
		end
		call('ZADD', S .. 'dead', number, member)
	end
end
return { now, #ids == 500 and 1 or 0 }
