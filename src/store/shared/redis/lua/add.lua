-- add - (none) -> waiting. The mark and the job are one step: a message is never marked and lost, nor there twice.
-- ARGV: dedup ms, owner, then 6 a message: message id, client, data, event ms or 0, arrived ms or 0 (now), arrived
--   us.
-- Reply: {now, {1 added | 0 duplicate | text of an error}}
-- With no message it does what all adds need, and so tells whether the fault is theirs.
local owner, offset, known, fresh, replies_wait, ids, offsets

-- Said is on our clock, and never after the arrival.
local function said_at(event, arrived)
	if event == 0 or not offset or event + offset > arrived then
		return arrived
	end
	return event + offset
end

local function add(id, client, data, event, arrived, us)
	local at = tostring(arrived)
	if arrived == 0 or arrived > now then
		arrived, at = now, stamp
	end
	local new = try('HSET', M .. id, 'name', '__default__', 'data', data, 'opts', '{"attempts":1}', 'timestamp', at,
		'delay', '0', 'priority', '0', 'c', said_at(event, arrived) .. ' ' .. us .. ' ' .. owner .. ' ' .. client)
	if type(new) ~= 'number' then
		return new.err
	elseif new < 7 then
		return 0 -- a job of that id is still there: it must not be listed twice
	end
	ids[#ids + 1] = id
	if event ~= 0 then
		offsets[#offsets + 1] = arrived - event
	end
	if replies_wait then
		hurry(lane_fields(client, 's')[1] or '')
	end
	return 1
end

-- The middle of the last 64 differences between arrival and event time: one wrong event time moves nothing.
local function learn()
	bulk('LPUSH', S .. 'offsets', offsets)
	call('LTRIM', S .. 'offsets', '0', '63')
	known, fresh = min(64, known + #offsets), fresh + #offsets
	if known < 8 or (known == 64 and fresh < 16 and offset) then
		call('HSET', S .. 'meta', 'noff', known, 'fresh', fresh)
		return
	end
	local all = call('LRANGE', S .. 'offsets', 0, 63)
	for i = 1, #all do
		all[i] = tonumber(all[i])
	end
	table.sort(all)
	call('HSET', S .. 'meta', 'off', all[floor(#all / 2) + 1], 'noff', #all, 'fresh', 0)
end

-- each call
local dedup, out = ARGV[1], {}
owner = ARGV[2]
local meta = call('HMGET', S .. 'meta', 'off', 'noff', 'fresh')
offset, known, fresh = tonumber(meta[1]), tonumber(meta[2]) or 0, tonumber(meta[3]) or 0
ids, offsets = {}, {}
local first = call('ZRANGE', O .. 'delayed', '0', '0', 'WITHSCORES')
replies_wait = first[2] and tonumber(first[2]) < FAR * 4096
call('LLEN', listed(M)) -- what all need fails before the first mark, never behind it
call('INCRBY', M .. 'id', floor((#ARGV - 2) / 6))

for i = 3, #ARGV, 6 do
	local id, mark = 'm-' .. ARGV[i], MARK .. ARGV[i]
	local how = 0
	if call('SET', mark, id, 'PX', dedup, 'NX') then
		how = add(id, ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), ARGV[i + 5])
		if type(how) == 'string' then
			call('DEL', mark)
		end
	end
	out[#out + 1] = how
end
if #ids > 0 then
	bulk('LPUSH', listed(M), ids)
	tell(M, 'waiting@' .. owner, ids)
end
if #offsets > 0 then
	learn()
end
return { now, out }
