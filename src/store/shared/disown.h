/* disown.h - turns and claims that stand in Redis under this process' name though it does not hold them: given back before
 * anything more is taken. Their take's or claim's answer was lost, or they had ended, and Redis was rolled back.
 *
 * docs/store-protocol.md, 3.9, 8 and 13. A connection whose answer was lost is ended first: a call that still lies in its
 * socket runs later. Any thread. */
#ifndef STORE_SHARED_DISOWN_H
#define STORE_SHARED_DISOWN_H

#include "store/shared/redis/call.h"

struct disowned;

struct disowned *disowned_new(void);
void disowned_free(struct disowned **d); /* *d is NULL afterwards */

/* A turn or claim that this process got but can't give back now. */
void disown_one(struct shared *s, uint64_t counter);
/* The call, of n counters from `first`, may have happened. */
void disown_note(struct shared *s, const struct redis_call *call, uint64_t first, size_t n);

/* From before a take or claim is given its counters until what it got is held: nothing of it counts as let go meanwhile. */
struct disown_watch { /* insides are disown.c's */
	uint64_t first;
	struct disown_watch *next;
};
void disown_watch(struct shared *s, struct disown_watch *w);
void disown_unwatch(struct shared *s, struct disown_watch *w);
/* Redis may have forgotten what this process has ended: another server, or another run of it, was met. Takes no lock. */
void disown_forgotten(struct shared *s);

/* Gives back what the noted calls hold, and what Redis may have forgotten the end of; nothing to do where neither is
 * noted. Until it is OK nothing is to be taken. */
MUST_CHECK enum err disown_lost(struct shared *s, struct why *why);

#endif
