/* test_redis.c - pool, calls, clock, beats, wakers and Bull workers against a redis-server of the test's own. */
#include "redis_server.h"

#include "base/clock.h"
#include "store/shared/held.h"
#include "store/shared/keep/sweep.h"
#include "store/shared/meta.h"
#include "store/shared/owner.h"
#include "store/shared/redis/bull_workers.h"
#include "store/shared/redis/call.h"
#include "store/shared/redis/clock.h"
#include "store/shared/redis/library.h"
#include "store/shared/redis/waker.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000, LEASE_MS = 1000 };

static struct redis_server *server;

/* ---- a process of its own, but for PostgreSQL and verbs ----------------------------------------------- */

static struct shared *process(const char *url)
{
	struct shared *s = mem_alloc(sizeof *s);
	struct why why = { 0 };

	settings_defaults(&s->settings);
	s->settings.redis_url = url;
	s->settings.lease_ms = LEASE_MS;
	s->role = STORE_WORKER;
	owner_name(s);
	s->clock = redis_clock_new();
	s->held = held_new();
	if (redis_pool_open(s, &s->redis, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return s;
}

static void end(struct shared *s)
{
	wakers_stop(&s->wakers);
	owner_stop(s);
	redis_pool_close(&s->redis);
	redis_clock_free(&s->clock);
	held_free(&s->held);
	settings_free(&s->settings);
	free(s);
}

static enum err prepared(const char *url, struct why *why)
{
	struct shared *s = process(url);
	enum err err = redis_prepare(s->redis, why);

	end(s);
	return err;
}

static struct shared *ready_process(void)
{
	struct shared *s = process(redis_server_url(server));
	struct why why = { 0 };

	if (redis_prepare(s->redis, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return s;
}

/* A plain command whose words are in one text; its answer as a text, valid until the next. */
static const char *say(struct shared *s, const char *command)
{
	static char answer[65536];
	char copy[512], *save = NULL;
	const char *words[16];
	struct redisReply *reply = NULL;
	struct why why = { 0 };
	size_t n = 0;

	(void)snprintf(copy, sizeof copy, "%s", command);
	for (char *w = strtok_r(copy, " ", &save); w != NULL && n < COUNT_OF(words); w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	if (redis_command(s->redis, n, words, NULL, &reply, &why) != ERR_OK)
		fail_msg("%s: %s", command, why.text);
	if (reply->type == REDIS_REPLY_INTEGER)
		(void)snprintf(answer, sizeof answer, "%lld", reply->integer);
	else
		(void)snprintf(answer, sizeof answer, "%s", reply->str != NULL ? reply->str : "");
	freeReplyObject(reply);
	return answer;
}

/* A script that only reads: which turn an unknown client's lane is in. */
static enum err call(struct shared *s, struct redis_identity *ret_sent, struct why *why)
{
	struct redis_call c;
	enum err err;

	redis_call_begin(&c, s, SCRIPT_FENCE);
	redis_call_text(&c, "nobody");
	redis_call_slice(&c, SLICE("no\0body"));
	err = redis_call_run(&c, why);
	if (err == ERR_OK) {
		assert_int_equal(redis_n(redis_answer(&c)), 2);
		assert_true(redis_int(redis_at(redis_answer(&c), 0)) > 1500000000000);
		assert_true(redis_is_nil(redis_at(redis_at(redis_answer(&c), 1), 0)));
		assert_true(redis_is_nil(redis_at(redis_answer(&c), 2)));
	}
	if (ret_sent != NULL)
		*ret_sent = c.sent;
	redis_call_end(&c);
	return err;
}

static void until(struct shared *s, bool (*reached)(struct shared *s), const char *what)
{
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (!reached(s)) {
		if (clock_mono_ms() > end_ms)
			fail_msg("not within %d ms: %s", (int)PATIENCE_MS, what);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}

static bool answers(struct shared *s)
{
	return call(s, NULL, NULL) == ERR_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

static void test_call(void **state)
{
	struct shared *s = ready_process();
	struct why why = { 0 };

	assert_int_equal(call(s, NULL, &why), ERR_OK);
	(void)say(s, "FUNCTION FLUSH");
	if (call(s, NULL, &why) != ERR_OK)
		fail_msg("not loaded again: %s", why.text);
	assert_true(llabs(redis_now_ms(s) - clock_wall_ms()) < 1000);
	assert_true(llabs(redis_from_wall_ms(s, 5000) - 5000) < 1000);
	assert_int_equal(redis_clock_jump_ms(s), 0);
	end(s);
}

/* How often the server ran that command since CONFIG RESETSTAT. */
static int calls_of(struct shared *s, const char *command)
{
	char name[64];
	const char *at, *stats = say(s, "INFO commandstats");
	int calls = 0;

	(void)snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
	if ((at = strstr(stats, name)) != NULL)
		(void)sscanf(at + strlen(name), "%d", &calls);
	return calls;
}

/* Scripts are functions of one library, which is loaded once and whenever it is missing. */
static void test_functions(void **state)
{
	struct shared *s = ready_process();
	struct why why = { 0 };

	(void)say(s, "FUNCTION FLUSH");
	(void)say(s, "CONFIG RESETSTAT");
	assert_int_equal(call(s, NULL, &why), ERR_OK);
	assert_int_equal(call(s, NULL, &why), ERR_OK);
	assert_int_equal(calls_of(s, "fcall"), 3); /* the first found none */
	assert_int_equal(calls_of(s, "function|load"), 1);
	assert_int_equal(calls_of(s, "evalsha"), 0);
	end(s);
}

/* Whoever may call none calls the same scripts by EVALSHA. */
static void test_forbidden_functions(void **state)
{
	static const char *const forbidden[] = { "-fcall", "-function" };
	char url[96];
	struct shared *s = ready_process();

	(void)snprintf(url, sizeof url, "redis://scripts:secret@127.0.0.1:%u", (unsigned)redis_server_port(server));
	for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
		char rights[96];
		struct shared *limited;
		struct why why = { 0 };

		(void)snprintf(rights, sizeof rights, "ACL SETUSER scripts on >secret ~* &* +@all %s", forbidden[i]);
		(void)say(s, rights);
		(void)say(s, "FUNCTION FLUSH");
		limited = process(url);
		assert_int_equal(redis_prepare(limited->redis, &why), ERR_OK);
		(void)say(s, "CONFIG RESETSTAT");
		if (call(limited, NULL, &why) != ERR_OK || call(limited, NULL, &why) != ERR_OK)
			fail_msg("%s: %s", forbidden[i], why.text);
		assert_true(calls_of(s, "evalsha") >= 2);
		assert_int_equal(redis_connections(limited->redis), 1);
		end(limited);
	}
	end(s);
}

/* What an older version left is taken away; what belongs to others stays. */
static void test_libraries_of_older_versions(void **state)
{
	static const char *const libraries[] = {
		"#!lua name=chat2order_0123456789ab\nredis.register_function('c2o_old', function() return 1 end)",
		"#!lua name=chat2orders\nredis.register_function('theirs', function() return 1 end)",
	};
	struct shared *s = ready_process();
	struct redisReply *reply = NULL;
	struct why why = { 0 };

	for (size_t i = 0; i < COUNT_OF(libraries); i++) {
		assert_int_equal(redis_command(s->redis, 3, (const char *const[]){ "FUNCTION", "LOAD", libraries[i] },
				     NULL, &reply, &why),
		    ERR_OK);
		freeReplyObject(reply);
	}
	assert_int_equal(call(s, NULL, &why), ERR_OK);
	redis_library_tidy(s->redis);
	assert_string_equal(say(s, "FCALL theirs 0"), "1");
	assert_int_equal(
	    redis_command(s->redis, 3, (const char *const[]){ "FCALL", "c2o_old", "0" }, NULL, &reply, &why),
	    ERR_AGAIN);
	assert_non_null(strstr(why.text, "Function not found"));
	(void)say(s, "CONFIG RESETSTAT");
	assert_int_equal(call(s, NULL, &why), ERR_OK);
	assert_int_equal(calls_of(s, "function|load"), 0); /* our own stayed */
	(void)say(s, "FUNCTION FLUSH");
	end(s);
}

static void test_error_in_script(void **state)
{
	struct shared *s = ready_process();
	struct why why = { 0 };

	(void)say(s, "SET c2o:meta text");
	assert_int_equal(owner_beat(s, &why), ERR_IO);
	assert_non_null(strstr(why.text, "WRONGTYPE"));
	assert_non_null(strstr(why.text, "script beat"));
	assert_int_equal(redis_connections(s->redis), 1); /* the connection is as good as before */
	(void)say(s, "DEL c2o:meta");
	assert_int_equal(owner_beat(s, &why), ERR_OK);
	assert_int_equal(redis_connections(s->redis), 1);
	end(s);
}

static void test_memory_full(void **state)
{
	struct shared *s = ready_process(), *later;
	struct why why = { 0 };

	(void)say(s, "DEL c2o:meta");
	(void)say(s, "CONFIG SET maxmemory 1");
	assert_int_equal(call(s, NULL, &why), ERR_OK); /* a script that only reads */
	assert_int_equal(owner_beat(s, &why), ERR_OK);
	(void)say(s, "HGET c2o:meta run");
	later = ready_process(); /* cannot be told to `meta`, and is let in all the same */
	assert_int_equal(call(later, NULL, &why), ERR_OK);
	(void)say(s, "CONFIG SET maxmemory 0");
	end(later);
	end(s);
}

/* ---- a server that goes and comes ------------------------------------------------------------------- */

static void test_restart(void **state)
{
	struct shared *s = ready_process(), *other;
	char run[128];
	struct why why = { 0 };
	int64_t began_ms;

	(void)snprintf(run, sizeof run, "%s", say(s, "HGET c2o:meta run"));
	assert_true(strlen(run) > 40);
	(void)say(s, "HDEL c2o:meta audit doubt");
	other = ready_process();
	assert_string_equal(say(s, "HGET c2o:meta audit"), ""); /* the same run: nothing was lost */
	end(other);
	redis_server_kill(server);
	assert_int_equal(err_verdict(call(s, NULL, &why)), VERDICT_RETRY);
	assert_int_equal(err_verdict(call(s, NULL, &why)), VERDICT_RETRY);
	began_ms = clock_mono_ms();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(err_verdict(call(s, NULL, &why)), VERDICT_RETRY);
	assert_true(clock_mono_ms() - began_ms < 2000); /* between the tries it fails at once */
	assert_non_null(strstr(why.text, "cannot be reached"));
	redis_server_restart(server);
	until(s, answers, "connected again");
	assert_string_not_equal(say(s, "HGET c2o:meta run"), run);
	assert_string_equal(say(s, "HGET c2o:meta audit"), "1");
	assert_string_not_equal(say(s, "HGET c2o:meta doubt"), ""); /* everysec: it may have lost something */
	end(s);
}

static void test_restart_that_loses_nothing(void **state)
{
	static const char *const always[] = { "--appendfsync", "always", NULL };
	struct redis_server *own = redis_server_start(always);
	struct shared *s = process(redis_server_url(own));

	assert_int_equal(redis_prepare(s->redis, NULL), ERR_OK);
	assert_string_equal(say(s, "HGET c2o:meta doubt"), ""); /* new: there is nothing to doubt */
	redis_server_kill(own);
	redis_server_restart(own);
	until(s, answers, "connected again");
	assert_string_equal(say(s, "HGET c2o:meta audit"), "1");
	assert_string_equal(say(s, "HGET c2o:meta doubt"), "");
	end(s);
	redis_server_end(&own);
}

static void flush(struct shared *s)
{
	(void)say(s, "FLUSHALL");
	(void)say(s, "HSET c2o:meta epoch 0123456789abcdef"); /* as the keeper restores it */
}

/* A store that was restored is none that never sent, also where nobody wrote its run again. */
static void test_restart_after_flushall(void **state)
{
	struct shared *s = ready_process();

	(void)say(s, "CONFIG SET appendfsync always"); /* until it is killed: it forgets no FLUSHALL */
	flush(s);
	redis_server_kill(server);
	redis_server_restart(server);
	until(s, answers, "connected again");
	assert_string_not_equal(say(s, "HGET c2o:meta run"), "");
	assert_string_equal(say(s, "HGET c2o:meta audit"), "1");
	assert_string_not_equal(say(s, "HGET c2o:meta doubt"), "");
	end(s);
}

static void test_run_after_flushall(void **state)
{
	struct shared *s = ready_process();
	char run[160];

	(void)snprintf(run, sizeof run, "%s", say(s, "HGET c2o:meta run"));
	assert_string_not_equal(run, "");
	flush(s);
	assert_int_equal(meta_mend(s, NULL), ERR_OK);
	assert_string_equal(say(s, "HGET c2o:meta run"), run);
	assert_string_equal(say(s, "HGET c2o:meta audit"), ""); /* it is the same one: there is nothing to look for */
	assert_string_equal(say(s, "HGET c2o:meta doubt"), "");
	end(s);
}

/* ---- other data in a living server -------------------------------------------------------------------- */

static const char *const replicates_at_once[] = { "--repl-diskless-sync-delay", "0", NULL };

static void replicate(struct redis_server *replica, struct redis_server *master)
{
	struct redisContext *c = redisConnect("127.0.0.1", redis_server_port(replica));

	freeReplyObject(master == NULL ? redisCommand(c, "REPLICAOF NO ONE")
				       : redisCommand(c, "REPLICAOF 127.0.0.1 %d", (int)redis_server_port(master)));
	redisFree(c);
}

static void until_it_has(struct redis_server *replica, const char *key)
{
	struct redisContext *c = redisConnect("127.0.0.1", redis_server_port(replica));
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;
	bool has = false;

	while (!has && clock_mono_ms() < end_ms) {
		redisReply *reply = redisCommand(c, "EXISTS %s", key);

		has = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
		freeReplyObject(reply);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	assert_true(has);
	redisFree(c);
}

/* An older copy comes back: the server's run is the same, and so is its address. It loses nothing that it was given itself. */
static void test_older_data(void **state)
{
	static const char *const always[] = { "--repl-diskless-sync-delay", "0", "--appendfsync", "always", NULL };
	struct redis_server *own = redis_server_start(always);
	struct redis_server *copy = redis_server_start(replicates_at_once);
	struct shared *s = process(redis_server_url(own));

	assert_int_equal(redis_prepare(s->redis, NULL), ERR_OK);
	(void)say(s, "HDEL c2o:meta audit");
	(void)say(s, "SET old 1");
	replicate(copy, own);
	until_it_has(copy, "old");
	replicate(copy, NULL);
	(void)say(s, "DEL old");
	replicate(own, copy);
	until_it_has(own, "old");
	assert_int_not_equal(redis_command(s->redis, 3, (const char *const[]){ "SET", "new", "1" }, NULL,
				 &(struct redisReply *){ NULL }, NULL),
	    ERR_OK);
	replicate(own, NULL);
	until(s, answers, "connected again");
	assert_string_equal(say(s, "HGET c2o:meta audit"), "1");
	assert_string_not_equal(say(s, "HGET c2o:meta doubt"), "");
	end(s);
	redis_server_end(&copy);
	redis_server_end(&own);
}

/* A first replica changes what the server says of its data: it is met once more, and not by each older connection. */
static void test_first_replica(void **state)
{
	struct redis_server *own = redis_server_start(replicates_at_once);
	struct redis_server *copy = redis_server_start(replicates_at_once);
	struct shared *s = process(redis_server_url(own));
	struct redis *older = NULL, *newer = NULL;
	char run[160];

	assert_int_equal(redis_open(s->redis, &older, NULL), ERR_OK);
	(void)say(s, "HDEL c2o:meta audit");
	(void)say(s, "SET old 1");
	replicate(copy, own);
	until_it_has(copy, "old");
	assert_int_equal(redis_open(s->redis, &newer, NULL), ERR_OK);
	assert_string_equal(say(s, "HGET c2o:meta audit"), "1");
	(void)say(s, "HDEL c2o:meta audit doubt");
	(void)snprintf(run, sizeof run, "%s", say(s, "HGET c2o:meta run"));
	assert_int_equal(redis_meet(s->redis, older, NULL), ERR_OK);
	assert_int_equal(redis_meet(s->redis, newer, NULL), ERR_OK);
	assert_string_equal(say(s, "HGET c2o:meta run"), run);
	assert_string_equal(say(s, "HGET c2o:meta audit"), "");
	redis_close(&older);
	redis_close(&newer);
	end(s);
	redis_server_end(&copy);
	redis_server_end(&own);
}

/* What lies in the socket of a lost connection would run when the server wakes up. */
static void test_frozen(void **state)
{
	struct shared *s = ready_process();
	struct redis_identity sent = { 0 };
	struct why why = { 0 };
	char command[64];

	assert_int_equal(call(s, &sent, &why), ERR_OK);
	redis_server_freeze(server);
	assert_int_equal(call(s, &sent, &why), ERR_TIMEOUT);
	redis_server_thaw(server);
	assert_true(sent.client_id > 0);
	until(s, answers, "connected again");
	assert_int_equal(redis_kill(s->redis, &sent, &why), ERR_OK);
	(void)snprintf(command, sizeof command, "CLIENT LIST ID %lld", (long long)sent.client_id);
	assert_string_equal(say(s, command), "");
	/* the number of another run is not touched */
	(void)snprintf(sent.run_id, sizeof sent.run_id, "another");
	sent.client_id = strtoll(say(s, "CLIENT ID"), NULL, 10);
	assert_int_equal(redis_kill(s->redis, &sent, &why), ERR_OK);
	assert_int_equal(strtoll(say(s, "CLIENT ID"), NULL, 10), sent.client_id);
	end(s);
}

/* ---- who is let in ---------------------------------------------------------------------------------- */

static void check_refused(const char *url, enum err err, const char *part)
{
	struct why why = { 0 };
	enum err got = prepared(url, &why);

	if (got != err || strstr(why.text, part) == NULL)
		fail_msg("%s: %s: %s", url, err_name(got), why.text);
}

static void test_passwords(void **state)
{
	char url[96];
	struct shared *s = ready_process();
	struct why why = { 0 };
	unsigned port = redis_server_port(server);
	struct redisReply *reply = NULL;

	(void)snprintf(url, sizeof url, "redis://:secret@127.0.0.1:%u", port);
	assert_int_equal(prepared(url, &why), ERR_OK); /* nobody asks for it */
	(void)say(s, "CONFIG SET requirepass secret");
	assert_int_equal(prepared(url, &why), ERR_OK);
	check_refused(redis_server_url(server), ERR_DENIED, "NOAUTH");
	(void)snprintf(url, sizeof url, "redis://:wrong@127.0.0.1:%u", port);
	check_refused(url, ERR_DENIED, "WRONGPASS");
	(void)say(s, "ACL SETUSER shop on >secret ~* &* +@all -client");
	(void)snprintf(url, sizeof url, "redis://shop:secret@127.0.0.1:%u", port);
	check_refused(url, ERR_DENIED, "ACL SETUSER");
	(void)say(s, "ACL SETUSER shop +client");
	assert_int_equal(prepared(url, &why), ERR_OK);
	assert_int_equal(
	    redis_command(s->redis, 4, (const char *const[]){ "CONFIG", "SET", "requirepass", "" }, NULL, &reply, &why),
	    ERR_OK);
	freeReplyObject(reply);
	end(s);
}

/* A host that forbids one command, as CONFIG, does not cost the connection. */
static void test_forbidden_command(void **state)
{
	char url[96];
	struct shared *s = ready_process(), *limited;
	struct redisReply *reply = NULL;
	struct why why = { 0 };

	(void)say(s, "ACL SETUSER limited on >secret ~* &* +@all -config");
	(void)snprintf(url, sizeof url, "redis://limited:secret@127.0.0.1:%u", (unsigned)redis_server_port(server));
	limited = process(url);
	assert_int_equal(redis_prepare(limited->redis, &why), ERR_OK);
	assert_int_equal(
	    redis_command(limited->redis, 3, (const char *const[]){ "CONFIG", "GET", "maxmemory" }, NULL, &reply, &why),
	    ERR_DENIED);
	assert_non_null(strstr(why.text, "NOPERM"));
	assert_null(reply);
	assert_int_equal(call(limited, NULL, &why), ERR_OK);
	assert_int_equal(redis_connections(limited->redis), 1);
	end(limited);
	end(s);
}

static void test_databases(void **state)
{
	char url[96];
	struct shared *s;
	struct why why = { 0 };

	(void)snprintf(url, sizeof url, "redis://127.0.0.1:%u/7", (unsigned)redis_server_port(server));
	s = process(url);
	assert_int_equal(redis_prepare(s->redis, &why), ERR_OK);
	assert_non_null(strstr(say(s, "CLIENT INFO"), " db=7 "));
	end(s);
	(void)snprintf(url, sizeof url, "redis://127.0.0.1:%u/99", (unsigned)redis_server_port(server));
	check_refused(url, ERR_INVALID, "out of range");
}

static void test_wrong_servers(void **state)
{
	static const char *const cluster[] = { "--cluster-enabled", "yes", NULL };
	static const char *const replica[] = { "--replicaof", "127.0.0.1 1", NULL };
	struct redis_server *own = redis_server_start(cluster);

	check_refused(redis_server_url(own), ERR_INVALID, "cluster");
	redis_server_end(&own);
	own = redis_server_start(replica);
	check_refused(redis_server_url(own), ERR_UNREACHABLE, "primary");
	redis_server_end(&own);
	check_refused("redis://127.0.0.1:1", ERR_UNREACHABLE, "127.0.0.1:1");
	check_refused("unix:///nowhere/redis.sock", ERR_UNREACHABLE, "/nowhere/redis.sock");
}

static void test_settings(void **state)
{
	struct shared *s = process("redis://x");
	struct redis_pool *pool = NULL;
	struct why why = { 0 };

	s->settings.bull_prefix = "a:b";
	assert_int_equal(redis_pool_open(s, &pool, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "BULL_PREFIX"));
	s->settings.bull_prefix = s->settings.store_prefix = "shop";
	assert_int_equal(redis_pool_open(s, &pool, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "differ"));
	s->settings.bull_prefix = "bull";
	s->settings.store_prefix = "";
	assert_int_equal(redis_pool_open(s, &pool, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "STORE_PREFIX"));
	assert_null(pool);
	s->settings.bull_prefix = "bull";
	s->settings.store_prefix = "c2o";
	end(s);
}

/* ---- Sentinel --------------------------------------------------------------------------------------- */

static bool is_synced(struct shared *s)
{
	return strstr(say(s, "INFO replication"), "state=online") != NULL;
}

static void test_failover(void **state)
{
	struct redis_server *first = redis_server_start(NULL), *second, *sentinel;
	char replica_of[64], sentinels[64], run[128];
	const char *options[] = { "--replicaof", replica_of, NULL };
	struct shared *s;
	struct why why = { 0 };

	(void)snprintf(replica_of, sizeof replica_of, "127.0.0.1 %u", (unsigned)redis_server_port(first));
	second = redis_server_start(options);
	sentinel = redis_server_start_sentinel(first);
	(void)snprintf(sentinels, sizeof sentinels, "127.0.0.1:1,127.0.0.1:%u", (unsigned)redis_server_port(sentinel));
	s = process("");
	redis_pool_close(&s->redis);
	s->settings.redis_sentinels = sentinels;
	assert_int_equal(redis_pool_open(s, &s->redis, &why), ERR_OK);
	if (redis_prepare(s->redis, &why) != ERR_OK)
		fail_msg("%s", why.text);
	(void)snprintf(run, sizeof run, "%s", say(s, "HGET c2o:meta run"));
	until(s, is_synced, "the replica has all");
	redis_server_kill(first);
	until(s, answers, "the replica was promoted and found");
	assert_string_not_equal(say(s, "HGET c2o:meta run"), run);
	assert_string_equal(say(s, "HGET c2o:meta audit"), "1");
	assert_string_not_equal(say(s, "HGET c2o:meta doubt"), "");
	end(s);
	redis_server_end(&sentinel);
	redis_server_end(&second);
	redis_server_end(&first);
}

static void test_unknown_master(void **state)
{
	struct redis_server *sentinel = redis_server_start_sentinel(server);
	char sentinels[64];
	struct shared *s = process("");
	struct why why = { 0 };

	(void)snprintf(sentinels, sizeof sentinels, "127.0.0.1:%u", (unsigned)redis_server_port(sentinel));
	redis_pool_close(&s->redis);
	s->settings.redis_sentinels = sentinels;
	s->settings.redis_master = "nobody";
	assert_int_equal(redis_pool_open(s, &s->redis, &why), ERR_OK);
	assert_int_equal(redis_prepare(s->redis, &why), ERR_UNREACHABLE);
	assert_non_null(strstr(why.text, "REDIS_MASTER"));
	end(s);
	redis_server_end(&sentinel);
}

/* ---- beats ------------------------------------------------------------------------------------------ */

static bool is_owner(struct shared *s)
{
	char command[96];

	(void)snprintf(command, sizeof command, "ZSCORE c2o:owners %s", s->owner);
	return say(s, command)[0] != '\0';
}

static void test_beats(void **state)
{
	struct shared *s = ready_process();
	int64_t taken_ms, started_ms;

	(void)say(s, "HSET c2o:meta epoch e");
	assert_true(owner_was_cut_off(s, clock_boot_ms())); /* no beat was answered yet */
	started_ms = clock_boot_ms();
	owner_start(s);
	taken_ms = clock_boot_ms();
	assert_true(is_owner(s));
	assert_false(owner_may_sweep(s));
	assert_false(owner_was_cut_off(s, taken_ms));
	assert_true(owner_was_cut_off(s, taken_ms - LEASE_MS - 1));
	until(s, owner_may_sweep, "beats of a whole lease");
	assert_true(clock_boot_ms() - started_ms >= LEASE_MS - 1);
	redis_server_freeze(server);
	(void)nanosleep(&(struct timespec){ .tv_nsec = LEASE_MS * 700000 }, NULL);
	assert_true(owner_was_cut_off(s, clock_boot_ms()));
	assert_false(owner_may_sweep(s));
	redis_server_thaw(server);
	taken_ms = clock_boot_ms();
	until(s, owner_may_sweep, "beats again");
	assert_true(clock_boot_ms() - taken_ms >= LEASE_MS - 300); /* a whole lease anew */
	owner_stop(s);
	sweep_leave(s);
	assert_false(is_owner(s));
	end(s);
}

/* Nobody may take while Redis is not known to be whole. */
static void test_no_beat_without_epoch(void **state)
{
	struct shared *s = ready_process();

	(void)say(s, "HDEL c2o:meta epoch");
	assert_int_equal(owner_beat(s, NULL), ERR_OK);
	assert_false(is_owner(s));
	(void)say(s, "HSET c2o:meta epoch e");
	assert_int_equal(owner_beat(s, NULL), ERR_OK);
	assert_true(is_owner(s));
	sweep_leave(s);
	end(s);
}

static void test_leases(void **state)
{
	struct shared *s = process("redis://x");
	struct store_lease lease;
	char text[STORE_TURN_ID_SIZE];

	assert_int_equal(owner_counters(s, 3), 1);
	assert_int_equal(owner_counters(s, 1), 4);
	owner_lease_text(s, 0xabc, text);
	assert_int_equal(strlen(text), 16 + 1 + 10);
	assert_string_equal(text + 16, "-0000000abc");
	assert_true(owner_lease_read(slice_of(text), &lease));
	assert_int_equal(lease.owner, s->owner_number);
	assert_int_equal(lease.counter, 0xabc);
	owner_lease_text(s, UINT64_MAX, text);
	assert_true(owner_lease_read(slice_of(text), &lease));
	assert_true(lease.counter == UINT64_MAX);
	assert_false(owner_lease_read(SLICE("0123456789abcdef-012345678"), &lease));
	assert_false(owner_lease_read(SLICE("0123456789abcdef+0123456789"), &lease));
	assert_false(owner_lease_read(SLICE("0123456789abcdeX-0123456789"), &lease));
	assert_false(owner_lease_read(SLICE_NONE, &lease));
	end(s);
}

/* ---- wakers ----------------------------------------------------------------------------------------- */

struct sleeper {
	struct shared *shared;
	struct waking x;
	_Atomic bool woken, ended;
	enum err err;
};

/* Sleeps until waked by the list, or stopped; ends its look only when told. */
static void *sleep_on_list(void *arg)
{
	struct sleeper *p = arg;

	do
		p->err = waker_wait(p->shared->wakers, &p->x, WAKE_BY_LIST, INT64_MAX);
	while (p->err == ERR_OK && !p->x.woken);
	atomic_store(&p->woken, p->x.woken);
	atomic_store(&p->ended, true);
	return NULL;
}

static pthread_t start_sleeper(struct sleeper *p, struct shared *s)
{
	pthread_t thread;

	*p = (struct sleeper){ .shared = s };
	waker_begin(s->wakers, &p->x, WAKE_MESSAGES);
	assert_int_equal(pthread_create(&thread, NULL, sleep_on_list, p), 0);
	return thread;
}

static void pass_ms(int64_t ms)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void test_one_element_wakes_one(void **state)
{
	struct shared *s = ready_process();
	struct sleeper a, b;
	pthread_t threads[2];
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	s->wakers = wakers_start(s);
	threads[0] = start_sleeper(&a, s);
	threads[1] = start_sleeper(&b, s);
	(void)say(s, "LPUSH bull:messages:wait one");
	while (!atomic_load(&a.ended) && !atomic_load(&b.ended) && clock_mono_ms() < end_ms)
		pass_ms(1);
	pass_ms(2 * WAKE_LONGEST_MS); /* the other one looks by time only */
	assert_true(atomic_load(&a.woken) != atomic_load(&b.woken));
	assert_string_equal(say(s, "LLEN bull:messages:wait"), "1");
	waker_end(s->wakers, atomic_load(&a.woken) ? &a.x : &b.x);
	while (!(atomic_load(&a.ended) && atomic_load(&b.ended)) && clock_mono_ms() < end_ms)
		pass_ms(1);
	assert_true(atomic_load(&a.woken) && atomic_load(&b.woken));
	for (size_t i = 0; i < 2; i++)
		(void)pthread_join(threads[i], NULL);
	(void)say(s, "DEL bull:messages:wait");
	end(s);
}

static void test_wake_is_quick(void **state)
{
	struct shared *s = ready_process();
	int64_t best_us = INT64_MAX;

	s->wakers = wakers_start(s);
	for (int i = 0; i < 10; i++) {
		struct sleeper p;
		pthread_t thread = start_sleeper(&p, s);
		int64_t began_us;

		pass_ms(20);
		began_us = clock_mono_us();
		(void)say(s, "LPUSH bull:messages:wait one");
		(void)pthread_join(thread, NULL);
		if (clock_mono_us() - began_us < best_us)
			best_us = clock_mono_us() - began_us;
		(void)say(s, "DEL bull:messages:wait");
		waker_end(s->wakers, &p.x);
	}
	assert_true(best_us < WAKE_LONGEST_MS * 1000 / 5);
	end(s);
}

static void test_wakes_after_a_restart(void **state)
{
	struct shared *s = ready_process();
	struct sleeper p;
	pthread_t thread;

	s->wakers = wakers_start(s);
	thread = start_sleeper(&p, s);
	redis_server_kill(server);
	redis_server_restart(server);
	until(s, answers, "connected again");
	(void)say(s, "LPUSH bull:messages:wait one");
	(void)pthread_join(thread, NULL);
	assert_true(p.woken);
	waker_end(s->wakers, &p.x);
	(void)say(s, "DEL bull:messages:wait");
	end(s);
}

static void test_stop(void **state)
{
	struct shared *s = ready_process();
	struct sleeper p;
	pthread_t thread;
	int64_t began_ms;

	s->wakers = wakers_start(s);
	thread = start_sleeper(&p, s);
	pass_ms(50);
	began_ms = clock_mono_ms();
	wakers_stop_waiting(s->wakers);
	(void)pthread_join(thread, NULL);
	assert_int_equal(p.err, ERR_STOPPED);
	assert_int_equal(waker_wait(s->wakers, &p.x, WAKE_BY_TIME, INT64_MAX), ERR_STOPPED);
	wakers_stop(&s->wakers);
	assert_true(clock_mono_ms() - began_ms < 1000);
	end(s);
}

/* A list that can't be taken from wakes nobody; what the own process did does. */
static void test_local_wake(void **state)
{
	struct shared *s = ready_process();
	struct waking x;
	int64_t began_ms;

	s->wakers = wakers_start(s);
	(void)say(s, "LPUSH bull:messages:wait one");
	waker_begin(s->wakers, &x, WAKE_MESSAGES);
	began_ms = clock_mono_ms();
	assert_int_equal(waker_wait(s->wakers, &x, WAKE_BY_TIME, INT64_MAX), ERR_OK);
	assert_true(clock_mono_ms() - began_ms >= WAKE_LONGEST_MS - 1);
	began_ms = clock_mono_ms();
	assert_int_equal(waker_wait(s->wakers, &x, WAKE_BY_TIME, began_ms + 20), ERR_OK);
	assert_true(clock_mono_ms() - began_ms >= 19 && clock_mono_ms() - began_ms < WAKE_LONGEST_MS - 20);
	waker_wake(s->wakers, WAKE_MESSAGES); /* since the last look */
	began_ms = clock_mono_ms();
	assert_int_equal(waker_wait(s->wakers, &x, WAKE_BY_TIME, INT64_MAX), ERR_OK);
	assert_true(clock_mono_ms() - began_ms < WAKE_LONGEST_MS - 20);
	waker_end(s->wakers, &x);
	(void)say(s, "DEL bull:messages:wait");
	end(s);
}

/* ---- Bull workers ----------------------------------------------------------------------------------- */

static bool both_are_named(struct shared *s)
{
	const char *list = say(s, "CLIENT LIST");

	return strstr(list, "name=bull:bWVzc2FnZXM=") != NULL && strstr(list, "name=bull:b3V0Ym94") != NULL;
}

static void test_bull_workers(void **state)
{
	static const struct {
		const char *name, *found; /* NULL: it is none */
	} cases[] = {
		{ "bull:b3V0Ym94", "outbox, from 127.0.0.1:" },
		{ "bull:bWVzc2FnZXM=", "messages, from 127.0.0.1:" },
		{ "bull:bWVzc2FnZXM=:w:first", "messages, from 127.0.0.1:" },
		{ "bull:bWVzc2FnZXM=:qe", NULL },
		{ "bull:b3RoZXI=", NULL },
		{ "other:b3V0Ym94", NULL },
	};
	struct shared *s = ready_process();
	char found[BULL_WORKER_SIZE];

	s->wakers = wakers_start(s);
	until(s, both_are_named, "wakers are named");
	assert_int_equal(bull_workers_look(s, found, NULL), ERR_OK);
	assert_string_equal(found, "");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct redisContext *bull = redisConnect("127.0.0.1", redis_server_port(server));

		freeReplyObject(redisCommand(bull, "CLIENT SETNAME %s", cases[i].name));
		assert_int_equal(bull_workers_look(s, found, NULL), ERR_OK);
		if (cases[i].found == NULL ? found[0] != '\0' : strstr(found, cases[i].found) != found)
			fail_msg("%s: \"%s\"", cases[i].name, found);
		redisFree(bull);
	}
	end(s);
}

/* CLIENT LIST shows the workers of all databases. */
static void test_bull_workers_of_another_database(void **state)
{
	static const struct {
		int database;
		const char *found;
	} cases[] = { { 0, "" }, { 7, "outbox, from 127.0.0.1:" }, { 77, "" } };
	char url[96], found[BULL_WORKER_SIZE];
	struct redis_server *own = redis_server_start((const char *const[]){ "--databases", "100", NULL });
	struct shared *s;

	(void)snprintf(url, sizeof url, "redis://127.0.0.1:%u/7", (unsigned)redis_server_port(own));
	s = process(url);
	assert_int_equal(redis_prepare(s->redis, NULL), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct redisContext *bull = redisConnect("127.0.0.1", redis_server_port(own));

		freeReplyObject(redisCommand(bull, "SELECT %d", cases[i].database));
		freeReplyObject(redisCommand(bull, "CLIENT SETNAME bull:b3V0Ym94"));
		assert_int_equal(bull_workers_look(s, found, NULL), ERR_OK);
		if (strncmp(found, cases[i].found, cases[i].found[0] != '\0' ? strlen(cases[i].found) : 1) != 0)
			fail_msg("database %d: \"%s\"", cases[i].database, found);
		redisFree(bull);
	}
	end(s);
	redis_server_end(&own);
}

static int start_server(void **state)
{
	server = redis_server_start(NULL);
	return 0;
}

static int end_server(void **state)
{
	redis_server_end(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_forbidden_functions),
		cmocka_unit_test(test_libraries_of_older_versions),
		cmocka_unit_test(test_error_in_script),
		cmocka_unit_test(test_memory_full),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_that_loses_nothing),
		cmocka_unit_test(test_restart_after_flushall),
		cmocka_unit_test(test_run_after_flushall),
		cmocka_unit_test(test_older_data),
		cmocka_unit_test(test_first_replica),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_forbidden_command),
		cmocka_unit_test(test_databases),
		cmocka_unit_test(test_wrong_servers),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_unknown_master),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_beats),
		cmocka_unit_test(test_no_beat_without_epoch),
		cmocka_unit_test(test_one_element_wakes_one),
		cmocka_unit_test(test_wake_is_quick),
		cmocka_unit_test(test_wakes_after_a_restart),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_local_wake),
		cmocka_unit_test(test_bull_workers),
		cmocka_unit_test(test_bull_workers_of_another_database),
	};

	return cmocka_run_group_tests(tests, start_server, end_server);
}
