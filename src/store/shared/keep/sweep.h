/* sweep.h - what dead processes and hung workers held goes on: docs/store-protocol.md, 3.5. Any thread. */
#ifndef STORE_SHARED_SWEEP_H
#define STORE_SHARED_SWEEP_H

#include "store/shared/shared.h"

/* One sweep, where this process may: see owner_may_sweep(). Counts into *ret: leases_ended, more. */
MUST_CHECK enum err sweep_round(struct shared *s, struct store_kept *ret, struct why *why);
/* After owner_stop(): what this process still holds goes to others at once, not with the end of its lease. Where Redis does
 * not answer it is left to that. */
void sweep_leave(struct shared *s);

#endif
