/* held.h - the turns that this process holds: the local fence of finish and fail, and what these must know of a turn
 * beyond struct store_turn. docs/store-protocol.md, 5. A second table of the same kind has the replies that it has claimed,
 * with what they have in common: counter and client.
 *
 * A verb that works on a turn begins it, and ends it when its outcome is known. A turn that is not here (finished, failed,
 * given back), or is begun already (named twice, or by two threads), is a stale lease with no server asked. Any thread. */
#ifndef STORE_SHARED_HELD_H
#define STORE_SHARED_HELD_H

#include "base/slice.h"

struct held;

struct held_turn {
	uint64_t counter; /* of its lease */
	struct slice client_id;
	int64_t version;             /* of the client's row that the turn was taken on; 0: there was none */
	const struct slice *job_ids; /* of its messages, in their order */
	size_t n_jobs;               /* 0: an expired turn */
	int64_t taken_ms;            /* clock_boot_ms() when its take was answered */
};

struct held *held_new(void);
void held_free(struct held **held); /* *held is NULL afterwards */

/* Copies the turn. An older one of the same client is dropped: that he was taken again has shown that it was lost. */
void held_put(struct held *held, const struct held_turn *turn);
/* False: not held, or begun already: STALE_LEASE. *ret's texts live in the arena. */
bool held_begin(struct held *held, uint64_t counter, struct arena *arena, struct held_turn *ret);

enum held_outcome {
	HELD_GONE,   /* finished, failed, given back or stale: the turn is held no more */
	HELD_WAITING /* the surroundings refused: still held, may be begun again, and waits: see held_waiting() */
};
/* Of a turn that was begun; one dropped meanwhile is fine. */
void held_end(struct held *held, uint64_t counter, enum held_outcome outcome);

size_t held_count(struct held *held);
/* The counters of all. *ret lives in the arena; returns how many. */
size_t held_counters(struct held *held, struct arena *arena, uint64_t **ret);
/* The clients of waiting turns: their worker does not hang, the servers are away. From the first HELD_WAITING on, also while
 * they are tried again. *ret and its texts live in the arena; returns how many. */
size_t held_waiting(struct held *held, struct arena *arena, struct slice **ret);

#endif
