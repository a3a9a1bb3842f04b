/* orders.c - orders, logs and the funnel, as people read them; and an order's status, as they set it. */
#include "store/shared/pg/pipeline.h"

#define MS(column) "floor(extract(epoch FROM " column ") * 1000)::bigint"
#define ORDER_COLUMNS                                                                                                    \
	"id, client_phone, delivery_address, quantity, source, coalesce(chat2desk_client_id, ''), coalesce(status, '')," \
	" " MS("created_at") ", " MS("updated_at") ", coalesce(dialog_id, ''), fields"

/* Only what is asked for becomes a condition, so that each question gets the plan that suits it. */
struct question {
	struct buf sql;
	struct pg_params values;
};

static const char *joint(const struct question *q)
{
	return q->values.n == 0 ? " WHERE " : " AND ";
}

/* before and after the value's place. */
static void where_text(struct question *q, const char *before, struct slice value, const char *after)
{
	if (value.n == 0)
		return;
	buf_printf(&q->sql, "%s%s$%d%s", joint(q), before, q->values.n + 1, after);
	pg_param_text(&q->values, value);
}

static void where_int(struct question *q, const char *condition, int64_t value)
{
	if (value == 0)
		return;
	buf_printf(&q->sql, "%s%s$%d", joint(q), condition, q->values.n + 1);
	pg_param_int(&q->values, value);
}

static void where_time(struct question *q, const char *condition, int64_t ms)
{
	if (ms == 0)
		return;
	buf_printf(&q->sql, "%s%sto_timestamp($%d / 1000.0)", joint(q), condition, q->values.n + 1);
	pg_param_int(&q->values, ms);
}

static enum err ask(struct shared *s, struct question *q, PGresult **ret)
{
	enum err err = pg_ask(s->pg, buf_as_slice(&q->sql).p, &q->values, ret, store_why());

	pg_params_free(&q->values);
	buf_free(&q->sql);
	return err;
}

static struct slice copy(struct arena *a, const PGresult *r, int row, int column)
{
	return slice_copy(a, pg_value(r, row, column));
}

static struct store_order read_order(const PGresult *r, int row, struct arena *a)
{
	return (struct store_order){
		.id = pg_value_int(r, row, 0),
		.client_phone = copy(a, r, row, 1),
		.delivery_address = copy(a, r, row, 2),
		.quantity = pg_value_int(r, row, 3),
		.source = copy(a, r, row, 4),
		.client_id = copy(a, r, row, 5),
		.status = copy(a, r, row, 6),
		.created_ms = pg_value_int(r, row, 7),
		.updated_ms = pg_value_int(r, row, 8),
		.dialog_id = copy(a, r, row, 9),
		.fields = copy(a, r, row, 10),
	};
}

enum err shared_order_list(struct store *store, const struct store_order_filter *f, int64_t before, size_t most,
    struct arena *arena, struct store_order **ret, size_t *n)
{
	struct question q = { 0 };
	PGresult *r;
	enum err err;

	*ret = arena_alloc(arena, (most + 1) * sizeof **ret);
	*n = 0;
	buf_text(&q.sql, "SELECT " ORDER_COLUMNS " FROM orders");
	where_int(&q, "id < ", before);
	where_text(&q, "status = ", f->status, "");
	where_text(&q, "chat2desk_client_id = ", f->client_id, "");
	where_text(&q, "strpos(client_phone, ", f->phone, ") > 0");
	where_time(&q, "created_at >= ", f->since_ms);
	where_time(&q, "created_at < ", f->until_ms);
	buf_printf(&q.sql, " ORDER BY id DESC LIMIT %zu", most);
	err = ask(shared_of(store), &q, &r);
	if (err != ERR_OK)
		return err;
	for (int row = 0; row < PQntuples(r); row++)
		(*ret)[(*n)++] = read_order(r, row, arena);
	PQclear(r);
	return ERR_OK;
}

enum err shared_order_show(struct store *store, int64_t id, struct arena *arena, struct store_order *ret)
{
	struct question q = { 0 };
	enum err err;
	PGresult *r;

	buf_text(&q.sql, "SELECT " ORDER_COLUMNS " FROM orders WHERE id = $1");
	pg_param_int(&q.values, id);
	err = ask(shared_of(store), &q, &r);
	if (err != ERR_OK)
		return err;
	if (PQntuples(r) > 0)
		*ret = read_order(r, 0, arena);
	else
		err = ERR_NOT_FOUND;
	PQclear(r);
	return err;
}

enum err shared_order_status(struct store *store, int64_t id, struct slice status)
{
	struct question q = { 0 };
	PGresult *r;
	enum err err;

	if (!store_is_status(status))
		return ERR_INVALID;
	buf_text(&q.sql, "UPDATE orders SET status = $1, updated_at = now() WHERE id = $2 RETURNING id");
	pg_param_text(&q.values, status);
	pg_param_int(&q.values, id);
	err = ask(shared_of(store), &q, &r);
	if (err != ERR_OK)
		return err;
	if (PQntuples(r) == 0)
		err = ERR_NOT_FOUND;
	PQclear(r);
	return err;
}

enum err shared_logs(struct store *store, struct slice client_id, int64_t before, size_t most, struct arena *arena,
    struct store_log_row **ret, size_t *n)
{
	struct question q = { 0 };
	PGresult *r;
	enum err err;

	*ret = arena_alloc(arena, (most + 1) * sizeof **ret);
	*n = 0;
	buf_text(&q.sql, "SELECT id, timestamp, " MS(
			     "created_at") ", client_id, message_id, text, coalesce(dialog_state, ''),"
					   " coalesce(error_reason, ''), coalesce(success, true) FROM message_logs");
	where_int(&q, "id < ", before);
	where_text(&q, "client_id = ", client_id, "");
	buf_printf(&q.sql, " ORDER BY id DESC LIMIT %zu", most);
	err = ask(shared_of(store), &q, &r);
	if (err != ERR_OK)
		return err;
	for (int row = 0; row < PQntuples(r); row++) {
		(*ret)[(*n)++] = (struct store_log_row){
			.id = pg_value_int(r, row, 0),
			.timestamp_ms = pg_value_int(r, row, 1),
			.created_ms = pg_value_int(r, row, 2),
			.client_id = copy(arena, r, row, 3),
			.message_id = copy(arena, r, row, 4),
			.text = copy(arena, r, row, 5),
			.dialog_state = copy(arena, r, row, 6),
			.error_reason = copy(arena, r, row, 7),
			.success = pg_value_bool(r, row, 8),
		};
	}
	PQclear(r);
	return ERR_OK;
}

static void count_states(const PGresult *r, struct store_funnel *ret)
{
	for (int row = 0; row < PQntuples(r); row++) {
		int64_t dialogs = pg_value_int(r, row, 2);

		if (pg_value_bool(r, row, 0)) {
			ret->completed += dialogs;
			continue;
		}
		ret->dropped += dialogs;
		if (ret->n_states == COUNT_OF(ret->state))
			continue;
		(void)slice_to_buffer(pg_value(r, row, 1), ret->state[ret->n_states].state, sizeof ret->state[0].state);
		ret->state[ret->n_states++].dropped = dialogs;
	}
}

enum err shared_funnel(struct store *store, int64_t since_ms, struct store_funnel *ret)
{
	struct question q = { 0 };
	PGresult *r;
	enum err err;

	*ret = (struct store_funnel){ 0 };
	buf_text(&q.sql, "SELECT completed, coalesce(dropoff_state, ''), count(*) FROM dialog_outcomes");
	where_time(&q, "created_at >= ", since_ms);
	buf_text(&q.sql, " GROUP BY 1, 2 ORDER BY 3 DESC");
	err = ask(shared_of(store), &q, &r);
	if (err != ERR_OK)
		return err;
	count_states(r, ret);
	PQclear(r);
	return ERR_OK;
}
