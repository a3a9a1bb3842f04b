/* test_pg_schema.c - connecting to PostgreSQL, and what the migrations make of what they find. */
#include "pg_fixture.h"

#include "base/clock.h"
#include "store/shared/pg/connect.h"
#include "store/shared/pg/schema.h"

#include <pthread.h>
#include <stdio.h>

static enum err prepare(struct pg_fixture *f, bool migrate)
{
	return pg_prepare(f->s.pg, migrate, &f->why);
}

/* ---- connecting ---- */

static enum err connect_as(struct pg_fixture *f, const char *url)
{
	PGconn *c;
	enum err err;

	f->s.settings.database_url = url;
	f->why.text[0] = '\0';
	err = pg_connect(&f->s.settings, &c, &f->why);
	PQfinish(c);
	return err;
}

static void test_connect(void **state)
{
	struct pg_fixture *f = *state;
	char other[POSTGRES_URL_SIZE], nobody[POSTGRES_URL_SIZE];

	assert_int_equal(connect_as(f, f->url), ERR_OK);
	(void)snprintf(
	    nobody, sizeof nobody, "postgresql://no_such_user@127.0.0.1:%u/%s", postgres_port(server), f->database);
	assert_int_equal(connect_as(f, nobody), ERR_DENIED);
	assert_non_null(strstr(f->why.text, "no_such_user"));
	assert_non_null(strstr(f->why.text, "DATABASE_URL"));
	assert_null(strstr(f->why.text, "LOCATION"));
	assert_int_equal(connect_as(f, postgres_url(server, "no_such_database", other)), ERR_UNREACHABLE);
	assert_non_null(strstr(f->why.text, "create the database"));
	assert_int_equal(connect_as(f, "postgresql://x@127.0.0.1:1/x"), ERR_UNREACHABLE);
	assert_int_equal(connect_as(f, "postgresql://x@[127.0.0.1/x"), ERR_INVALID);
	assert_non_null(strstr(f->why.text, "DATABASE_URL"));
	assert_int_equal(connect_as(f, "host=127.0.0.1 whatever=1"), ERR_INVALID);
}

/* The predecessor's names, and the socket's folder as host. */
static void test_connect_by_parts(void **state)
{
	struct pg_fixture *f = *state;

	f->s.settings.database_host = postgres_socket_folder(server);
	f->s.settings.database_port = postgres_port(server);
	f->s.settings.database_name = f->database;
	f->s.settings.database_user = "chat2order";
	assert_int_equal(connect_as(f, ""), ERR_OK);
	f->s.settings.database_name = "no_such_database";
	assert_int_equal(connect_as(f, ""), ERR_UNREACHABLE);
}

static void test_options_of_a_connection(void **state)
{
	struct pg_fixture *f = *state;
	char url[2 * POSTGRES_URL_SIZE];
	PGconn *c;
	PGresult *r;

	(void)snprintf(url, sizeof url, "%s?options=-c%%20work_mem%%3D9MB&application_name=theirs", f->url);
	f->s.settings.database_url = url;
	f->s.settings.lease_ms = 10000;
	assert_int_equal(pg_connect(&f->s.settings, &c, &f->why), ERR_OK);
	r = PQexec(c, "SELECT concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'),"
		      " current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'),"
		      " current_setting('default_transaction_isolation'), current_setting('work_mem'))");
	assert_string_equal(PQgetvalue(r, 0, 0), "5s 2500ms 2500ms chat2order read committed 9MB");
	PQclear(r);
	PQfinish(c);
}

static void test_unsafe_commit_is_refused(void **state)
{
	struct pg_fixture *f = *state;
	char statement[128];

	(void)snprintf(statement, sizeof statement, "ALTER DATABASE %s SET synchronous_commit = off", f->database);
	sql(f, statement);
	assert_int_equal(prepare(f, true), ERR_INVALID);
	assert_non_null(strstr(f->why.text, "synchronous_commit"));
	(void)snprintf(statement, sizeof statement, "ALTER DATABASE %s SET synchronous_commit = local", f->database);
	sql(f, statement);
	pg_pool_close(&f->s.pg);
	assert_int_equal(pg_pool_open(&f->s.settings, &f->s.pg, &f->why), ERR_OK);
	assert_int_equal(prepare(f, true), ERR_OK);
}

static void test_other_encoding_is_refused(void **state)
{
	struct pg_fixture *f = *state;
	char url[POSTGRES_URL_SIZE];

	postgres_run(server, "postgres",
	    "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	assert_int_equal(connect_as(f, postgres_url(server, "latin", url)), ERR_INVALID);
	assert_non_null(strstr(f->why.text, "LATIN1"));
	postgres_drop_database(server, "latin");
}

/* While the server is away, borrowing fails at once with the sentence of the last try. */
static void test_server_away_and_back(void **state)
{
	struct pg_fixture *f = *state;
	char epoch[OWNER_SIZE];
	enum err err;

	assert_int_equal(pg_epoch(&f->s, epoch, &f->why), ERR_OK);
	postgres_kill(server);
	for (int i = 0; i < 5; i++) {
		err = pg_epoch(&f->s, epoch, &f->why);
		assert_int_equal(err_verdict(err), VERDICT_RETRY);
		assert_int_not_equal(f->why.text[0], '\0');
	}
	postgres_restart(server);
	for (int64_t until = clock_mono_ms() + 5000; err != ERR_OK && clock_mono_ms() < until;)
		err = pg_epoch(&f->s, epoch, &f->why);
	assert_int_equal(err, ERR_OK);
}

/* ---- migrations ---- */

static void test_empty_database(void **state)
{
	struct pg_fixture *f = *state;

	assert_int_equal(prepare(f, false), ERR_NOT_FOUND);
	assert_non_null(strstr(f->why.text, "migrate"));
	assert_int_equal(prepare(f, true), ERR_OK);
	assert_int_equal(prepare(f, true), ERR_OK);
	assert_int_equal(prepare(f, false), ERR_OK);
	CHECK_SQL(f, "SELECT version || epoch FROM c2o_meta", "1");
	CHECK_SQL(f,
	    "SELECT string_agg(DISTINCT data_type, ',') FROM information_schema.columns"
	    " WHERE table_schema = 'public' AND column_name IN ('created_at', 'updated_at')",
	    "timestamp with time zone");
	CHECK_SQL(f, "SELECT count(*) FROM pg_indexes WHERE tablename = 'message_logs'", "4");
}

static void test_newer_version(void **state)
{
	struct pg_fixture *f = *state;

	sql(f, "UPDATE c2o_meta SET version = 1000");
	assert_int_equal(prepare(f, true), ERR_NEWER_VERSION);
	assert_int_equal(prepare(f, false), ERR_NEWER_VERSION);
	assert_non_null(strstr(f->why.text, "1000"));
	CHECK_SQL(f, "SELECT version FROM c2o_meta", "1000");
}

enum { MIGRATORS = 6 };

static void *migrate_too(void *context)
{
	struct pg_fixture *f = context;
	struct pg_pool *pool;
	struct why why = { 0 };
	enum err err = pg_pool_open(&f->s.settings, &pool, &why);

	if (err == ERR_OK)
		err = pg_prepare(pool, true, &why);
	if (err != ERR_OK)
		print_error("%s\n", why.text);
	pg_pool_close(&pool);
	return err == ERR_OK ? context : NULL;
}

static void test_several_at_once(void **state)
{
	struct pg_fixture *f = *state;
	pthread_t threads[MIGRATORS];
	int ok = 0;

	for (size_t i = 0; i < MIGRATORS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, migrate_too, f), 0);
	for (size_t i = 0; i < MIGRATORS; i++) {
		void *result;

		(void)pthread_join(threads[i], &result);
		ok += result != NULL;
	}
	assert_int_equal(ok, MIGRATORS);
	CHECK_SQL(f, "SELECT count(*) FROM c2o_meta", "1");
}

/* ---- the predecessor's tables ---- */

static const char predecessor[] =
    "CREATE TABLE orders (id SERIAL PRIMARY KEY, client_phone VARCHAR(20) NOT NULL, delivery_address TEXT NOT NULL,"
    " quantity INTEGER NOT NULL CHECK (quantity >= 1 AND quantity <= 50), source VARCHAR(50) NOT NULL DEFAULT 'chat2desk_bot',"
    " chat2desk_client_id VARCHAR(255), status VARCHAR(50) NOT NULL DEFAULT 'new', created_at TIMESTAMP DEFAULT NOW(),"
    " updated_at TIMESTAMP DEFAULT NOW());"
    "CREATE TABLE message_logs (id SERIAL PRIMARY KEY, client_id VARCHAR(255) NOT NULL, message_id VARCHAR(255) NOT NULL UNIQUE,"
    " text TEXT NOT NULL, dialog_state VARCHAR(50), timestamp BIGINT NOT NULL, success BOOLEAN DEFAULT TRUE, error_reason TEXT,"
    " created_at TIMESTAMP DEFAULT NOW());"
    "CREATE TABLE dialog_outcomes (id SERIAL PRIMARY KEY, client_id VARCHAR(255) NOT NULL, completed BOOLEAN NOT NULL,"
    " dropoff_state VARCHAR(50), total_messages INTEGER NOT NULL, duration_seconds INTEGER NOT NULL,"
    " created_at TIMESTAMP DEFAULT NOW());"
    "CREATE INDEX idx_orders_created_at ON orders(created_at); CREATE INDEX idx_orders_status ON orders(status);"
    "CREATE INDEX idx_orders_chat2desk_client_id ON orders(chat2desk_client_id);"
    "CREATE INDEX idx_message_logs_client_id ON message_logs(client_id);"
    "CREATE INDEX idx_message_logs_timestamp ON message_logs(timestamp);"
    "CREATE INDEX idx_message_logs_success ON message_logs(success);"
    "CREATE INDEX idx_message_logs_created_at ON message_logs(created_at);"
    "CREATE INDEX idx_dialog_outcomes_completed ON dialog_outcomes(completed);"
    "CREATE INDEX idx_dialog_outcomes_dropoff ON dialog_outcomes(dropoff_state);"
    "CREATE INDEX idx_dialog_outcomes_created_at ON dialog_outcomes(created_at);"
    "INSERT INTO orders(client_phone, delivery_address, quantity, chat2desk_client_id, created_at, updated_at) VALUES"
    " ('+996555123456', 'Main St 1', 3, '42', '2025-06-01 12:00:00.250', '2025-12-01 00:30:00'),"
    " ('+996555000000', 'Main St 2', 50, NULL, NULL, NULL);"
    "INSERT INTO message_logs(client_id, message_id, text, dialog_state, timestamp, created_at) VALUES"
    " ('42', '1001', 'hello', 'INITIAL', 1748757600000, '2025-06-01 12:00:00');"
    "INSERT INTO dialog_outcomes(client_id, completed, dropoff_state, total_messages, duration_seconds) VALUES"
    " ('42', true, NULL, 5, 60), ('43', false, 'WAITING_PHONE', 2, 10);";

/* The zone of the database is the one that the predecessor's now() wrote in. */
static void found_predecessor(struct pg_fixture *f, const char *zone)
{
	char statement[128];

	(void)snprintf(statement, sizeof statement, "ALTER DATABASE %s SET timezone = '%s'", f->database, zone);
	sql(f, statement);
	sql(f, predecessor);
}

static void test_predecessor(void **state)
{
	struct pg_fixture *f = *state;
	struct store_order_filter all = { 0 };
	struct store_order *orders;
	struct store_log_row *rows;
	struct store_funnel funnel;
	size_t n;

	found_predecessor(f, "Asia/Bishkek");
	assert_int_equal(prepare(f, true), ERR_OK);
	assert_int_equal(shared_order_list(&f->s.store, &all, 0, 10, &f->arena, &orders, &n), ERR_OK);
	assert_int_equal(n, 2);
	CHECK_TEXT(orders[1].client_phone, "+996555123456");
	CHECK_TEXT(orders[1].delivery_address, "Main St 1");
	CHECK_TEXT(orders[1].client_id, "42");
	CHECK_TEXT(orders[1].status, "new");
	CHECK_TEXT(orders[1].dialog_id, "");
	CHECK_TEXT(orders[1].fields, "{}");
	assert_int_equal(orders[1].quantity, 3);
	assert_int_equal(orders[1].created_ms, 1748757600250); /* 2025-06-01T06:00:00.250Z */
	assert_int_equal(orders[1].updated_ms, 1764527400000); /* 2025-11-30T18:30:00Z */
	assert_int_equal(orders[0].created_ms, 0);
	assert_int_equal(shared_logs(&f->s.store, SLICE("42"), 0, 10, &f->arena, &rows, &n), ERR_OK);
	assert_int_equal(n, 1);
	CHECK_TEXT(rows[0].message_id, "1001");
	assert_int_equal(rows[0].created_ms, 1748757600000);
	assert_int_equal(shared_funnel(&f->s.store, 0, &funnel), ERR_OK);
	assert_int_equal(funnel.completed, 1);
	assert_int_equal(funnel.dropped, 1);
	CHECK_SQL(f, "SELECT version FROM message_logs", "0");
}

static void test_widened(void **state)
{
	struct pg_fixture *f = *state;

	found_predecessor(f, "UTC");
	assert_int_equal(prepare(f, true), ERR_OK);
	assert_int_equal(prepare(f, true), ERR_OK);
	CHECK_SQL(f,
	    "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'"
	    " AND (data_type IN ('character varying', 'timestamp without time zone') OR (column_name = 'id' AND data_type <> 'bigint'))",
	    "0");
	CHECK_SQL(f, "SELECT string_agg(data_type::text, ',') FROM pg_sequences WHERE schemaname = 'public'",
	    "bigint,bigint,bigint");
	sql(f, "INSERT INTO orders(client_phone, delivery_address, quantity) VALUES (repeat('9', 300), 'x', 51)");
	CHECK_SQL(
	    f, "SELECT created_at BETWEEN now() - interval '1 min' AND now() FROM orders WHERE quantity = 51", "t");
	CHECK_SQL(f, "SELECT count(*) FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'c'", "1");
	CHECK_SQL(f, "SELECT count(*) FROM pg_indexes WHERE tablename = 'message_logs'", "6");
}

/* Summer time: the same local hour is another moment in winter. */
static void test_named_zone(void **state)
{
	struct pg_fixture *f = *state;
	struct pg_predecessor found;
	PGconn *c;

	found_predecessor(f, "UTC");
	f->s.settings.predecessor_zone = "europe/berlin";
	assert_int_equal(pg_connect(&f->s.settings, &c, &f->why), ERR_OK);
	assert_int_equal(pg_look_at_predecessor(c, &f->s.settings, &f->arena, &found, &f->why), ERR_OK);
	PQfinish(c);
	assert_true(found.found);
	assert_int_equal(found.orders, 2);
	assert_int_equal(found.logs, 1);
	assert_int_equal(found.outcomes, 2);
	CHECK_TEXT(found.zone, "Europe/Berlin");
	CHECK_TEXT(found.oldest, "2025-06-01 12:00:00.25");
	CHECK_TEXT(found.oldest_migrated, "2025-06-01T10:00:00Z");
	assert_int_equal(prepare(f, true), ERR_OK);
	CHECK_SQL(f, "SELECT created_at AT TIME ZONE 'UTC' FROM orders WHERE id = 1", "2025-06-01 10:00:00.25");
	CHECK_SQL(f, "SELECT updated_at AT TIME ZONE 'UTC' FROM orders WHERE id = 1", "2025-11-30 23:30:00");
}

static void test_unknown_zone(void **state)
{
	struct pg_fixture *f = *state;

	found_predecessor(f, "UTC");
	f->s.settings.predecessor_zone = "Bishkek'; DROP TABLE orders; --";
	assert_int_equal(prepare(f, true), ERR_INVALID);
	assert_non_null(strstr(f->why.text, "PREDECESSOR_TIMEZONE"));
	CHECK_SQL(f, "SELECT (to_regclass('c2o_meta') IS NULL)::text || (SELECT count(*) FROM orders)", "true2");
}

/* A shop's own view keeps a column from being widened; nothing is left half done. */
static void test_view_in_the_way(void **state)
{
	struct pg_fixture *f = *state;

	found_predecessor(f, "UTC");
	sql(f, "CREATE VIEW todays AS SELECT * FROM orders WHERE created_at > now()::date");
	assert_int_equal(prepare(f, true), ERR_CONFLICT);
	assert_non_null(strstr(f->why.text, "todays"));
	assert_non_null(strstr(f->why.text, "Drop the view"));
	CHECK_SQL(f, "SELECT to_regclass('c2o_meta') IS NULL", "t");
	sql(f, "DROP VIEW todays");
	assert_int_equal(prepare(f, true), ERR_OK);
}

static void test_tables_of_somebody_else(void **state)
{
	struct pg_fixture *f = *state;

	sql(f, "CREATE TABLE orders(number int, customer text)");
	assert_int_equal(prepare(f, true), ERR_CONFLICT);
	assert_non_null(strstr(f->why.text, "\"orders\""));
	CHECK_SQL(f, "SELECT to_regclass('message_logs') IS NULL", "t");
}

/* ---- the store's row and lock ---- */

static void test_epoch(void **state)
{
	struct pg_fixture *f = *state;
	char epoch[OWNER_SIZE] = "x";

	assert_int_equal(pg_epoch(&f->s, epoch, &f->why), ERR_OK);
	assert_string_equal(epoch, "");
	assert_int_equal(pg_set_epoch(&f->s, "0123456789abcdef", &f->why), ERR_OK);
	assert_int_equal(pg_epoch(&f->s, epoch, &f->why), ERR_OK);
	assert_string_equal(epoch, "0123456789abcdef");
}

static enum err not_called(struct shared *s, void *context, struct why *why)
{
	(void)s;
	(void)why;
	*(bool *)context = true;
	return ERR_OK;
}

static enum err inside(struct shared *s, void *context, struct why *why)
{
	bool called = false;

	*(enum err *)context = pg_with_lock(s, not_called, &called, why);
	return called ? ERR_CONFLICT : ERR_TOO_LARGE;
}

/* Only one at a time, and free again afterwards. */
static void test_lock(void **state)
{
	struct pg_fixture *f = *state;
	enum err second = ERR_OK;
	bool called = false;

	assert_int_equal(pg_with_lock(&f->s, inside, &second, &f->why), ERR_TOO_LARGE);
	assert_int_equal(second, ERR_AGAIN);
	for (int64_t until = clock_mono_ms() + 5000; !called && clock_mono_ms() < until;)
		if (pg_with_lock(&f->s, not_called, &called, &f->why) == ERR_OK)
			break;
	assert_true(called);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_EMPTY(test_connect),
		CASE_EMPTY(test_connect_by_parts),
		CASE_EMPTY(test_options_of_a_connection),
		CASE_EMPTY(test_unsafe_commit_is_refused),
		CASE_EMPTY(test_other_encoding_is_refused),
		CASE(test_server_away_and_back),
		CASE_EMPTY(test_empty_database),
		CASE(test_newer_version),
		CASE_EMPTY(test_several_at_once),
		CASE_EMPTY(test_predecessor),
		CASE_EMPTY(test_widened),
		CASE_EMPTY(test_named_zone),
		CASE_EMPTY(test_unknown_zone),
		CASE_EMPTY(test_view_in_the_way),
		CASE_EMPTY(test_tables_of_somebody_else),
		CASE(test_epoch),
		CASE(test_lock),
	};

	return cmocka_run_group_tests_name("PostgreSQL: schema", tests, pg_group_begin, pg_group_end);
}
