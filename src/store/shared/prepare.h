/* prepare.h - both servers are seen to be what they must be before a process works with them.
 *
 * A row of steps: Redis answers and its keys are ours, no Bull worker is there; PostgreSQL answers and has our tables, the two
 * belong together, the predecessor is taken over. Who only takes messages in makes those of Redis alone. A step that is done is not
 * made again. prepare_servers() is called by one thread; any other may ask how far it is. */
#ifndef STORE_SHARED_PREPARE_H
#define STORE_SHARED_PREPARE_H

#include "store/shared/shared.h"

struct prepared *prepared_new(void);
void prepared_free(struct prepared **p); /* *p is NULL afterwards */

/* Makes the steps that are left. A RETRY outcome: something is not there yet, why says what, and the next call goes on with
 * that step. INVALID, DENIED, CONFLICT, IN_USE, NEWER_VERSION: a setting's or a server's fault, no sense in waiting. */
MUST_CHECK enum err prepare_servers(struct shared *s, struct why *why);

/* Redis was seen to be ours: messages may go there. */
bool prepare_has_redis(const struct shared *s);
/* For health: what is waited for since a step failed; false: nothing. */
bool prepare_note(struct shared *s, struct store_note *ret);

#endif
