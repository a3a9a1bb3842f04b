/* waker.h - how a take or claim that found nothing sleeps until there may be something. docs/store-protocol.md, 10.
 *
 * A thread a queue, with a connection of its own, blocks on the queue's list while somebody sleeps, and wakes one sleeper
 * when something is in it, whoever put it there. Until that one has looked no other is woken, so that one message does not
 * wake all workers. What comes due by time is the sleeper's own business: he sleeps no longer than until then.
 *
 *     struct waking x;
 *     waker_begin(s->wakers, &x, WAKE_MESSAGES);
 *     for (;;) {
 *             ... look: the script ...
 *             if (found something, failed, or the deadline is over) break;
 *             if ((err = waker_wait(s->wakers, &x, how, until_ms)) != ERR_OK) break;
 *     }
 *     waker_end(s->wakers, &x);
 *
 * Between begin and end a thread is counted as looking; end must be reached. Any thread. */
#ifndef STORE_SHARED_WAKER_H
#define STORE_SHARED_WAKER_H

#include "store/shared/shared.h"

enum wake_queue { WAKE_MESSAGES, WAKE_REPLIES, WAKE_QUEUES };
enum { WAKE_LONGEST_MS = 250 }; /* what comes due by other processes' doing is seen by then */

struct waking { /* of one take or claim; insides are waker.c's */
	enum wake_queue queue;
	uint64_t local; /* local wakes seen before the look */
	bool woken;     /* by the queue's thread, which waits for this look to end */
};

enum wake_how {
	WAKE_BY_LIST, /* an id in the list would be taken: by list, local wake or time */
	WAKE_BY_TIME /* what is in the list can't be taken now (paused, alone, rate, restore): by local wake or time only */
};

void waker_begin(struct wakers *wakers, struct waking *x, enum wake_queue queue);
/* Sleeps until woken or until_ms (clock_mono_ms()), at most WAKE_LONGEST_MS: then look again. A local wake since the last
 * begin or wait ends it at once. ERR_OK, or ERR_STOPPED after wakers_stop_waiting(). */
MUST_CHECK enum err waker_wait(struct wakers *wakers, struct waking *x, enum wake_how how, int64_t until_ms);
void waker_end(struct wakers *wakers, struct waking *x);

/* This process made something takeable that the list does not show: a turn ended (alone), a slot came back. Wakes all
 * sleepers of WAKE_BY_TIME, and none that waits on the list. wakers NULL, as in a process that takes nothing: nobody sleeps. */
void waker_wake(struct wakers *wakers, enum wake_queue queue);

/* Starts both threads; their connections are made by them, named as Bull names its workers', and listed in `S workers`. */
struct wakers *wakers_start(struct shared *s);
/* Writes this process' entry of `S workers` where it is not as it should be: FLUSHALL takes it while the connections live, and
 * they would be taken for a Bull worker's. wakers NULL: there are none. */
MUST_CHECK enum err wakers_list_again(struct wakers *wakers, struct why *why);
/* Ends all sleeps, now and later, with ERR_STOPPED. */
void wakers_stop_waiting(struct wakers *wakers);
/* The threads have ended when this returns; nobody may sleep. *wakers is NULL afterwards; NULL is fine. */
void wakers_stop(struct wakers **wakers);

#endif
