/* counts.c - how much waits where. Only what is alive is looked at, on a reader's connection. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

enum { COUNT_QUICK_US = 20000, COUNT_SHARE = 50 };

static void count_lanes(struct sql *s, struct store_counts *c)
{
	int64_t *const lanes[] = { [LANE_IN_TURN] = &c->lanes_in_turn,
		[LANE_SPEAKING] = &c->lanes_speaking,
		[LANE_BACKING_OFF] = &c->lanes_backing_off };
	sqlite3_stmt *q = sql_query(s,
	    "SELECT state, count(*), sum(waiting), sum(held), sum(open AND order_id IS NULL) FROM lanes GROUP BY state",
	    "");

	while (sql_row(s, q)) {
		int64_t state = sql_column_int(q, 0), waiting = sql_column_int(q, 2), held = sql_column_int(q, 3);

		if (state == LANE_FREE)
			c->waiting += waiting;
		else
			c->in_lanes += waiting - held;
		if (state > LANE_FREE && state <= LANE_BACKING_OFF)
			*lanes[state] = sql_column_int(q, 1);
		c->active += held;
		c->dialogs_open += sql_column_int(q, 4);
	}
}

/* What has not entered its lane yet, as if it had. */
static void count_arrived(struct sql *s, struct store_counts *c, int64_t *oldest)
{
	sqlite3_stmt *q = sql_query(s,
	    "SELECT ifnull(state,0), count(*), min(arrived_at) FROM messages LEFT JOIN lanes USING(client_id)"
	    " WHERE seq>=(SELECT entered FROM intake) GROUP BY 1",
	    "");

	while (sql_row(s, q)) {
		*(sql_column_int(q, 0) == LANE_FREE ? &c->waiting : &c->in_lanes) += sql_column_int(q, 1);
		if (sql_column_int(q, 2) < *oldest)
			*oldest = sql_column_int(q, 2);
	}
}

static void count_outbox(struct sql *s, struct store_counts *c, int64_t now)
{
	sqlite3_stmt *q = sql_query(s, "SELECT state, count(*), min(created_at) FROM outbox GROUP BY state", "");

	while (sql_row(s, q)) {
		int64_t age = now - sql_column_int(q, 2);

		*(sql_column_int(q, 0) == OUTBOX_CLAIMED ? &c->replies_claimed : &c->replies_waiting) += sql_column_int(
		    q, 1);
		if (age > c->oldest_reply_ms)
			c->oldest_reply_ms = age;
	}
}

static void count_all(struct sql *s, struct store_counts *ret)
{
	int64_t now = clock_wall_ms(), oldest;

	*ret = (struct store_counts){ 0 };
	(void)sql_run(s, "BEGIN", "");
	count_lanes(s, ret);
	count_outbox(s, ret, now);
	ret->dead_messages = sql_int(s, 0, "SELECT count(*) FROM dead_letters WHERE kind=1", "");
	ret->dead_replies = sql_int(s, 0, "SELECT count(*) FROM dead_letters WHERE kind=2", "");
	oldest = sql_int(s, now,
	    "SELECT min(CASE WHEN held=0 THEN waiting_since ELSE (SELECT arrived_at FROM messages"
	    " WHERE seq=" LANE_NEXT_OF("held_to") ") END) FROM lanes WHERE waiting>held",
	    "");
	count_arrived(s, ret, &oldest);
	ret->oldest_waiting_ms = now > oldest ? now - oldest : 0;
	(void)sql_run(s, "COMMIT", "");
	if (sqlite3_get_autocommit(s->db) == 0)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Counting may take a fiftieth of the time: where so much is alive that it takes long, the last answer serves a while. */
static bool last_count_serves(const struct embedded *e)
{
	return e->counting_took_us > COUNT_QUICK_US &&
	       clock_mono_us() - e->counted_us < COUNT_SHARE * e->counting_took_us;
}

enum err embedded_counts(struct store *store, struct store_counts *ret)
{
	struct embedded *e = embedded_of(store);
	int64_t began = clock_mono_us();
	enum err err;

	(void)pthread_mutex_lock(&e->read_lock);
	sql_clear(&e->reader);
	if (!last_count_serves(e)) {
		count_all(&e->reader, &e->counted);
		e->counted_us = clock_mono_us();
		e->counting_took_us = e->counted_us - began;
	}
	*ret = e->counted;
	err = embedded_failed(e, &e->reader, e->reader.err, store_why());
	(void)pthread_mutex_unlock(&e->read_lock);
	return err;
}
