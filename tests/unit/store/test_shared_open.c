/* test_shared_open.c - which servers the shared store opens on, which it refuses and which it waits for. */
#include "postgres_server.h"
#include "redis_server.h"

#include "base/clock.h"
#include "store/store.h"
#include "store/waiting.h"

#include "base/settings.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct redis_server *redis;
static struct postgres_server *postgres;

/* ---- a shop's pair of servers ------------------------------------------------------------------------ */

struct shop {
	struct settings settings;
	char folder[64], redis_url[96], database_url[POSTGRES_URL_SIZE];
	redisContext *redis;
};

static int begin(void **state)
{
	struct shop *s = mem_alloc(sizeof *s);

	settings_defaults(&s->settings);
	(void)snprintf(s->folder, sizeof s->folder, "%s/shop", redis_server_folder(redis));
	(void)snprintf(s->redis_url, sizeof s->redis_url, "%s", redis_server_url(redis));
	postgres_create_database(postgres, "shop");
	s->settings.data_dir = s->folder;
	s->settings.redis_url = s->redis_url;
	s->settings.database_url = postgres_url(postgres, "shop", s->database_url);
	s->settings.disk_reserve_mb = 0;
	s->settings.lease_ms = 1000;
	s->redis = redisConnect("127.0.0.1", redis_server_port(redis));
	freeReplyObject(redisCommand(s->redis, "FLUSHALL"));
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct shop *s = *state;

	redisFree(s->redis);
	postgres_drop_database(postgres, "shop");
	settings_free(&s->settings);
	free(s);
	return 0;
}

/* The answer as a text, valid until the next. */
static const char *ask(struct shop *s, const char *command)
{
	static char text[256];
	redisReply *r = redisCommand(s->redis, command);

	assert_non_null(r);
	(void)snprintf(text, sizeof text, "%s", r->str != NULL ? r->str : "");
	if (r->type == REDIS_REPLY_INTEGER)
		(void)snprintf(text, sizeof text, "%lld", r->integer);
	freeReplyObject(r);
	return text;
}

static struct store *opened(struct shop *s, enum store_role role)
{
	struct store *store = NULL;
	struct why why = { 0 };

	if (store_open(&s->settings, role, &store, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return store;
}

static struct store *opened_with_servers(struct shop *s, enum store_role role)
{
	struct store *store = opened(s, role);
	struct why why = { 0 };

	if (store_wait(store, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return store;
}

static void opens(struct shop *s, enum store_role role)
{
	struct store *store = opened_with_servers(s, role);

	store_close(&store);
}

static void check_refused(struct shop *s, enum store_role role, enum err err, const char *part)
{
	struct store *store = NULL;
	struct why why = { 0 };
	enum err got = store_open(&s->settings, role, &store, &why);

	if (got != err || strstr(why.text, part) == NULL)
		fail_msg("role %d: %s: %s", (int)role, err_name(got), why.text);
	store_close(&store);
}

/* ---- cases ------------------------------------------------------------------------------------------ */

static void test_first_start(void **state)
{
	struct shop *s = *state;
	struct store *store = opened_with_servers(s, STORE_SERVICE);
	char epoch[64];

	assert_string_equal(ask(s, "HGET c2o:meta layout"), "1");
	assert_string_equal(ask(s, "HGET c2o:meta bull"), "bull");
	(void)snprintf(epoch, sizeof epoch, "%s", ask(s, "HGET c2o:meta epoch"));
	assert_int_equal(strlen(epoch), 16);
	assert_string_equal(ask(s, "ZCARD c2o:owners"), "1");
	store_close(&store);
	assert_string_equal(ask(s, "ZCARD c2o:owners"), "0");
	assert_string_equal(ask(s, "EXISTS c2o:workers"), "0");
	opens(s, STORE_WORKER);
	opens(s, STORE_INTAKE);
	opens(s, STORE_BESIDE);
	assert_string_equal(ask(s, "HGET c2o:meta epoch"), epoch);
}

/* An intake alone may be the first: there is nobody yet to make an epoch. */
static void test_intake_first(void **state)
{
	struct shop *s = *state;

	opens(s, STORE_INTAKE);
	assert_string_equal(ask(s, "HGET c2o:meta layout"), "1");
	assert_string_equal(ask(s, "HEXISTS c2o:meta epoch"), "0");
	opens(s, STORE_WORKER);
	assert_string_equal(ask(s, "HEXISTS c2o:meta epoch"), "1");
}

static void test_other_prefix(void **state)
{
	struct shop *s = *state;

	opens(s, STORE_SERVICE);
	s->settings.bull_prefix = "ox";
	check_refused(s, STORE_WORKER, ERR_INVALID, "\"ox\"");
	check_refused(s, STORE_INTAKE, ERR_INVALID, "\"bull\"");
	check_refused(s, STORE_BESIDE, ERR_INVALID, "STORE_PREFIX");
}

static void test_newer_layout(void **state)
{
	struct shop *s = *state;

	(void)ask(s, "HSET c2o:meta layout 2");
	check_refused(s, STORE_SERVICE, ERR_NEWER_VERSION, "layout 2");
}

static void test_strangers(void **state)
{
	struct shop *s = *state;

	opens(s, STORE_SERVICE);
	(void)ask(s, "HSET c2o:meta epoch 0123456789abcdef");
	check_refused(s, STORE_SERVICE, ERR_CONFLICT, "0123456789abcdef");
	check_refused(s, STORE_WORKER, ERR_CONFLICT, "do not belong together");
	check_refused(s, STORE_BESIDE, ERR_CONFLICT, "do not belong together");
	opens(s, STORE_INTAKE); /* PostgreSQL is none of its business */
}

/* A PostgreSQL that knows nothing: only where there is nothing to lose in Redis, either. */
static void test_new_database(void **state)
{
	struct shop *s = *state;

	(void)ask(s, "HSET c2o:meta epoch 0123456789abcdef");
	(void)ask(s, "ZADD c2o:idle 1 somebody");
	check_refused(s, STORE_SERVICE, ERR_CONFLICT, "none");
	(void)ask(s, "DEL c2o:idle");
	opens(s, STORE_SERVICE);
	assert_string_equal(ask(s, "HGET c2o:meta epoch"), "0123456789abcdef");
	opens(s, STORE_SERVICE);
}

/* Redis lost all: it is opened, and nobody takes, since no beat is registered before a keeper has restored it. */
static void test_lost_redis(void **state)
{
	struct shop *s = *state;
	struct store *store;

	opens(s, STORE_SERVICE);
	(void)ask(s, "FLUSHALL");
	store = opened_with_servers(s, STORE_SERVICE);
	assert_string_equal(ask(s, "HEXISTS c2o:meta epoch"), "0");
	assert_string_equal(ask(s, "ZCARD c2o:owners"), "0");
	store_close(&store);
}

static void test_bull_worker(void **state)
{
	struct shop *s = *state;
	struct store *first;

	opens(s, STORE_SERVICE);
	(void)ask(s, "CLIENT SETNAME bull:bWVzc2FnZXM=");
	check_refused(s, STORE_SERVICE, ERR_IN_USE, "messages");
	check_refused(s, STORE_INTAKE, ERR_IN_USE, "messages");
	opens(s, STORE_BESIDE);
	(void)ask(s, "CLIENT SETNAME board");
	first = opened_with_servers(s, STORE_WORKER);
	opens(s, STORE_WORKER); /* the other one's wakers are none */
	store_close(&first);
}

static bool is_named(struct shop *s, const char *name)
{
	redisReply *r = redisCommand(s->redis, "CLIENT LIST");
	bool is = r != NULL && r->str != NULL && strstr(r->str, name) != NULL;

	freeReplyObject(r);
	return is;
}

/* Another shop on the same Redis, with a database number of its own and the usual prefixes. */
static void test_other_shop(void **state)
{
	struct shop *s = *state;
	struct store *first = opened_with_servers(s, STORE_WORKER);
	int64_t end_ms = clock_mono_ms() + 10000;

	while (!(is_named(s, "bull:bWVzc2FnZXM=") && is_named(s, "bull:b3V0Ym94")) && clock_mono_ms() < end_ms)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	(void)snprintf(s->redis_url, sizeof s->redis_url, "%s/1", redis_server_url(redis));
	opens(s, STORE_INTAKE);
	store_close(&first);
}

static void test_nobody_there(void **state)
{
	struct shop *s = *state;

	s->settings.redis_url = "redis://127.0.0.1:1";
	check_refused(s, STORE_BESIDE, ERR_UNREACHABLE, "127.0.0.1:1");
	s->settings.redis_url = s->redis_url;
	s->settings.database_url = "postgresql://chat2order@127.0.0.1:1/shop";
	check_refused(s, STORE_BESIDE, ERR_UNREACHABLE, "PostgreSQL");
	s->settings.redis_url = "rediss://127.0.0.1";
	check_refused(s, STORE_SERVICE, ERR_INVALID, "TLS");
}

/* ---- waiting ---- */

static atomic_int told, asked;
static _Atomic bool go_on;
static char told_text[512];

static bool note_waiting(const char *sentence)
{
	if (sentence != NULL) {
		(void)snprintf(told_text, sizeof told_text, "%s", sentence);
		atomic_fetch_add(&told, 1);
	} else {
		atomic_fetch_add(&asked, 1);
	}
	return atomic_load(&go_on);
}

static void pass_until_text(struct shop *s, const char *command, const char *answer)
{
	int64_t end_ms = clock_mono_ms() + 20000;

	while (strcmp(ask(s, command), answer) != 0) {
		assert_true(clock_mono_ms() < end_ms);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

struct waiting {
	struct store *store;
	enum err err; /* of the wait */
	struct why why;
};

static void *wait_for_it(void *arg)
{
	struct waiting *w = arg;

	w->err = store_wait(w->store, &w->why);
	return NULL;
}

static enum err add(struct store *store, const char *id)
{
	struct store_message m = { .message_id = slice_of(id), .client_id = SLICE("client"), .text = slice_of(id) };
	enum store_added added;

	return store_add(store, &m, 1, &added);
}

static int64_t spooled(struct store *store)
{
	struct store_counts counts = { 0 };

	(void)!store_counts(store, &counts);
	return counts.spooled;
}

/* What the keeper's round tells of a server. */
static struct store_note note_of(struct store *store, const char *check)
{
	struct store_kept kept;

	assert_int_equal(store_keep(store, &kept), ERR_OK);
	for (size_t i = 0; i < kept.n_notes; i++)
		if (strcmp(kept.notes[i].check, check) == 0)
			return kept.notes[i];
	return (struct store_note){ .ok = true };
}

static void pass_until(atomic_int *count, int least)
{
	int64_t end_ms = clock_mono_ms() + 20000;

	while (atomic_load(count) < least) {
		assert_true(clock_mono_ms() < end_ms);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

static void test_waits_for_both(void **state)
{
	struct shop *s = *state;
	struct waiting w = { 0 };
	pthread_t thread;

	atomic_store(&told, 0);
	atomic_store(&go_on, true);
	redis_server_kill(redis);
	postgres_kill(postgres);
	store_while_waiting(note_waiting);
	w.store = opened(s, STORE_SERVICE);
	assert_int_equal(add(w.store, "m1"), ERR_OK);
	assert_int_equal(spooled(w.store), 1);
	assert_false(note_of(w.store, "redis").ok);
	assert_true(note_of(w.store, "redis").grave);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &w), 0);
	pass_until(&told, 1);
	assert_non_null(strstr(told_text, "Redis"));
	redis_server_restart(redis);
	pass_until(&told, 2);
	assert_non_null(strstr(told_text, "PostgreSQL"));
	assert_true(note_of(w.store, "redis").ok);
	assert_false(note_of(w.store, "postgres").ok);
	assert_int_equal(add(w.store, "m2"), ERR_OK);
	assert_int_equal(redisReconnect(s->redis), REDIS_OK);
	pass_until_text(s, "LLEN bull:messages:wait", "2"); /* Redis has them, whatever PostgreSQL does */
	assert_string_equal(ask(s, "ZCARD c2o:owners"), "0");
	postgres_restart(postgres);
	(void)pthread_join(thread, NULL);
	store_while_waiting(NULL);
	assert_int_equal(w.err, ERR_OK);
	assert_true(note_of(w.store, "postgres").ok);
	assert_string_equal(ask(s, "ZCARD c2o:owners"), "1");
	store_close(&w.store);
}

/* Redis comes, and is another shop's: the wait ends, and nothing of ours goes there. */
static void test_strangers_come_late(void **state)
{
	struct shop *s = *state;
	struct waiting w = { 0 };
	pthread_t thread;

	atomic_store(&told, 0);
	atomic_store(&go_on, true);
	(void)ask(s, "HSET c2o:meta layout 2");
	redis_server_kill(redis);
	store_while_waiting(note_waiting);
	w.store = opened(s, STORE_INTAKE);
	assert_false(note_of(w.store, "redis").grave); /* the spool takes */
	assert_int_equal(add(w.store, "m1"), ERR_OK);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, &w), 0);
	pass_until(&told, 1);
	redis_server_restart(redis);
	(void)pthread_join(thread, NULL);
	store_while_waiting(NULL);
	assert_int_equal(w.err, ERR_NEWER_VERSION);
	assert_non_null(strstr(w.why.text, "layout 2"));
	assert_int_equal(add(w.store, "m2"), ERR_OK);
	assert_int_equal(spooled(w.store), 2);
	store_close(&w.store);
	assert_int_equal(redisReconnect(s->redis), REDIS_OK);
	assert_string_equal(ask(s, "EXISTS bull:messages:wait"), "0");
	(void)ask(s, "FLUSHALL");
	w.store = opened(s, STORE_INTAKE); /* the next start has the right one, and what was spooled */
	pass_until_text(s, "LLEN bull:messages:wait", "2");
	store_close(&w.store);
}

static void test_gives_up_when_told(void **state)
{
	struct shop *s = *state;
	struct waiting w = { 0 };

	atomic_store(&told, 0);
	atomic_store(&go_on, false);
	store_while_waiting(note_waiting);
	s->settings.redis_url = "redis://127.0.0.1:1";
	w.store = opened(s, STORE_WORKER);
	(void)wait_for_it(&w);
	store_while_waiting(NULL);
	assert_int_equal(w.err, ERR_STOPPED);
	assert_non_null(strstr(w.why.text, "127.0.0.1:1"));
	assert_int_equal(atomic_load(&told), 1);
	store_close(&w.store);
}

static int begin_group(void **state)
{
	redis = redis_server_start(NULL);
	postgres = postgres_start(false);
	return 0;
}

static int end_group(void **state)
{
	postgres_stop(&postgres);
	redis_server_end(&redis);
	return 0;
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_first_start),
		CASE(test_intake_first),
		CASE(test_other_prefix),
		CASE(test_newer_layout),
		CASE(test_strangers),
		CASE(test_new_database),
		CASE(test_lost_redis),
		CASE(test_bull_worker),
		CASE(test_other_shop),
		CASE(test_nobody_there),
		CASE(test_waits_for_both),
		CASE(test_strangers_come_late),
		CASE(test_gives_up_when_told),
	};

	return cmocka_run_group_tests(tests, begin_group, end_group);
}
