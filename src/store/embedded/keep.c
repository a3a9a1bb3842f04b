/* keep.c - the keeper's rounds: dialogs that fell silent, pruning in small steps, disk space, the clock. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>

enum {
	STEP_ROWS = 200,       /* pruned in one job: a few milliseconds */
	LOOK_AGAIN_MS = 60000, /* at a lane whose time is over, but which is busy */
	LANES_A_PAGE = 8,      /* new ones, with their dialogs and index entries */
	FULL_PERCENT = 90      /* of STORE_MAX_MB: what is above is kept for running dialogs to finish */
};

struct round {
	int64_t now;
	int64_t pruned;
	bool more;
};

static void note(struct round *r, int64_t removed)
{
	r->pruned += removed;
	r->more = r->more || removed >= STEP_ROWS;
}

static enum err prune_seen(struct embedded *e, void *args)
{
	struct round *r = args;

	r->pruned = 0;
	note(r, seen_prune(e, r->now));
	return e->writer.err;
}

/* The oldest logs; one as far in the future must not stand before the others for ever. */
static enum err prune_logs(struct embedded *e, void *args)
{
	struct round *r = args;
	char oldest[CLOCK_TEXT_SIZE], newest[CLOCK_TEXT_SIZE];

	r->pruned = 0;
	note(r,
	    sql_run(&e->writer,
		"DELETE FROM message_logs WHERE id IN"
		" (SELECT id FROM (SELECT id, created_at FROM message_logs ORDER BY id LIMIT ?1) WHERE created_at NOT BETWEEN ?2 AND ?3)",
		"itt", (int64_t)STEP_ROWS, slice_of(clock_format(r->now - e->log_keep, oldest)),
		slice_of(clock_format(r->now + e->log_keep, newest))));
	return e->writer.err;
}

#define TO_CHECK "SELECT lane FROM lanes WHERE check_at<=?1 ORDER BY check_at LIMIT ?2"
#define IS_OVER "state=0 AND waiting=0 AND open=0 AND last_at+?3<=?1"

/* A lane silent for too long: its open dialog gets a turn of its own that closes it; an empty lane goes. check_at
 * is looked at once in a dialog's lifetime, not moved with every message. */
static enum err check_lanes(struct embedded *e, void *args)
{
	struct round *r = args;
	struct sql *s = &e->writer;
	int64_t looked = sql_int(s, 0, "SELECT count(*) FROM (SELECT 1 FROM lanes WHERE check_at<=? LIMIT ?)", "ii",
	    r->now, (int64_t)STEP_ROWS);

	r->pruned = 0;
	if (looked == 0)
		return s->err;
	enter_lanes(e); /* what was said in time counts */
	(void)sql_run(s,
	    "UPDATE lanes SET expire=CASE WHEN state=0 AND waiting=0 AND open=1 AND max(last_at, ifnull(shown_at,0))+?3<=?1 THEN 1"
	    "  WHEN state=0 THEN 0 ELSE expire END,"
	    " due_at=CASE WHEN state=0 AND waiting=0 AND open=1 AND max(last_at, ifnull(shown_at,0))+?3<=?1 THEN ?1 ELSE due_at END,"
	    " check_at=CASE WHEN max(last_at, ifnull(shown_at,0))+?3>?1 THEN max(last_at, ifnull(shown_at,0))+?3 ELSE ?1+?4 END"
	    " WHERE lane IN (" TO_CHECK ") AND NOT (" IS_OVER ")",
	    "iiii", r->now, (int64_t)STEP_ROWS, e->dialog_ttl,
	    e->dialog_ttl < LOOK_AGAIN_MS ? e->dialog_ttl : LOOK_AGAIN_MS);
	(void)sql_run(s,
	    "DELETE FROM dialogs WHERE lane IN (SELECT lane FROM lanes WHERE lane IN (" TO_CHECK ") AND " IS_OVER ")",
	    "iii", r->now, (int64_t)STEP_ROWS, e->dialog_ttl);
	r->pruned = sql_run(s, "DELETE FROM lanes WHERE lane IN (" TO_CHECK ") AND " IS_OVER, "iii", r->now,
	    (int64_t)STEP_ROWS, e->dialog_ttl);
	r->more = r->more || looked >= STEP_ROWS;
	return s->err;
}

static enum err run_mend_clock(struct embedded *e, void *args)
{
	embedded_mend_times(e, *(const int64_t *)args);
	embedded_forget_offsets(&e->writer);
	return e->writer.err;
}

/* A wall clock set back would leave times in the future behind: retries that never come due, a yes that never counts.
 * Set forward or back, what was learnt of Chat2Desk's clock against it holds no more. */
static enum err watch_clock(struct embedded *e, struct store_kept *ret)
{
	int64_t now = clock_wall_ms(), offset = now - clock_boot_ms(), back = e->clock_offset_ms - offset;
	struct job job = { .run = run_mend_clock, .args = &now };
	enum err err = ERR_OK;

	if (llabs(back) > CLOCK_STEP_MS)
		err = writer_do(e, &job);
	if (back > CLOCK_STEP_MS)
		ret->clock_jump_ms = back;
	if (err == ERR_OK)
		e->clock_offset_ms = offset;
	return err;
}

/* With the room that lanes will take of messages that have not entered them yet. */
static int64_t pages_used(struct sql *s)
{
	return sql_int(s, 0, "PRAGMA page_count", "") - sql_int(s, 0, "PRAGMA freelist_count", "") +
	       enter_waiting(s) / LANES_A_PAGE;
}

bool size_is_reached(const struct embedded *e, struct sql *s)
{
	return e->pages_max > 0 && pages_used(s) * 100 > e->pages_max * FULL_PERCENT;
}

static bool reader_sees_size_reached(struct embedded *e)
{
	bool reached;

	(void)pthread_mutex_lock(&e->read_lock);
	sql_clear(&e->reader);
	reached = size_is_reached(e, &e->reader);
	(void)pthread_mutex_unlock(&e->read_lock);
	return reached;
}

/* Intake stops before the space does, so that what was accepted can be finished. */
static void watch_space(struct embedded *e, struct store_kept *ret)
{
	struct statvfs fs;
	int64_t left;

	ret->writable = ERR_OK;
	if (statvfs(e->folder, &fs) != 0) {
		ret->writable = why_fail(
		    &ret->why, ERR_IO, "the folder %s cannot be looked at: %s", e->folder, strerror(errno));
	} else if ((left = (int64_t)(fs.f_bavail * fs.f_frsize)) < e->disk_reserve_bytes) {
		ret->writable = why_fail(&ret->why, ERR_NO_SPACE,
		    "%" PRId64 " MiB left on the disk of %s, below DISK_RESERVE_MB=%" PRId64
		    ": free some space; intake goes on by itself",
		    left >> 20, e->folder, e->disk_reserve_bytes >> 20);
	} else if (reader_sees_size_reached(e)) {
		ret->writable = why_fail(&ret->why, ERR_NO_SPACE,
		    "the database has reached %d %% of STORE_MAX_MB: raise it, or shorten MESSAGE_LOG_DAYS",
		    FULL_PERCENT);
	}
	atomic_store(&e->writable, (int)ret->writable);
}

/* Each step on its own: where one can't be done, as on a full disk, the others may well mend it. */
enum err embedded_keep(struct store *store, struct store_kept *ret)
{
	enum err (*const steps[])(struct embedded *, void *) = { prune_seen, prune_logs, check_lanes };
	struct embedded *e = embedded_of(store);
	struct round round = { 0 };
	enum err err, first;

	*ret = (struct store_kept){ .durability = "fsync" };
	watch_space(e, ret);
	first = watch_clock(e, ret);
	round.now = clock_wall_ms();
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct job job = { .run = steps[i], .args = &round };

		err = writer_do(e, &job);
		first = first == ERR_OK ? err : first;
		ret->pruned += (size_t)round.pruned;
	}
	err = embedded_end_leases(e, &ret->leases_ended);
	ret->more = round.more;
	return first == ERR_OK ? err : first;
}
