/* orders.c - orders, logs and the funnel, as people read them; and an order's status, as they set it. */
#include "base/clock.h"
#include "store/embedded/embedded.h"

#define ORDER_COLUMNS                                                                                                           \
	"id, client_phone, delivery_address, quantity, source, ifnull(chat2desk_client_id,''), status, created_at, updated_at," \
	" dialog_id, fields"

static int64_t column_time(sqlite3_stmt *q, int i)
{
	int64_t ms = 0;

	(void)clock_parse(sql_column(q, i), &ms);
	return ms;
}

static struct store_order read_order(sqlite3_stmt *q, struct arena *a)
{
	return (struct store_order){
		.id = sql_column_int(q, 0),
		.client_phone = sql_column_copy(q, 1, a),
		.delivery_address = sql_column_copy(q, 2, a),
		.quantity = sql_column_int(q, 3),
		.source = sql_column_copy(q, 4, a),
		.client_id = sql_column_copy(q, 5, a),
		.status = sql_column_copy(q, 6, a),
		.created_ms = column_time(q, 7),
		.updated_ms = column_time(q, 8),
		.dialog_id = sql_column_copy(q, 9, a),
		.fields = sql_column_copy(q, 10, a),
	};
}

/* A bound of a time column; empty when the filter leaves it open. */
static struct slice bound(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
	return ms != 0 ? slice_of(clock_format(ms, text)) : SLICE("");
}

enum err embedded_order_list(struct store *store, const struct store_order_filter *f, int64_t before, size_t most,
    struct arena *arena, struct store_order **ret, size_t *n)
{
	struct embedded *e = embedded_of(store);
	struct sql *s;
	char since[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
	sqlite3_stmt *q;

	*ret = arena_alloc(arena, (most + 1) * sizeof **ret);
	*n = 0;
	s = reader_begin(e);
	q = sql_query(s,
	    "SELECT " ORDER_COLUMNS
	    " FROM orders WHERE (?1=0 OR id<?1) AND (?2='' OR status=?2) AND (?3='' OR chat2desk_client_id=?3)"
	    " AND (?4='' OR instr(client_phone,?4)>0) AND (?5='' OR created_at>=?5) AND (?6='' OR created_at<?6) ORDER BY id DESC LIMIT ?7",
	    "ittttti", before, f->status, f->client_id, f->phone, bound(f->since_ms, since), bound(f->until_ms, until),
	    (int64_t)most);
	while (*n < most && sql_row(s, q))
		(*ret)[(*n)++] = read_order(q, arena);
	sql_done(q);
	return reader_end(e);
}

enum err embedded_order_show(struct store *store, int64_t id, struct arena *arena, struct store_order *ret)
{
	struct embedded *e = embedded_of(store);
	struct sql *s;
	enum err err = ERR_NOT_FOUND, failed;
	sqlite3_stmt *q;

	s = reader_begin(e);
	q = sql_query(s, "SELECT " ORDER_COLUMNS " FROM orders WHERE id=?", "i", id);
	if (sql_row(s, q)) {
		*ret = read_order(q, arena);
		sql_done(q);
		err = ERR_OK;
	}
	failed = reader_end(e);
	return failed != ERR_OK ? failed : err;
}

struct status {
	int64_t id;
	struct slice status;
	bool found;
};

static enum err run_status(struct embedded *e, void *args)
{
	struct status *st = args;
	char text[CLOCK_TEXT_SIZE];

	st->found = sql_run(&e->writer, "UPDATE orders SET status=?, updated_at=? WHERE id=?", "tti", st->status,
			slice_of(clock_format(clock_wall_ms(), text)), st->id) > 0;
	return e->writer.err;
}

enum err embedded_order_status(struct store *store, int64_t id, struct slice status)
{
	struct status st = { .id = id, .status = status };
	struct job job = { .run = run_status, .args = &st, .safety = JOB_DURABLE };
	enum err err;

	if (!store_is_status(status))
		return ERR_INVALID;
	err = writer_do(embedded_of(store), &job);
	return err != ERR_OK ? err : st.found ? ERR_OK : ERR_NOT_FOUND;
}

enum err embedded_logs(struct store *store, struct slice client_id, int64_t before, size_t most, struct arena *arena,
    struct store_log_row **ret, size_t *n)
{
	struct embedded *e = embedded_of(store);
	struct sql *s;
	sqlite3_stmt *q;

	*ret = arena_alloc(arena, (most + 1) * sizeof **ret);
	*n = 0;
	s = reader_begin(e);
	q = sql_query(s,
	    "SELECT id, timestamp, created_at, client_id, message_id, text, ifnull(dialog_state,''), ifnull(error_reason,''), success"
	    " FROM message_logs WHERE (?1=0 OR id<?1) AND (?2='' OR client_id=?2) ORDER BY id DESC LIMIT ?3",
	    "iti", before, client_id, (int64_t)most);
	while (*n < most && sql_row(s, q)) {
		(*ret)[(*n)++] = (struct store_log_row){
			.id = sql_column_int(q, 0),
			.timestamp_ms = sql_column_int(q, 1),
			.created_ms = column_time(q, 2),
			.client_id = sql_column_copy(q, 3, arena),
			.message_id = sql_column_copy(q, 4, arena),
			.text = sql_column_copy(q, 5, arena),
			.dialog_state = sql_column_copy(q, 6, arena),
			.error_reason = sql_column_copy(q, 7, arena),
			.success = sql_column_int(q, 8) != 0,
		};
	}
	sql_done(q);
	return reader_end(e);
}

static void count_states(struct sql *s, struct slice since, struct store_funnel *ret)
{
	sqlite3_stmt *q = sql_query(s,
	    "SELECT completed, ifnull(dropoff_state,''), count(*) FROM dialog_outcomes WHERE created_at>=? GROUP BY 1, 2 ORDER BY 3 DESC",
	    "t", since);

	while (sql_row(s, q)) {
		if (sql_column_int(q, 0) != 0) {
			ret->completed += sql_column_int(q, 2);
			continue;
		}
		ret->dropped += sql_column_int(q, 2);
		if (ret->n_states == COUNT_OF(ret->state))
			continue;
		(void)slice_to_buffer(sql_column(q, 1), ret->state[ret->n_states].state, sizeof ret->state[0].state);
		ret->state[ret->n_states++].dropped = sql_column_int(q, 2);
	}
}

enum err embedded_funnel(struct store *store, int64_t since_ms, struct store_funnel *ret)
{
	struct embedded *e = embedded_of(store);
	char since[CLOCK_TEXT_SIZE];

	*ret = (struct store_funnel){ 0 };
	count_states(reader_begin(e), bound(since_ms, since), ret);
	return reader_end(e);
}
