/* adder_inside.h - what the adder's three files share.
 *
 *   adder.c         start, stop, adding batches, what health is told
 *   adder_queue.c   the queue and the spares
 *   adder_time.c    503 for what has waited too long
 *
 * Functions are called with the mutex held unless they say otherwise. */
#ifndef SERVICE_ADDER_INSIDE_H
#define SERVICE_ADDER_INSIDE_H

#include "service/adder.h"

#include <pthread.h>

enum { ADDER_BATCHES = 2 }; /* one is written while the other is on its way to the disk */

/* What one adding thread is at. */
struct batch {
	struct adder *adder;
	pthread_t thread;
	struct pending *pending[ADDER_BATCH_MAX]; /* request is NULL once it is answered */
	size_t n;
	struct http_request *requests[ADDER_BATCH_MAX]; /* to be answered by this thread */
	struct store_message messages[ADDER_BATCH_MAX];
	enum store_added results[ADDER_BATCH_MAX];
};

struct adder {
	struct store *store;
	struct health *health;
	int64_t timeout_us, check_us;
	pthread_t keeping_time;

	pthread_mutex_t order;       /* held from taking a batch until its add has begun: the order of both is one */
	pthread_mutex_t mutex;       /* guards all below, but of a batch only pending and n */
	pthread_cond_t more, ending; /* for the adding thread that holds the order; for the timekeeper */
	struct pending *first, **last;
	size_t n, bytes;
	bool flushed;     /* adder_flush() was called for what waits */
	size_t under_way; /* messages in batches */
	bool waiting;     /* an adding thread, for more */
	bool stop, ended;
	struct pending *spare;
	size_t n_spare;
	struct pending *again; /* one that could not be stored; NULL: none */
	bool troubled;         /* health was told so */
	struct batch batches[ADDER_BATCHES];
	size_t n_batches; /* whose threads have started */

	struct http_prepared *stored, *duplicate;
};

/* Keeps some for the next use, each with a block of its arena. */
void adder_recycle(struct adder *a, struct pending *p);
/* The oldest one; the queue is not empty. */
struct pending *adder_pop(struct adder *a);
/* Is it time for a batch of what waits? */
bool adder_has_batch(const struct adder *a);
/* Leaves the mutex, and wakes the adding thread that waits if there is a batch for it now. */
void adder_leave(struct adder *a);

/* Tells health how the last add went. Under the mutex, so that what is said last is true. */
void adder_report(struct adder *a, bool ok, const char *reason);
/* One that failed: the first is kept and tried again. */
void adder_keep_or_recycle(struct adder *a, struct pending *p);

/* The thread that answers what is overdue; context is a struct adder. Without the mutex. */
void *adder_keep_time(void *context);

#endif
