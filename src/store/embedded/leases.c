/* leases.c - turns and replies that were held too long go back: their thread hangs. */
#include "base/clock.h"
#include "base/metrics.h"
#include "store/embedded/embedded.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	FOUND_MAX = 200,      /* taken back in one round */
	LOOK_EVERY_MS = 5000, /* all that is alive is looked through, so not with every round */
	LOOK_GAP_MS = 20000   /* rounds this far apart: the process did not run */
};

/* What is held beyond its lease, as a reader found it; each is looked at again before it is taken back. */
struct ended {
	struct arena arena;
	struct lane lane[FOUND_MAX];
	struct slice reply[FOUND_MAX];
	size_t n_lanes, n_replies;
	int64_t now, turns;
};

static void read_lanes(struct sql *s, struct ended *found)
{
	sqlite3_stmt *q = sql_query(
	    s, "SELECT lane, client_id FROM lanes WHERE state=1 AND due_at<=?", "i", found->now);

	while (found->n_lanes < FOUND_MAX && sql_row(s, q))
		found->lane[found->n_lanes++] = (struct lane){ sql_column_int(q, 0),
			sql_column_copy(q, 1, &found->arena) };
	sql_done(q);
}

static void read_replies(struct sql *s, struct ended *found)
{
	sqlite3_stmt *q = sql_query(s, "SELECT reply_id FROM outbox WHERE state=1 AND due_at<=?", "i", found->now);

	while (found->n_replies < FOUND_MAX && sql_row(s, q))
		found->reply[found->n_replies++] = sql_column_copy(q, 0, &found->arena);
	sql_done(q);
}

/* Not while the store itself failed, nor when nobody looked for long (the machine slept): then a turn is old by no fault
 * of its worker. With the read lock held. */
static bool is_time_to_look(struct embedded *e, int64_t now)
{
	int64_t since = now - e->leases_looked_ms, failed = atomic_load(&e->failed_ms);

	if (since >= 0 && since < LOOK_EVERY_MS)
		return false;
	e->leases_looked_ms = now;
	return since >= 0 && since < LOOK_GAP_MS && (failed == 0 || clock_mono_ms() - failed > e->hung);
}

/* Held rows are in no index, which spares each turn two writes; so all that is alive is looked through, on the reader. */
static void find_ended(struct embedded *e, struct ended *found)
{
	struct sql *s = &e->reader;

	(void)pthread_mutex_lock(&e->read_lock);
	if (!is_time_to_look(e, found->now)) {
		(void)pthread_mutex_unlock(&e->read_lock);
		return;
	}
	sql_clear(s);
	read_lanes(s, found);
	read_replies(s, found);
	(void)pthread_mutex_unlock(&e->read_lock);
}

static void end_turn(struct embedded *e, struct ended *found, struct lane lane)
{
	bool buried;

	if (sql_int(&e->writer, 0, "SELECT 1 FROM lanes WHERE lane=? AND state=1 AND due_at<=?", "ii", lane.number,
		found->now) == 0)
		return;
	e->held--;
	lane_failed(e, lane, "the worker hung for a minute", found->now, &buried);
	found->turns++;
}

/* A turn whose thread has hung for STORE_HUNG_MS counts as failed; a reply claimed too long may have been posted. */
static enum err run_end_leases(struct embedded *e, void *args)
{
	struct ended *found = args;

	found->turns = 0;
	for (size_t i = 0; i < found->n_lanes; i++)
		end_turn(e, found, found->lane[i]);
	for (size_t i = 0; i < found->n_replies; i++)
		(void)sql_run(&e->writer,
		    "UPDATE outbox SET state=0, owner=NULL, lease=NULL, doubtful=1 WHERE reply_id=? AND state=1 AND due_at<=?",
		    "ti", found->reply[i], found->now);
	return e->writer.err;
}

enum err embedded_end_leases(struct embedded *e, size_t *ret_turns)
{
	struct ended *found = mem_alloc(sizeof *found);
	struct job job = { .run = run_end_leases, .args = found };
	enum err err = ERR_OK;

	found->now = clock_wall_ms();
	find_ended(e, found);
	if (found->n_lanes + found->n_replies > 0)
		err = writer_do(e, &job);
	*ret_turns = err == ERR_OK ? (size_t)found->turns : 0;
	metric_add(METRIC_TURNS_FAILED, (int64_t)*ret_turns);
	arena_free(&found->arena);
	free(found);
	return err;
}
