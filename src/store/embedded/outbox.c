/* outbox.c - replies: claimed by a sender with a rate slot each, and what became of them. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

struct claim {
	size_t most;
	struct store_replies *ret;
};

struct sent {
	struct store_sent *sent;
	size_t n;
};

bool outbox_has_due(struct embedded *e, int64_t now)
{
	return sql_int(&e->writer, 0, "SELECT 1 FROM outbox WHERE state=0 AND due_at<=? LIMIT 1", "i", now) != 0;
}

static int64_t count_due(struct sql *s, int64_t most, int64_t now)
{
	return sql_int(
	    s, 0, "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state=0 AND due_at<=? LIMIT ?)", "ii", now, most);
}

static struct store_reply read_reply(sqlite3_stmt *q, struct arena *a)
{
	struct store_reply r = {
		.client_id = sql_column_copy(q, 1, a),
		.text = sql_column_copy(q, 2, a),
		.transport = sql_column_copy(q, 3, a),
		.channel_id = sql_column_int(q, 4),
		.attempt = (unsigned)sql_column_int(q, 5) + 1,
		.doubtful = sql_column_int(q, 6) != 0,
		.created_ms = sql_column_int(q, 7),
		.arrived_us = sql_column_int(q, 8),
		.question = sql_column_copy(q, 9, a),
		.message_id = sql_column_copy(q, 10, a),
		.lane = sql_column_int(q, 11),
	};

	(void)slice_to_buffer(sql_column(q, 0), r.reply_id, sizeof r.reply_id);
	return r;
}

static void read_due(struct sql *s, struct claim *c, int64_t most, int64_t now)
{
	sqlite3_stmt *q = sql_query(s,
	    "SELECT reply_id, client_id, text, transport, channel_id, attempts, doubtful, created_at, arrived_us, question, message_id,"
	    " (SELECT lane FROM lanes WHERE lanes.client_id=outbox.client_id)"
	    " FROM outbox WHERE state=0 AND due_at<=? ORDER BY due_at LIMIT ?",
	    "ii", now, most);

	while (sql_row(s, q))
		c->ret->reply[c->ret->n++] = read_reply(q, &c->ret->arena);
}

static enum err run_claim(struct embedded *e, void *args)
{
	struct claim *c = args;
	struct sql *s = &e->writer;
	int64_t now = clock_wall_ms(), granted;

	arena_reset(&c->ret->arena);
	c->ret->n = 0;
	granted = rate_grant(e, count_due(s, (int64_t)c->most, now), now);
	if (granted <= 0)
		return s->err;
	c->ret->reply = arena_alloc(&c->ret->arena, (size_t)granted * sizeof *c->ret->reply);
	read_due(s, c, granted, now);
	for (size_t i = 0; i < c->ret->n; i++) {
		struct store_reply *r = &c->ret->reply[i];

		r->lease = (struct store_lease){ e->owner, ++e->leases };
		(void)sql_run(s, "UPDATE outbox SET state=1, due_at=?, owner=?, lease=? WHERE reply_id=?", "iiit",
		    now + e->claim_lease, (int64_t)r->lease.owner, (int64_t)r->lease.counter, slice_of(r->reply_id));
	}
	return s->err;
}

static bool found_replies(const void *args)
{
	return ((const struct claim *)args)->ret->n > 0;
}

enum err embedded_claim(struct store *store, size_t most, int64_t wait_ms, struct store_replies *ret)
{
	struct claim claim = { .most = most, .ret = ret };
	enum err err;

	ret->n = 0;
	err = writer_wait(embedded_of(store), run_claim, found_replies, JOB_BEHIND_DURABLE, &claim, wait_ms);
	if (err != ERR_OK)
		ret->n = 0;
	return err;
}

/* Takes the claimed reply out of the outbox; false when another holds it. */
static bool take_out(struct sql *s, const struct store_reply *r)
{
	return sql_run(s, "DELETE FROM outbox WHERE reply_id=? AND state=1 AND owner=? AND lease=?", "tii",
		   slice_of(r->reply_id), (int64_t)r->lease.owner, (int64_t)r->lease.counter) > 0;
}

/* The lane, speaking this reply, stops; the question it has open counts as shown from the accepted POST on. */
static void free_lane(struct embedded *e, const struct store_sent *sent, int64_t now)
{
	const struct store_reply *r = sent->reply;
	bool shown = sent->how == STORE_SENT_ACCEPTED && r->question.n > 0;
	int64_t shown_at = sent->posted_ms < now ? sent->posted_ms : now; /* the clock may have been set back since */

	(void)sql_run(&e->writer,
	    "UPDATE lanes SET state=0, due_at=CASE WHEN waiting>0 THEN ?2 ELSE NULL END,"
	    " shown_at=CASE WHEN ?3 AND (SELECT question=?4 FROM dialogs WHERE lane=?1) THEN ifnull(shown_at, ?5) ELSE shown_at END"
	    " WHERE lane=?1 AND state=2",
	    "iiiti", r->lane, now, (int64_t)shown, r->question, shown_at);
	lane_settle(e, (struct lane){ r->lane, r->client_id }, now);
}

static void bury_reply(struct sql *s, const struct store_sent *sent, int64_t now)
{
	const struct store_reply *r = sent->reply;

	(void)sql_run(s,
	    "INSERT INTO dead_letters(kind, client_id, ref, dialog_id, text, reason, attempts, transport, channel_id, created_at,"
	    " died_at, question, doubtful) SELECT 2, client_id, reply_id, dialog_id, text, ?1, attempts+1, transport, channel_id,"
	    " created_at, ?2, question, max(doubtful,?6) FROM outbox WHERE reply_id=?3 AND state=1 AND owner=?4 AND lease=?5",
	    "titiii", slice_cut(slice_of(sent->reason), STORE_REASON_MAX), now, slice_of(r->reply_id),
	    (int64_t)r->lease.owner, (int64_t)r->lease.counter, (int64_t)sent->doubtful);
}

static enum err end_reply(struct embedded *e, struct store_sent *sent, int64_t now)
{
	bool held;

	if (sent->how == STORE_SENT_DEAD)
		bury_reply(&e->writer, sent, now);
	held = take_out(&e->writer, sent->reply);
	if (held)
		free_lane(e, sent, now);
	return held ? ERR_OK : ERR_STALE_LEASE;
}

/* One given back without a delay is due a millisecond later than all that are due now: behind them. */
static enum err put_back(struct embedded *e, const struct store_sent *sent, int64_t now)
{
	const struct store_reply *r = sent->reply;
	int64_t due = now + (sent->delay_ms > 0 ? sent->delay_ms : 1);
	int64_t changed = sql_run(&e->writer,
	    "UPDATE outbox SET state=0, due_at=?1, attempts=attempts+?2, doubtful=max(doubtful,?3), owner=NULL, lease=NULL"
	    " WHERE reply_id=?4 AND state=1 AND owner=?5 AND lease=?6",
	    "iiitii", due, (int64_t)(sent->how == STORE_SENT_RETRY), (int64_t)sent->doubtful, slice_of(r->reply_id),
	    (int64_t)r->lease.owner, (int64_t)r->lease.counter);

	if (changed > 0 && sent->how == STORE_SENT_BACK && sent->unused)
		rate_return(e);
	return changed > 0 ? ERR_OK : ERR_STALE_LEASE;
}

static enum err run_sent(struct embedded *e, void *args)
{
	struct sent *all = args;
	int64_t now = clock_wall_ms();

	for (size_t i = 0; i < all->n && e->writer.err == ERR_OK; i++) {
		struct store_sent *one = &all->sent[i];
		bool ends = one->how == STORE_SENT_ACCEPTED || one->how == STORE_SENT_DEAD;

		one->err = ends ? end_reply(e, one, now) : put_back(e, one, now);
	}
	return e->writer.err;
}

enum err embedded_sent(struct store *store, struct store_sent *sent, size_t n)
{
	struct sent all = { sent, n };
	struct job job = { .run = run_sent, .args = &all };

	return writer_do(embedded_of(store), &job);
}
