-- beat - this process lives, and may hold turns until now + lease. Not while Redis is not known to be whole (no
-- epoch): then nobody takes.
-- ARGV: owner, lease ms, then the clients of turns that wait for the servers: no worker hangs there.
-- Reply: {now, 1 known | 0 it was not | -1 not registered}
local owner = ARGV[1]
if call('HEXISTS', S .. 'meta', 'epoch') == 0 then
	return { now, -1 }
end
-- A first write that frees lets a script by EVALSHA go on where memory is full: without beats nothing would be taken there.
local known = call('ZREM', S .. 'owners', owner)
call('ZADD', S .. 'owners', now + tonumber(ARGV[2]), owner)
for i = 3, #ARGV do
	local taken = call('HGET', S .. 'held:' .. owner, ARGV[i])
	if taken then
		call('HSET', S .. 'held:' .. owner, ARGV[i], string.sub(taken, -1) == 'a' and now .. ' a' or now)
	end
end
return { now, known }
