/* log.c - `log`: what customers wrote and what became of it. */
#include "command/beside.h"
#include "command/commands.h"
#include "command/jsonout.h"
#include "command/table.h"

#include <inttypes.h>

enum { LIMIT_STANDARD = 50, LIMIT_MAX = 1000000, PAGE = 200 };

/* Where the rows go; one of the two is used. */
struct listing {
	int64_t limit;
	struct table table;
	struct json_list json;
};

static int check(const struct options *o, void *request)
{
	struct listing *l = request;

	l->limit = LIMIT_STANDARD;
	return options_number(o, "limit", 0, LIMIT_MAX, &l->limit);
}

static void begin_table(struct table *t)
{
	table_heading(t, "TIME", TABLE_LEFT);
	table_heading(t, "CLIENT", TABLE_LEFT);
	table_heading(t, "MESSAGE", TABLE_LEFT);
	table_heading(t, "STATE", TABLE_LEFT);
	table_heading(t, "NOT APPLIED", TABLE_LEFT);
	table_heading(t, "TEXT", TABLE_LEFT);
}

static void add_to_table(struct table *t, const struct store_log_row *row)
{
	table_time(t, row->timestamp_ms);
	table_text(t, row->client_id);
	table_text(t, row->message_id);
	table_text(t, row->dialog_state);
	table_text(t, row->success ? SLICE_NONE : row->error_reason);
	table_text(t, row->text);
}

static json_t *row_json(const struct store_log_row *row)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "id", (json_int_t)row->id, "timestamp",
	    json_from_time(row->timestamp_ms), "client_id", json_from_slice(row->client_id), "message_id",
	    json_from_slice(row->message_id), "text", json_from_slice(row->text), "dialog_state",
	    json_from_slice(row->dialog_state), "success", row->success, "error_reason",
	    json_from_slice(row->error_reason), "created_at", json_from_time(row->created_ms));
}

static enum err walk(struct store *store, struct slice client, bool json, struct listing *l)
{
	int64_t before = 0, left = l->limit > 0 ? l->limit : INT64_MAX;
	struct arena arena = { 0 };
	struct store_log_row *rows;
	size_t n = 0;
	enum err e;

	do {
		arena_reset(&arena);
		e = store_logs(store, client, before, left < PAGE ? (size_t)left : PAGE, &arena, &rows, &n);
		for (size_t i = 0; e == ERR_OK && i < n; i++) {
			if (json)
				json_list_add(&l->json, row_json(&rows[i]));
			else
				add_to_table(&l->table, &rows[i]);
			before = rows[i].id;
		}
		left -= (int64_t)n;
	} while (e == ERR_OK && n > 0 && left > 0);
	arena_free(&arena);
	return e;
}

static int list(const struct options *o, struct store *store, void *request)
{
	struct slice client = o->n_operands > 0 ? slice_of(o->operand[0]) : SLICE_NONE;
	struct listing *l = request;
	enum err e;

	begin_table(&l->table);
	e = walk(store, client, o->json, l);
	if (e == ERR_OK && o->json)
		json_list_end(&l->json);
	else if (e == ERR_OK && table_rows(&l->table) == 0)
		(void)puts("No messages yet.");
	else if (e == ERR_OK)
		table_print(&l->table, stdout);
	table_free(&l->table);
	return command_end(e);
}

int command_log(int argc, char **argv)
{
	static const struct option_row rows[] = { { "limit", "N", "at most so many (50); 0: all" } };
	static const struct command_help help = {
		.name = "log",
		.operands = "[CLIENT]",
		.about =
		    "Lists what customers wrote, newest first: the state each message found, and where one was not\n"
		    "applied the reason. With the id of a client of Chat2Desk only his.\n",
		.rows = rows,
		.n_rows = COUNT_OF(rows),
		.operands_most = 1,
		.settings = true,
		.json = true,
		.examples = "chat2order log\nchat2order log 2077 --limit 200\nchat2order log --json --limit 0\n",
	};
	static const struct beside command = { &help, check, list };
	struct listing listing = { 0 };

	return beside_run(&command, argc, argv, &listing);
}
