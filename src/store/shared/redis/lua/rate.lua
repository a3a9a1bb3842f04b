-- rate - one slot of the window for a call that is no reply. ARGV: rate limit. Reply: {now, 1 granted | 0}
-- with rate
local limit = tonumber(ARGV[1])
if free_slots(limit) < 1 then
	return { now, 0 }
end
use_slots(limit, 1)
return { now, 1 }
