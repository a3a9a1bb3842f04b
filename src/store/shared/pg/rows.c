/* rows.c - what is true of clients, and the statuses of orders. */
#include "store/shared/pg/rows.h"

#include "store/shared/pg/pipeline.h"

#define ROW_COLUMNS                                                                                                    \
	"c.client_id, c.version, c.turn_id, c.covers, c.dialog, c.dialog_id, c.question, c.last_event, c.order_id,"    \
	" c.placed, c.reply, c.reply_meta, c.profile"
enum { ROW_N_COLUMNS = 13 };

static const struct pg_statement by_clients = { "rows",
	"SELECT " ROW_COLUMNS ", k.n - 1 FROM unnest($1) WITH ORDINALITY AS k(client, n)"
	" JOIN c2o_clients c ON c.client_id = k.client" };

/* The last key of a full step is given in any case, so that the next one goes on behind it. A LIMIT outside of the filter
 * could read the whole table. */
static const struct pg_statement behind = { "rows_behind",
	"SELECT " ROW_COLUMNS ", c.n, c.wanted FROM (SELECT k.*, row_number() OVER (ORDER BY client_id) AS n,"
	"  ($2 < 0 OR updated_at > now() - $2 * interval '1 ms') AND ($3 = 0 OR dialog <> '') AS wanted"
	"  FROM (SELECT * FROM c2o_clients WHERE client_id > $1 ORDER BY client_id LIMIT $4) k) c"
	" WHERE c.wanted OR c.n = $4 ORDER BY c.n" };

static const struct pg_statement statuses = { "order_statuses",
	"SELECT k.n - 1, o.status FROM unnest($1) WITH ORDINALITY AS k(id, n) JOIN orders o ON o.id = k.id" };

static struct slice copy(struct arena *a, const PGresult *r, int row, int column)
{
	return slice_copy(a, pg_value(r, row, column));
}

static void read_row(const PGresult *r, int row, struct arena *a, struct client_row *ret)
{
	*ret = (struct client_row){
		.client_id = copy(a, r, row, 0),
		.version = pg_value_int(r, row, 1),
		.turn_id = copy(a, r, row, 2),
		.covers = copy(a, r, row, 3),
		.dialog = copy(a, r, row, 4),
		.dialog_id = copy(a, r, row, 5),
		.question = copy(a, r, row, 6),
		.last_event_ms = pg_value_int(r, row, 7),
		.order_id = pg_value_int(r, row, 8),
		.placed = pg_value_int(r, row, 9),
		.reply = copy(a, r, row, 10),
		.has_reply = !PQgetisnull(r, row, 10),
		.reply_meta = copy(a, r, row, 11),
		.profile = copy(a, r, row, 12),
	};
	ret->open = ret->dialog.n > 0;
}

size_t pg_add_rows(struct pg_flush *f, const struct slice *clients, size_t n)
{
	struct pg_params p = { 0 };
	size_t at;

	pg_param_array(&p, PG_TEXT);
	for (size_t i = 0; i < n; i++)
		pg_add_text(&p, 0, clients[i]);
	at = pg_flush_add(f, &by_clients, &p);
	pg_params_free(&p);
	return at;
}

void pg_read_rows(const PGresult *r, struct arena *arena, struct client_row *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct client_row){ 0 };
	for (int row = 0; row < PQntuples(r); row++)
		read_row(r, row, arena, &ret[pg_value_int(r, row, ROW_N_COLUMNS)]);
}

enum err pg_rows(struct shared *s, const struct slice *clients, size_t n, struct arena *arena, struct client_row *ret,
    struct why *why)
{
	struct pg_flush f;
	struct pg *pg;
	enum err err = pg_borrow(s->pg, &pg, why);
	size_t at;

	if (err != ERR_OK)
		return err;
	pg_flush_begin(&f, pg, pg_timeout_ms(s));
	at = pg_add_rows(&f, clients, n);
	err = pg_flush_run(&f, why);
	if (err == ERR_OK)
		pg_read_rows(pg_flush_result(&f, at), arena, ret, n);
	pg_flush_end(&f);
	pg_give_back(s->pg, pg);
	return err;
}

enum err pg_rows_after(struct shared *s, struct slice client, int64_t age_ms, bool open_only, size_t most,
    struct arena *arena, struct client_row **ret, size_t *n, struct slice *ret_to, struct why *why)
{
	struct pg_params p = { 0 };
	PGresult *r;
	enum err err;
	int rows;

	*n = 0;
	*ret_to = SLICE_NONE;
	pg_param_text(&p, client.p != NULL ? client : SLICE(""));
	pg_param_int(&p, age_ms);
	pg_param_int(&p, open_only);
	pg_param_int(&p, (int64_t)most);
	err = pg_do(s->pg, &behind, &p, &r, why);
	pg_params_free(&p);
	if (err != ERR_OK)
		return err;
	rows = PQntuples(r);
	*ret = arena_alloc(arena, ((size_t)rows + 1) * sizeof **ret);
	for (int row = 0; row < rows; row++)
		if (pg_value_bool(r, row, ROW_N_COLUMNS + 1))
			read_row(r, row, arena, &(*ret)[(*n)++]);
	if (rows > 0 && pg_value_int(r, rows - 1, ROW_N_COLUMNS) == (int64_t)most)
		*ret_to = copy(arena, r, rows - 1, 0);
	PQclear(r);
	return ERR_OK;
}

enum err pg_order_statuses(
    struct shared *s, const int64_t *ids, size_t n, struct arena *arena, struct slice *ret, struct why *why)
{
	struct pg_params p = { 0 };
	PGresult *r;
	enum err err;

	pg_param_array(&p, PG_INT8);
	for (size_t i = 0; i < n; i++) {
		ret[i] = SLICE("");
		pg_add_int(&p, 0, ids[i]);
	}
	err = pg_do(s->pg, &statuses, &p, &r, why);
	pg_params_free(&p);
	if (err != ERR_OK)
		return err;
	for (int row = 0; row < PQntuples(r); row++)
		ret[pg_value_int(r, row, 0)] = copy(arena, r, row, 1);
	PQclear(r);
	return ERR_OK;
}
