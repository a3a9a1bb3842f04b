/* pg_fixture.h - a test's own database on a PostgreSQL of the process, and short words for turns. */
#ifndef TESTS_UNIT_STORE_PG_FIXTURE_H
#define TESTS_UNIT_STORE_PG_FIXTURE_H

#include "postgres_server.h"
#include "store/shared/pg/pg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CHECK_TEXT(slice, text) check_text((slice), (text), __FILE__, __LINE__)
void check_text(struct slice s, const char *wanted, const char *file, int line);

struct pg_fixture {
	char database[32], url[POSTGRES_URL_SIZE];
	struct shared s; /* of it only what PostgreSQL's side needs */
	struct arena arena;
	struct why why;
};

extern struct postgres_server *server;

int pg_group_begin(void **state); /* starts the server */
int pg_group_end(void **state);
int pg_fixture_empty(void **state);    /* an empty database, a pool */
int pg_fixture_migrated(void **state); /* and our tables */
int pg_fixture_end(void **state);
#define CASE_EMPTY(function) cmocka_unit_test_setup_teardown(function, pg_fixture_empty, pg_fixture_end)
#define CASE(function) cmocka_unit_test_setup_teardown(function, pg_fixture_migrated, pg_fixture_end)

void sql(const struct pg_fixture *f, const char *statements);
/* The one value of a question, as text in the arena. */
const char *sql_value(struct pg_fixture *f, const char *question);
#define CHECK_SQL(f, question, wanted) assert_string_equal(sql_value((f), (question)), (wanted))

/* ---- turns ---- */

struct turn_with {
	const char *client, *turn_id, *message_id; /* message_id NULL: an expired turn */
	int64_t base;
	const char *dialog, *dialog_id, *reply, *profile;
	const struct store_order_new *order;
	const struct store_outcome *outcome;
	int64_t order_id;
};
/* All of it lives in the arena. */
struct pg_turn turn_as(struct pg_fixture *f, const struct turn_with *with);
#define TURN(f, ...) turn_as((f), &(struct turn_with){ __VA_ARGS__ })
/* pg_finish() of one, which must be OK. */
struct pg_turn finished(struct pg_fixture *f, struct pg_turn turn);
struct client_row row_of(struct pg_fixture *f, const char *client);

#endif
