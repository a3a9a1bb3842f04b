/* orders_list.c - `orders list`: a table for people, JSON for programs. */
#include "command/beside.h"
#include "command/jsonout.h"
#include "command/orders.h"
#include "command/table.h"

#include <inttypes.h>

enum { LIMIT_STANDARD = 50, LIMIT_MAX = 1000000 };

/* What is asked for, and where the rows go: to one of the two. */
struct listing {
	struct store_order_filter filter;
	int64_t limit;
	struct table table;
	struct json_list json;
};

static void add_to_table(void *context, const struct store_order *o)
{
	struct table *t = &((struct listing *)context)->table;

	table_number(t, o->id);
	table_time(t, o->created_ms);
	table_text(t, o->status);
	table_number(t, o->quantity);
	table_text(t, o->client_phone);
	table_text(t, o->client_id);
	table_text(t, o->delivery_address);
}

static void add_to_json(void *context, const struct store_order *o)
{
	json_list_add(&((struct listing *)context)->json, orders_json(o));
}

static void begin_table(struct table *t)
{
	table_heading(t, "NUMBER", TABLE_RIGHT);
	table_heading(t, "PLACED", TABLE_LEFT);
	table_heading(t, "STATUS", TABLE_LEFT);
	table_heading(t, "QUANTITY", TABLE_RIGHT);
	table_heading(t, "PHONE", TABLE_LEFT);
	table_heading(t, "CLIENT", TABLE_LEFT);
	table_heading(t, "ADDRESS", TABLE_LEFT);
}

static void print_table(const struct table *t, int64_t limit)
{
	if (table_rows(t) == 0) {
		(void)puts("No orders yet that match.");
		return;
	}
	table_print(t, stdout);
	if ((int64_t)table_rows(t) == limit)
		(void)fprintf(stderr, "These are the newest %" PRId64 "; --limit 0 shows all.\n", limit);
}

static int check(const struct options *o, void *request)
{
	struct listing *l = request;
	int code = orders_filter(o, &l->filter);

	l->limit = LIMIT_STANDARD;
	return code == OPTIONS_GO_ON ? options_number(o, "limit", 0, LIMIT_MAX, &l->limit) : code;
}

static int list(const struct options *o, struct store *store, void *request)
{
	struct listing *l = request;
	enum err e;

	begin_table(&l->table);
	e = orders_walk(store, &l->filter, l->limit, o->json ? add_to_json : add_to_table, l);
	if (e == ERR_OK && o->json)
		json_list_end(&l->json);
	else if (e == ERR_OK)
		print_table(&l->table, l->limit);
	table_free(&l->table);
	return command_end(e);
}

int orders_list(int argc, char **argv)
{
	static const struct option_row rows[] = {
		ORDERS_FILTER_ROWS,
		{ "limit", "N", "at most so many (50); 0: all" },
	};
	static const struct command_help help = {
		.name = "orders list",
		.about = "Lists orders, newest first.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.settings = true,
		.json = true,
		.examples = "chat2order orders\n"
			    "chat2order orders list --status new --since 24h\n"
			    "chat2order orders list --phone +996700123456 --json\n",
	};
	static const struct beside command = { &help, check, list };
	struct listing listing = { 0 };

	return beside_run(&command, argc, argv, &listing);
}
