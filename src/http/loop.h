/* loop.h - a thread that drives one daemon of the library, pass by pass.
 *
 * A pass takes what all ready connections have to say. Connections that wait suspended for an answer are
 * resumed by the loop itself, at the start of a pass and as many as there are: whoever answers wakes it once
 * for all of them. */
#ifndef HTTP_LOOP_H
#define HTTP_LOOP_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A suspended connection to be resumed; its memory stays until it is. */
struct resumable {
	struct resumable *next;
	struct MHD_Connection *connection;
};

/* All of it is the loop's own. */
struct loop {
	struct MHD_Daemon *daemon;
	void (*caught_up)(void *context);
	void *context;
	pthread_t thread;
	int epoll, wake;
	bool again;
	unsigned passes; /* since it was told that the loop has caught up */
	atomic_bool stop;
	_Atomic(struct resumable *) answered; /* a stack: pushed by any thread, taken whole by the loop */
};

enum { LOOP_PASSES_MAX = 16 };

/* The daemon is one that polls by epoll and has no thread of its own. caught_up, unless NULL, is called on the loop's
 * thread when nothing more has come, before it waits; where there is no end of it, after LOOP_PASSES_MAX passes. l is
 * zeroed memory. False when there can be no more threads or descriptors; the daemon is then still the caller's. */
bool loop_start(struct loop *l, struct MHD_Daemon *daemon, void (*caught_up)(void *context), void *context);
/* Ends the thread and the daemon. No connection may be suspended any more. */
void loop_stop(struct loop *l);

/* Resumes the connections of a list, any thread. Each must have been suspended on the loop's thread, or be
 * suspended by it before its present pass ends. */
void loop_resume(struct loop *l, struct resumable *first, struct resumable *last);
/* The loop's thread only: there may be more to do at once, as taking a new connection in a place that became free. */
void loop_again(struct loop *l);
/* Takes no new connections. Any thread. */
void loop_quiesce(struct loop *l);

#endif
