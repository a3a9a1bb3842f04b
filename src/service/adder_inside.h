/* adder_inside.h - what the adder's three files share.
 *
 *   adder.c         start, stop, batches from their begin to their answers, what health is told
 *   adder_queue.c   the queue and the spares
 *   adder_time.c    503 for what has waited too long; another try of what failed
 *
 * Functions are called with the mutex held unless they say otherwise. */
#ifndef SERVICE_ADDER_INSIDE_H
#define SERVICE_ADDER_INSIDE_H

#include "service/adder.h"

#include <pthread.h>

enum { ADDER_BATCHES = 2, ADDER_AGAIN_MS = 1000 };

/* Messages that are under way into the store. */
struct batch {
	struct store_adding adding; /* first: a struct store_adding * is a struct batch * */
	struct adder *adder;
	uint64_t number;                                /* in the order of the begins, from 1 */
	struct pending *pending[ADDER_BATCH_MAX];       /* request is NULL once it is answered */
	size_t n;                                       /* 0: none is under way */
	struct http_request *requests[ADDER_BATCH_MAX]; /* to be answered by the thread that was told of the outcome */
	struct store_message messages[ADDER_BATCH_MAX];
	enum store_added results[ADDER_BATCH_MAX];
};

struct adder {
	struct store *store;
	struct health *health;
	int64_t timeout_us, check_us;
	pthread_t keeping_time;

	pthread_mutex_t mutex; /* guards all below, but of a batch only pending and n */
	pthread_cond_t ending; /* for the timekeeper, and who stops */
	struct pending *first, **last;
	size_t n, bytes;
	bool flushed;     /* adder_flush() was called for what waits */
	size_t under_way; /* messages in batches whose outcome is not known */
	bool stop, ended;
	struct pending *spare;
	size_t n_spare;
	struct pending *again;       /* one that could not be stored; NULL: none */
	int64_t again_us;            /* monotonic: when it is tried again, if nothing else is under way then */
	uint64_t begun, last_failed; /* numbers of batches */
	bool troubled;               /* health was told so */
	struct batch batches[ADDER_BATCHES];
	size_t n_batches; /* of these: as many adds as the store can have under way for a gain */

	struct http_prepared *stored, *duplicate;
};

/* Keeps some for the next use, each with a block of its arena. */
void adder_recycle(struct adder *a, struct pending *p);
/* The oldest one; the queue is not empty. */
struct pending *adder_pop(struct adder *a);
/* Is it time for a batch of what waits? */
bool adder_has_batch(const struct adder *a);

/* Begins as many batches as it is time for. Under the mutex, so that the order of the queue is that of the begins. */
void adder_begin_batches(struct adder *a);
/* Begins one of the message that could not be stored, when its time has come and no other shows whether the trouble is over. */
void adder_try_again(struct adder *a, int64_t now_us);

/* Tells health how an add went. */
void adder_report(struct adder *a, bool ok, const char *reason);
/* One that failed: the first is kept and tried again. */
void adder_keep_or_recycle(struct adder *a, struct pending *p);

/* The thread that looks at the clock; context is a struct adder. Without the mutex. */
void *adder_keep_time(void *context);

#endif
