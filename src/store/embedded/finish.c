/* finish.c - a turn's result becomes true: state, reply, order, logs, outcomes, messages done, lane moved on.
 *
 * The first statement moves the lane on only if this very lease still holds it; where it does not, nothing
 * of the result happens. */
#include "base/buf.h"
#include "base/clock.h"
#include "store/embedded/embedded.h"

struct finish {
	struct store_result *results;
	size_t n, claim_most;
	struct store_replies *claimed; /* NULL: nothing is claimed */
	int64_t granted;               /* rate slots not yet used */
};

static void state_of_lane(struct sql *s, const struct store_result *r, int64_t now)
{
	const struct store_turn *t = r->turn;
	bool same_question = r->question.n > 0 && slice_eq(r->question, t->asked);
	bool same_dialog = slice_eq(r->dialog_id, t->dialog_id);

	(void)sql_run(s,
	    "UPDATE lanes SET state=CASE WHEN ?1 THEN 2 ELSE 0 END, due_at=CASE WHEN ?1 OR waiting<=held THEN NULL ELSE ?2 END,"
	    " waiting=waiting-held, " LANE_GOES_ON("CASE WHEN held=0 THEN first ELSE " LANE_NEXT_OF("held_to") " END",
		"waiting<=held") ", held=0, owner=NULL, lease=NULL, attempts=0, crashes=0,"
				 " alone=CASE WHEN held>0 AND apart_to>held_to THEN alone ELSE 0 END,"
				 " shown_at=CASE WHEN ?3 THEN shown_at ELSE NULL END,"
				 " order_id=CASE WHEN ?4 THEN order_id ELSE NULL END,"
				 " open=?5, last_at=?2 WHERE lane=?6 AND state=1 AND owner=?7 AND lease=?8",
	    "iiiiiiii", (int64_t)(r->reply.n > 0), now, (int64_t)same_question, (int64_t)same_dialog,
	    (int64_t)(r->dialog.n > 0), t->lane, (int64_t)t->lease.owner, (int64_t)t->lease.counter);
}

static void write_dialog(struct sql *s, const struct store_result *r)
{
	const struct store_turn *t = r->turn;

	(void)sql_run(s,
	    "UPDATE dialogs SET reply_id=?, dialog=?, dialog_id=?, question=?, last_event_at=? WHERE lane=?", "ttttii",
	    slice_of(t->turn_id), r->dialog, r->dialog_id, r->question, r->last_event_ms, t->lane);
}

/* The lane of a dialog that was closed for its silence goes with the keeper's next round. */
static void check_soon(struct sql *s, const struct store_turn *t, int64_t now)
{
	(void)sql_run(s, "UPDATE lanes SET check_at=? WHERE lane=?", "ii", now, t->lane);
}

static void write_logs(struct sql *s, const struct store_result *r, struct slice now_text)
{
	for (size_t i = 0; i < r->turn->n_messages; i++) {
		const struct store_message *m = &r->turn->messages[i];
		const struct store_log *log = &r->logs[i];

		(void)sql_run(s,
		    "INSERT INTO message_logs(client_id, message_id, text, dialog_state, timestamp, success, error_reason, created_at)"
		    " VALUES(?,?,?,?,?,?,nullif(?,''),?) ON CONFLICT(message_id) DO UPDATE SET text=excluded.text,"
		    " dialog_state=excluded.dialog_state, success=excluded.success, error_reason=excluded.error_reason",
		    "ttttiitt", m->client_id, m->message_id, m->text, slice_of(log->dialog_state),
		    m->event_ms != 0 ? m->event_ms : m->arrived_ms, (int64_t)log->success,
		    slice_cut(slice_of(log->reason), STORE_REASON_MAX), now_text);
	}
}

static void delete_messages(struct sql *s, const struct store_turn *t)
{
	for (size_t i = 0; i < t->n_messages; i++)
		lane_remove(s, t->messages[i].place);
}

/* Once for a dialog, whatever happens: the second insert finds the first one's row. */
static void place_order(struct sql *s, struct store_result *r, struct slice now_text)
{
	const struct store_order_new *o = r->order;

	(void)sql_run(s,
	    "INSERT INTO orders(client_phone, delivery_address, quantity, chat2desk_client_id, created_at, updated_at, dialog_id, fields)"
	    " VALUES(?1,?2,?3,?4,?5,?5,?6,?7) ON CONFLICT(dialog_id) DO NOTHING",
	    "ttitttt", o->phone, o->address, o->quantity, r->turn->client_id, now_text, o->dialog_id, o->fields);
	r->order_number = sql_int(s, 0, "SELECT id FROM orders WHERE dialog_id=?", "t", o->dialog_id);
	if (slice_eq(r->dialog_id, o->dialog_id))
		(void)sql_run(s, "UPDATE lanes SET order_id=? WHERE lane=?", "ii", r->order_number, r->turn->lane);
}

static void write_outcomes(struct sql *s, const struct store_result *r, struct slice now_text)
{
	for (size_t i = 0; i < r->n_outcomes; i++) {
		const struct store_outcome *o = &r->outcomes[i];

		(void)sql_run(s,
		    "INSERT INTO dialog_outcomes(client_id, completed, dropoff_state, total_messages, duration_seconds, created_at,"
		    " dialog_id) VALUES(?,?,nullif(?,''),?,?,?,?) ON CONFLICT(dialog_id) DO NOTHING",
		    "titiitt", r->turn->client_id, (int64_t)o->completed, o->dropoff_state, o->total_messages,
		    o->duration_s, now_text, o->dialog_id);
	}
}

static void write_profile(struct sql *s, const struct store_result *r, int64_t now)
{
	if (r->profile.p != NULL)
		(void)sql_run(s,
		    "INSERT INTO profiles(client_id, profile, updated_at) VALUES(?1,?2,?3)"
		    " ON CONFLICT(client_id) DO UPDATE SET profile=excluded.profile, updated_at=excluded.updated_at",
		    "tti", r->turn->client_id, r->profile, now);
}

/* The reply's text with the order's number in its places. */
static struct slice text_with_number(const struct store_result *r, struct buf *out)
{
	if (r->order == NULL || memchr(r->reply.p, STORE_ORDER_MARK, r->reply.n) == NULL)
		return r->reply;
	for (size_t i = 0; i < r->reply.n; i++) {
		if (r->reply.p[i] == STORE_ORDER_MARK)
			buf_int(out, r->order_number);
		else
			buf_char(out, r->reply.p[i]);
	}
	return buf_as_slice(out);
}

static struct slice newest_message(const struct store_turn *t)
{
	return t->n_messages > 0 ? t->messages[t->n_messages - 1].message_id : SLICE("");
}

static void hand_over(
    struct finish *f, const struct store_result *r, struct store_lease lease, struct slice text, int64_t now)
{
	struct arena *a = &f->claimed->arena;
	struct store_reply *reply = &f->claimed->reply[f->claimed->n++];

	*reply = (struct store_reply){
		.lease = lease,
		.client_id = slice_copy(a, r->turn->client_id),
		.lane = r->turn->lane,
		.text = slice_copy(a, text),
		.transport = slice_copy(a, r->reply_transport),
		.channel_id = r->reply_channel_id,
		.attempt = 1,
		.created_ms = now,
		.arrived_us = r->turn->oldest_arrived_us,
		.question = slice_copy(a, r->question),
		.message_id = slice_copy(a, newest_message(r->turn)),
	};
	memcpy(reply->reply_id, r->turn->turn_id, sizeof reply->reply_id);
}

static void write_reply(struct embedded *e, struct finish *f, const struct store_result *r, int64_t now)
{
	bool claim = f->granted > 0 && f->claimed->n < f->claim_most;
	struct store_lease lease = { 0 };
	struct buf numbered = { 0 };
	struct slice text;

	if (r->reply.n == 0)
		return;
	if (claim)
		lease = (struct store_lease){ e->owner, ++e->leases };
	text = text_with_number(r, &numbered);
	(void)sql_run(&e->writer,
	    "INSERT INTO outbox(reply_id, client_id, state, due_at, owner, lease, text, transport, channel_id, dialog_id, question,"
	    " created_at, arrived_us, message_id) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    "ttiinnttittiit", slice_of(r->turn->turn_id), r->turn->client_id,
	    (int64_t)(claim ? OUTBOX_CLAIMED : OUTBOX_WAITING), claim ? now + e->claim_lease : now,
	    (int64_t)lease.owner, (int64_t)lease.counter, text, r->reply_transport, r->reply_channel_id, r->dialog_id,
	    r->question, now, r->turn->oldest_arrived_us, newest_message(r->turn));
	if (claim && e->writer.err == ERR_OK) {
		hand_over(f, r, lease, text, now);
		f->granted--;
	}
	buf_free(&numbered);
}

static void finish_one(struct embedded *e, struct finish *f, struct store_result *r, int64_t now, struct slice now_text)
{
	struct sql *s = &e->writer;

	r->order_number = 0;
	state_of_lane(s, r, now);
	if (s->err == ERR_OK && sqlite3_changes(s->db) == 0) {
		r->err = ERR_STALE_LEASE;
		return;
	}
	write_dialog(s, r);
	if (r->turn->expired)
		check_soon(s, r->turn, now);
	if (r->order != NULL)
		place_order(s, r, now_text);
	write_outcomes(s, r, now_text);
	delete_messages(s, r->turn);
	write_logs(s, r, now_text); /* into the space that the messages left */
	write_profile(s, r, now);
	write_reply(e, f, r, now);
	if (r->reply.n == 0)
		lane_settle(e, (struct lane){ r->turn->lane, r->turn->client_id }, now);
}

static int64_t replies_in(const struct finish *f)
{
	int64_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->results[i].reply.n > 0;
	return n < (int64_t)f->claim_most ? n : (int64_t)f->claim_most;
}

/* New replies go straight to this process's sender, unless older ones wait for a rate slot. */
static void begin_claims(struct embedded *e, struct finish *f, int64_t now)
{
	f->granted = 0;
	if (f->claimed == NULL)
		return;
	arena_reset(&f->claimed->arena);
	f->claimed->reply = arena_alloc(&f->claimed->arena, f->n * sizeof *f->claimed->reply);
	f->claimed->n = 0;
	if (!outbox_has_due(e, now))
		f->granted = rate_grant(e, replies_in(f), now);
}

static enum err run_finish(struct embedded *e, void *args)
{
	struct finish *f = args;
	int64_t now = clock_wall_ms();
	char text[CLOCK_TEXT_SIZE];
	struct slice now_text = slice_of(clock_format(now, text));

	begin_claims(e, f, now);
	for (size_t i = 0; i < f->n && e->writer.err == ERR_OK; i++) {
		size_t claimed = f->claimed != NULL ? f->claimed->n : 0;

		f->results[i].err = ERR_OK;
		savepoint_begin(e);
		finish_one(e, f, &f->results[i], now, now_text);
		if (savepoint_end(e) == ERR_FAILED && e->careful) {
			f->results[i].err = ERR_FAILED;
			if (f->claimed != NULL)
				f->claimed->n = claimed;
		}
		if (f->results[i].err == ERR_OK && e->writer.err == ERR_OK)
			e->held--;
	}
	for (; f->granted > 0; f->granted--)
		rate_return(e);
	return e->writer.err;
}

enum err embedded_finish(
    struct store *store, struct store_result *results, size_t n, size_t claim_most, struct store_replies *claimed)
{
	struct finish f = { .results = results, .n = n, .claim_most = claim_most, .claimed = claimed };
	struct job job = { .run = run_finish, .args = &f, .safety = JOB_DURABLE };
	enum err err = writer_do(embedded_of(store), &job);

	if (err != ERR_OK && claimed != NULL)
		claimed->n = 0;
	return err;
}
