/* queue_dead.c - `queue dead` and `queue show`: dead letters looked at. */
#include "command/jsonout.h"
#include "command/queue.h"
#include "command/table.h"

#include <inttypes.h>

enum { LIMIT_STANDARD = 50, LIMIT_MAX = 1000000 };

/* What is asked for, and where the rows go: to one of the two. */
struct listing {
	struct store_dead_filter filter;
	int64_t limit;
	struct table table;
	struct json_list json;
};

static int check_list(const struct options *o, void *request)
{
	struct listing *l = request;
	int code = queue_filter(o, &l->filter);

	l->limit = LIMIT_STANDARD;
	return code == OPTIONS_GO_ON ? options_number(o, "limit", 0, LIMIT_MAX, &l->limit) : code;
}

static void begin_table(struct table *t)
{
	table_heading(t, "ID", TABLE_RIGHT);
	table_heading(t, "DIED", TABLE_LEFT);
	table_heading(t, "KIND", TABLE_LEFT);
	table_heading(t, "CLIENT", TABLE_LEFT);
	table_heading(t, "ATTEMPTS", TABLE_RIGHT);
	table_heading(t, "REASON", TABLE_LEFT);
}

static void add_to_table(void *context, const struct store_dead *d)
{
	struct table *t = &((struct listing *)context)->table;

	table_number(t, d->id);
	table_time(t, d->died_ms);
	table_text(t, slice_of(queue_kind_name(d->kind)));
	table_text(t, d->client_id);
	table_number(t, d->attempts);
	table_text(t, d->reason);
}

static void add_to_json(void *context, const struct store_dead *d)
{
	json_list_add(&((struct listing *)context)->json, queue_json(d));
}

static void print_table(const struct listing *l)
{
	if (table_rows(&l->table) == 0) {
		(void)puts("No dead letters that match.");
		return;
	}
	table_print(&l->table, stdout);
	if ((int64_t)table_rows(&l->table) == l->limit)
		(void)fprintf(stderr, "These are the oldest %" PRId64 "; --limit 0 shows all.\n", l->limit);
}

static int list(const struct options *o, struct store *store, void *request)
{
	struct listing *l = request;
	enum err e;

	begin_table(&l->table);
	e = queue_walk(store, &l->filter, l->limit, o->json ? add_to_json : add_to_table, l);
	if (e == ERR_OK && o->json)
		json_list_end(&l->json);
	else if (e == ERR_OK)
		print_table(l);
	table_free(&l->table);
	return command_end(e);
}

int queue_dead(int argc, char **argv)
{
	static const struct option_row rows[] = {
		QUEUE_FILTER_ROWS,
		{ "limit", "N", "at most so many (50); 0: all" },
	};
	static const struct command_help help = {
		.name = "queue dead",
		.about = "Lists dead letters, oldest first: messages and replies that could not be processed.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.settings = true,
		.json = true,
		.examples = "chat2order queue dead\nchat2order queue dead --kind reply --since 24h --json\n",
	};
	static const struct beside command = { &help, check_list, list };
	struct listing listing = { 0 };

	return beside_run(&command, argc, argv, &listing);
}

static int check_show(const struct options *o, void *request)
{
	int64_t *id = request;

	if (slice_to_int64(slice_of(o->operand[0]), id) && *id > 0)
		return OPTIONS_GO_ON;
	return options_mistake(
	    o->help, "\"%s\" is no dead letter's id; `chat2order queue dead` lists them", o->operand[0]);
}

static int show(const struct options *o, struct store *store, void *request)
{
	const int64_t *id = request;
	struct arena arena = { 0 };
	struct store_dead dead;
	enum err e = store_dead_show(store, *id, &arena, &dead);

	if (e == ERR_OK)
		(o->json ? json_print : json_print_lines)(queue_json(&dead));
	arena_free(&arena);
	return e == ERR_NOT_FOUND ? command_not_found("dead letter", *id, "chat2order queue dead") : command_end(e);
}

int queue_show(int argc, char **argv)
{
	static const struct command_help help = {
		.name = "queue show",
		.operands = "ID",
		.about = "Shows one dead letter with its text and reason.\n",
		.operands_least = 1,
		.operands_most = 1,
		.settings = true,
		.json = true,
		.examples = "chat2order queue show 12\n",
	};
	static const struct beside command = { &help, check_show, show };
	int64_t id = 0;

	return beside_run(&command, argc, argv, &id);
}
