/* fail.c - turns that did not finish: given back unspent, or failed by their own fault. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

struct fail {
	struct store_failure *failures;
	size_t n;
};

static bool still_held(struct sql *s, const struct store_turn *t)
{
	return sql_int(s, 0, "SELECT 1 FROM lanes WHERE lane=? AND state=1 AND owner=? AND lease=?", "iii", t->lane,
		   (int64_t)t->lease.owner, (int64_t)t->lease.counter) != 0;
}

/* Due again at once, in its old place; a crash counted before the run is taken off again. */
static void give_back(struct sql *s, const struct store_turn *t, int64_t now)
{
	(void)sql_run(s,
	    "UPDATE lanes SET state=0, due_at=?2, owner=NULL, lease=NULL, held=0, crashes=crashes-alone, expire=?3"
	    " WHERE lane=?1",
	    "iii", t->lane, now, (int64_t)t->expired);
}

static enum err run_fail(struct embedded *e, void *args)
{
	struct fail *f = args;
	int64_t now = clock_wall_ms();

	for (size_t i = 0; i < f->n && e->writer.err == ERR_OK; i++) {
		struct store_failure *one = &f->failures[i];

		one->buried = false;
		one->err = still_held(&e->writer, one->turn) ? ERR_OK : ERR_STALE_LEASE;
		if (one->err != ERR_OK)
			continue;
		e->held--;
		if (one->give_back)
			give_back(&e->writer, one->turn, now);
		else
			lane_failed(
			    e, (struct lane){ one->turn->lane, one->turn->client_id }, one->reason, now, &one->buried);
	}
	return e->writer.err;
}

enum err embedded_fail(struct store *store, struct store_failure *failures, size_t n)
{
	struct fail f = { failures, n };
	struct job job = { .run = run_fail, .args = &f };

	return writer_do(embedded_of(store), &job);
}
