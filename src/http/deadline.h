/* deadline.h - ends connections that are idle or slow, also those that trickle a byte a second.
 *
 * A thread of its own passes over all connections several times in a timeout. It ends a connection by
 * shutting its socket down; whoever polls the socket then closes it. A connection that idles may do so for
 * one timeout (much shorter when three of four places are taken), a request may take one timeout from its
 * first byte to its last, and so may its answer. */
#ifndef HTTP_DEADLINE_H
#define HTTP_DEADLINE_H

#include <stdatomic.h>
#include <stdint.h>

enum deadline_phase {
	DEADLINE_IDLE,     /* between requests */
	DEADLINE_IDLE_NEW, /* the same, not yet seen by the sweep */
	DEADLINE_ARRIVING, /* the request's first byte was seen */
	DEADLINE_HANDED,   /* in the hands of the handler: no deadline */
	DEADLINE_ANSWERING
};

/* One connection's part; the sweep alone uses what is not atomic. */
struct deadline {
	struct deadline *next, *previous;
	int fd;
	_Atomic int phase;
	_Atomic int64_t since_us; /* monotonic, when the phase began */
	uint64_t received;        /* bytes, as the kernel counts them, when the idling was first seen */
};

struct deadlines;

struct deadlines *deadlines_start(unsigned timeout_ms, unsigned connections_max);
void deadlines_stop(struct deadlines **d); /* NULL is fine; *d is NULL afterwards */

/* A new connection; it idles. d is zeroed memory that stays until deadlines_forget(). */
void deadlines_watch(struct deadlines *all, struct deadline *d, int fd);
/* Before the socket is closed. */
void deadlines_forget(struct deadlines *all, struct deadline *d);
/* The connection's own thread says where it is. */
void deadline_enter(struct deadline *d, enum deadline_phase phase);
/* The socket is about to be closed although the client may still be sending: keeps it open a little (on a
 * descriptor of its own) and throws away what comes, so that the answer is not lost to a reset. */
void deadlines_linger(struct deadlines *all, int fd);

#endif
