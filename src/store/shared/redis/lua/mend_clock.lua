-- mend_clock - Redis' clock was set: times that now lie too far in the future become now, offsets are learnt anew.
-- ARGV: lease ms, TTL ms, claim lease ms. Reply: {now, 1 if more is left}
local lease, ttl, claim_lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local LONGEST_WAIT = 75 * 60 * 1000 -- the longest retry, jitter included
local more = 0

-- Members of this set with a score above `over` get `score`.
local function pull(key, over, below, score)
	local ids = call('ZRANGEBYSCORE', key, '(' .. string.format('%.0f', over), below, 'LIMIT', 0, 500)
	for _, id in ipairs(ids) do
		call('ZADD', key, score, id)
	end
	if #ids == 500 then
		more = 1
	end
end

local owners = call('ZRANGE', S .. 'owners', 0, -1)
pull(S .. 'owners', now + lease, '+inf', now + lease)
pull(S .. 'due', now + LONGEST_WAIT, '+inf', now)
pull(S .. 'idle', now + ttl, '+inf', now + ttl)
pull(O .. 'delayed', (now + LONGEST_WAIT) * 4096, '(' .. string.format('%.0f', FAR * 4096), now * 4096)

for _, owner in ipairs(owners) do
	local held = call('HGETALL', S .. 'held:' .. owner)
	for i = 1, #held, 2 do
		local taken, alone = string.match(held[i + 1], '^(%d+)(.*)$')
		if tonumber(taken) > now then
			call('HSET', S .. 'held:' .. owner, held[i], now .. alone)
		end
	end
end
for _, id in ipairs(call('LRANGE', O .. 'active', 0, 999)) do
	local l = try('HGET', O .. id, 'l')
	local name, ends = string.match(type(l) == 'string' and l or '', '^(%S+) (%d+)$')
	if name and tonumber(ends) > now + claim_lease then
		call('HSET', O .. id, 'l', name .. ' ' .. now + claim_lease)
	end
end
if tonumber(call('HGET', S .. 'rate', 'hi') or 0) > floor(now / 250) then
	call('DEL', S .. 'rate') -- of calls in the future nothing is known
end
call('DEL', S .. 'offsets')
call('HDEL', S .. 'meta', 'off', 'noff', 'fresh')
return { now, more }
