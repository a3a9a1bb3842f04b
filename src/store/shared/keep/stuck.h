/* stuck.h - what people's hands or a lost list left where nothing would move it: docs/store-protocol.md, 8. Any thread. */
#ifndef STORE_SHARED_STUCK_H
#define STORE_SHARED_STUCK_H

#include "store/shared/shared.h"

/* One step of each of the two walks: over lanes with parked messages, and over jobs that may stand in no list. */
MUST_CHECK enum err stuck_round(struct shared *s, struct why *why);

#endif
