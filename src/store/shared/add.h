/* add.h - intake straight into Redis, for the spool's forwarding. */
#ifndef STORE_SHARED_ADD_H
#define STORE_SHARED_ADD_H

#include "store/shared/shared.h"

/* struct spool_way's forward, with a struct shared * as its context: never back into the spool. arrived_ms NULL: now.
 * IO: of a single message; its neighbours are stored, and the repeat calls them duplicates. */
MUST_CHECK enum err add_straight(
    void *shared, const struct store_message *messages, const int64_t *arrived_ms, size_t n, enum store_added *ret);

#endif
