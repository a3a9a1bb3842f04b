/* clock.h - what time it is for Redis, whose clock is the store's. docs/store-protocol.md, 8 and 10.
 *
 * Each answer of a script carries Redis' time. Of the last minute's answers the one with the shortest round trip says how
 * far its clock is from the machine's own unsettable one. Any thread. */
#ifndef STORE_SHARED_REDIS_CLOCK_H
#define STORE_SHARED_REDIS_CLOCK_H

#include "store/shared/shared.h"

enum { REDIS_CLOCK_STEP_MS = 2000 /* a smaller change is none */ };

struct redis_clock *redis_clock_new(void);
void redis_clock_free(struct redis_clock **clock); /* *clock is NULL afterwards */

/* An answer: Redis' time in it, and clock_boot_ms() before the call was sent and after it was read. */
void redis_clock_note(struct redis_clock *clock, int64_t redis_ms, int64_t sent_ms, int64_t read_ms);

/* Redis' time now; the wall clock's before the first answer. */
int64_t redis_now_ms(struct shared *s);
/* The same moment on Redis' clock: of a time that was read from this process' wall clock a short while ago. */
int64_t redis_from_wall_ms(struct shared *s, int64_t wall_ms);

/* By how much Redis' clock was set (or another server's differs) since this was last asked, more than REDIS_CLOCK_STEP_MS
 * between two answers of less than 200 ms: then script mend_clock is due. 0: it was not. */
int64_t redis_clock_jump_ms(struct shared *s);

#endif
