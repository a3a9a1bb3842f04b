/* bull_workers.h - is a Bull or BullMQ worker on our queues? It would take our messages and replies, and lose the order of
 * lanes. docs/store-protocol.md, 7. Any thread. */
#ifndef STORE_SHARED_BULL_WORKERS_H
#define STORE_SHARED_BULL_WORKERS_H

#include "store/shared/shared.h"

enum { BULL_WORKER_SIZE = 160 };

/* Looks at all connections to our database for one that is named as Bull names its workers' and is none of ours.
 * ret: "messages, from 10.0.0.7:51234": its queue and address; "" when there is none. */
MUST_CHECK enum err bull_workers_look(struct shared *s, char ret[BULL_WORKER_SIZE], struct why *why);

#endif
