/* sweep.h - what dead processes and hung workers held goes on: docs/store-protocol.md, 3.5. Any thread. */
#ifndef STORE_SHARED_SWEEP_H
#define STORE_SHARED_SWEEP_H

#include "store/shared/shared.h"

/* One sweep, where this process may: see owner_may_sweep(). Counts into *ret: leases_ended, crashed, more. */
MUST_CHECK enum err sweep_round(struct shared *s, struct store_kept *ret, struct why *why);

#endif
