/* spool.h - messages on this machine's own disk while Redis is away. docs/store-protocol.md, 11.
 *
 * A process has one file, DATA_DIR/spool/<owner>.db, and one thread that forwards what stands in it, oldest first, as soon
 * as Redis takes it. While anything stands there all adds of the process go through it, so that their order is kept:
 *
 *     if (s->spool != NULL && !spool_is_empty(s->spool))
 *             return spool_add(s->spool, messages, n, ret);
 *     err = ... straight to Redis ...
 *     if (s->spool != NULL && the surroundings failed)       the outcome may be unknown: the marks find what was done
 *             return spool_add(s->spool, messages, n, ret);
 *
 * Files that dead processes of this machine left behind are adopted: forwarded by who gets their lock, and removed. At
 * a clean close an empty file is removed, another one is left for the next start. Any thread. */
#ifndef STORE_SHARED_SPOOL_H
#define STORE_SHARED_SPOOL_H

#include "store/store.h"

struct spool;

enum {
	SPOOL_FORWARD_MOST = 256,      /* messages of one forward */
	SPOOL_FORWARD_BYTES = 1 << 20, /* of them, unless one alone is larger */
	SPOOL_STUCK_MS = 300000        /* not empty for so long though Redis answers: something is wrong */
};

/* How the spool reaches the store. Both are called by its one thread, now_ms by the store adder too. */
struct spool_way {
	void *context;
	/* Straight to Redis, never back into the spool. arrived_ms[i]: when messages[i] was accepted, on the store's clock.
	 * ERR_OK: each is in Redis, or was before. FAILED: it refuses at least one by that message's own fault, so they are
	 * tried one by one. Any other: the surroundings; tried again, and the sentence that it leaves in store_why() (store/ops.h),
	 * which holds nothing of a customer, is told by health and the log. */
	enum err (*forward)(void *context, const struct store_message *messages, const int64_t *arrived_ms, size_t n,
	    enum store_added *ret);
	int64_t (*now_ms)(void *context); /* the store's clock as last known */
};

struct spool_settings {
	const char *data_dir;   /* DATA_DIR: made if it is not there */
	const char *owner;      /* of this process: the file's name */
	int64_t most_bytes;     /* SPOOL_MAX_MB in bytes */
	int64_t reserve_bytes;  /* DISK_RESERVE_MB in bytes */
	int64_t adopt_every_ms; /* how often orphans are looked for; 0: 60 s */
};

/* Makes the file and starts its thread, which looks for orphans at once. way is copied, its context outlives the spool.
 * IO, NO_SPACE, INVALID (the folder's name): why names the path and the cure. */
MUST_CHECK enum err spool_open(
    const struct spool_settings *settings, const struct spool_way *way, struct spool **ret, struct why *why);
/* A forward under way ends first. NULL is fine, *spool is NULL afterwards. */
void spool_close(struct spool **spool);

/* False from the moment that an add into it can return until the last of it is forwarded: then adds go straight. */
bool spool_is_empty(struct spool *spool);
/* ERR_OK: each is on stable storage here, or its id stands here already (DUPLICATE). NO_SPACE, IO: none is. */
MUST_CHECK enum err spool_add(
    struct spool *spool, const struct store_message *messages, size_t n, enum store_added *ret);

struct spool_counts {
	int64_t messages; /* waiting to be forwarded */
	int64_t
	    refused; /* that Redis does not take though it takes others: kept, tried again with each look for orphans */
	int64_t bytes;                      /* of the file in use */
	int64_t oldest_ms;                  /* arrival of the oldest one waiting; 0: none */
	int64_t waiting_ms;                 /* for how long it has not been empty */
	int64_t stored, forwarded, adopted; /* since the open; adopted: forwarded out of others' files */
	bool full;                          /* the last add found no room */
};
void spool_counts(struct spool *spool, struct spool_counts *ret);

/* Health's check "spool": what waits, and why. redis_answers: otherwise waiting is what it is for. The reason is logged too,
 * once when it begins and when it changes. */
void spool_note(struct spool *spool, bool redis_answers, struct store_note *ret);

#endif
