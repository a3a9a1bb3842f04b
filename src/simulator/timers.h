/* timers.h - things to be done later, on one thread. Any thread may add. */
#ifndef SIMULATOR_TIMERS_H
#define SIMULATOR_TIMERS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_timers;

/* Called exactly once for each timer, with no lock held; cancelled: the timers were stopped first. */
typedef void sim_timer(void *context, bool cancelled);

MUST_CHECK enum err sim_timers_open(struct sim_timers **ret, struct why *why);
/* Added after sim_timers_stop(), it waits for sim_timers_close(), which calls it cancelled. */
void sim_timers_add(struct sim_timers *timers, int64_t after_ms, sim_timer *call, void *context);
/* Ends the thread and calls all that wait, cancelled, on the caller's. */
void sim_timers_stop(struct sim_timers *timers);
void sim_timers_close(struct sim_timers **timers);

#endif
