-- lib_rate.lua - the rate window: calls of the last minute, counted in buckets of 250 ms.
local function bucket_now()
	return floor(now / 250)
end

-- How many slots are free. Buckets that are too old leave; a window that lies in the future was written by another
-- clock.
local function free_slots(limit)
	if limit == 0 then
		return 1000000
	end
	local key, first = S .. 'rate', bucket_now() - 240
	local r = call('HMGET', key, 'n', 'lo', 'hi')
	if not r[1] then
		return limit
	end
	local n, lo, hi = tonumber(r[1]), tonumber(r[2]), tonumber(r[3])
	if hi < first or hi > bucket_now() + 8 then
		call('DEL', key)
		return limit
	end
	if lo < first then
		local old = {}
		for b = lo, min(first, lo + 1000) - 1 do
			old[#old + 1] = b
		end
		for _, calls in ipairs(call('HMGET', key, unpack(old))) do
			n = n - (tonumber(calls) or 0)
		end
		call('HDEL', key, unpack(old))
		call('HSET', key, 'n', n, 'lo', first)
	end
	return max(limit - n, 0)
end

local function use_slots(limit, n)
	if limit == 0 or n == 0 then
		return
	end
	local key = S .. 'rate'
	local hi = tonumber(call('HGET', key, 'hi') or 0)
	if hi < bucket_now() then
		hi = bucket_now()
		call('HSETNX', key, 'lo', hi)
		call('HSET', key, 'hi', hi)
	end
	call('HINCRBY', key, hi, n)
	call('HINCRBY', key, 'n', n)
end

-- claimed -> active, a slot of the window each.
local function begin_posts(ids, limit, owner)
	if #ids > 0 then
		bulk('LPUSH', O .. 'active', ids)
		use_slots(limit, #ids)
		tell(O, 'active@' .. owner, ids)
	end
end

-- One slot that no call used goes back, out of the newest bucket that has one.
local function return_slot()
	local key = S .. 'rate'
	local r = call('HMGET', key, 'lo', 'hi')
	for b = tonumber(r[2] or 0), max(tonumber(r[1] or 1), tonumber(r[2] or 0) - 1000), -1 do
		if tonumber(call('HGET', key, b) or 0) > 0 then
			call('HINCRBY', key, b, -1)
			call('HINCRBY', key, 'n', -1)
			return
		end
	end
end
