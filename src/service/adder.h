/* adder.h - messages on their way from the webhook into the store.
 *
 * A bounded queue; all that is waiting is stored as one batch, and each request is answered once its message is durable.
 * While one batch is on its way to the disk another is written, and the next gathers; the order of arrival is that of the
 * queue. When a batch fails and nothing follows, one of its messages is tried again each second: health learns so when it is
 * over. A thread answers 503 to those that have waited longer than the timeout, whatever the store does; a message whose add was
 * under way then may still become durable, and its redelivery is a duplicate. */
#ifndef SERVICE_ADDER_H
#define SERVICE_ADDER_H

#include "http/server.h"
#include "service/health.h"
#include "store/store.h"

enum {
	ADDER_QUEUE_MAX = 4096,           /* messages waiting */
	ADDER_QUEUE_BYTES_MAX = 16 << 20, /* of their texts */
	ADDER_BATCH_MAX = 1024            /* messages of one store_add() */
};

struct adder;

/* A message and the request that brought it. The texts of the message live in its arena. */
struct pending {
	struct pending *next;
	struct arena arena;
	struct store_message message;
	struct http_request *request;
	int64_t arrived_us;
};

MUST_CHECK enum err adder_start(
    struct store *store, struct health *health, int64_t timeout_ms, struct adder **ret, struct why *why);
/* Stores what is waiting, answers all, ends the thread. NULL is fine; *adder is NULL afterwards. */
void adder_stop(struct adder **adder);

/* An empty one, to be given to adder_put() or adder_release(). Any thread. */
struct pending *adder_new(struct adder *adder);
void adder_release(struct adder *adder, struct pending *p);
/* False when the queue is full; p is then still the caller's. Otherwise the request will be answered, if
 * adder_flush() is called soon: one batch of many, or two where they are very many. */
MUST_CHECK bool adder_put(struct adder *adder, struct pending *p);
void adder_flush(struct adder *adder);

#endif
