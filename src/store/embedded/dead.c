/* dead.c - dead letters: looked at, put back, removed. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

enum { STEP = 50 /* dead letters in one transaction: well below 50 ms */ };

#define DEAD_COLUMNS                                                                                                   \
	"id, kind, client_id, ref, text, reason, dialog_id, transport, channel_id, died_at, created_at, attempts"

static struct store_dead read_dead(sqlite3_stmt *q, struct arena *a)
{
	return (struct store_dead){
		.id = sql_column_int(q, 0),
		.kind = (enum store_dead_kind)sql_column_int(q, 1),
		.client_id = sql_column_copy(q, 2, a),
		.ref = sql_column_copy(q, 3, a),
		.text = sql_column_copy(q, 4, a),
		.reason = sql_column_copy(q, 5, a),
		.dialog_id = sql_column_copy(q, 6, a),
		.transport = sql_column_copy(q, 7, a),
		.channel_id = sql_column_int(q, 8),
		.died_ms = sql_column_int(q, 9),
		.created_ms = sql_column_int(q, 10),
		.attempts = (unsigned)sql_column_int(q, 11),
	};
}

enum err embedded_dead_list(struct store *store, const struct store_dead_filter *f, int64_t after, size_t most,
    struct arena *arena, struct store_dead **ret, size_t *n)
{
	struct embedded *e = embedded_of(store);
	struct sql *s;
	sqlite3_stmt *q;

	*ret = arena_alloc(arena, (most + 1) * sizeof **ret);
	*n = 0;
	s = reader_begin(e);
	q = sql_query(s,
	    "SELECT " DEAD_COLUMNS " FROM dead_letters WHERE id>?1 AND (?2=0 OR kind=?2) AND (?3='' OR client_id=?3)"
	    " AND (?4='' OR instr(lower(reason), lower(?4))>0) AND (?5=0 OR died_at>=?5) AND (?6=0 OR died_at<?6) ORDER BY id LIMIT ?7",
	    "iittiii", after, (int64_t)f->kind, f->client_id, f->reason, f->since_ms, f->until_ms, (int64_t)most);
	while (*n < most && sql_row(s, q))
		(*ret)[(*n)++] = read_dead(q, arena);
	sql_done(q);
	return reader_end(e);
}

enum err embedded_dead_show(struct store *store, int64_t id, struct arena *arena, struct store_dead *ret)
{
	struct embedded *e = embedded_of(store);
	struct sql *s;
	enum err err = ERR_NOT_FOUND, failed;
	sqlite3_stmt *q;

	s = reader_begin(e);
	q = sql_query(s, "SELECT " DEAD_COLUMNS " FROM dead_letters WHERE id=?", "i", id);
	if (sql_row(s, q)) {
		*ret = read_dead(q, arena);
		sql_done(q);
		err = ERR_OK;
	}
	failed = reader_end(e);
	return failed != ERR_OK ? failed : err;
}

struct retry {
	const int64_t *ids;
	size_t n;
	bool force;
	enum store_dead_retried *ret;
};

static void remove_dead(struct sql *s, int64_t id)
{
	(void)sql_run(s, "DELETE FROM dead_letters WHERE id=?", "i", id);
}

/* The dialog now open in the client's lane; empty when none is. */
static struct slice open_dialog(struct sql *s, struct slice client_id, struct arena *a)
{
	sqlite3_stmt *q = sql_query(
	    s, "SELECT dialog_id FROM lanes JOIN dialogs USING(lane) WHERE client_id=?", "t", client_id);
	struct slice id = SLICE("");

	if (sql_row(s, q)) {
		id = sql_column_copy(q, 0, a);
		sql_done(q);
	}
	return id;
}

/* Appended, to enter its lane again: as late within its own dialog; as if it had arrived now where there was none, or when forced. */
static enum store_dead_retried retry_message(
    struct embedded *e, const struct store_dead *d, bool forced, int64_t now, struct arena *a)
{
	struct sql *s = &e->writer;
	struct slice open = open_dialog(s, d->client_id, a);
	bool same = slice_eq(open, d->dialog_id), late = !forced && same && open.n > 0;
	int64_t place;

	if (!same && !forced)
		return STORE_DEAD_OTHER_DIALOG;
	place = sql_int(s, 0, "SELECT next_seq FROM intake", "");
	(void)sql_run(s,
	    "INSERT INTO messages(seq, client_id, message_id, kind, text, coordinates, transport, client_phone, channel_id,"
	    " event_at, arrived_at, said_at, arrived_us, late, forced)"
	    " SELECT ?4, client_id, ref, message_kind, text, coordinates, transport, client_phone, channel_id,"
	    " CASE WHEN ?2 THEN event_at ELSE 0 END, ?3, CASE WHEN ?2 THEN said_at ELSE ?3 END, 0, ?2, NOT ?2"
	    " FROM dead_letters WHERE id=?1",
	    "iiii", d->id, (int64_t)late, now, place);
	(void)sql_run(s, "UPDATE intake SET next_seq=?", "i", place + 1);
	remove_dead(s, d->id);
	return STORE_DEAD_RETRIED;
}

/* Back into the outbox with all its attempts; sent when its lane is free, so that it overtakes nothing. */
static enum store_dead_retried retry_reply(struct embedded *e, const struct store_dead *d, int64_t now)
{
	struct sql *s = &e->writer;
	struct lane lane = { 0, d->client_id };

	(void)sql_run(s,
	    "INSERT INTO outbox(reply_id, client_id, state, due_at, text, transport, channel_id, dialog_id, question, created_at,"
	    " arrived_us, doubtful) SELECT ref, client_id, 2, NULL, text, transport, channel_id, dialog_id, question, created_at, 0, doubtful"
	    " FROM dead_letters WHERE id=?",
	    "i", d->id);
	lane.number = sql_int(s, 0, "SELECT lane FROM lanes WHERE client_id=?", "t", d->client_id);
	if (lane.number == 0)
		lane.number = lane_open(e, d->client_id, now);
	lane_settle(e, lane, now);
	remove_dead(s, d->id);
	return STORE_DEAD_RETRIED;
}

static enum store_dead_retried retry_one(struct embedded *e, int64_t id, bool force, int64_t now)
{
	struct sql *s = &e->writer;
	enum store_dead_retried how = STORE_DEAD_GONE;
	struct arena a = { 0 };
	sqlite3_stmt *q = sql_query(s, "SELECT " DEAD_COLUMNS " FROM dead_letters WHERE id=?", "i", id);

	if (sql_row(s, q)) {
		struct store_dead d = read_dead(q, &a);

		sql_done(q);
		how = d.kind == STORE_DEAD_MESSAGE ? retry_message(e, &d, force, now, &a) : retry_reply(e, &d, now);
	}
	arena_free(&a);
	return how;
}

static enum err run_retry(struct embedded *e, void *args)
{
	struct retry *r = args;
	int64_t now = clock_wall_ms();

	for (size_t i = 0; i < r->n && e->writer.err == ERR_OK; i++)
		r->ret[i] = retry_one(e, r->ids[i], r->force, now);
	return e->writer.err;
}

enum err embedded_dead_retry(
    struct store *store, const int64_t *ids, size_t n, bool force, enum store_dead_retried *ret)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < n && err == ERR_OK; i += STEP) {
		struct retry r = { ids + i, n - i < STEP ? n - i : STEP, force, ret + i };
		struct job job = { .run = run_retry, .args = &r, .safety = JOB_DURABLE };

		err = writer_do(embedded_of(store), &job);
	}
	return err;
}

struct removal {
	const int64_t *ids;
	size_t n;
	size_t removed;
};

static enum err run_remove(struct embedded *e, void *args)
{
	struct removal *r = args;

	r->removed = 0;
	for (size_t i = 0; i < r->n && e->writer.err == ERR_OK; i++)
		r->removed += (size_t)sql_run(&e->writer, "DELETE FROM dead_letters WHERE id=?", "i", r->ids[i]);
	return e->writer.err;
}

enum err embedded_dead_remove(struct store *store, const int64_t *ids, size_t n, size_t *ret_removed)
{
	enum err err = ERR_OK;

	*ret_removed = 0;
	for (size_t i = 0; i < n && err == ERR_OK; i += STEP) {
		struct removal r = { ids + i, n - i < STEP ? n - i : STEP, 0 };
		struct job job = { .run = run_remove, .args = &r, .safety = JOB_DURABLE };

		err = writer_do(embedded_of(store), &job);
		*ret_removed += r.removed;
	}
	return err;
}
