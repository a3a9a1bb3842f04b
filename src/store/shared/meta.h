/* meta.h - `S meta` in Redis: whose keys these are, and what scripts must know of the settings. docs/store-protocol.md, 1. */
#ifndef STORE_SHARED_META_H
#define STORE_SHARED_META_H

#include "store/shared/shared.h"

/* Layout and BULL_PREFIX as they stand there are ours. NEWER_VERSION, INVALID: they are another's; why names both. Who serves writes
 * what is missing, and BULL_EVENTS where it differs; what stands there already is written again by nobody, so that a Redis
 * whose memory is full can be opened. */
MUST_CHECK enum err meta_claim(struct shared *s, struct why *why);
/* What is missing there is written again: Redis may have lost it while we run. */
MUST_CHECK enum err meta_mend(struct shared *s, struct why *why);

/* One field, added to *ret; nothing where there is none. */
MUST_CHECK enum err meta_get(struct shared *s, const char *field, struct buf *ret, struct why *why);
MUST_CHECK enum err meta_drop(struct shared *s, const char *field, struct why *why);

/* Empty: there is none. CONFLICT: it is none of ours. */
MUST_CHECK enum err meta_epoch(struct shared *s, char ret[OWNER_SIZE], struct why *why);
/* Unless there is one. */
MUST_CHECK enum err meta_set_epoch(struct shared *s, const char *epoch, struct why *why);

#endif
