-- met - another server than the one last met: it was restarted, or another took over, and may have lost what was new.
-- ARGV: run id, address, doubt wanted (0, 1). Reply: {now, 1 it is another | 0}
local run = ARGV[1] .. ' ' .. ARGV[2]
if call('HGET', S .. 'meta', 'run') == run then
	return { now, 0 }
end
call('HSET', S .. 'meta', 'run', run, 'since', now, 'audit', '1')
if ARGV[3] == '1' then
	call('HSET', S .. 'meta', 'doubt', now)
end
return { now, 1 }
