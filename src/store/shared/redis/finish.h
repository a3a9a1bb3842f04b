/* finish.h - Redis' half of a finish: what PostgreSQL has made true becomes true in the lanes.
 *
 * docs/store-protocol.md, 3.3, 3.4 (D) and 3.8. All may be repeated after any error: what was done says so. Any thread. */
#ifndef STORE_SHARED_REDIS_FINISH_H
#define STORE_SHARED_REDIS_FINISH_H

#include "store/shared/shared.h"

/* A turn that PostgreSQL moved on. Texts are the caller's, and need to live during the call only. */
struct redis_turn {
	struct slice client_id, turn_id;
	int64_t version;             /* of the client's row now */
	struct slice lane;           /* `b`: lane_write() */
	struct slice dialog_id;      /* empty: no dialog is open */
	struct slice question;       /* its digest: lane_digest(); empty: none is open */
	struct slice profile;        /* p NULL: unchanged; n 0: none */
	struct slice reply, reply_c; /* job_put_reply(), job_put_reply_c(); reply.n 0: none */
	/* given: */
	enum redis_finished {
		REDIS_STALE,          /* the lane is not in this turn, nor was this its last one */
		REDIS_DONE,           /* its reply, if it has one, is in the outbox */
		REDIS_DONE_BEFORE,    /* by an earlier call */
		REDIS_CLAIMED,        /* its reply is claimed for this process, by the turn's own lease */
		REDIS_CLAIMED_BEFORE, /* by an earlier call, and still is */
		REDIS_FAILED          /* the script fails with this turn, and with it alone */
	} how;
	int64_t created_ms;     /* CLAIMED*: when the reply was created, on Redis' clock */
	int64_t post_before_ms; /* CLAIMED*: see struct store_reply */
};
/* claim_most: replies to claim for this process, as far as the rate window grants slots and no older reply waits. */
MUST_CHECK enum err redis_finish(
    struct shared *s, struct redis_turn *turns, size_t n, size_t claim_most, struct why *why);

enum redis_recorded {
	REDIS_REFUSED,  /* the fence fails, or Redis has that version already */
	REDIS_RECORDED, /* Redis had never heard of the row's turn, as far as it can know */
	REDIS_ROLLED_BACK /* recorded, and Redis may have forgotten the finish of the row's turn: the reply may have been sent */
};
/* FAILED: the script fails with this client (a key of his is none of ours).
 * Makes true in Redis what the client's row says: covered messages are done, the lane is as the row has it, its reply
 * is in the outbox. fence: the id of a turn of the caller's that the lane must be in; empty: it must be in none.
 * doubtful: the caller knows that the reply may have been sent. */
MUST_CHECK enum err redis_record(struct shared *s, const struct client_row *row, struct slice fence, bool doubtful,
    enum redis_recorded *ret, struct why *why);

/* These jobs of the turn were applied before (a duplicate of an older version): they are done as such, and what else the
 * turn holds is given back, with nothing spent. OK also where the turn is not held any more. */
MUST_CHECK enum err redis_give_back_without(struct shared *s, struct slice client_id, struct slice turn_id,
    const struct slice *job_ids, size_t n, struct why *why);

#endif
