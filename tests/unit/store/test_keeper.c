/* test_keeper.c - what foreign hands left in Redis, and the rounds of the keeper that mend it. */
#include "both_servers.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdio.h>
#include <time.h>

enum { PATIENCE_MS = 10000 };

static void say(struct both *b, const char *client, const char *id)
{
	struct store_message m = { .message_id = slice_of(id), .client_id = slice_of(client), .text = slice_of(id) };
	enum store_added added;

	assert_int_equal(store_add(b->store, &m, 1, &added), ERR_OK);
	assert_int_equal(added, STORE_ADDED);
}

/* A round of the keeper, which is this process: no other one has ever been. */
static void keep(struct both *b)
{
	struct store_kept kept;

	assert_int_equal(store_keep(b->store, &kept), ERR_OK);
}

static void check_takes_none(struct both *b)
{
	struct store_turns turns = { 0 };

	assert_int_equal(store_take(b->store, 1, 0, &turns), ERR_OK);
	assert_int_equal(turns.n, 0);
	store_turns_free(&turns);
}

static void check_takes(struct both *b, const char *id)
{
	struct store_turns turns = { 0 };

	assert_int_equal(store_take(b->store, 1, PATIENCE_MS, &turns), ERR_OK);
	assert_int_equal(turns.n, 1);
	assert_true(slice_eq(turns.turn[0].messages[0].message_id, slice_of(id)));
	store_turns_free(&turns);
}

/* ---- mend_paused ------------------------------------------------------------------------------------ */

/* Both lists are filled: the next pause or resume, a RENAME, would destroy one. TAIL is right, and out first. */
static void fill_both(struct both *b, const char *left_over, const char *right)
{
	say(b, "a", "1");
	say(b, "b", "2");
	(void)both_redis_words(b, (const char *const[]){ "RENAME", "bull:messages:wait", left_over }, 3);
	say(b, "c", "3");
	say(b, "d", "4");
	if (strcmp(right, "bull:messages:wait") != 0)
		(void)both_redis_words(b, (const char *const[]){ "RENAME", "bull:messages:wait", right }, 3);
}

static void test_both_lists_while_it_runs(void **state)
{
	struct both *b = *state;

	both_open(b, STORE_SERVICE);
	fill_both(b, "bull:messages:paused", "bull:messages:wait");
	keep(b);
	CHECK_REDIS(b, "LLEN bull:messages:paused", "0");
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-4 m-3 m-2 m-1");
}

static void test_both_lists_while_it_is_paused(void **state)
{
	struct both *b = *state;

	both_open(b, STORE_SERVICE);
	fill_both(b, "bull:messages:x", "bull:messages:paused");
	(void)both_redis(b, "RENAME bull:messages:x bull:messages:wait");
	(void)both_redis(b, "SET bull:messages:meta-paused 1");
	keep(b);
	CHECK_REDIS(b, "LLEN bull:messages:wait", "0");
	CHECK_REDIS(b, "LRANGE bull:messages:paused 0 -1", "m-4 m-3 m-2 m-1");
	check_takes_none(b);
}

static void test_both_lists_of_replies(void **state)
{
	struct both *b = *state;

	both_open(b, STORE_SERVICE);
	(void)both_redis(b, "RPUSH bull:outbox:wait r4 r3");
	(void)both_redis(b, "RPUSH bull:outbox:paused r2 r1");
	(void)both_redis(b, "SET bull:outbox:meta-paused 1");
	keep(b);
	CHECK_REDIS(b, "LRANGE bull:outbox:paused 0 -1", "r2 r1 r4 r3");
	CHECK_REDIS(b, "EXISTS bull:outbox:wait", "0");
}

/* More than one call moves: the keeper goes on until none is left. */
static void test_long_lists(void **state)
{
	struct both *b = *state;

	both_open(b, STORE_SERVICE);
	(void)both_redis_words(b,
	    (const char *const[]){ "EVAL",
		"for i = 1, 2500 do redis.call('LPUSH', KEYS[1], i) end redis.call('LPUSH', KEYS[2], 'x')", "2",
		"bull:messages:paused", "bull:messages:wait" },
	    5);
	keep(b);
	CHECK_REDIS(b, "LLEN bull:messages:paused", "0");
	CHECK_REDIS(b, "LLEN bull:messages:wait", "2501");
	CHECK_REDIS(b, "LINDEX bull:messages:wait -1", "1");
	CHECK_REDIS(b, "LINDEX bull:messages:wait 0", "x");
}

/* ---- lost ------------------------------------------------------------------------------------------- */

/* A list was destroyed, and with it the place of a message that arrived more than a minute ago. */
static void lose(struct both *b, const char *id, int64_t age_ms)
{
	char job[64], at[24];

	(void)snprintf(job, sizeof job, "m-%s", id);
	(void)both_redis_words(b, (const char *const[]){ "LREM", "bull:messages:wait", "0", job }, 4);
	(void)snprintf(job, sizeof job, "bull:messages:m-%s", id);
	(void)snprintf(at, sizeof at, "%lld", (long long)(clock_wall_ms() - age_ms));
	(void)both_redis_words(b, (const char *const[]){ "HSET", job, "timestamp", at }, 4);
}

static void test_lost_message(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_MESSAGES_FOUND);

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	lose(b, "1", 61000);
	keep(b);
	assert_int_equal(metric_value(METRIC_MESSAGES_FOUND), before + 1);
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-1");
	check_takes(b, "1");
}

/* Neither what is young, nor what stands anywhere. */
static void test_not_lost(void **state)
{
	static const char *const ids[] = { "young", "waiting", "in-turn", "parked", "dead" };
	struct both *b = *state;
	int64_t before = metric_value(METRIC_MESSAGES_FOUND);

	both_open(b, STORE_SERVICE);
	say(b, "a", "in-turn");
	check_takes(b, "in-turn");
	say(b, "a", "parked");
	check_takes_none(b);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		if (i != 2 && i != 3)
			say(b, ids[i], ids[i]);
		if (i != 1)
			lose(b, ids[i], i == 0 ? 30000 : 61000);
	}
	(void)both_redis(b, "HSET bull:messages:m-waiting timestamp 1");
	(void)both_redis(b, "ZADD bull:messages:failed 1 m-dead");
	for (int i = 0; i < 3; i++)
		keep(b);
	assert_int_equal(metric_value(METRIC_MESSAGES_FOUND), before);
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-waiting");
	CHECK_REDIS(b, "LRANGE bull:messages:active 0 -1", "m-in-turn");
	CHECK_REDIS(b, "ZRANGE bull:messages:delayed 0 -1", "m-parked");
}

/* Its lane's ticket stood in the list that was destroyed. */
static void test_lost_ticket(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_failure back;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	assert_int_equal(store_take(b->store, 1, PATIENCE_MS, &turns), ERR_OK);
	assert_int_equal(turns.n, 1);
	back = (struct store_failure){ .turn = &turns.turn[0], .give_back = true, .reason = "" };
	assert_int_equal(store_fail(b->store, &back, 1), ERR_OK);
	store_turns_free(&turns);
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-1");
	lose(b, "1", 61000);
	keep(b);
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-1");
	check_takes(b, "1");
}

/* ---- what Redis says of itself ---------------------------------------------------------------------- */

static bool is_well(struct both *b, const char *check)
{
	struct store_kept kept;

	(void)!store_keep(b->store, &kept); /* where Redis takes nothing, rounds fail */
	for (size_t i = 0; i < kept.n_notes; i++)
		if (strcmp(kept.notes[i].check, check) == 0)
			return kept.notes[i].ok;
	fail_msg("no note of %s", check);
	return false;
}

static bool has_entry(struct both *b)
{
	return strlen(both_redis(b, "HVALS c2o:workers")) > 0;
}

static void wait_for(struct both *b, bool (*reached)(struct both *b))
{
	int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

	while (!reached(b) && clock_mono_ms() < end_ms)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_true(reached(b));
}

static bool has_both_wakers(struct both *b)
{
	const char *list = both_redis(b, "CLIENT LIST");

	return strstr(list, "name=bull:bWVzc2FnZXM=") != NULL && strstr(list, "name=bull:b3V0Ym94") != NULL;
}

/* Our own connections are none of a Bull worker's, though Redis forgot that they are ours. */
static void test_wakers_after_flushall(void **state)
{
	struct both *b = *state;

	both_open(b, STORE_SERVICE);
	wait_for(b, has_both_wakers);
	wait_for(b, has_entry);
	(void)both_redis(b, "FLUSHALL");
	assert_true(is_well(b, "bull_worker"));
	assert_true(has_entry(b));
}

static bool one_is_good(struct both *b)
{
	return strstr(both_redis(b, "INFO replication"), "min_slaves_good_slaves:1") != NULL;
}

/* Redis takes nothing until as many are good as it was told to wait for. */
static void test_too_few_replicas(void **state)
{
	char replica_of[64];
	const char *const options[] = { "--replicaof", replica_of, NULL };
	struct both *b = *state;
	struct redis_server *replica;
	bool well_where_two_are_wanted, well_where_one_is;

	both_open(b, STORE_SERVICE);
	(void)both_redis(b, "CONFIG SET repl-diskless-sync-delay 0");
	(void)snprintf(replica_of, sizeof replica_of, "127.0.0.1 %u", (unsigned)redis_server_port(redis));
	replica = redis_server_start(options);
	(void)both_redis(b, "CONFIG SET min-replicas-to-write 2");
	wait_for(b, one_is_good);
	well_where_two_are_wanted = is_well(b, "replication");
	(void)both_redis(b, "CONFIG SET min-replicas-to-write 1");
	well_where_one_is = is_well(b, "replication");
	(void)both_redis(b, "CONFIG SET min-replicas-to-write 0");
	redis_server_end(&replica);
	assert_false(well_where_two_are_wanted);
	assert_true(well_where_one_is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_both_lists_while_it_runs),
		BOTH(test_both_lists_while_it_is_paused),
		BOTH(test_both_lists_of_replies),
		BOTH(test_long_lists),
		BOTH(test_lost_message),
		BOTH(test_not_lost),
		BOTH(test_lost_ticket),
		BOTH(test_wakers_after_flushall),
		BOTH(test_too_few_replicas),
	};

	return cmocka_run_group_tests_name("keeper", tests, both_group_begin, both_group_end);
}
