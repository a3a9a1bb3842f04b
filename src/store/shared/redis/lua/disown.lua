-- disown - turns and claims that stand under a process' name though it does not hold them -> given back. Nobody ran or
-- posted those whose answer was lost. Those that had ended, and stand here since Redis was rolled back, may have been
-- posted: they are the proof of it, so that all replies older than this run of Redis are doubtful.
-- ARGV: owner, counter below which all that is held is known (0: nothing is looked for but what was lost), how many
--   turns it holds and their counters, how many claims and theirs, then pairs of first and last counter of what was
--   lost. Reply: {now, turns, replies, turns that had ended, 1 where claims that had ended wait for an audit's end}
-- with lanes
-- with dead
-- with turns
local owner, below = ARGV[1], tonumber(ARGV[2])
local turns_held, held = {}, {}
local at = 3

local function read_counters(into)
	local last = at + tonumber(ARGV[at])
	for i = at + 1, last do
		for _, set in ipairs(into) do
			set[tonumber(ARGV[i])] = true
		end
	end
	at = last + 1
end
read_counters({ turns_held, held })
read_counters({ held }) -- a reply that its turn's finish claimed has the turn's own lease

-- lost, ended, or nil: it is held, or is another's.
local function fate(lease, kept)
	local of, hex = string.match(lease, '^(.-)%-(%x+)$')
	local counter = of == owner and tonumber(hex, 16)
	if not counter then
		return nil
	end
	for i = at, #ARGV, 2 do
		if counter >= tonumber(ARGV[i]) and counter <= tonumber(ARGV[i + 1]) then
			return 'lost'
		end
	end
	return counter < below and not kept[counter] and 'ended' or nil
end

-- An audit under way recalls replies whose customer was answered since: they must not go out before it has.
local audit = call('HEXISTS', S .. 'meta', 'audit') == 1
local turns, replies, ended, later, proof = 0, 0, 0, 0, false
for _, client in ipairs(call('HKEYS', S .. 'held:' .. owner)) do
	local key = lane_key(client)
	local lane = lane_fields(client, 's', 'h', 'k')
	local how = string.byte(lane[1] or '') == 49 and fate(string.sub(lane[1], 3), turns_held)
	if how then
		local jobs, k = cmsgpack.unpack(lane[2]), read_k(lane[3])
		local s = give_back(client, k, let_go(jobs), #jobs == 0)
		call('HSET', key, 's', s, 'h', '', 'k', write_k(k))
		call('HDEL', S .. 'held:' .. owner, client)
		turns = turns + 1
		ended = ended + (how == 'ended' and 1 or 0)
		proof = proof or how == 'ended'
	end
end
for _, id in ipairs(call('LRANGE', O .. 'active', 0, 999)) do
	local l = try('HGET', O .. id, 'l')
	local lease = type(l) == 'string' and string.match(l, '^(%S+) ')
	local how = lease and fate(lease, held)
	proof = proof or how == 'ended'
	if how == 'ended' and audit then
		later = 1
	elseif how then
		claim_lost(id, how == 'ended')
		replies = replies + 1
	end
end
if proof then
	local meta = call('HMGET', S .. 'meta', 'since', 'doubt')
	local since = tonumber(meta[1]) or now
	if (tonumber(meta[2]) or 0) < since then
		call('HSET', S .. 'meta', 'doubt', since)
	end
end
return { now, turns, replies, ended, later }
