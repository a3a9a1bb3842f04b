-- record - what PostgreSQL's row says of a client -> true in his lane: in turn or not -> speaking or free.
-- ARGV: client, fence ('1 <turn id>' of the caller, '' for a lane in no turn), row version, row turn id, b, di,
--   question digest, profile, covers (JSON array of job ids), reply data or '', reply c, doubtful (0, 1).
-- Reply: {now, 1 done | 2 done, where Redis was rolled back | 0 refused: the fence failed, or the lane stands there
--   already}
-- with lanes
-- with dead
-- with turns
local client, fence, version, turn = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local b, di, q, p, reply, c, doubtful = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[10], ARGV[11], ARGV[12]
local key = lane_key(client)
local lane = lane_fields(client, 's', 'v', 'h', 'k', 'b', 'la')
local s = lane[1] or '0'
local in_turn = string.byte(s) == 49

if (fence ~= '' and s ~= fence) or (fence == '' and in_turn) or (lane[2] and tonumber(lane[2]) >= version) then
	return { now, 0 }
end
if not lane[1] then
	open_lane(client)
end
local k = read_k(lane[4])

-- What the row covers is done, wherever it stands; an entry in `wait` is dropped when it is popped.
local covered, youngest = {}, tonumber(lane[6]) or 0
for _, id in ipairs(cjson.decode(ARGV[9])) do
	covered[id] = true
	local at = try('HGET', M .. id, 'timestamp')
	youngest = max(youngest, type(at) == 'string' and tonumber(at) or 0)
	call('LREM', M .. 'active', -1, id)
	lane_call('ZREM', S .. 'parked:' .. client, id)
	call('ZREM', M .. 'delayed', id)
	call('ZREM', M .. 'failed', id)
	call('SREM', S .. 'unlogged', id)
	call('DEL', M .. id)
	if k[TICKET] == id then
		k[TICKET] = ''
	end
end

-- Redis may have been rolled back behind the row's turn, which had been finished here and its reply sent: not where
-- the lane's last finish, or a message that the row covers, is younger than the last doubt.
local rolled_back = youngest < (tonumber(call('HGET', S .. 'meta', 'doubt') or nil) or 0)

if in_turn then
	local held, rest = cmsgpack.unpack(lane[3]), {}
	for i = 1, #held, 2 do
		if not covered[held[i + 1]] then
			rest[#rest + 1], rest[#rest + 2] = held[i], held[i + 1]
		end
	end
	park_all(client, let_go(rest), 1)
	call('HDEL', S .. 'held:' .. string.match(s, '^1 (.-)%-%x+$'), client)
end
call('ZREM', S .. 'due', client)

-- Redis was rolled back to an older reply: his row's turn began after that one had ended.
local spoken = string.byte(s) == 50 and string.sub(s, 3)
if spoken and spoken ~= turn and call('EXISTS', O .. spoken) == 1 then
	call('LREM', O .. 'active', 0, spoken)
	call('LREM', listed(O), 0, spoken)
	call('ZREM', O .. 'delayed', spoken)
	call('HDEL', O .. spoken, 'l')
	bury(O, spoken, 'recalled: the store was rolled back, and its customer was answered since', 1, '')
end

k = { 0, 0, 0, 0, 0, k[TICKET] }
if call('EXISTS', O .. turn) == 1 then
	local ended = call('ZSCORE', O .. 'failed', turn) or call('ZSCORE', O .. 'completed', turn)
	s = ended and settle(client, k) or '2 ' .. turn
elseif reply ~= '' then
	call('HSET', O .. turn, 'name', '__default__', 'data', reply, 'opts', '{"attempts":1}', 'timestamp', now, 'delay', '0',
		'priority', '0', 'c', c)
	if doubtful == '1' or rolled_back then
		call('HSET', O .. turn, 'db', '1')
	end
	call('LPUSH', listed(O), turn)
	s = '2 ' .. turn
else
	s = settle(client, k)
end
call('HSET', key, 's', s, 'v', version, 'h', '', 'b', b, 'di', di, 'q', q, 'p', p, 'sh', '0', 'lt', turn, 'la', now,
	'k', write_k(k))
local opened = (string.byte(b) == 49 and 1 or 0) - (string.byte(lane[5] or '') == 49 and 1 or 0)
if opened ~= 0 then
	call('HINCRBY', S .. 'meta', 'open', opened)
end
return { now, rolled_back and 2 or 1 }
