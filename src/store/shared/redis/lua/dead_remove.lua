-- dead_remove - dead -> (none). ARGV: numbers. Reply: {now, how many were dead until now}
local removed = 0
for i = 1, #ARGV do
	local member = call('ZRANGEBYSCORE', S .. 'dead', ARGV[i], ARGV[i])[1]
	if member then
		local q, id = string.byte(member) == 109 and M or O, string.sub(member, 3)
		call('ZREM', S .. 'dead', member)
		if call('ZREM', q .. 'failed', id) == 1 then
			call('DEL', q .. id, q .. id .. ':logs')
			removed = removed + 1
		end
	end
end
return { now, removed }
