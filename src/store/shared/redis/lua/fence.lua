-- fence - reads the state of each client's lane. ARGV: clients. Reply: {now, {s or nil...}}
local out = {}
for i = 1, #ARGV do
	local s = try('HGET', lane_key(ARGV[i]), 's')
	out[i] = type(s) == 'string' and s
end
return { now, out }
