/* test_shared_faults.c - keys of one client that are none of ours, and keys that people take away: nobody else is stopped. */
#include "both_servers.h"

#include "base/clock.h"

#include <stdio.h>

enum { PATIENCE_MS = 10000, CLIENTS = 3 };

#define PARKING "8789675212800001" /* a score of `delayed` that is no time */

/* A lane that no script can read: each fails with it. */
#define UNREADABLE_H "HSET c2o:lane:b h x"
#define UNREADABLE_K "HSET c2o:lane:b k x"

static const char *const clients[CLIENTS] = { "a", "b", "c" };

/* ---- words ------------------------------------------------------------------------------------------ */

static void say_all(struct both *b)
{
	struct store_message m[CLIENTS];
	enum store_added added[CLIENTS];

	for (size_t i = 0; i < CLIENTS; i++)
		m[i] = (struct store_message){
			.message_id = slice_of(clients[i]), .client_id = slice_of(clients[i]), .text = SLICE("Hello")
		};
	assert_int_equal(store_add(b->store, m, CLIENTS, added), ERR_OK);
}

static void take_all(struct both *b, struct store_turns *turns)
{
	assert_int_equal(store_take(b->store, CLIENTS, PATIENCE_MS, turns), ERR_OK);
	assert_int_equal(turns->n, CLIENTS);
}

/* Finishes them in one call; claimed: NULL, or the replies they make. */
static void finish_all(struct both *b, const struct store_turns *turns, const char *reply,
    struct store_result results[CLIENTS], struct store_replies *claimed)
{
	static const struct store_log log = { .dialog_state = "S", .success = true };

	for (size_t i = 0; i < CLIENTS; i++)
		results[i] = (struct store_result){ .turn = &turns->turn[i],
			.dialog = SLICE("dialog"),
			.dialog_id = turns->turn[i].client_id,
			.question = SLICE(""),
			.reply = slice_of(reply),
			.logs = &log };
	assert_int_equal(store_finish(b->store, results, CLIENTS, CLIENTS, claimed), ERR_OK);
}

static void give_all_back(struct both *b, const struct store_turns *turns)
{
	struct store_failure failures[CLIENTS];

	for (size_t i = 0; i < CLIENTS; i++)
		failures[i] = (struct store_failure){ .turn = &turns->turn[i], .give_back = true };
	assert_int_equal(store_fail(b->store, failures, CLIENTS), ERR_OK);
}

static void break_key(struct both *b, const char *key)
{
	(void)both_redis_words(b, (const char *const[]){ "DEL", key }, 2);
	(void)both_redis_words(b, (const char *const[]){ "SET", key, "none of ours" }, 3);
}

/* ---- cases ------------------------------------------------------------------------------------------ */

static void say_again(struct both *b)
{
	static const char *const ids[CLIENTS] = { "a2", "b2", "c2" };
	struct store_message m[CLIENTS];
	enum store_added added[CLIENTS];

	for (size_t i = 0; i < CLIENTS; i++)
		m[i] = (struct store_message){
			.message_id = slice_of(ids[i]), .client_id = slice_of(clients[i]), .text = SLICE("Hello again")
		};
	assert_int_equal(store_add(b->store, m, CLIENTS, added), ERR_OK);
}

/* In the place of a lane stands what is none: it is put aside, and the client's dialog goes on from his row. */
static void test_strange_lane(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];
	size_t left = CLIENTS;

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	finish_all(b, &turns, "", results, NULL);
	break_key(b, "c2o:lane:b");
	say_again(b);
	for (int64_t until = clock_mono_ms() + PATIENCE_MS; left > 0; left -= turns.n) {
		assert_int_equal(store_take(b->store, CLIENTS, PATIENCE_MS / 4, &turns), ERR_OK);
		for (size_t i = 0; i < turns.n; i++) {
			assert_true(slice_eq(turns.turn[i].dialog, SLICE("dialog")));
			assert_int_equal(turns.turn[i].n_messages, 1);
		}
		assert_true(clock_mono_ms() < until);
	}
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
	store_turns_free(&turns);
}

/* The turn whose lane was put aside is recorded from its row: its customer is answered, too. */
static void test_strange_lane_of_a_finish(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	break_key(b, "c2o:lane:b");
	finish_all(b, &turns, "Where to?", results, NULL);
	for (size_t i = 0; i < CLIENTS; i++)
		assert_int_equal(results[i].err, ERR_OK);
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
	CHECK_REDIS(b, "LLEN bull:outbox:wait", "3");
	store_turns_free(&turns);
}

static void test_strange_lane_of_a_failure(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	break_key(b, "c2o:lane:b");
	give_all_back(b, &turns);
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
	CHECK_REDIS(b, "HGET c2o:lane:c s", "0");
	store_turns_free(&turns);
}

static void test_strange_lane_of_an_outcome(void **state)
{
	struct both *b = *state;
	struct store_replies claimed = { 0 };
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];
	struct store_sent sent;

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	finish_all(b, &turns, "Where to?", results, &claimed);
	break_key(b, "c2o:lane:b");
	for (size_t i = 0; i < claimed.n; i++) {
		sent = (struct store_sent){ .reply = &claimed.reply[i], .how = STORE_SENT_ACCEPTED };
		assert_int_equal(store_sent(b->store, &sent, 1), ERR_OK);
		assert_int_equal(sent.err, ERR_OK);
	}
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
	store_replies_free(&claimed);
	store_turns_free(&turns);
}

/* ---- what is parked --------------------------------------------------------------------------------- */

/* Everybody's dialog is open, and his lane free. */
static void all_at_rest(struct both *b)
{
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	finish_all(b, &turns, "", results, NULL);
	store_turns_free(&turns);
}

static void test_strange_parked(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };

	all_at_rest(b);
	break_key(b, "c2o:parked:b");
	say_again(b);
	take_all(b, &turns);
	CHECK_REDIS(b, "GET c2o:strange:parked:b", "none of ours");
	store_turns_free(&turns);
}

/* Replies of lanes that are in a turn are parked. */
static void test_strange_replies(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_replies claimed = { 0 };
	char data[64], key[32];

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	break_key(b, "c2o:replies:b");
	for (size_t i = 0; i < CLIENTS; i++) {
		(void)snprintf(data, sizeof data, "{\"clientId\":\"%s\",\"text\":\"x\"}", clients[i]);
		(void)snprintf(key, sizeof key, "bull:outbox:f%s", clients[i]);
		(void)both_redis_words(b, (const char *const[]){ "HSET", key, "data", data, "timestamp", "1" }, 6);
	}
	(void)both_redis(b, "LPUSH bull:outbox:wait fa fb fc");
	assert_int_equal(store_claim(b->store, CLIENTS, 0, &claimed), ERR_OK);
	CHECK_REDIS(b, "ZRANGE c2o:replies:a 0 -1", "fa");
	CHECK_REDIS(b, "ZRANGE c2o:replies:b 0 -1", "fb");
	CHECK_REDIS(b, "ZRANGE c2o:replies:c 0 -1", "fc");
	CHECK_REDIS(b, "GET c2o:strange:replies:b", "none of ours");
	store_replies_free(&claimed);
	store_turns_free(&turns);
}

/* ---- jobs ------------------------------------------------------------------------------------------- */

static void job(struct both *b, const char *key, const char *data, const char *c)
{
	(void)both_redis_words(b, (const char *const[]){ "HSET", key, "data", data, "timestamp", "1", "c", c }, 8);
}

/* A foreign producer's own `c` is dead, and a foreign job when it is put back. */
static void test_strange_c(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_replies claimed = { 0 };
	enum store_dead_retried retried[2];
	struct store_counts counts;

	both_open(b, STORE_SERVICE);
	job(b, "bull:messages:77", "{\"clientId\":\"d\",\"messageText\":\"x\",\"messageId\":\"77\"}", "garbage");
	job(b, "bull:outbox:78", "{\"clientId\":\"d\",\"text\":\"x\"}", "garbage");
	job(b, "bull:outbox:79", "{\"clientId\":\"e\",\"text\":\"x\"}", "0 - e");
	(void)both_redis(b, "LPUSH bull:messages:wait 77");
	(void)both_redis(b, "LPUSH bull:outbox:wait 78 79");
	assert_int_equal(store_counts(b->store, &counts), ERR_OK);
	say_all(b);
	take_all(b, &turns);
	assert_int_equal(store_claim(b->store, CLIENTS, 0, &claimed), ERR_OK);
	assert_int_equal(claimed.n, 1);
	CHECK_REDIS(b, "ZRANGE c2o:dead 0 -1", "m 77 r 78");

	assert_int_equal(store_dead_retry(b->store, (const int64_t[]){ 1, 2 }, 2, false, retried), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(retried); i++)
		assert_int_equal(retried[i], STORE_DEAD_RETRIED);
	assert_int_equal(store_claim(b->store, CLIENTS, 0, &claimed), ERR_OK);
	assert_int_equal(claimed.n, 1);
	assert_true(slice_eq(claimed.reply[0].client_id, SLICE("d")));
	assert_int_equal(store_take(b->store, CLIENTS, 0, &turns), ERR_OK);
	CHECK_REDIS(b, "HGET bull:messages:77 c", "1 0 - d");
	store_replies_free(&claimed);
	store_turns_free(&turns);
}

/* ---- rounds ----------------------------------------------------------------------------------------- */

static void keep_until(struct both *b, const char *command, const char *wanted)
{
	struct store_kept kept;

	for (int64_t until = clock_mono_ms() + PATIENCE_MS;
	     strcmp(both_redis(b, command), wanted) != 0 && clock_mono_ms() < until;)
		(void)!store_keep(b->store, &kept);
	CHECK_REDIS(b, command, wanted);
}

/* The job of a turn whose process died has become something else: the others' turns are given back. */
static void test_sweep_of_a_strange_job(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };

	b->settings.lease_ms = 1000; /* nobody sweeps before he has lived for one */
	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	for (size_t i = 0; i < CLIENTS; i++) {
		char lane[32];

		(void)snprintf(lane, sizeof lane, "c2o:lane:%s", clients[i]);
		(void)both_redis_words(b, (const char *const[]){ "HSET", lane, "s", "1 gone-0000000001" }, 4);
	}
	(void)both_redis(b, "HSET c2o:held:gone a 1 b 1 c 1");
	break_key(b, "bull:messages:m-b");
	(void)both_redis(b, "ZADD c2o:owners 1 gone");
	keep_until(b, "EXISTS c2o:held:gone", "0");
	CHECK_REDIS(b, "HGET c2o:lane:a s", "0");
	CHECK_REDIS(b, "HGET c2o:lane:b s", "0");
	CHECK_REDIS(b, "HGET c2o:lane:c s", "0");
	store_turns_free(&turns);
}

/* A walk through the rows goes on behind a lane that is none, and behind one that no script can read. */
static void test_audit_of_strange_lanes(void **state)
{
	struct both *b = *state;

	all_at_rest(b);
	(void)both_redis(b, "HDEL c2o:lane:a v");
	(void)both_redis(b, "HSET c2o:lane:a k x");
	break_key(b, "c2o:lane:b");
	(void)both_redis(b, "HSET c2o:lane:c v 0");
	(void)both_redis(b, "HSET c2o:meta audit 1");
	keep_until(b, "HEXISTS c2o:meta audit", "0");
	CHECK_REDIS(b, "SMEMBERS c2o:behind", "a");
	CHECK_REDIS(b, "HMGET c2o:lane:b s v", "0 1");
	CHECK_REDIS(b, "HGET c2o:lane:c v", "1");
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
}

/* Dialogs that were silent too long are closed, whatever stands in the place of one's lane or parked messages. */
static void test_idle_strange_lane(void **state)
{
	struct both *b = *state;

	all_at_rest(b);
	(void)both_redis(b, "HSET c2o:lane:a la 1");
	(void)both_redis(b, "HSET c2o:lane:c la 1");
	break_key(b, "c2o:lane:b");
	break_key(b, "c2o:parked:c");
	(void)both_redis(b, "ZADD c2o:idle 0 a 0 b 0 c");
	keep_until(b, "HGET c2o:lane:c s", "3");
	CHECK_REDIS(b, "HGET c2o:lane:a s", "3");
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
	CHECK_REDIS(b, "GET c2o:strange:parked:c", "none of ours");
}

/* Messages that stand in lanes nobody moves, and in `active` without a turn. */
static void test_stuck_strange_lane(void **state)
{
	struct both *b = *state;

	all_at_rest(b);
	job(b, "bull:messages:m-b3", "{}", "garbage");
	job(b, "bull:messages:m-b4", "{}", "1 0 - b");
	job(b, "bull:messages:m-b5", "{}", "1 0 - b");
	job(b, "bull:messages:m-b6", "{}", "garbage");
	job(b, "bull:messages:m-c2", "{}", "1 0 - c");
	(void)both_redis(b, "HSET bull:messages:m-b4 seq 1 delay 1");
	(void)both_redis(b, "HSET bull:messages:m-c2 seq 2 delay 1");
	(void)both_redis(b, "ZADD bull:messages:delayed " PARKING " m-b3 " PARKING " m-b4 " PARKING " m-c2");
	(void)both_redis(b, "LPUSH bull:messages:active m-b5 m-b6");
	break_key(b, "c2o:lane:b");
	keep_until(b, "ZCARD bull:messages:delayed", "0");
	CHECK_REDIS(b, "SORT bull:messages:wait ALPHA", "m-b4 m-b5 m-b6 m-c2");
	CHECK_REDIS(b, "ZRANGE bull:messages:failed 0 -1", "m-b3");
	CHECK_REDIS(b, "GET c2o:strange:lane:b", "none of ours");
}

/* Messages that stand nowhere. */
static void test_lost_of_strange_lane(void **state)
{
	struct both *b = *state;

	all_at_rest(b);
	job(b, "bull:messages:m-b3", "{}", "1 0 - b");
	job(b, "bull:messages:m-b4", "{}", "garbage");
	break_key(b, "c2o:lane:b");
	keep_until(b, "SORT bull:messages:wait ALPHA", "m-b3 m-b4");
}

static void test_counts_of_strange_lane(void **state)
{
	struct both *b = *state;
	struct store_counts counts;

	all_at_rest(b);
	job(b, "bull:messages:m-b3", "{}", "1 0 - b");
	job(b, "bull:messages:m-b4", "{}", "garbage");
	(void)both_redis(b, "LPUSH bull:messages:wait m-b3 m-b4");
	break_key(b, "c2o:lane:b");
	assert_int_equal(store_counts(b->store, &counts), ERR_OK);
	assert_int_equal(counts.waiting, 2);
}

/* ---- people ----------------------------------------------------------------------------------------- */

static void dead(struct both *b, const char *failed, const char *id, const char *number, const char *entry)
{
	(void)both_redis_words(b, (const char *const[]){ "ZADD", failed, "1", id }, 4);
	(void)both_redis_words(b, (const char *const[]){ "ZADD", "c2o:dead", number, entry }, 4);
}

/* Dead letters put back into a lane that is none, and one that has become something else. */
static void test_retry_of_strange_lane(void **state)
{
	static const enum store_dead_retried wanted[] = { STORE_DEAD_RETRIED, STORE_DEAD_RETRIED, STORE_DEAD_GONE };
	struct both *b = *state;
	enum store_dead_retried retried[COUNT_OF(wanted)];

	all_at_rest(b);
	job(b, "bull:messages:m-b3", "{}", "1 0 - b");
	job(b, "bull:outbox:r1", "{}", "0 - b");
	break_key(b, "bull:outbox:r2");
	dead(b, "bull:messages:failed", "m-b3", "1", "m m-b3");
	dead(b, "bull:outbox:failed", "r1", "2", "r r1");
	dead(b, "bull:outbox:failed", "r2", "3", "r r2");
	break_key(b, "c2o:lane:b");
	break_key(b, "c2o:replies:b");
	assert_int_equal(
	    store_dead_retry(b->store, (const int64_t[]){ 1, 2, 3 }, COUNT_OF(wanted), true, retried), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		assert_int_equal(retried[i], wanted[i]);
	CHECK_REDIS(b, "HGET c2o:lane:b s", "2 r1");
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-b3");
	CHECK_REDIS(b, "GET c2o:strange:replies:b", "none of ours");
}

/* ---- one of a call ---------------------------------------------------------------------------------- */

static void test_finish_of_one_fails(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];
	struct store_failure failure;

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	(void)both_redis(b, UNREADABLE_H);
	finish_all(b, &turns, "", results, NULL);
	for (size_t i = 0; i < CLIENTS; i++)
		assert_int_equal(results[i].err, slice_eq(turns.turn[i].client_id, SLICE("b")) ? ERR_FAILED : ERR_OK);
	CHECK_REDIS(b, "HGET c2o:lane:a s", "0");
	CHECK_REDIS(b, "HGET c2o:lane:c s", "0");
	for (size_t i = 0; i < CLIENTS; i++) {
		if (results[i].err != ERR_FAILED)
			continue;
		failure = (struct store_failure){ .turn = &turns.turn[i], .reason = "its result could not be stored" };
		assert_int_equal(store_fail(b->store, &failure, 1), ERR_OK); /* or its worker would try for ever */
		assert_int_equal(failure.err, ERR_STALE_LEASE);
	}
	store_turns_free(&turns);
}

static void test_fail_of_one_fails(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	(void)both_redis(b, UNREADABLE_H);
	give_all_back(b, &turns);
	CHECK_REDIS(b, "HGET c2o:lane:a s", "0");
	CHECK_REDIS(b, "HGET c2o:lane:c s", "0");
	store_turns_free(&turns);
}

static void test_outcome_of_one_fails(void **state)
{
	struct both *b = *state;
	struct store_replies claimed = { 0 };
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];
	struct store_sent sent[CLIENTS];

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	finish_all(b, &turns, "Where to?", results, &claimed);
	assert_int_equal(claimed.n, CLIENTS);
	(void)both_redis(b, UNREADABLE_K);
	for (size_t i = 0; i < CLIENTS; i++)
		sent[i] = (struct store_sent){
			.reply = &claimed.reply[i], .how = STORE_SENT_ACCEPTED, .posted_ms = clock_wall_ms()
		};
	assert_int_equal(store_sent(b->store, sent, CLIENTS), ERR_OK);
	CHECK_REDIS(b, "HGET c2o:lane:a s", "0");
	CHECK_REDIS(b, "HGET c2o:lane:c s", "0");
	CHECK_REDIS(b, "LLEN bull:outbox:active", "0");
	store_replies_free(&claimed);
	store_turns_free(&turns);
}

/* What stands where parked replies and messages would is passed by: his lane goes on. */
static void test_odd_places_of_parking(void **state)
{
	static const char *const odd[] = { "c2o:replies:b", "c2o:parked:b" };
	struct both *b = *state;
	struct store_result results[CLIENTS];

	both_open(b, STORE_SERVICE);
	for (size_t k = 0; k < COUNT_OF(odd); k++) {
		struct store_replies claimed = { 0 };
		struct store_turns turns = { 0 };
		struct store_sent sent;

		(void)both_redis(b, "DEL processed:a processed:b processed:c");
		(void)both_sql(b, "DELETE FROM message_logs");
		say_all(b);
		take_all(b, &turns);
		break_key(b, odd[k]);
		finish_all(b, &turns, k == 0 ? "Where to?" : "", results, &claimed);
		for (size_t i = 0; i < claimed.n; i++) {
			sent = (struct store_sent){ .reply = &claimed.reply[i], .how = STORE_SENT_ACCEPTED };
			assert_int_equal(store_sent(b->store, &sent, 1), ERR_OK);
			assert_int_equal(sent.err, ERR_OK);
		}
		for (size_t i = 0; i < CLIENTS; i++)
			assert_int_equal(results[i].err, ERR_OK);
		CHECK_REDIS(b, "HGET c2o:lane:b s", "0");
		(void)both_redis_words(b, (const char *const[]){ "DEL", odd[k] }, 2);
		store_replies_free(&claimed);
		store_turns_free(&turns);
	}
}

static struct store_note spool_note_of(struct both *b)
{
	struct store_kept kept;

	(void)!store_keep(b->store, &kept);
	for (size_t i = 0; i < kept.n_notes; i++)
		if (strcmp(kept.notes[i].check, "spool") == 0)
			return kept.notes[i];
	return (struct store_note){ .check = "" };
}

/* A Redis that takes no writes for a while accuses nobody; afterwards one whose key is taken is set aside, and he alone. */
static void test_spool_tells_faults_apart(void **state)
{
	struct both *b = *state;
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	struct store_counts counts;

	both_open(b, STORE_SERVICE);
	break_key(b, "bull:messages:m-b");
	(void)both_redis(b, "CONFIG SET min-replicas-to-write 1");
	say_all(b);
	(void)!store_counts(b->store, &counts); /* of what stands in Redis it knows nothing now */
	assert_int_equal(counts.spooled, CLIENTS);
	assert_true(counts.spooled_bytes > 0);
	assert_true(spool_note_of(b).ok);
	while (strstr(spool_note_of(b).text, "Redis at 127.0.0.1") == NULL && clock_mono_ms() < until)
		;
	assert_non_null(strstr(spool_note_of(b).text, "NOREPLICAS"));
	CHECK_REDIS(b, "LLEN bull:messages:wait", "0");
	(void)both_redis(b, "CONFIG SET min-replicas-to-write 0");
	while (both_redis(b, "LLEN bull:messages:wait")[0] != '2' && clock_mono_ms() < until)
		;
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-c m-a");
	while (spool_note_of(b).ok && clock_mono_ms() < until)
		;
	assert_non_null(strstr(spool_note_of(b).text, "refuses 1 "));
}

/* While something else stands in the place of a key that every add needs, all wait in the spool, and nobody is accused or
 * passed. */
static void common_key_is_strange(struct both *b, const char *key, bool is_there)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	struct store_counts counts;

	both_open(b, STORE_SERVICE);
	if (is_there)
		(void)both_redis_words(b, (const char *const[]){ "RENAME", key, "away" }, 3);
	break_key(b, key);
	say_all(b);
	(void)!store_counts(b->store, &counts);
	assert_int_equal(counts.spooled, CLIENTS);
	while (strstr(spool_note_of(b).text, "WRONGTYPE") == NULL && clock_mono_ms() < until)
		;
	assert_non_null(strstr(spool_note_of(b).text, "WRONGTYPE"));
	CHECK_REDIS(b, "EXISTS processed:m-a processed:a bull:messages:m-a", "0");
	(void)both_redis_words(b, (const char *const[]){ "DEL", key }, 2);
	if (is_there)
		(void)both_redis_words(b, (const char *const[]){ "RENAME", "away", key }, 3);
	while (both_redis(b, "LLEN bull:messages:wait")[0] != '3' && clock_mono_ms() < until)
		;
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-c m-b m-a");
}

static void test_strange_meta(void **state)
{
	common_key_is_strange(*state, "c2o:meta", true);
}

static void test_strange_wait(void **state)
{
	common_key_is_strange(*state, "bull:messages:wait", false);
}

/* FLUSHALL: what a start had written is written again, so that settings are not forgotten. */
static void test_meta_is_written_again(void **state)
{
	struct both *b = *state;
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	struct store_kept kept;

	b->settings.bull_events = BULL_EVENTS_ALWAYS;
	both_open(b, STORE_SERVICE);
	CHECK_REDIS(b, "HGET c2o:meta events", "always");
	(void)both_redis(b, "FLUSHALL");
	while (both_redis(b, "HGET c2o:meta epoch")[0] == '\0' && clock_mono_ms() < until)
		(void)!store_keep(b->store, &kept);
	CHECK_REDIS(b, "HMGET c2o:meta layout bull events", "1 bull always");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_strange_lane),
		BOTH(test_strange_lane_of_a_finish),
		BOTH(test_strange_lane_of_a_failure),
		BOTH(test_strange_lane_of_an_outcome),
		BOTH(test_strange_parked),
		BOTH(test_strange_replies),
		BOTH(test_strange_c),
		BOTH(test_sweep_of_a_strange_job),
		BOTH(test_audit_of_strange_lanes),
		BOTH(test_idle_strange_lane),
		BOTH(test_stuck_strange_lane),
		BOTH(test_lost_of_strange_lane),
		BOTH(test_counts_of_strange_lane),
		BOTH(test_retry_of_strange_lane),
		BOTH(test_finish_of_one_fails),
		BOTH(test_fail_of_one_fails),
		BOTH(test_outcome_of_one_fails),
		BOTH(test_odd_places_of_parking),
		BOTH(test_strange_meta),
		BOTH(test_strange_wait),
		BOTH(test_spool_tells_faults_apart), /* leaves a file behind that health tells of */
		BOTH(test_meta_is_written_again),
	};

	return cmocka_run_group_tests(tests, both_group_begin, both_group_end);
}
