-- dead_page - reads dead letters in the order of their numbers; the entry of one that is dead no more goes.
-- ARGV: after, most (200). Reply: {now, last number looked at or '' at the end, {{number, 'm' or 'r', job id, data,
--   c, reason, died ms, attempts, dialog id, timestamp}...}}
local page = call('ZRANGEBYSCORE', S .. 'dead', '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local out = {}
for i = 1, #page, 2 do
	local kind, id = string.sub(page[i], 1, 1), string.sub(page[i], 3)
	local q = kind == 'm' and M or O
	local died = call('ZSCORE', q .. 'failed', id)
	local j = died and try('HMGET', q .. id, 'data', 'c', 'failedReason', 'finishedOn', 'attemptsMade', 'dl', 'timestamp')
	if not j or j.err then
		call('ZREM', S .. 'dead', page[i])
	else
		out[#out + 1] = { page[i + 1], kind, id, j[1], j[2], j[3] or '', j[4] or died, j[5] or '1', j[6] or '', j[7] or '0' }
	end
end
return { now, page[#page] or '', out }
