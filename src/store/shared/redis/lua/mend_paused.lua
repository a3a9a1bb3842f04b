-- mend_paused - both lists of a queue are filled: into the one that the queue's pause chooses. Reply: {now, 1 if
-- more is left}
local more = false
for _, q in ipairs({ M, O }) do
	more = merge(q) or more
end
return { now, more and 1 or 0 }
