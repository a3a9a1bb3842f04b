-- fence - reads the state of each client's lane. ARGV: clients. Reply: {now, {s or nil...}}
local out = {}
for i = 1, #ARGV do
	out[i] = call('HGET', lane_key(ARGV[i]), 's')
end
return { now, out }
