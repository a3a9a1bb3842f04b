/* keep.h - the keeper's memory: when which round was last made, and what it last saw of the servers. */
#ifndef STORE_SHARED_KEEP_H
#define STORE_SHARED_KEEP_H

#include "store/shared/shared.h"

struct keeping;

struct keeping *keeping_new(void);
void keeping_free(struct keeping **k); /* *k is NULL afterwards */

#endif
