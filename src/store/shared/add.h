/* add.h - intake straight into Redis, for the spool's forwarding. */
#ifndef STORE_SHARED_ADD_H
#define STORE_SHARED_ADD_H

#include "store/shared/shared.h"

/* struct spool_way's forward, with a struct shared * as its context: never back into the spool. arrived_ms NULL: now.
 * FAILED: Redis refuses at least one of them by that message's own fault; others may be stored, and the repeat calls them
 * duplicates. Any other: the surroundings. */
MUST_CHECK enum err add_straight(
    void *shared, const struct store_message *messages, const int64_t *arrived_ms, size_t n, enum store_added *ret);

#endif
