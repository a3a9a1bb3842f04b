/* test_shared_faults.c - keys of one client that are none of ours, and keys that people take away: nobody else is stopped. */
#include "both_servers.h"

#include "base/clock.h"

enum { PATIENCE_MS = 10000, CLIENTS = 3 };

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
		for (size_t i = 0; i < turns.n; i++)
			assert_true(slice_eq(turns.turn[i].dialog, SLICE("dialog")));
		assert_true(clock_mono_ms() < until);
	}
	CHECK_REDIS(b, "GET c2o:strange:b", "none of ours");
	store_turns_free(&turns);
}

static void test_finish_of_one_fails(void **state)
{
	struct both *b = *state;
	struct store_turns turns = { 0 };
	struct store_result results[CLIENTS];
	struct store_failure failure;

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	break_key(b, "c2o:lane:b");
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
	struct store_failure failures[CLIENTS];
	struct store_turns turns = { 0 };

	both_open(b, STORE_SERVICE);
	say_all(b);
	take_all(b, &turns);
	break_key(b, "c2o:lane:b");
	for (size_t i = 0; i < CLIENTS; i++)
		failures[i] = (struct store_failure){ .turn = &turns.turn[i], .give_back = true };
	assert_int_equal(store_fail(b->store, failures, CLIENTS), ERR_OK);
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
	break_key(b, "c2o:lane:b");
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
	CHECK_REDIS(b, "LLEN bull:messages:wait", "0");
	(void)both_redis(b, "CONFIG SET min-replicas-to-write 0");
	while (both_redis(b, "LLEN bull:messages:wait")[0] != '2' && clock_mono_ms() < until)
		;
	CHECK_REDIS(b, "LRANGE bull:messages:wait 0 -1", "m-c m-a");
	while (spool_note_of(b).ok && clock_mono_ms() < until)
		;
	assert_non_null(strstr(spool_note_of(b).text, "refuses 1 "));
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
		BOTH(test_finish_of_one_fails),
		BOTH(test_fail_of_one_fails),
		BOTH(test_outcome_of_one_fails),
		BOTH(test_odd_places_of_parking),
		BOTH(test_spool_tells_faults_apart),
		BOTH(test_meta_is_written_again),
	};

	return cmocka_run_group_tests(tests, both_group_begin, both_group_end);
}
