/* recover.c - at start: what a crashed process held is free again, and what it may have been killed by runs alone. */
#include "base/clock.h"
#include "base/metrics.h"
#include "store/embedded/embedded.h"

#include <stdlib.h>

enum { CRASHES_MAX = 3 /* while alone in the process; then the message is dead */ };

struct held {
	struct lane lane;
	bool alone;
	int64_t crashes, messages;
};

static size_t find_held(struct sql *s, struct arena *a, struct held **ret)
{
	size_t most = (size_t)sql_int(s, 0, "SELECT count(*) FROM lanes WHERE state=1", ""), n = 0;
	sqlite3_stmt *q = sql_query(s, "SELECT lane, client_id, alone, crashes, held FROM lanes WHERE state=1", "");

	*ret = arena_alloc(a, (most + 1) * sizeof **ret);
	while (n < most && sql_row(s, q))
		(*ret)[n++] = (struct held){ { sql_column_int(q, 0), sql_column_copy(q, 1, a) },
			sql_column_int(q, 2) != 0, sql_column_int(q, 3), sql_column_int(q, 4) };
	sql_done(q);
	return n;
}

static void free_held(struct embedded *e, const struct held *h, int64_t now)
{
	struct sql *s = &e->writer;

	if (h->alone && h->crashes >= CRASHES_MAX && h->messages > 0) {
		lane_bury_first(
		    e, h->lane, "the worker crashed three times while this message ran alone", h->crashes, now);
		return;
	}
	/* An expired dialog's turn has no message to bury: its dialog stays open for another while instead. */
	(void)sql_run(s,
	    "UPDATE lanes SET state=0, owner=NULL, lease=NULL, crashes=CASE WHEN alone THEN crashes ELSE 0 END, alone=1,"
	    " expire=CASE WHEN held=0 AND crashes<?3 THEN 1 ELSE 0 END, apart_to=max(apart_to, held_to), held=0,"
	    " due_at=CASE WHEN waiting>0 THEN ifnull(waiting_since, ?2) WHEN crashes<?3 THEN ?2 ELSE NULL END,"
	    " check_at=CASE WHEN held=0 AND crashes>=?3 THEN ?2+?4 ELSE check_at END"
	    " WHERE lane=?1",
	    "iiii", h->lane.number, now, (int64_t)CRASHES_MAX, e->dialog_ttl);
}

static void recover(struct embedded *e)
{
	struct sql *s = &e->writer;
	struct arena a = { 0 };
	int64_t now = clock_wall_ms();
	struct held *held;
	size_t n = find_held(s, &a, &held);

	for (size_t i = 0; i < n && s->err == ERR_OK; i++)
		free_held(e, &held[i], now);
	metric_add(METRIC_TURNS_RECOVERED, (int64_t)n);
	(void)sql_run(s, "UPDATE messages SET arrived_us=0 WHERE arrived_us<>0", ""); /* another process's clock */
	(void)sql_run(
	    s, "UPDATE outbox SET state=0, due_at=?, owner=NULL, lease=NULL, doubtful=1 WHERE state=1", "i", now);
	(void)sql_run(s, "UPDATE outbox SET arrived_us=0 WHERE arrived_us<>0", "");
	if (sql_int(s, 0, "SELECT last_at FROM intake", "") > now)
		embedded_mend_times(e, now);
	if (llabs(sql_int(s, 0, "SELECT clock_offset FROM intake", "") - (now - clock_boot_ms())) > CLOCK_STEP_MS)
		embedded_forget_offsets(s); /* another boot, or the clock was set while nobody looked */
	arena_free(&a);
}

enum err embedded_recover(struct embedded *e, struct why *why)
{
	struct sql *s = &e->writer;

	(void)sql_run(s, "BEGIN IMMEDIATE", "");
	recover(e);
	(void)sql_run(s, "COMMIT", "");
	if (s->err == ERR_OK)
		return ERR_OK;
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return why_fail(why, s->err, "cannot take up what was left in %s: %s", e->path, s->text);
}

void embedded_forget_offsets(struct sql *s)
{
	(void)sql_run(s, "UPDATE intake SET offsets=x''", "");
}

void embedded_mend_times(struct embedded *e, int64_t now)
{
	struct sql *s = &e->writer;
	const int64_t longest_wait = 75 * 60 * 1000; /* the longest retry, jitter included */

	(void)sql_run(s, "UPDATE lanes SET due_at=?1 WHERE due_at>?1+?2", "ii", now, longest_wait);
	(void)sql_run(s, "UPDATE lanes SET due_at=?1 WHERE due_at>?1 AND state=0", "i", now);
	(void)sql_run(s,
	    "UPDATE lanes SET shown_at=min(shown_at,?1), last_at=min(last_at,?1), waiting_since=min(waiting_since,?1)"
	    " WHERE shown_at>?1 OR last_at>?1 OR waiting_since>?1",
	    "i", now);
	(void)sql_run(s, "UPDATE lanes SET check_at=?1+?2 WHERE check_at>?1+?2", "ii", now, e->dialog_ttl);
	(void)sql_run(s, "UPDATE outbox SET due_at=?1 WHERE due_at>?1+?2", "ii", now, longest_wait);
	(void)sql_run(s,
	    "UPDATE messages SET arrived_at=min(arrived_at,?1), said_at=min(said_at,?1) WHERE arrived_at>?1 OR said_at>?1",
	    "i", now);
	(void)sql_run(s, "DELETE FROM rate WHERE bucket>?1/250", "i", now);
	(void)sql_run(s, "UPDATE intake SET last_at=min(last_at,?1)", "i", now);
}
