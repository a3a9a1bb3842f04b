/* loop.h - a thread that drives one daemon of the library, pass by pass.
 *
 * A pass takes what all ready connections have to say. A connection whose request waits for its answer is asked again by
 * the library in every pass. That costs about 0.1 µs; to suspend and resume it would cost two epoll_ctl() and a recv(). But
 * while any waits, the library says that there is more to do at once, so the loop has to know better: it goes
 * round again when it is told so (loop_again), and looks after LOOP_LOOK_MS for what nobody can tell: a head of more
 * than 4 KiB is then read 128 bytes a look. */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All of it is the loop's own. */
struct loop {
	struct MHD_Daemon *daemon;
	void (*caught_up)(void *context);
	void *context;
	pthread_t thread;
	int epoll, wake;
	unsigned waiting; /* requests for their answers */
	unsigned again;   /* passes that are due at once */
	int64_t since_us; /* monotonic, when it was told that the loop has caught up, or had waited */
	atomic_bool stop;
};

enum { LOOP_BUSY_US = 1000, LOOP_LOOK_MS = 5 };

/* The daemon is one that polls by epoll and has no thread of its own. caught_up, unless NULL, is called on the loop's
 * thread when nothing more has come, before it waits; where there is no end of it, with the first pass that ends after
 * LOOP_BUSY_US. l is zeroed memory. False when there can be no more threads or descriptors; the daemon is then still the caller's. */
bool loop_start(struct loop *l, struct MHD_Daemon *daemon, void (*caught_up)(void *context), void *context);
/* Ends the thread and the daemon, whose connections are closed. */
void loop_stop(struct loop *l);

/* One more pass, soon: something was answered. Any thread. */
void loop_wake(struct loop *l);
/* The loop's thread only: there may be more to do at once, in so many passes. Taking a new connection in a place that became
 * free needs one, an answer two: the library sends it in the one, and sees in the other that it is sent. */
void loop_again(struct loop *l, unsigned passes);
/* The loop's thread only: a request waits for its answer, or no longer. */
void loop_wait(struct loop *l);
void loop_wait_over(struct loop *l);
/* Takes no new connections. Any thread. */
void loop_quiesce(struct loop *l);

#endif
