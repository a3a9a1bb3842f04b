/* disown.h - takes and claims whose answer was lost: what they may hold is given back before anything more is taken.
 *
 * docs/store-protocol.md, 3.9 and 13. The connection is ended first: a call that still lies in its socket runs later. */
#ifndef STORE_SHARED_DISOWN_H
#define STORE_SHARED_DISOWN_H

#include "store/shared/redis_call.h"

struct disowned;

struct disowned *disowned_new(void);
void disowned_free(struct disowned **d); /* *d is NULL afterwards */

/* A turn or claim that this process got but can't give back now. */
void disown_one(struct shared *s, uint64_t counter);
/* The call, of n counters from `first`, may have happened. */
void disown_note(struct shared *s, const struct redis_call *call, uint64_t first, size_t n);
/* Gives back what the noted calls hold; nothing to do where none is noted. Until it is OK nothing is to be taken. */
MUST_CHECK enum err disown_lost(struct shared *s, struct why *why);

#endif
