/* pg_fixture.c - one server a process, one database a test. */
#include "pg_fixture.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct postgres_server *server;

void check_text(struct slice s, const char *wanted, const char *file, int line)
{
	if (slice_eq(s, slice_of(wanted)))
		return;
	print_error("\"%.*s\" is not \"%s\"\n", SLICE_PRINT(s), wanted);
	_fail(file, line);
}

int pg_group_begin(void **state)
{
	(void)state;
	server = postgres_start(false);
	return 0;
}

int pg_group_end(void **state)
{
	(void)state;
	postgres_stop(&server);
	return 0;
}

int pg_fixture_empty(void **state)
{
	static int number;
	struct pg_fixture *f = mem_alloc(sizeof *f);

	*state = f;
	(void)snprintf(f->database, sizeof f->database, "test_%d", ++number);
	postgres_create_database(server, f->database);
	settings_defaults(&f->s.settings);
	f->s.settings.lease_ms = 4000;
	f->s.settings.database_url = postgres_url(server, f->database, f->url);
	return pg_pool_open(&f->s.settings, &f->s.pg, &f->why) == ERR_OK ? 0 : -1;
}

int pg_fixture_migrated(void **state)
{
	struct pg_fixture *f;

	if (pg_fixture_empty(state) != 0)
		return -1;
	f = *state;
	if (pg_prepare(f->s.pg, true, &f->why) == ERR_OK)
		return 0;
	print_error("%s\n", f->why.text);
	return -1;
}

int pg_fixture_end(void **state)
{
	struct pg_fixture *f = *state;

	pg_pool_close(&f->s.pg);
	postgres_drop_database(server, f->database);
	settings_free(&f->s.settings);
	arena_free(&f->arena);
	free(f);
	return 0;
}

void sql(const struct pg_fixture *f, const char *statements)
{
	postgres_run(server, f->database, statements);
}

const char *sql_value(struct pg_fixture *f, const char *question)
{
	PGconn *c = PQconnectdb(f->url);
	PGresult *r = PQexec(c, question);
	const char *value;

	if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
		fail_msg("%s: %s (%d rows)", question, PQerrorMessage(c), PQntuples(r));
	value = arena_copy(&f->arena, PQgetvalue(r, 0, 0), strlen(PQgetvalue(r, 0, 0)));
	PQclear(r);
	PQfinish(c);
	return value;
}

static struct slice or_empty(const char *text)
{
	return text != NULL ? slice_of(text) : SLICE("");
}

static void give_message(struct arena *a, struct store_turn *turn, struct store_result *result, const char *id)
{
	struct store_log *log = arena_alloc(a, sizeof *log);

	turn->messages = arena_alloc(a, sizeof *turn->messages);
	turn->n_messages = 1;
	*turn->messages = (struct store_message){ .message_id = slice_of(id),
		.client_id = turn->client_id,
		.text = SLICE("hello"),
		.arrived_ms = 1700000000000 };
	*log = (struct store_log){ .dialog_state = "WAITING_PHONE", .success = true };
	result->logs = log;
}

struct pg_turn turn_as(struct pg_fixture *f, const struct turn_with *with)
{
	struct store_turn *turn = arena_alloc(&f->arena, sizeof *turn);
	struct store_result *result = arena_alloc(&f->arena, sizeof *result);
	struct store_order_new *order = NULL;
	struct store_outcome *outcome = NULL;

	*turn = (struct store_turn){ .client_id = slice_of(with->client) };
	if (with->order != NULL) {
		order = arena_alloc(&f->arena, sizeof *order);
		*order = *with->order;
	}
	if (with->outcome != NULL) {
		outcome = arena_alloc(&f->arena, sizeof *outcome);
		*outcome = *with->outcome;
	}
	*result = (struct store_result){ .turn = turn,
		.dialog = or_empty(with->dialog),
		.dialog_id = or_empty(with->dialog_id),
		.reply = or_empty(with->reply),
		.profile = slice_of(with->profile),
		.last_event_ms = 17,
		.order = order,
		.outcomes = outcome,
		.n_outcomes = outcome != NULL };
	if (with->message_id != NULL)
		give_message(&f->arena, turn, result, with->message_id);
	return (struct pg_turn){ .result = result,
		.base = with->base,
		.turn_id = slice_of(with->turn_id),
		.covers = SLICE("[\"m-1\"]"),
		.question = SLICE("0123456789abcdef"),
		.reply_meta = SLICE("{\"channelId\":7}"),
		.order_id = with->order_id };
}

struct pg_turn finished(struct pg_fixture *f, struct pg_turn turn)
{
	if (pg_finish(&f->s, &turn, 1, &f->arena, &f->why) != ERR_OK)
		fail_msg("%s", f->why.text);
	return turn;
}

struct client_row row_of(struct pg_fixture *f, const char *client)
{
	struct slice client_id = slice_of(client);
	struct client_row row;

	if (pg_rows(&f->s, &client_id, 1, &f->arena, &row, &f->why) != ERR_OK)
		fail_msg("%s", f->why.text);
	return row;
}
