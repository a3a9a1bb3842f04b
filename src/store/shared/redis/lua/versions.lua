-- versions - reads the version that each client's lane stands on. ARGV: clients.
-- Reply: {now, {v, '' where the row was not read yet, nil where there is no lane...}}
local out = {}
for i = 1, #ARGV do
	local lane = try('HMGET', lane_key(ARGV[i]), 's', 'v')
	out[i] = lane[1] and (lane[2] or '') or false
end
return { now, out }
