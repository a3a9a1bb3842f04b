-- promote - foreign jobs of `delayed` that are due -> waiting. Ours stand at FAR or above. ARGV: owner. Reply: {now,
-- how many}
local ids = call('ZRANGEBYSCORE', M .. 'delayed', '-inf', (now + 1) * 4096 - 1, 'LIMIT', 0, 200)
local there = {}
for _, id in ipairs(ids) do
	call('ZREM', M .. 'delayed', id)
	if call('EXISTS', M .. id) == 1 and type(try('HSET', M .. id, 'delay', '0')) == 'number' then
		there[#there + 1] = id
	end
end
if #there > 0 then
	bulk('LPUSH', listed(M), there)
	tell(M, 'waiting@' .. ARGV[1], there)
end
return { now, #ids }
