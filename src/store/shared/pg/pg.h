/* pg.h - PostgreSQL's side of the shared store: docs/store-protocol.md, 4 and 5.
 *
 * Calls block, borrow a connection of the pool and give it back; a connection that broke is made anew with the next call.
 * An error's verdict is its SQLSTATE's (error.c). Any thread. */
#ifndef STORE_SHARED_PG_H
#define STORE_SHARED_PG_H

#include "store/shared/shared.h"

/* Opens nothing yet but checks the settings; connections are made by the first calls. */
MUST_CHECK enum err pg_pool_open(const struct settings *settings, struct pg_pool **ret, struct why *why);
void pg_pool_close(struct pg_pool **pool);
/* Connects, checks what is required (UTF8, synchronous_commit, no standby), and brings the tables to our version where
 * `migrate`, else only looks at it. INVALID, DENIED, CONFLICT, NEWER_VERSION: no sense in waiting; NOT_FOUND: not migrated,
 * and `migrate` is false. */
MUST_CHECK enum err pg_prepare(struct pg_pool *pool, bool migrate, struct why *why);

/* ---- a finish -------------------------------------------------------------------------------------- */

struct pg_turn {
	const struct store_result *result;
	int64_t base;                 /* the version it was taken at */
	struct slice turn_id, covers; /* covers: JSON array of the job ids held */
	struct slice question;        /* as the result has it */
	struct slice reply_meta;      /* JSON */
	int64_t order_id;             /* of the open dialog after this turn; 0: none */
	/* given: */
	enum pg_moved {
		PG_MOVED, /* true now; placed says the number of an order placed */
		PG_MINE,  /* it was true before: the same turn, committed by an earlier call */
		PG_AHEAD, /* another turn stands there: row says which. To be finished as recorded */
		PG_DUPS,  /* not moved: some of its messages were applied before; dups names them */
		PG_FAILED /* its own fault: see store_fail() */
	} moved;
	int64_t placed;        /* the number of the order that this turn placed; 0: none */
	bool was_behind;       /* MOVED: the row stood behind the lane, so PostgreSQL has lost a commit */
	struct client_row row; /* MINE, AHEAD */
	struct slice *dups;    /* DUPS: the message ids, as the turn has them */
	size_t n_dups;
};
/* One transaction for up to SHARED_BATCH_MOST, or where its data is at fault one each. Texts given live in the arena. A
 * RETRY outcome: nobody knows whether it happened; to be called again with the same turns. No client twice. */
MUST_CHECK enum err pg_finish(struct shared *s, struct pg_turn *turns, size_t n, struct arena *arena, struct why *why);

/* ---- what take and others ask ---------------------------------------------------------------------- */

/* The rows of these clients, in their order; version 0 where there is none. */
MUST_CHECK enum err pg_rows(struct shared *s, const struct slice *clients, size_t n, struct arena *arena,
    struct client_row *ret, struct why *why);
/* The statuses of these orders, in their order; empty where there is none. */
MUST_CHECK enum err pg_order_statuses(
    struct shared *s, const int64_t *ids, size_t n, struct arena *arena, struct slice *ret, struct why *why);
/* A walk through all rows, by client: looks at the `most` behind `client` (empty: from the first), and gives those that
 * changed less than age_ms ago (age_ms < 0: all), with an open dialog only if asked. *ret_to: the last one looked at, to
 * go on behind it; p NULL: that was the end. */
MUST_CHECK enum err pg_rows_after(struct shared *s, struct slice client, int64_t age_ms, bool open_only, size_t most,
    struct arena *arena, struct client_row **ret, size_t *n, struct slice *ret_to, struct why *why);

/* A message that became a dead letter: its log row says success=false, unless one says that it was applied. */
struct pg_buried {
	struct slice client_id, message_id, text, reason;
	int64_t timestamp_ms; /* event or arrival */
};
MUST_CHECK enum err pg_log_buried(struct shared *s, const struct pg_buried *buried, size_t n, struct why *why);

/* Of the `most` oldest log rows deletes those older than MESSAGE_LOG_DAYS; *ret: how many. Only one process at a time does:
 * for the others it is 0. */
MUST_CHECK enum err pg_prune(struct shared *s, size_t most, size_t *ret, struct why *why);

/* c2o_meta.epoch: empty when there is none yet. pg_set_epoch() is called within pg_with_lock(). */
MUST_CHECK enum err pg_epoch(struct shared *s, char epoch[OWNER_SIZE], struct why *why);
MUST_CHECK enum err pg_set_epoch(struct shared *s, const char *epoch, struct why *why);
/* Runs work(context) while this process holds the store's advisory lock; ERR_AGAIN when another holds it. */
MUST_CHECK enum err pg_with_lock(struct shared *s, enum err (*work)(struct shared *s, void *context, struct why *why),
    void *context, struct why *why);

#endif
