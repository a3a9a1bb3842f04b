/* embedded.h - inside of the embedded store: SQLite, one file, one writer.
 *
 * Verbs that write are jobs: the writer thread runs all that wait in one transaction and commits it; those that must be
 * durable are answered by the syncer, when they are on stable storage, the others at once. A job's run() may be called twice (the
 * second time in a careful mode, each element in its own savepoint), so it begins by emptying its results;
 * outside of them it changes nothing in memory but counters and hints that may run ahead of the commit. */
#ifndef STORE_EMBEDDED_EMBEDDED_H
#define STORE_EMBEDDED_EMBEDDED_H

#include "base/buf.h"
#include "base/settings.h"
#include "store/ops.h"
#include "store/sql.h"

#include <pthread.h>
#include <semaphore.h>

enum { CLOCK_STEP_MS = 2000 /* a smaller change of the clock is none */ };

struct embedded;

/* When a job whose commit is done may be answered. What leaves the system hangs on JOB_DURABLE, or on
 * JOB_BEHIND_DURABLE: nothing is posted to a customer that a power cut could still undo. */
enum job_safety {
	JOB_COMMITTED,      /* at once */
	JOB_BEHIND_DURABLE, /* when all durable ones before it are on stable storage */
	JOB_DURABLE         /* when it is on stable storage itself */
};

struct job {
	enum err (*run)(struct embedded *e, void *args); /* inside the transaction */
	bool (*found)(const void *args);                 /* a waiter: did run() find anything? NULL: no waiter */
	void *args;
	enum job_safety safety;
	int64_t deadline_ms; /* a waiter: monotonic */
	bool looked;         /* a waiter: it has found nothing at least once */
	enum err result;
	struct why *why;                /* where to tell what hit the whole batch */
	void (*ended)(struct job *job); /* called once it is done, by the writer or the syncer: must not wait */
	sem_t done;                     /* who waits in writer_do() */
	struct job *next;
};

struct job_list {
	struct job *first, **last;
};

static inline void job_list_put(struct job_list *list, struct job *job)
{
	if (list->first == NULL)
		list->last = &list->first;
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
}

static inline struct job *job_list_all(struct job_list *list)
{
	struct job *all = list->first;

	list->first = NULL;
	return all;
}

enum lane_state { LANE_FREE, LANE_IN_TURN, LANE_SPEAKING, LANE_BACKING_OFF };
enum outbox_state { OUTBOX_WAITING, OUTBOX_CLAIMED, OUTBOX_PARKED };

enum { SEEN_TABLES = 2 }; /* ids that are numbers, and others */

struct embedded {
	struct store store; /* first: a struct store * is a struct embedded * */
	enum store_role role;
	char folder[1024], path[1100];
	int lock_fd;
	uint64_t owner;

	/* settings, ms unless named otherwise */
	int64_t turn_attempts, turn_backoff, hung, claim_lease, dedup, dialog_ttl, log_keep, rate_limit,
	    disk_reserve_bytes, pages_max;

	/* the writer: its connection belongs to its thread (BESIDE: to who holds lock) */
	struct sql writer;
	bool careful;                      /* elements run in savepoints: a batch is being sorted out */
	struct buf looked_to[SEEN_TABLES]; /* seen.c: the id up to which each table was looked at */
	uint64_t leases;                   /* this owner's counter: never the same number twice, committed or not */
	int64_t enter_at_us;               /* enter.c: monotonic time before which messages gather, */
	int64_t enter_pause_us;            /* and for how long they do now */
	size_t held;                       /* turns held by this process, */
	bool held_alone;                   /* and the one of them must be the only one */
	pthread_t thread;
	pthread_mutex_t lock; /* guards the lists and stopping */
	pthread_cond_t wake;
	struct job_list jobs, waiters;
	bool new_waiter; /* one has not looked yet */
	bool stop_waiting, closing;

	/* checkpoints.c; its lock guards what follows */
	pthread_t copier;
	pthread_mutex_t log_lock;
	pthread_cond_t log_grew;
	int log_pages, log_copied; /* length of the log, and how much of it the database has */
	int log_anew_at;           /* its length when the writer next tries to begin it anew, */
	bool log_chased;           /* if the copier has come as near as it can */
	bool log_closing;

	/* the syncer; its lock guards what follows, but for the log's descriptor */
	pthread_t syncer;
	pthread_mutex_t sync_lock;
	pthread_cond_t sync_wake;
	struct job_list committed; /* not yet answered */
	bool sync_wanted;          /* one of them is durable */
	bool syncing, sync_closing;
	int log_fd;

	_Atomic int writable; /* enum err: whether intake may add */

	/* readers: people's lists and counts */
	pthread_mutex_t read_lock;
	struct sql reader;

	int64_t leases_looked_ms;             /* wall time; guarded by read_lock */
	struct store_counts counted;          /* the last counts; guarded by read_lock */
	int64_t counted_us, counting_took_us; /* monotonic; the same */
	_Atomic int64_t failed_ms;            /* monotonic: when the surroundings last failed a batch; 0: never */

	/* the clock as it was when keep() last looked */
	_Atomic int64_t clock_offset_ms;
};

static inline struct embedded *embedded_of(struct store *s)
{
	return (struct embedded *)(void *)s;
}

/* schema.c */
MUST_CHECK enum err embedded_migrate(struct sql *s, struct why *why);
MUST_CHECK enum err embedded_version_fits(struct sql *s, struct why *why);

/* writer.c: runs a job and returns its result; a waiter that found nothing by its deadline is OK. */
MUST_CHECK enum err writer_do(struct embedded *e, struct job *job);
/* Puts a job in whose `ended` and `why` are given, and waits for nothing; jobs run in the order in which they were begun. */
void writer_begin(struct embedded *e, struct job *job);
/* The same for a waiter: run() is tried again until found(), for up to wait_ms. */
MUST_CHECK enum err writer_wait(struct embedded *e, enum err (*run)(struct embedded *, void *),
    bool (*found)(const void *), enum job_safety safety, void *args, int64_t wait_ms);
void writer_start(struct embedded *e);
void writer_stop(struct embedded *e);

/* checkpoints.c */
void checkpoints_start(struct embedded *e);
void checkpoints_stop(struct embedded *e);
/* The writer's part of it, between two transactions. */
void checkpoints_tend(struct embedded *e);

/* Says of a failure of this connection what SQLite said and what to do; err is returned. */
enum err embedded_failed(const struct embedded *e, const struct sql *s, enum err err, struct why *why);

/* syncer.c */
MUST_CHECK enum err syncer_open(struct embedded *e, struct why *why);
void syncer_start(struct embedded *e);
void syncer_stop(struct embedded *e); /* when the writer has stopped: answers what is left */
/* Answers a job that is committed as its safety says. */
void syncer_pass(struct embedded *e, struct job *job);

/* recover.c: what a crashed process held is free again, with its crash counted. */
MUST_CHECK enum err embedded_recover(struct embedded *e, struct why *why);
/* Times after now become now: the clock was set back. */
void embedded_mend_times(struct embedded *e, int64_t now);
/* The clock was set: what was learnt of Chat2Desk's clock against ours holds no more. */
void embedded_forget_offsets(struct sql *s);

/* A lane as its steps need it: its number, and the client's id by which the outbox knows it. */
struct lane {
	int64_t number;
	struct slice client_id;
};

/* enter.c: inside a transaction, all that was appended enters its lanes. */
void enter_lanes(struct embedded *e);
void enter_if_many(struct embedded *e);
/* Ahead of waiters, unless all of them have looked before and the messages should gather; then enter_at_us says until when. */
void enter_for_waiters(struct embedded *e, const struct job *waiters);
int64_t enter_waiting(struct sql *s); /* how many messages have not entered yet */

/* lanes.c: steps that several verbs share, inside a transaction */
int64_t lane_open(struct embedded *e, struct slice client_id, int64_t now); /* an empty one, free; its number */
void lane_follow(struct sql *s, int64_t place, int64_t next); /* of the messages at these places of a lane */
void lane_remove(struct sql *s, int64_t place);               /* the message there, when its lane has gone on */
void lane_settle(
    struct embedded *e, struct lane lane, int64_t now); /* out of speaking or a turn: parked reply, or free */
void lane_bury_first(struct embedded *e, struct lane lane, const char *reason, int64_t attempts, int64_t now);
void lane_failed(struct embedded *e, struct lane lane, const char *reason, int64_t now, bool *ret_buried);
/* SQL of a lane that goes on with the message at `place`, unless it is `empty` now. */
#define LANE_GOES_ON(place, empty)                                                                                     \
	"first=CASE WHEN " empty " THEN 0 ELSE " place " END, last=CASE WHEN " empty " THEN 0 ELSE last END,"          \
	" waiting_since=CASE WHEN " empty " THEN NULL ELSE (SELECT arrived_at FROM messages WHERE seq=" place ") END"
#define LANE_NEXT_OF(place) "(SELECT next FROM followed WHERE seq=" place ")" /* of a message that is still there */
void savepoint_begin(struct embedded *e);
enum err savepoint_end(struct embedded *e); /* its outcome; a failed one is undone and the error cleared */

/* people's reading, one thread at a time: the reader's connection; its outcome. */
static inline struct sql *reader_begin(struct embedded *e)
{
	(void)pthread_mutex_lock(&e->read_lock);
	sql_clear(&e->reader);
	return &e->reader;
}

static inline enum err reader_end(struct embedded *e)
{
	enum err err = embedded_failed(e, &e->reader, e->reader.err, store_why());

	(void)pthread_mutex_unlock(&e->read_lock);
	return err;
}

/* leases.c: takes back what was held beyond its lease, says how many turns. */
MUST_CHECK enum err embedded_end_leases(struct embedded *e, size_t *ret_turns);

/* seen.c: the message ids of the last days, inside a transaction */
/* Writes the id down unless it is there; false: it was, so this one is a duplicate. */
bool seen_is_new(struct sql *s, struct slice message_id, int64_t now);
/* The end of the next stretch of ids behind `from` in the table of those that are no numbers; SLICE_NONE behind the last. */
struct slice seen_stretch(struct sql *s, struct slice from, struct arena *a);
/* Looks at the next stretch of ids and removes the old ones; how many. */
int64_t seen_prune(struct embedded *e, int64_t now);

/* keep.c: the database is so near STORE_MAX_MB that the rest is kept for running dialogs to finish. */
bool size_is_reached(const struct embedded *e, struct sql *s);

/* outbox.c */
int64_t rate_grant(struct embedded *e, int64_t wanted, int64_t now); /* takes up to wanted slots, says how many */
void rate_return(struct embedded *e);
bool outbox_has_due(struct embedded *e, int64_t now);

/* said.c: Chat2Desk's clock against ours */
enum { SAID_OFFSETS = 64, SAID_LEAST = 8 };
struct said {
	uint32_t n, next;
	int64_t offset[SAID_OFFSETS];
};
int64_t said_median(const struct said *said, bool *ret_known);
void said_note(struct said *said, int64_t offset);

/* the verbs */
enum err embedded_add(struct store *s, const struct store_message *messages, size_t n, enum store_added *ret);
void embedded_add_begin(struct store *s, struct store_adding *adding);
enum err embedded_take(struct store *s, size_t most, int64_t wait_ms, struct store_turns *ret);
enum err embedded_finish(
    struct store *s, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed);
enum err embedded_fail(struct store *s, struct store_failure *failures, size_t n);
enum err embedded_claim(struct store *s, size_t most, int64_t wait_ms, struct store_replies *ret);
enum err embedded_sent(struct store *s, struct store_sent *sent, size_t n);
enum err embedded_rate(struct store *s);
enum err embedded_keep(struct store *s, struct store_kept *ret);
enum err embedded_counts(struct store *s, struct store_counts *ret);
enum err embedded_dead_list(struct store *s, const struct store_dead_filter *filter, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n);
enum err embedded_dead_show(struct store *s, int64_t id, struct arena *arena, struct store_dead *ret);
enum err embedded_dead_retry(struct store *s, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret);
enum err embedded_dead_remove(struct store *s, const int64_t *ids, size_t n, size_t *ret_removed);
enum err embedded_order_list(struct store *s, const struct store_order_filter *filter, int64_t before, size_t most,
    struct arena *arena, struct store_order **ret, size_t *n);
enum err embedded_order_show(struct store *s, int64_t id, struct arena *arena, struct store_order *ret);
enum err embedded_order_status(struct store *s, int64_t id, struct slice status);
enum err embedded_logs(struct store *s, struct slice client_id, int64_t before, size_t most, struct arena *arena,
    struct store_log_row **ret, size_t *n);
enum err embedded_funnel(struct store *s, int64_t since_ms, struct store_funnel *ret);

#endif
