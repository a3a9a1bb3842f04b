/* shared.h - inside of the shared store: Redis for what moves, PostgreSQL for what stays and decides.
 *
 * docs/store-protocol.md is the contract: every key, script, statement and crash point. Verbs are called by any
 * number of threads; each call borrows a connection of the pool for its round trips, so nothing here has a queue
 * or an I/O thread of its own. A verb that failed by its surroundings may always be repeated. */
#ifndef STORE_SHARED_SHARED_H
#define STORE_SHARED_SHARED_H

#include "base/buf.h"
#include "base/settings.h"
#include "store/ops.h"

#include <stdatomic.h>

enum {
	OWNER_SIZE = 17,             /* 16 hex digits and a NUL */
	SHARED_CALL_MOST = 256,      /* elements of one script call */
	SHARED_CALL_BYTES = 1 << 20, /* of its arguments; one element may go beyond */
	SHARED_BATCH_MOST = 64,      /* turns of one transaction */
	SHARED_DAY_MS = 86400000,
	JOB_ID_MAX = 1024 /* bytes */
};

struct redis_pool;  /* redis/redis.h */
struct pg_pool;     /* pg/pool.h */
struct held;        /* held.h: turns of this process */
struct owner;       /* owner.h: beats */
struct wakers;      /* redis/waker.h */
struct disowned;    /* disown.h: takes and claims whose answer was lost */
struct redis_clock; /* redis/clock.h */
struct counted;     /* counts.h: the last counts */
struct keeping;     /* keep/keep.h: when which round was last made */
struct prepared;    /* prepare.h: how far the servers were seen to be what they must be */
struct spool;       /* spool/spool.h; NULL where nothing is spooled */

struct shared {
	struct store store; /* first: a struct store * is a struct shared * */
	enum store_role role;
	struct settings settings; /* numbers and borrowed texts; the caller's settings outlive the store */
	char owner[OWNER_SIZE];   /* random per open; owner.h */
	uint64_t owner_number;    /* the same as a number */
	_Atomic uint64_t counter; /* leases given: never the same number twice */
	_Atomic bool ready;    /* both servers were met, the threads run; until then only adds are called, and keep */
	_Atomic bool stopping; /* store_stop_waiting() was called */
	struct redis_pool *redis;
	struct redis_clock *clock;
	struct pg_pool *pg;  /* NULL in a process that only takes messages in */
	struct held *held;   /* turns */
	struct held *claims; /* replies: a claim's counter and client; from the claim until its outcome is stored */
	struct owner *beats;
	struct wakers *wakers;
	struct disowned *disowned;
	struct counted *counted;
	struct keeping *keeping;
	struct prepared *prepared;
	struct spool *spool;
	struct adding_thread *adding; /* NULL in a process that takes no messages in */
};

static inline struct shared *shared_of(struct store *s)
{
	return (struct shared *)(void *)s;
}

/* A row of c2o_clients (docs/store-protocol.md, 4): what is true of a client. Texts live in the caller's arena. */
struct client_row {
	struct slice client_id, turn_id;
	int64_t version;     /* 0: there is no row */
	struct slice covers; /* JSON array of job ids */
	struct slice dialog, dialog_id, question, profile;
	int64_t last_event_ms;
	int64_t order_id, placed; /* 0: none */
	bool has_reply;
	struct slice reply;      /* with STORE_ORDER_MARK where the number goes */
	struct slice reply_meta; /* JSON: channelId, transport, messageId, arrived */
	bool open;               /* a dialog is open */
};

/* the verbs; each in the file of its name */
enum err shared_add(struct store *s, const struct store_message *messages, size_t n, enum store_added *ret);
enum err shared_take(struct store *s, size_t most, int64_t wait_ms, struct store_turns *ret);
enum err shared_finish(
    struct store *s, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed);
enum err shared_fail(struct store *s, struct store_failure *failures, size_t n);
enum err shared_claim(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret);
enum err shared_sent(struct store *s, struct store_sent *sent, size_t n);
enum err shared_rate(struct store *s);
enum err shared_keep(struct store *s, struct store_kept *ret);
enum err shared_counts(struct store *s, struct store_counts *ret);
enum err shared_dead_list(struct store *s, const struct store_dead_filter *filter, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n);
enum err shared_dead_show(struct store *s, int64_t id, struct arena *arena, struct store_dead *ret);
enum err shared_dead_retry(struct store *s, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret);
enum err shared_dead_remove(struct store *s, const int64_t *ids, size_t n, size_t *ret_removed);
enum err shared_order_list(struct store *s, const struct store_order_filter *filter, int64_t before, size_t most,
    struct arena *arena, struct store_order **ret, size_t *n);
enum err shared_order_show(struct store *s, int64_t id, struct arena *arena, struct store_order *ret);
enum err shared_order_status(struct store *s, int64_t id, struct slice status);
enum err shared_logs(struct store *s, struct slice client_id, int64_t before, size_t most, struct arena *arena,
    struct store_log_row **ret, size_t *n);
enum err shared_funnel(struct store *s, int64_t since_ms, struct store_funnel *ret);

#endif
