/* backoff.h - how long a failed reply waits before it is posted again. Pure; any thread. */
#ifndef SERVICE_BACKOFF_H
#define SERVICE_BACKOFF_H

#include <stdint.h>

/* After the attempt that failed (1 for the first): 1 s, 2 s, 4 s, then from 60 s doubling to 1 h. The caller
 * adds jitter (random_jitter). */
int64_t backoff_ms(unsigned attempt);

#endif
