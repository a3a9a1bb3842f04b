/* finish.c - PostgreSQL's half of a finish, which decides: docs/store-protocol.md, 5.1 and 5.2.
 *
 * The client's row moves on from the version that the turn was taken on, or from an older one (a PostgreSQL restored from a
 * backup stands behind Redis and must stop nobody for ever); all else hangs on the row naming the turn. One element a turn or a
 * message in arrays, so that the cost of a statement is paid once a batch; ORDER BY is the order of the row locks, so
 * two batches can't deadlock. */
#include "base/crash.h"
#include "store/shared/pg/rows.h"

/* Moves the rows, and logs the messages of those that moved; gives the turns moved (with how far the row was behind)
 * and the messages that were applied before, whose turns are left alone. */
static const struct pg_statement move_and_log = { "f1",
	"WITH dup AS MATERIALIZED (SELECT message_id FROM message_logs WHERE message_id = ANY($15) AND version > 0),"
	" blocked AS (SELECT DISTINCT m.turn FROM unnest($13, $15) m(turn, id) JOIN dup ON dup.message_id = m.id),"
	" moved AS ("
	"  INSERT INTO c2o_clients AS c (client_id, version, turn_id, covers, dialog, dialog_id, question, last_event, order_id,"
	"   reply, reply_meta, profile, placed, behind, updated_at)"
	"  SELECT t.client, t.base + 1, t.turn, t.covers, t.dialog, t.did, t.q, t.ev, t.ord, t.reply, t.meta, t.profile, NULL,"
	"   t.base, now()"
	"  FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	"   AS t(client, base, turn, covers, dialog, did, q, ev, ord, reply, meta, profile)"
	"  WHERE NOT EXISTS (SELECT FROM blocked b WHERE b.turn = t.turn) ORDER BY t.client"
	"  ON CONFLICT (client_id) DO UPDATE SET version = excluded.version, turn_id = excluded.turn_id,"
	"   covers = excluded.covers, dialog = excluded.dialog, dialog_id = excluded.dialog_id, question = excluded.question,"
	"   last_event = excluded.last_event, order_id = excluded.order_id, placed = NULL, reply = excluded.reply,"
	"   reply_meta = excluded.reply_meta, profile = coalesce(excluded.profile, c.profile),"
	"   behind = excluded.version - 1 - c.version, updated_at = excluded.updated_at"
	"  WHERE c.version <= excluded.version - 1 RETURNING turn_id, behind),"
	" logged AS ("
	"  INSERT INTO message_logs AS l (client_id, message_id, text, dialog_state, timestamp, success, error_reason, version,"
	"   created_at)"
	"  SELECT m.client, m.id, m.text, m.state, m.ts, m.ok, m.reason, m.version, now()"
	"  FROM unnest($13, $14, $15, $16, $17, $18, $19, $20, $21)"
	"   AS m(turn, client, id, text, state, ts, ok, reason, version)"
	"  JOIN moved ON moved.turn_id = m.turn ORDER BY m.id"
	"  ON CONFLICT (message_id) DO UPDATE SET text = excluded.text, dialog_state = excluded.dialog_state,"
	"   success = excluded.success, error_reason = excluded.error_reason, version = excluded.version WHERE l.version = 0)"
	" SELECT true, turn_id, behind FROM moved UNION ALL SELECT false, message_id, 0 FROM dup" };

/* Once for a dialog, whatever happens. A statement of its own, since one does not see what its own CTEs wrote. */
static const struct pg_statement place_orders = { "f2",
	"INSERT INTO orders(client_phone, delivery_address, quantity, chat2desk_client_id, dialog_id, fields, created_at, updated_at)"
	" SELECT o.phone, o.address, o.quantity::int, o.client, o.did, o.fields, now(), now()"
	" FROM unnest($1, $2, $3, $4, $5, $6, $7) AS o(turn, client, phone, address, quantity, did, fields)"
	" JOIN c2o_clients c ON c.client_id = o.client AND c.turn_id = o.turn ORDER BY o.did"
	" ON CONFLICT (dialog_id) DO NOTHING" };

/* The number, also where another turn of this dialog had placed the order. */
static const struct pg_statement note_orders = { "f3",
	"UPDATE c2o_clients c SET placed = o.id, order_id = CASE WHEN c.dialog_id = n.did THEN o.id ELSE c.order_id END"
	" FROM unnest($1, $2, $3) AS n(turn, client, did) JOIN orders o ON o.dialog_id = n.did"
	" WHERE c.client_id = n.client AND c.turn_id = n.turn RETURNING c.turn_id, o.id" };

static const struct pg_statement write_outcomes = { "f4",
	"INSERT INTO dialog_outcomes(client_id, completed, dropoff_state, total_messages, duration_seconds, dialog_id, created_at)"
	" SELECT o.client, o.completed, o.state, o.messages::int, o.seconds::int, o.did, now()"
	" FROM unnest($1, $2, $3, $4, $5, $6, $7) AS o(turn, client, completed, state, messages, seconds, did)"
	" JOIN c2o_clients c ON c.client_id = o.client AND c.turn_id = o.turn ORDER BY o.did"
	" ON CONFLICT (dialog_id) DO NOTHING" };

/* The columns of F1's arrays, in the order of its numbers. */
enum column {
	T_CLIENT,
	T_BASE,
	T_TURN,
	T_COVERS,
	T_DIALOG,
	T_DIALOG_ID,
	T_QUESTION,
	T_EVENT,
	T_ORDER,
	T_REPLY,
	T_META,
	T_PROFILE,
	M_TURN,
	M_CLIENT,
	M_ID,
	M_TEXT,
	M_STATE,
	M_TIME,
	M_OK,
	M_REASON,
	M_VERSION,
	N_COLUMNS
};

static const enum pg_type types_of_move[N_COLUMNS] = { [T_CLIENT] = PG_TEXT,
	[T_BASE] = PG_INT8,
	[T_TURN] = PG_TEXT,
	[T_COVERS] = PG_TEXT,
	[T_DIALOG] = PG_TEXT,
	[T_DIALOG_ID] = PG_TEXT,
	[T_QUESTION] = PG_TEXT,
	[T_EVENT] = PG_INT8,
	[T_ORDER] = PG_INT8,
	[T_REPLY] = PG_TEXT,
	[T_META] = PG_TEXT,
	[T_PROFILE] = PG_TEXT,
	[M_TURN] = PG_TEXT,
	[M_CLIENT] = PG_TEXT,
	[M_ID] = PG_TEXT,
	[M_TEXT] = PG_TEXT,
	[M_STATE] = PG_TEXT,
	[M_TIME] = PG_INT8,
	[M_OK] = PG_BOOL,
	[M_REASON] = PG_TEXT,
	[M_VERSION] = PG_INT8 };
static const enum pg_type types_of_orders[] = { PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT, PG_TEXT };
static const enum pg_type types_of_notes[] = { PG_TEXT, PG_TEXT, PG_TEXT };
static const enum pg_type types_of_outcomes[] = { PG_TEXT, PG_TEXT, PG_BOOL, PG_TEXT, PG_INT8, PG_INT8, PG_TEXT };

struct batch {
	struct pg_params move, orders, notes, outcomes;
	bool has_orders, has_outcomes;
};

static void arrays(struct pg_params *p, const enum pg_type *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pg_param_array(p, types[i]);
}

/* Columns are NOT NULL: what is not there is empty. */
static struct slice text_of(struct slice text)
{
	return text.p != NULL ? text : SLICE("");
}

static void add_message(struct pg_params *p, const struct pg_turn *t, size_t i)
{
	const struct store_message *m = &t->result->turn->messages[i];
	const struct store_log *log = &t->result->logs[i];

	pg_add_text(p, M_TURN, t->turn_id);
	pg_add_text(p, M_CLIENT, m->client_id);
	pg_add_text(p, M_ID, m->message_id);
	pg_add_text(p, M_TEXT, text_of(m->text));
	pg_add_text(p, M_STATE, slice_of(log->dialog_state));
	pg_add_int(p, M_TIME, m->event_ms != 0 ? m->event_ms : m->arrived_ms);
	pg_add_bool(p, M_OK, log->success);
	pg_add_text(p, M_REASON, slice_cut(slice_of(log->reason), STORE_REASON_MAX));
	pg_add_int(p, M_VERSION, t->base + 1);
}

static void add_turn(struct pg_params *p, const struct pg_turn *t)
{
	const struct store_result *r = t->result;

	pg_add_text(p, T_CLIENT, r->turn->client_id);
	pg_add_int(p, T_BASE, t->base);
	pg_add_text(p, T_TURN, t->turn_id);
	pg_add_text(p, T_COVERS, text_of(t->covers));
	pg_add_text(p, T_DIALOG, text_of(r->dialog));
	pg_add_text(p, T_DIALOG_ID, text_of(r->dialog_id));
	pg_add_text(p, T_QUESTION, text_of(t->question));
	pg_add_int(p, T_EVENT, r->last_event_ms);
	if (t->order_id != 0)
		pg_add_int(p, T_ORDER, t->order_id);
	else
		pg_add_null(p, T_ORDER);
	pg_add_text(p, T_REPLY, r->reply.n > 0 ? r->reply : SLICE_NONE);
	pg_add_text(p, T_META, text_of(t->reply_meta));
	pg_add_text(p, T_PROFILE, r->profile);
	for (size_t i = 0; i < r->turn->n_messages; i++)
		add_message(p, t, i);
}

static void add_order(struct batch *b, const struct pg_turn *t)
{
	const struct store_order_new *o = t->result->order;
	struct slice client_id = t->result->turn->client_id;

	b->has_orders = true;
	pg_add_text(&b->orders, 0, t->turn_id);
	pg_add_text(&b->orders, 1, client_id);
	pg_add_text(&b->orders, 2, text_of(o->phone));
	pg_add_text(&b->orders, 3, text_of(o->address));
	pg_add_int(&b->orders, 4, o->quantity);
	pg_add_text(&b->orders, 5, text_of(o->dialog_id));
	pg_add_text(&b->orders, 6, text_of(o->fields));
	pg_add_text(&b->notes, 0, t->turn_id);
	pg_add_text(&b->notes, 1, client_id);
	pg_add_text(&b->notes, 2, text_of(o->dialog_id));
}

static void add_outcome(struct batch *b, const struct pg_turn *t, const struct store_outcome *o)
{
	struct pg_params *p = &b->outcomes;

	b->has_outcomes = true;
	pg_add_text(p, 0, t->turn_id);
	pg_add_text(p, 1, t->result->turn->client_id);
	pg_add_bool(p, 2, o->completed);
	pg_add_text(p, 3, o->dropoff_state.n > 0 ? o->dropoff_state : SLICE_NONE);
	pg_add_int(p, 4, o->total_messages);
	pg_add_int(p, 5, o->duration_s);
	pg_add_text(p, 6, text_of(o->dialog_id));
}

static void gather(struct batch *b, const struct pg_turn *turns, size_t n)
{
	*b = (struct batch){ 0 };
	arrays(&b->move, types_of_move, COUNT_OF(types_of_move));
	arrays(&b->orders, types_of_orders, COUNT_OF(types_of_orders));
	arrays(&b->notes, types_of_notes, COUNT_OF(types_of_notes));
	arrays(&b->outcomes, types_of_outcomes, COUNT_OF(types_of_outcomes));
	for (size_t i = 0; i < n; i++) {
		add_turn(&b->move, &turns[i]);
		if (turns[i].result->order != NULL)
			add_order(b, &turns[i]);
		for (size_t k = 0; k < turns[i].result->n_outcomes; k++)
			add_outcome(b, &turns[i], &turns[i].result->outcomes[k]);
	}
}

static void batch_free(struct batch *b)
{
	pg_params_free(&b->move);
	pg_params_free(&b->orders);
	pg_params_free(&b->notes);
	pg_params_free(&b->outcomes);
}

/* ---- answers ---- */

static struct pg_turn *find(struct pg_turn *turns, size_t n, struct slice turn_id)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(turns[i].turn_id, turn_id))
			return &turns[i];
	return NULL;
}

static bool is_clean_form(struct slice text, struct slice from_postgres)
{
	struct buf room = { 0 };
	bool same = slice_eq(text, from_postgres) || slice_eq(pg_clean(text, &room), from_postgres);

	buf_free(&room);
	return same;
}

static void note_dup(struct pg_turn *turns, size_t n, struct slice message_id, struct arena *a)
{
	for (size_t i = 0; i < n; i++) {
		const struct store_turn *turn = turns[i].result->turn;

		for (size_t k = 0; k < turn->n_messages; k++) {
			if (!is_clean_form(turn->messages[k].message_id, message_id))
				continue;
			if (turns[i].dups == NULL)
				turns[i].dups = arena_alloc(a, turn->n_messages * sizeof *turns[i].dups);
			turns[i].dups[turns[i].n_dups++] = turn->messages[k].message_id;
		}
	}
}

/* Until another answer says what it is, a turn is ahead: moved sets it first. */
static void read_moved(const PGresult *r, struct pg_turn *turns, size_t n, struct arena *a)
{
	for (int row = 0; row < PQntuples(r); row++) {
		struct pg_turn *t;

		if (!pg_value_bool(r, row, 0)) {
			note_dup(turns, n, pg_value(r, row, 1), a);
		} else if ((t = find(turns, n, pg_value(r, row, 1))) != NULL) {
			t->moved = PG_MOVED;
			t->was_behind = pg_value_int(r, row, 2) > 0;
		}
	}
}

static void read_numbers(const PGresult *r, struct pg_turn *turns, size_t n)
{
	for (int row = 0; row < PQntuples(r); row++) {
		struct pg_turn *t = find(turns, n, pg_value(r, row, 0));

		if (t != NULL)
			t->placed = pg_value_int(r, row, 1);
	}
}

/* Why was it not moved? */
static enum err judge(struct pg_turn *t, struct why *why)
{
	if (t->row.version > 0 && slice_eq(t->row.turn_id, t->turn_id)) {
		t->moved = PG_MINE;
		t->placed = t->row.placed;
	} else if (t->row.version > t->base) {
		t->moved = PG_AHEAD;
	} else if (t->n_dups > 0) {
		t->moved = PG_DUPS;
	} else {
		return why_fail(why, ERR_AGAIN, "PostgreSQL: a client's row changed meanwhile");
	}
	return ERR_OK;
}

/* The rows of the turns that were not moved. */
static enum err ask_why_not(
    struct shared *s, struct pg *pg, struct pg_turn *turns, size_t n, struct arena *a, struct why *why)
{
	struct slice clients[SHARED_BATCH_MOST];
	struct client_row rows[SHARED_BATCH_MOST];
	size_t left[SHARED_BATCH_MOST], n_left = 0, at;
	struct pg_flush f;
	enum err err;

	for (size_t i = 0; i < n; i++) {
		if (turns[i].moved == PG_MOVED)
			continue;
		left[n_left] = i;
		clients[n_left++] = turns[i].result->turn->client_id;
	}
	if (n_left == 0)
		return ERR_OK;
	pg_flush_begin(&f, pg, pg_timeout_ms(s));
	at = pg_add_rows(&f, clients, n_left);
	err = pg_flush_run(&f, why);
	if (err == ERR_OK)
		pg_read_rows(pg_flush_result(&f, at), a, rows, n_left);
	pg_flush_end(&f);
	for (size_t i = 0; i < n_left && err == ERR_OK; i++) {
		turns[left[i]].row = rows[i];
		err = judge(&turns[left[i]], why);
	}
	return err;
}

/* ---- one transaction ---- */

/* The sync before the commit lets the server give up a transaction whose process was stopped inside it. */
static enum err transact(struct shared *s, struct pg *pg, const struct batch *b, struct pg_turn *turns, size_t n,
    struct arena *a, enum pg_fault *ret_fault, struct why *why)
{
	struct pg_flush f;
	size_t moved, numbers = 0;
	enum err err;

	pg_flush_begin(&f, pg, pg_timeout_ms(s));
	(void)pg_flush_add(&f, &pg_begin, NULL);
	moved = pg_flush_add(&f, &move_and_log, &b->move);
	if (b->has_orders) {
		(void)pg_flush_add(&f, &place_orders, &b->orders);
		numbers = pg_flush_add(&f, &note_orders, &b->notes);
	}
	if (b->has_outcomes)
		(void)pg_flush_add(&f, &write_outcomes, &b->outcomes);
	pg_flush_sync(&f);
	crash_point("pg_sent");
	(void)pg_flush_add(&f, &pg_commit, NULL);
	err = pg_flush_run(&f, why);
	*ret_fault = pg_fault_of(f.sqlstate);
	if (err == ERR_OK) {
		read_moved(pg_flush_result(&f, moved), turns, n, a);
		if (b->has_orders)
			read_numbers(pg_flush_result(&f, numbers), turns, n);
	}
	pg_flush_end(&f);
	return err;
}

static enum err run(struct shared *s, struct pg *pg, struct pg_turn *turns, size_t n, struct arena *a,
    enum pg_fault *ret_fault, struct why *why)
{
	struct batch b;
	enum err err;

	for (size_t i = 0; i < n; i++) {
		turns[i].moved = PG_AHEAD;
		turns[i].placed = 0;
		turns[i].was_behind = false;
		turns[i].row = (struct client_row){ 0 };
		turns[i].dups = NULL;
		turns[i].n_dups = 0;
	}
	gather(&b, turns, n);
	err = transact(s, pg, &b, turns, n, a, ret_fault, why);
	if (err != ERR_OK && *ret_fault == PG_FAULT_CONTENTION && !pg->broken)
		err = transact(s, pg, &b, turns, n, a, ret_fault, why);
	batch_free(&b);
	return err == ERR_OK ? ask_why_not(s, pg, turns, n, a, why) : err;
}

/* ---- a batch that failed by its data: one by one ---- */

/* An error that nobody knows is the turn's own if the same statements go through without it. */
static bool is_its_own(struct shared *s, struct pg *pg, const struct pg_turn *t, struct arena *a)
{
	enum pg_fault fault;
	struct batch b;
	enum err err;

	gather(&b, NULL, 0);
	b.has_orders = t->result->order != NULL;
	b.has_outcomes = t->result->n_outcomes > 0;
	err = transact(s, pg, &b, NULL, 0, a, &fault, NULL);
	batch_free(&b);
	return err == ERR_OK;
}

static enum err run_apart(
    struct shared *s, struct pg *pg, struct pg_turn *turns, size_t n, struct arena *a, struct why *why)
{
	for (size_t i = 0; i < n; i++) {
		enum pg_fault fault;
		enum err err = run(s, pg, &turns[i], 1, a, &fault, why);

		if (err == ERR_OK)
			continue;
		if (pg->broken || (fault != PG_FAULT_DATA && fault != PG_FAULT_OTHER))
			return err;
		if (fault == PG_FAULT_OTHER && !is_its_own(s, pg, &turns[i], a))
			return err;
		turns[i].moved = PG_FAILED;
	}
	return ERR_OK;
}

static enum err finish_batch(struct shared *s, struct pg_turn *turns, size_t n, struct arena *a, struct why *why)
{
	enum pg_fault fault;
	struct pg *pg;
	enum err err = pg_borrow(s->pg, &pg, why);

	if (err != ERR_OK)
		return err;
	err = run(s, pg, turns, n, a, &fault, why);
	if (err != ERR_OK && !pg->broken && (fault == PG_FAULT_DATA || fault == PG_FAULT_OTHER))
		err = run_apart(s, pg, turns, n, a, why);
	pg_give_back(s->pg, pg);
	return err;
}

enum err pg_finish(struct shared *s, struct pg_turn *turns, size_t n, struct arena *arena, struct why *why)
{
	enum err err = ERR_OK;

	for (size_t at = 0; at < n && err == ERR_OK; at += SHARED_BATCH_MOST)
		err = finish_batch(s, turns + at, n - at < SHARED_BATCH_MOST ? n - at : SHARED_BATCH_MOST, arena, why);
	if (err == ERR_OK)
		crash_point("pg_committed");
	return err;
}
