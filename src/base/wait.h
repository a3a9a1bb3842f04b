/* wait.h - condition variables whose waits are timed on the monotonic clock, which no one can set. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* For one that wait_until() is used with; ended by pthread_cond_destroy(). */
void wait_init(pthread_cond_t *cond);
/* As pthread_cond_wait(), spurious ends included, but no longer than until clock_mono_us() is until_us. False: that time has
 * come. */
bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_us);

#endif
