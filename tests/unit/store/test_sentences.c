/* test_sentences.c - what store_said() tells of verbs that fail: where, why and the cure, and nothing of a customer. */
#include "both_servers.h"

#include "base/clock.h"
#include "store/shared/pg/connect.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define PRIVATE "Lenin 12"
enum { PATIENCE_MS = 10000 };

static void check_said(enum err err, const char *const *parts)
{
	const char *said = store_said(err);

	assert_int_equal(err_verdict(err), VERDICT_RETRY);
	for (; *parts != NULL; parts++)
		if (strstr(said, *parts) == NULL)
			fail_msg("%s: \"%s\" is not said: %s", err_name(err), *parts, said);
	if (strstr(said, PRIVATE) != NULL)
		fail_msg("a customer's words are said: %s", said);
}
#define CHECK_SAID(err, ...) check_said((err), (const char *const[]){ __VA_ARGS__, NULL })

static enum err say(struct store *store, const char *id)
{
	struct store_message m = { .message_id = slice_of(id), .client_id = SLICE("a"), .text = SLICE(PRIVATE) };
	enum store_added added;

	return store_add(store, &m, 1, &added);
}

/* ---- PostgreSQL ------------------------------------------------------------------------------------- */

static void take_one(struct both *b, struct store_turns *ret)
{
	assert_int_equal(say(b->store, "1"), ERR_OK);
	assert_int_equal(store_take(b->store, 1, PATIENCE_MS, ret), ERR_OK);
	assert_int_equal(ret->n, 1);
}

static struct store_result order_of(const struct store_turn *turn)
{
	static const struct store_log log = { .dialog_state = "S", .success = true };
	static const struct store_order_new order = { .dialog_id = { "d1", 2 },
		.address = { PRIVATE, sizeof PRIVATE - 1 },
		.phone = { "+996", 4 },
		.fields = { "{}", 2 },
		.quantity = 1 };

	return (struct store_result){
		.turn = turn, .dialog = SLICE("x"), .dialog_id = SLICE("d1"), .logs = &log, .order = &order
	};
}

static void test_table_renamed_away(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_order_filter all = { 0 };
	struct store_order *orders;
	struct store_result r;
	size_t n;

	both_open(b, STORE_WORKER);
	take_one(b, &turns);
	r = order_of(&turns.turn[0]);
	(void)both_sql(b, "ALTER TABLE orders RENAME TO elsewhere");
	CHECK_SAID(store_finish(b->store, &r, 1, 0, NULL), "PostgreSQL", "\"orders\"", "renamed", "put it back");
	CHECK_SAID(store_order_list(b->store, &all, 0, 1, &b->arena, &orders, &n), "\"orders\"", "put it back");
	(void)both_sql(b, "ALTER TABLE elsewhere RENAME TO orders");
	assert_int_equal(store_finish(b->store, &r, 1, 0, NULL), ERR_OK);
	assert_int_equal(r.err, ERR_OK);
	assert_string_equal(store_said(ERR_OK), err_text(ERR_OK));
	store_turns_free(&turns);
}

static void test_right_taken_away(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_result r;

	both_open(b, STORE_WORKER);
	take_one(b, &turns);
	r = order_of(&turns.turn[0]);
	(void)both_sql(b,
	    "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	    " RAISE 'permission denied for table orders' USING ERRCODE = '42501', DETAIL = '" PRIVATE "'; END $$");
	(void)both_sql(b, "CREATE TRIGGER no BEFORE INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION no()");
	CHECK_SAID(store_finish(b->store, &r, 1, 0, NULL), "permission denied for table orders", "grant him the right");
	store_turns_free(&turns);
}

static void test_take_and_fail_and_keep(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_failure failure = { .reason = "no" };
	struct store_kept kept;

	b->settings.turn_attempts = 1;
	both_open(b, STORE_WORKER);
	take_one(b, &turns);
	failure.turn = &turns.turn[0];
	(void)both_sql(b, "ALTER TABLE c2o_clients RENAME TO elsewhere");
	CHECK_SAID(store_fail(b->store, &failure, 1), "\"c2o_clients\"", "put it back");
	failure.give_back = true;
	assert_int_equal(store_fail(b->store, &failure, 1), ERR_OK);
	CHECK_SAID(store_take(b->store, 1, PATIENCE_MS, &turns), "\"c2o_clients\"", "put it back");
	CHECK_SAID(store_keep(b->store, &kept), "\"c2o_clients\"", "put it back");
	(void)both_sql(b, "ALTER TABLE elsewhere RENAME TO c2o_clients");
	(void)both_sql(b, "ALTER TABLE message_logs RENAME TO elsewhere");
	CHECK_SAID(store_keep(b->store, &kept), "\"message_logs\"", "put it back");
	store_turns_free(&turns);
}

/* The server's own words hold the row, and the words of a trigger may. */
static void test_no_row_is_told(void **state)
{
	static const struct {
		const char *sql, *told;
	} cases[] = {
		{ "INSERT INTO orders(client_phone, delivery_address, quantity) VALUES ('" PRIVATE "', '', -1)",
		    "orders_quantity_check" },
		{ "INSERT INTO message_logs(client_id, message_id, text, timestamp) VALUES ('a', '" PRIVATE "', '', 1),"
		  " ('a', '" PRIVATE "', '', 1)",
		    "message_logs_message_id_key" },
		{ "SELECT '" PRIVATE "'::int", "22P02" },
		{ "DO $$ BEGIN RAISE '" PRIVATE "'; END $$", "P0001" },
		{ "DO $$ BEGIN RAISE 'x' USING DETAIL = '" PRIVATE "', ERRCODE = '42501'; END $$", "grant" },
	};
	struct both *b = *state;
	PGconn *c;

	both_open(b, STORE_WORKER);
	assert_int_equal(pg_connect(&b->settings, &c, &b->why), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		PGresult *r = PQexec(c, cases[i].sql);

		assert_int_equal(PQresultStatus(r), PGRES_FATAL_ERROR);
		(void)pg_result_error(c, r, NULL, &b->why);
		if (strstr(b->why.text, PRIVATE) != NULL || strstr(b->why.text, cases[i].told) == NULL)
			fail_msg("%s: %s", cases[i].sql, b->why.text);
		PQclear(r);
	}
	PQfinish(c);
}

/* ---- Redis ------------------------------------------------------------------------------------------ */

/* A key of ours that is something else, or a right that is missing: the script is named, and where. */
static void test_redis_says_why(void **state)
{
	struct both *b = *state;
	struct store_reply reply = { .reply_id = "r", .client_id = SLICE("a") };
	struct store_sent sent = { .reply = &reply, .how = STORE_SENT_ACCEPTED };
	struct store_replies replies = { 0 };
	struct store_counts counts;
	enum err err;

	b->settings.rate_limit = 5;
	both_open(b, STORE_WORKER);
	(void)both_redis(b, "SET bull:outbox:wait x");
	(void)both_redis(b, "SET c2o:rate x");
	CHECK_SAID(store_claim(b->store, 1, PATIENCE_MS, &replies), "Redis at 127.0.0.1", "WRONGTYPE", "script claim");
	CHECK_SAID(store_rate(b->store), "Redis at 127.0.0.1", "WRONGTYPE", "script rate");
	CHECK_SAID(store_counts(b->store, &counts), "Redis at 127.0.0.1", "WRONGTYPE", "script counts");
	(void)both_redis(b, "ACL SETUSER default -evalsha -fcall");
	err = store_sent(b->store, &sent, 1);
	(void)both_redis(b, "ACL SETUSER default +evalsha +fcall");
	CHECK_SAID(err, "Redis at 127.0.0.1", "NOPERM", "script sent");
	store_replies_free(&replies);
}

/* Without a spool, as commands are. */
static void test_add_says_why(void **state)
{
	struct both *b = *state;
	enum err err;

	both_open(b, STORE_WORKER);
	(void)both_redis(b, "CONFIG SET maxmemory 1");
	err = say(b->store, "1");
	(void)both_redis(b, "CONFIG SET maxmemory 0");
	CHECK_SAID(err, "Redis at 127.0.0.1", "OOM", "script add");
}

/* ---- embedded --------------------------------------------------------------------------------------- */

static void test_embedded_says_why(void **state)
{
	struct both *b = *state;
	struct store_order_filter all = { 0 };
	struct store_order *orders;
	char folder[] = "/tmp/chat2order-said-XXXXXX", path[64];
	sqlite3 *db;
	size_t n;

	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/chat2order.db", folder);
	b->settings.redis_url = b->settings.database_url = "";
	b->settings.data_dir = folder;
	both_open(b, STORE_SERVICE);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE messages; DROP TABLE orders", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	CHECK_SAID(say(b->store, "1"), path, "no such table: messages", "restore a backup");
	CHECK_SAID(store_order_list(b->store, &all, 0, 1, &b->arena, &orders, &n), path, "no such table: orders",
	    "restore a backup");
	store_close(&b->store);
	for (size_t i = 0; i < 4; i++) {
		static const char *const files[] = { "chat2order.db", "chat2order.db-wal", "chat2order.db-shm",
			"lock" };

		(void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		(void)remove(path);
	}
	(void)remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_table_renamed_away),
		BOTH(test_right_taken_away),
		BOTH(test_take_and_fail_and_keep),
		BOTH(test_no_row_is_told),
		BOTH(test_redis_says_why),
		BOTH(test_add_says_why),
		BOTH(test_embedded_says_why),
	};

	return cmocka_run_group_tests_name("sentences", tests, both_group_begin, both_group_end);
}
