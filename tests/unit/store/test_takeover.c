/* test_takeover.c - a database and a Redis of the predecessor become ours. */
#include "both_servers.h"

#include "base/clock.h"
#include "store/shared/takeover/takeover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char tables[] =
    "CREATE TABLE orders (id SERIAL PRIMARY KEY, client_phone VARCHAR(20) NOT NULL, delivery_address TEXT NOT NULL,"
    " quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 50), source VARCHAR(50) NOT NULL DEFAULT 'chat2desk_bot',"
    " chat2desk_client_id VARCHAR(255), status VARCHAR(50) NOT NULL DEFAULT 'new', created_at TIMESTAMP DEFAULT NOW(),"
    " updated_at TIMESTAMP DEFAULT NOW());"
    "CREATE TABLE message_logs (id SERIAL PRIMARY KEY, client_id VARCHAR(255) NOT NULL, message_id VARCHAR(255) NOT NULL UNIQUE,"
    " text TEXT NOT NULL, dialog_state VARCHAR(50), timestamp BIGINT NOT NULL, success BOOLEAN DEFAULT TRUE, error_reason TEXT,"
    " created_at TIMESTAMP DEFAULT NOW());"
    "CREATE TABLE dialog_outcomes (id SERIAL PRIMARY KEY, client_id VARCHAR(255) NOT NULL, completed BOOLEAN NOT NULL,"
    " dropoff_state VARCHAR(50), total_messages INTEGER NOT NULL, duration_seconds INTEGER NOT NULL,"
    " created_at TIMESTAMP DEFAULT NOW());"
    "INSERT INTO orders(client_phone, delivery_address, quantity, created_at) VALUES ('+996', 'x', 1, '2025-06-01 12:00:00')";

#define OPEN_DIALOG                                                                                                          \
	"{\"clientId\":\"42\",\"state\":\"WAITING_PHONE\",\"data\":{\"address\":\"Main St 1\"},\"createdAt\":1700000000000," \
	"\"updatedAt\":1700000001000}"

static void set(struct both *b, const char *key, const char *value, const char *ttl_ms)
{
	(void)both_redis_words(b, (const char *const[]){ "SET", key, value, "PX", ttl_ms }, 5);
}

/* A job as Bull writes it. */
static void job(struct both *b, const char *queue, const char *id, const char *data, int64_t timestamp)
{
	char key[64], time[24];

	(void)snprintf(key, sizeof key, "bull:%s:%s", queue, id);
	(void)snprintf(time, sizeof time, "%" PRId64, timestamp);
	(void)both_redis_words(b,
	    (const char *const[]){ "HSET", key, "name", "__default__", "data", data, "opts", "{\"attempts\":3}",
		"timestamp", time, "delay", "0", "priority", "0" },
	    14);
}

static void leave_predecessor(struct both *b)
{
	int64_t now = clock_wall_ms();

	(void)both_sql(b, tables);
	set(b, "dialog:42", OPEN_DIALOG, "3600000");
	set(b, "dialog:43", "{\"clientId\":\"43\",\"state\":\"INITIAL\",\"data\":{},\"createdAt\":1,\"updatedAt\":1}",
	    "3600000");
	set(b, "dialog:strange", "no JSON at all", "3600000");
	(void)both_redis(b, "SADD dialog:a_set x");
	set(b, "processed:1001", "1", "3600000");
	job(b, "messages", "1", "{\"clientId\":\"42\",\"messageText\":\"+996555123456\",\"messageId\":\"2001\"}",
	    now - 3000);
	job(b, "messages", "2", "{\"clientId\":7,\"messageText\":\"hi\",\"messageId\":2002}", now - 2000);
	job(b, "messages", "3", "{\"clientId\":\"8\",\"messageText\":\"under way\",\"messageId\":\"2003\"}",
	    now - 5000);
	job(b, "messages", "4", "{\"clientId\":\"9\",\"messageText\":\"under way too\",\"messageId\":\"2004\"}",
	    now - 4000);
	job(b, "messages", "5", "{\"clientId\":\"9\",\"messageText\":\"failed\",\"messageId\":\"2005\"}", now - 4000);
	(void)both_redis(b, "LPUSH bull:messages:wait 1 2");
	(void)both_redis(b, "LPUSH bull:messages:active 3 4");
	(void)both_redis(b, "SET bull:messages:3:lock token");
	(void)both_redis(b, "SET bull:messages:stalled-check 1");
	(void)both_redis(b, "SADD bull:messages:stalled 3");
	(void)both_redis(b, "ZADD bull:messages:failed 1700000000000 5");
	job(b, "outbox", "1", "{\"clientId\":\"42\",\"text\":\"last year's\",\"attempts\":0}", now - 100LL * 3600000);
	job(b, "outbox", "2", "{\"clientId\":\"42\",\"text\":\"yesterday's\",\"createdAt\":1,\"attempts\":0}",
	    now - 20LL * 3600000);
	job(b, "outbox", "3", "{\"clientId\":\"77\",\"text\":\"today's\",\"createdAt\":2,\"attempts\":0}",
	    now - 3600000);
	(void)both_redis(b, "LPUSH bull:outbox:wait 1 2 3");
}

static const struct takeover_line *line_of(const struct takeover_report *report, const char *what)
{
	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->line[i].what, what) == 0)
			return &report->line[i];
	fail_msg("there is no line \"%s\"", what);
	return NULL;
}

static enum err migrate(struct both *b, bool dry, struct takeover_report *report)
{
	return takeover_migrate(&b->settings, dry, report, &b->why);
}

static void check_taken_over(struct both *b)
{
	CHECK_SQL(b, "SELECT concat_ws('|', client_id, version, turn_id, dialog_id, covers) FROM c2o_clients",
	    "42|1|pre-42|pre-42-1700000000000|[]");
	CHECK_SQL(b, "SELECT dialog FROM c2o_clients", OPEN_DIALOG);
	CHECK_REDIS(b, "EXISTS dialog:42 dialog:43", "0");
	CHECK_REDIS(b, "EXISTS dialog:strange dialog:a_set processed:1001", "3");
	CHECK_REDIS(
	    b, "HMGET c2o:lane:42 s v sh la di lt", "0 1 1700000001000 1700000001000 pre-42-1700000000000 pre-42");
	CHECK_REDIS(b, "HGET c2o:meta open", "1");
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "2 1 4 3");
	CHECK_REDIS(b,
	    "EXISTS bull:messages:active bull:messages:3:lock bull:messages:stalled bull:messages:stalled-check", "0");
	CHECK_REDIS(b, "LRANGE bull:outbox:wait 0 -1", "3 2");
	CHECK_REDIS(b, "ZRANGE bull:outbox:failed 0 -1", "1");
	CHECK_REDIS(b, "HGET bull:outbox:1 failedReason", "written before the take-over");
	CHECK_SQL(b, "SELECT took_over IS NOT NULL FROM c2o_meta", "t");
	CHECK_REDIS(b, "HEXISTS c2o:meta taken_over", "1");
}

static void test_dry_run(void **state)
{
	struct both *b = *state;
	struct takeover_report report;
	const char *keys;

	leave_predecessor(b);
	b->settings.predecessor_zone = "Asia/Bishkek";
	keys = both_redis(b, "DBSIZE");
	assert_int_equal(migrate(b, true, &report), ERR_OK);
	assert_false(report.done_before);
	assert_int_equal(line_of(&report, "orders")->n, 1);
	assert_non_null(strstr(line_of(&report, "orders")->becomes, "2025-06-01 12:00:00 is 2025-06-01T06:00:00Z"));
	assert_int_equal(line_of(&report, "open dialogs")->n, 1);
	assert_int_equal(line_of(&report, "open dialogs")->oldest_ms, 1700000000000);
	assert_int_equal(line_of(&report, "dialogs not begun")->n, 1);
	assert_int_equal(line_of(&report, "marks of handled messages")->n, 1);
	assert_int_equal(line_of(&report, "waiting messages")->n, 2);
	assert_in_range(clock_wall_ms() - line_of(&report, "waiting messages")->oldest_ms, 3000, 60000);
	assert_int_equal(line_of(&report, "messages under way")->n, 2);
	assert_int_equal(line_of(&report, "failed messages")->n, 1);
	assert_int_equal(line_of(&report, "unsent replies")->n, 2);
	assert_int_equal(line_of(&report, "unsent replies, too old")->n, 1);
	assert_in_range(
	    clock_wall_ms() - line_of(&report, "unsent replies, too old")->oldest_ms, 100LL * 3600000, 101LL * 3600000);

	CHECK_SQL(b, "SELECT to_regclass('c2o_meta') IS NULL", "t");
	CHECK_SQL(b,
	    "SELECT data_type FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'id'",
	    "integer");
	CHECK_REDIS(b, "EXISTS c2o:meta", "0");
	CHECK_REDIS(b, "DBSIZE", keys);
	CHECK_REDIS(b, "LRANGE bull:messages:active 0 -1", "4 3");
	CHECK_REDIS(b, "LRANGE bull:outbox:wait 0 -1", "3 2 1");
	CHECK_REDIS(b, "GET dialog:42", OPEN_DIALOG);
}

static void test_take_over(void **state)
{
	struct both *b = *state;
	struct takeover_report report;

	leave_predecessor(b);
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	assert_int_equal(line_of(&report, "open dialogs")->n, 1);
	check_taken_over(b);
	assert_in_range(strtoll(both_redis(b, "ZSCORE c2o:idle 42"), NULL, 10) - clock_wall_ms(), 3590000, 3600000);
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	assert_true(report.done_before);
	assert_int_equal(report.n, 0);
	check_taken_over(b);
}

/* Killed at each point, and begun again. */
static void test_broken_off(void **state)
{
	static const char *const points[] = { "takeover_dialog", "takeover_2", "takeover_4", "takeover_6",
		"takeover_7" };
	struct both *b = *state;
	struct takeover_report report;

	leave_predecessor(b);
#ifdef CHAT2ORDER_CRASH_POINTS
	for (size_t i = 0; i < COUNT_OF(points); i++) {
		int status;
		pid_t child;

		(void)fflush(NULL);
		child = fork();
		if (child == 0) {
			(void)setenv("CRASH_AT", points[i], 1);
			_exit(migrate(b, false, &report) == ERR_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status))
			fail_msg("%s was not passed", points[i]);
		/* its lock goes with its connection */
		for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until;)
			if (strcmp(both_sql(b, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0") == 0)
				break;
	}
#else
	(void)points;
#endif
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	check_taken_over(b);
}

static void test_all_replies_wanted(void **state)
{
	struct both *b = *state;
	struct takeover_report report;

	leave_predecessor(b);
	b->settings.take_over_replies_h = 0;
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	assert_int_equal(line_of(&report, "unsent replies")->n, 3);
	CHECK_REDIS(b, "LRANGE bull:outbox:wait 0 -1", "3 2 1");
}

/* More than one step's worth, old and young in turn, in two lists. */
static void test_many_replies(void **state)
{
	enum { REPLIES = 450 };
	struct both *b = *state;
	struct takeover_report report;
	int64_t now = clock_wall_ms();
	char id[16], command[64];

	for (int i = 0; i < REPLIES; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		job(b, "outbox", id, "{\"clientId\":\"1\",\"text\":\"x\"}", i % 3 == 0 ? now - 300000LL * 1000 : now);
		(void)snprintf(command, sizeof command,
		    i % 2 == 0 ? "LPUSH bull:outbox:wait %s" : "ZADD bull:outbox:delayed 1 %s", id);
		(void)both_redis(b, command);
	}
	assert_int_equal(migrate(b, true, &report), ERR_OK);
	assert_int_equal(line_of(&report, "unsent replies, too old")->n, REPLIES / 3);
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	assert_int_equal(line_of(&report, "unsent replies")->n, REPLIES - REPLIES / 3);
	CHECK_REDIS(b, "ZCARD bull:outbox:failed", "150");
	CHECK_REDIS(b, "LLEN bull:outbox:wait", "150");
	CHECK_REDIS(b, "ZCARD bull:outbox:delayed", "150");
	CHECK_REDIS(b, "ZCARD c2o:dead", "150");
}

/* What a client has come to with us stands above what the predecessor left. */
static void test_known_client(void **state)
{
	struct both *b = *state;
	struct takeover_report report;

	leave_predecessor(b);
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	(void)both_sql(b, "UPDATE c2o_meta SET took_over = NULL");
	(void)both_sql(b, "UPDATE c2o_clients SET version = 5, turn_id = 'ours', dialog = 'ours'");
	(void)both_redis(b, "HDEL c2o:meta taken_over");
	(void)both_redis(b, "HSET c2o:lane:42 v 5 lt ours sh 7");
	set(b, "dialog:42", OPEN_DIALOG, "3600000");
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	CHECK_SQL(b, "SELECT dialog || version FROM c2o_clients", "ours5");
	CHECK_REDIS(b, "HMGET c2o:lane:42 v sh", "5 7");
	CHECK_REDIS(b, "EXISTS dialog:42", "0");
}

/* The other server remembers. */
static void test_remembered_by_one(void **state)
{
	struct both *b = *state;
	struct takeover_report report;

	assert_int_equal(migrate(b, false, &report), ERR_OK);
	assert_int_equal(report.n, 0);
	(void)both_sql(b, "UPDATE c2o_meta SET took_over = NULL");
	set(b, "dialog:42", OPEN_DIALOG, "3600000");
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	CHECK_REDIS(b, "EXISTS dialog:42", "1");
	CHECK_SQL(b, "SELECT took_over IS NOT NULL FROM c2o_meta", "t");
}

static void test_another_shop(void **state)
{
	struct both *b = *state;
	struct takeover_report report;

	leave_predecessor(b);
	b->settings.store_prefix = "second";
	b->settings.bull_prefix = "bull2";
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	CHECK_REDIS(b, "EXISTS dialog:42 dialog:43", "2");
	CHECK_REDIS(b, "LLEN bull:messages:active", "2");
	CHECK_SQL(b, "SELECT count(*) FROM c2o_clients", "0");
}

/* Without a command: the first worker does it before it takes a turn. */
static void test_at_start(void **state)
{
	struct both *b = *state;

	leave_predecessor(b);
	both_open(b, STORE_WORKER);
	check_taken_over(b);
	store_close(&b->store);
	set(b, "dialog:90", OPEN_DIALOG, "3600000");
	both_open(b, STORE_WORKER);
	CHECK_REDIS(b, "EXISTS dialog:90", "1"); /* once and for all */
}

/* The customer goes on with us where he was, and a yes that he writes counts. */
static void test_goes_on(void **state)
{
	struct both *b = *state;
	struct takeover_report report;
	struct store_turns turns = { 0 };
	struct store_replies replies = { 0 };
	bool seen = false;

	leave_predecessor(b);
	assert_int_equal(migrate(b, false, &report), ERR_OK);
	both_open(b, STORE_WORKER);
	assert_int_equal(store_take(b->store, 10, 5000, &turns), ERR_OK);
	for (size_t i = 0; i < turns.n; i++) {
		const struct store_turn *t = &turns.turn[i];

		if (!slice_eq(t->client_id, SLICE("42")))
			continue;
		seen = true;
		assert_true(slice_eq(t->dialog, SLICE(OPEN_DIALOG)));
		assert_int_equal(t->shown_ms, 1700000001000);
		assert_int_equal(t->n_messages, 1);
		assert_true(slice_eq(t->messages[0].text, SLICE("+996555123456")));
	}
	assert_true(seen);
	assert_int_equal(store_claim(b->store, 10, 5000, &replies), ERR_OK);
	assert_true(replies.n >= 1); /* 77's; 42 is in his turn */
	assert_true(slice_eq(replies.reply[0].text, SLICE("today's")));
	store_turns_free(&turns);
	store_replies_free(&replies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_dry_run),
		BOTH(test_take_over),
		BOTH(test_broken_off),
		BOTH(test_all_replies_wanted),
		BOTH(test_many_replies),
		BOTH(test_known_client),
		BOTH(test_remembered_by_one),
		BOTH(test_another_shop),
		BOTH(test_at_start),
		BOTH(test_goes_on),
	};

	return cmocka_run_group_tests_name("take-over", tests, both_group_begin, both_group_end);
}
