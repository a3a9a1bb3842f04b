/* test_two_servers.c - a finish over both servers when they do not agree, or one of them is away; audit and restore. */
#include "both_servers.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "store/shared/keep/audit.h"
#include "store/shared/pg/pg.h"

#include <stdio.h>
#include <time.h>

enum { PATIENCE_MS = 10000 };

static void sleep_ms(int64_t ms)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* ---- words ------------------------------------------------------------------------------------------ */

static void say(struct both *b, const char *client, const char *id)
{
	struct store_message m = { .message_id = slice_of(id), .client_id = slice_of(client), .text = slice_of(id) };
	enum store_added added;

	assert_int_equal(store_add(b->store, &m, 1, &added), ERR_OK);
	assert_int_equal(added, STORE_ADDED);
}

static const struct store_turn *take(struct both *b, const char *client)
{
	struct store_turns turns = { 0 };
	struct store_turn *turn = arena_alloc(&b->arena, sizeof *turn);

	assert_int_equal(store_take(b->store, 1, PATIENCE_MS, &turns), ERR_OK);
	assert_int_equal(turns.n, 1);
	assert_true(slice_eq(turns.turn[0].client_id, slice_of(client)));
	*turn = turns.turn[0];
	/* its texts are used until the test's end */
	turn->client_id = slice_copy(&b->arena, turn->client_id);
	turn->dialog = slice_copy(&b->arena, turn->dialog);
	turn->dialog_id = slice_copy(&b->arena, turn->dialog_id);
	turn->profile = slice_copy(&b->arena, turn->profile);
	turn->order_status = slice_copy(&b->arena, turn->order_status);
	turn->messages = arena_alloc(&b->arena, (turn->n_messages + 1) * sizeof *turn->messages);
	for (size_t i = 0; i < turn->n_messages; i++) {
		const struct store_message *m = &turns.turn[0].messages[i];

		turn->messages[i] = *m;
		turn->messages[i].message_id = slice_copy(&b->arena, m->message_id);
		turn->messages[i].client_id = slice_copy(&b->arena, m->client_id);
		turn->messages[i].text = slice_copy(&b->arena, m->text);
	}
	store_turns_free(&turns);
	return turn;
}

static struct store_result result_of(
    struct both *b, const struct store_turn *turn, const char *dialog, const char *reply)
{
	struct store_log *logs = arena_alloc(&b->arena, (turn->n_messages + 1) * sizeof *logs);

	for (size_t i = 0; i < turn->n_messages; i++)
		logs[i] = (struct store_log){ .dialog_state = "S", .success = true };
	return (struct store_result){ .turn = turn,
		.dialog = slice_of(dialog),
		.dialog_id = SLICE("d1"),
		.question = SLICE("which one?"),
		.reply = slice_of(reply),
		.logs = logs };
}

/* As a worker does it: again and again while the surroundings fail. */
static enum err finish(struct both *b, struct store_result *r, struct store_replies *claimed)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	enum err err;

	do
		err = store_finish(b->store, r, 1, 1, claimed);
	while (err != ERR_OK && err_verdict(err) == VERDICT_RETRY && clock_mono_ms() < until);
	assert_int_equal(err, ERR_OK);
	return r->err;
}

static enum err finish_as(struct both *b, const struct store_turn *turn, const char *dialog, const char *reply)
{
	struct store_result r = result_of(b, turn, dialog, reply);

	return finish(b, &r, NULL);
}

/* What another process has committed, before it died: a row of that turn id on top of base. */
static void commit_elsewhere(struct both *b, const struct store_turn *turn, const char *turn_id, int64_t base,
    const char *dialog, const char *reply)
{
	struct store_result result = result_of(b, turn, dialog, reply);
	struct pg_turn t = { .result = &result,
		.base = base,
		.turn_id = slice_of(turn_id),
		.covers = SLICE("[\"m-1\"]"),
		.question = result.question,
		.reply_meta = SLICE("{\"messageId\":\"1\",\"channelId\":7}") };

	assert_int_equal(pg_finish(shared_of(b->store), &t, 1, &b->arena, &b->why), ERR_OK);
	assert_int_equal(t.moved, PG_MOVED);
}

static struct store_reply claim(struct both *b)
{
	struct store_replies replies = { 0 };
	struct store_reply reply;

	assert_int_equal(store_claim(b->store, 1, PATIENCE_MS, &replies), ERR_OK);
	assert_int_equal(replies.n, 1);
	reply = replies.reply[0];
	reply.client_id = slice_copy(&b->arena, reply.client_id);
	reply.text = slice_copy(&b->arena, reply.text);
	reply.transport = slice_copy(&b->arena, reply.transport);
	reply.question = slice_copy(&b->arena, reply.question);
	reply.message_id = slice_copy(&b->arena, reply.message_id);
	store_replies_free(&replies);
	return reply;
}

static void accepted(struct both *b, const struct store_reply *reply)
{
	struct store_sent sent = { .reply = reply, .how = STORE_SENT_ACCEPTED, .posted_ms = clock_wall_ms() };

	assert_int_equal(store_sent(b->store, &sent, 1), ERR_OK);
	assert_int_equal(sent.err, ERR_OK);
}

/* ---- a finish --------------------------------------------------------------------------------------- */

/* A process committed this very message's turn and died before Redis heard of it. */
static void test_as_recorded(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_TURNS_RECORDED);
	const struct store_turn *turn;
	struct store_reply reply;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	turn = take(b, "a");
	commit_elsewhere(b, turn, "0123456789abcdef-0000000001", 0, "theirs", "their answer");
	assert_int_equal(finish_as(b, turn, "mine", "my answer"), ERR_STALE_LEASE);
	assert_int_equal(metric_value(METRIC_TURNS_RECORDED), before + 1);
	reply = claim(b);
	assert_true(slice_eq(reply.text, SLICE("their answer")));
	assert_string_equal(reply.reply_id, "0123456789abcdef-0000000001");
	assert_false(reply.doubtful);
	accepted(b, &reply);
	say(b, "a", "2");
	turn = take(b, "a");
	assert_true(slice_eq(turn->dialog, SLICE("theirs")));
	assert_int_equal(turn->n_messages, 1); /* the first was theirs */
	assert_int_equal(finish_as(b, turn, "mine", ""), ERR_OK);
	CHECK_SQL(b, "SELECT dialog || version FROM c2o_clients", "mine2");
}

/* Redis was rolled back by more than this turn: what its row says, and its reply is doubtful. */
static void test_redis_rolled_back(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_ROLLED_BACK_REDIS);
	const struct store_turn *turn;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	turn = take(b, "a");
	commit_elsewhere(b, turn, "0123456789abcdef-0000000007", 6, "theirs", "their answer");
	assert_int_equal(finish_as(b, turn, "mine", "my answer"), ERR_STALE_LEASE);
	assert_int_equal(metric_value(METRIC_ROLLED_BACK_REDIS), before + 1);
	assert_true(claim(b).doubtful);
	CHECK_REDIS(b, "HGET c2o:lane:a v", "7");
}

/* Redis' own clock, and then a doubt of that time: it was rolled back until then. */
static void doubt_now(struct both *b)
{
	(void)both_redis_words(b,
	    (const char *const[]){ "EVAL",
		"local t = redis.call('TIME') redis.call('HSET', KEYS[1], 'doubt', t[1] * 1000 + math.floor(t[2] / 1000) + 1)",
		"1", "c2o:meta" },
	    4);
	sleep_ms(2);
	(void)both_redis(b, "HDEL c2o:meta audit"); /* it was made */
}

/* By one turn alone, which looks as if a process had died between the servers: but the message and the lane's last finish
 * are older than the doubt, so that the reply may have been sent. */
static void test_redis_rolled_back_by_one(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_ROLLED_BACK_REDIS), recorded = metric_value(METRIC_TURNS_RECORDED);
	const struct store_turn *turn;

	both_open(b, STORE_SERVICE);
	say(b, "a", "0");
	assert_int_equal(finish_as(b, take(b, "a"), "first", ""), ERR_OK);
	say(b, "a", "1");
	doubt_now(b);
	turn = take(b, "a");
	commit_elsewhere(b, turn, "0123456789abcdef-0000000001", 1, "theirs", "their answer");
	assert_int_equal(finish_as(b, turn, "mine", "my answer"), ERR_STALE_LEASE);
	assert_int_equal(metric_value(METRIC_ROLLED_BACK_REDIS), before + 1);
	assert_int_equal(metric_value(METRIC_TURNS_RECORDED), recorded);
	assert_true(claim(b).doubtful);
}

/* What arrived after the doubt was not rolled back, however old its lane is. */
static void test_as_recorded_after_a_doubt(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_ROLLED_BACK_REDIS), recorded = metric_value(METRIC_TURNS_RECORDED);
	const struct store_turn *turn;

	both_open(b, STORE_SERVICE);
	say(b, "a", "0");
	assert_int_equal(finish_as(b, take(b, "a"), "first", ""), ERR_OK);
	doubt_now(b);
	say(b, "a", "1");
	turn = take(b, "a");
	commit_elsewhere(b, turn, "0123456789abcdef-0000000001", 1, "theirs", "their answer");
	assert_int_equal(finish_as(b, turn, "mine", "my answer"), ERR_STALE_LEASE);
	assert_int_equal(metric_value(METRIC_ROLLED_BACK_REDIS), before);
	assert_int_equal(metric_value(METRIC_TURNS_RECORDED), recorded + 1);
	assert_false(claim(b).doubtful);
}

/* Redis was restarted and lost nothing: what this process holds is not taken for what it has let go. */
static void test_restart_keeps_what_is_held(void **state)
{
	struct both *b = *state;
	struct store_turns none = { 0 };
	const struct store_turn *turn;
	struct store_reply reply;

	both_open(b, STORE_SERVICE);
	say(b, "speaking", "1");
	assert_int_equal(finish_as(b, take(b, "speaking"), "s", "answer"), ERR_OK);
	reply = claim(b);
	say(b, "in turn", "2");
	turn = take(b, "in turn");
	redis_server_kill(redis);
	redis_server_restart(redis);
	for (int64_t until = clock_mono_ms() + PATIENCE_MS; store_take(b->store, 1, 0, &none) != ERR_OK;)
		assert_true(clock_mono_ms() < until);
	(void)both_redis(b, "HDEL c2o:meta audit");
	assert_int_equal(store_take(b->store, 1, 0, &none), ERR_OK); /* the server was met by the one before */
	assert_int_equal(none.n, 0);
	store_turns_free(&none);
	CHECK_REDIS(b, "LLEN bull:messages:active", "1");
	CHECK_REDIS(b, "LLEN bull:outbox:active", "1");
	accepted(b, &reply);
	assert_int_equal(finish_as(b, turn, "s", ""), ERR_OK);
}

/* What waits may be older than what its customer was sent, until the audit has looked. */
static void test_no_claim_before_the_audit(void **state)
{
	struct both *b = *state;
	struct store_replies none = { 0 };
	struct store_reply reply;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	assert_int_equal(finish_as(b, take(b, "a"), "s", "answer"), ERR_OK);
	(void)both_redis(b, "HSET c2o:meta audit 1 doubt 1");
	assert_int_equal(store_claim(b->store, 1, 0, &none), ERR_OK);
	assert_int_equal(none.n, 0);
	store_replies_free(&none);
	(void)both_redis(b, "HDEL c2o:meta audit");
	reply = claim(b);
	assert_true(slice_eq(reply.text, SLICE("answer")));
}

static void test_postgres_rolled_back(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_ROLLED_BACK_POSTGRES);

	both_open(b, STORE_SERVICE);
	for (int i = 0; i < 3; i++) {
		say(b, "a", (const char *[]){ "1", "2", "3" }[i]);
		assert_int_equal(finish_as(b, take(b, "a"), "s", ""), ERR_OK);
	}
	(void)both_sql(b, "DELETE FROM c2o_clients");
	say(b, "a", "4");
	assert_int_equal(finish_as(b, take(b, "a"), "s", ""), ERR_OK);
	assert_int_equal(metric_value(METRIC_ROLLED_BACK_POSTGRES), before + 1);
	CHECK_SQL(b, "SELECT version FROM c2o_clients", "4");
	CHECK_REDIS(b, "HGET c2o:lane:a v", "4");
}

/* One of two messages was applied before, its mark lost: it is done as a duplicate, the other is run again alone. */
static void test_duplicate_of_an_older_version(void **state)
{
	struct both *b = *state;
	int64_t before = metric_value(METRIC_MESSAGES_DUPLICATE);
	const struct store_turn *turn;

	both_open(b, STORE_SERVICE);
	(void)both_sql(b,
	    "INSERT INTO message_logs(client_id, message_id, text, timestamp, version) VALUES ('a', '1', 'x', 1, 5)");
	say(b, "a", "1");
	say(b, "a", "2");
	turn = take(b, "a");
	assert_int_equal(turn->n_messages, 2);
	assert_int_equal(finish_as(b, turn, "s", "r"), ERR_STALE_LEASE);
	assert_int_equal(metric_value(METRIC_MESSAGES_DUPLICATE), before + 1);
	turn = take(b, "a");
	assert_int_equal(turn->n_messages, 1);
	assert_int_equal(turn->attempt, 1);
	assert_true(slice_eq(turn->messages[0].message_id, SLICE("2")));
	assert_int_equal(finish_as(b, turn, "s", "r"), ERR_OK);
	CHECK_REDIS(b, "EXISTS bull:messages:m-1", "0");
	CHECK_SQL(b, "SELECT count(*) FROM message_logs", "2");
}

/* The lane was taken from the turn between the two servers. Free meanwhile: it is true all the same. */
static void test_lease_lost_in_between(void **state)
{
	struct both *b = *state;
	const struct store_turn *turn;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	turn = take(b, "a");
	(void)both_redis(b, "HSET c2o:lane:a s 0");
	assert_int_equal(finish_as(b, turn, "mine", "answer"), ERR_OK);
	assert_true(slice_eq(claim(b).text, SLICE("answer")));
	CHECK_REDIS(b, "HGET c2o:lane:a v", "1");
	CHECK_REDIS(b, "EXISTS bull:messages:m-1", "0");
}

/* In another's turn meanwhile: that one's finish meets the row. */
static void test_lease_passed_on_in_between(void **state)
{
	struct both *b = *state;
	const struct store_turn *turn;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	turn = take(b, "a");
	(void)both_redis_words(
	    b, (const char *const[]){ "HSET", "c2o:lane:a", "s", "1 fedcba9876543210-0000000001" }, 4);
	assert_int_equal(finish_as(b, turn, "mine", "answer"), ERR_STALE_LEASE);
	CHECK_SQL(b, "SELECT dialog || version FROM c2o_clients", "mine1");
	CHECK_REDIS(b, "HEXISTS c2o:lane:a v", "0");
}

/* Redis dies behind PostgreSQL's commit: repeated until it is back, true once, and the reply is claimed all the same. */
static void test_redis_away_in_between(void **state)
{
	struct both *b = *state;
	struct store_replies claimed = { 0 };
	struct store_result r;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	r = result_of(b, take(b, "a"), "s", "answer");
	redis_server_kill(redis);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(err_verdict(store_finish(b->store, &r, 1, 1, &claimed)), VERDICT_RETRY);
		assert_int_equal(claimed.n, 0);
	}
	CHECK_SQL(b, "SELECT count(*) FROM c2o_clients", "1");
	redis_server_restart(redis);
	assert_int_equal(finish(b, &r, &claimed), ERR_OK);
	assert_int_equal(claimed.n, 1);
	assert_true(slice_eq(claimed.reply[0].text, SLICE("answer")));
	assert_true(claimed.reply[0].post_before_ms > clock_mono_ms());
	assert_int_equal(store_finish(b->store, &r, 1, 1, &claimed), ERR_OK);
	assert_int_equal(r.err, ERR_STALE_LEASE); /* it is held no more */
	CHECK_SQL(b, "SELECT version FROM c2o_clients", "1");
	store_replies_free(&claimed);
}

static void test_postgres_away(void **state)
{
	struct both *b = *state;
	struct store_result r;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	r = result_of(b, take(b, "a"), "s", "answer");
	postgres_kill(postgres);
	for (int i = 0; i < 3; i++)
		assert_int_equal(err_verdict(store_finish(b->store, &r, 1, 0, NULL)), VERDICT_RETRY);
	postgres_restart(postgres);
	assert_int_equal(finish(b, &r, NULL), ERR_OK);
	assert_true(slice_eq(claim(b).text, SLICE("answer")));
}

/* ---- audit and restore ------------------------------------------------------------------------------ */

/* Redis loses the last turn of one client, the whole lane of another; a third is as it should be. */
static void test_audit(void **state)
{
	static const char *const clients[] = { "behind", "missing", "whole" };
	struct both *b = *state;
	struct shared *s;
	size_t recorded;

	both_open(b, STORE_SERVICE);
	s = shared_of(b->store);
	for (size_t i = 0; i < COUNT_OF(clients); i++) {
		say(b, clients[i], clients[i]);
		assert_int_equal(finish_as(b, take(b, clients[i]), "s", "answer"), ERR_OK);
	}
	(void)both_redis(b, "HSET c2o:lane:behind v 0 s 0 lt other");
	(void)both_redis(b, "DEL c2o:lane:missing bull:outbox:wait");
	(void)both_redis(b, "HDEL c2o:meta audit");
	assert_int_equal(audit_run(s, &recorded, &b->why), ERR_OK);
	assert_int_equal(recorded, 0); /* nobody asked for it */
	(void)both_redis(b, "HSET c2o:meta audit 1");
	assert_int_equal(audit_run(s, &recorded, &b->why), ERR_OK);
	assert_int_equal(recorded, 2);
	CHECK_REDIS(b, "HGET c2o:lane:behind v", "1");
	CHECK_REDIS(b, "HGET c2o:lane:missing v", "1");
	CHECK_REDIS(b, "HEXISTS c2o:meta audit", "0");
	(void)both_redis(b, "HSET c2o:meta audit 1");
	assert_int_equal(audit_run(s, &recorded, &b->why), ERR_OK);
	assert_int_equal(recorded, 0);
}

/* A lane that is in a turn when the audit comes by is looked at until it is in none. */
static void test_audit_of_a_lane_in_turn(void **state)
{
	struct both *b = *state;
	size_t recorded;

	both_open(b, STORE_SERVICE);
	say(b, "a", "1");
	assert_int_equal(finish_as(b, take(b, "a"), "s", "answer"), ERR_OK);
	(void)both_redis(b, "DEL bull:outbox:wait");
	(void)both_redis_words(b,
	    (const char *const[]){
		"HSET", "c2o:lane:a", "v", "0", "lt", "other", "s", "1 fedcba9876543210-0000000001" },
	    8);
	(void)both_redis(b, "HSET c2o:meta audit 1");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(audit_run(shared_of(b->store), &recorded, &b->why), ERR_OK);
		assert_int_equal(recorded, 0);
		CHECK_REDIS(b, "HEXISTS c2o:meta audit", "0");
		CHECK_REDIS(b, "SMEMBERS c2o:behind", "a");
	}
	(void)both_redis(b, "HSET c2o:lane:a s 0");
	assert_int_equal(audit_run(shared_of(b->store), &recorded, &b->why), ERR_OK);
	assert_int_equal(recorded, 1);
	CHECK_REDIS(b, "HGET c2o:lane:a v", "1");
	CHECK_REDIS(b, "EXISTS c2o:behind", "0");
}

/* Only what changed since a keeper last lived, and ten minutes before. */
static void test_audit_of_what_is_new(void **state)
{
	struct both *b = *state;
	char command[64];
	size_t recorded;

	both_open(b, STORE_SERVICE);
	for (int i = 0; i < 2; i++) {
		const char *client = (const char *[]){ "old", "new" }[i];

		say(b, client, client);
		assert_int_equal(finish_as(b, take(b, client), "s", ""), ERR_OK);
		(void)both_redis(b, i == 0 ? "DEL c2o:lane:old" : "DEL c2o:lane:new");
	}
	(void)both_sql(b, "UPDATE c2o_clients SET updated_at = now() - interval '1 hour' WHERE client_id = 'old'");
	(void)snprintf(command, sizeof command, "HSET c2o:meta audit 1 alive %lld", (long long)clock_wall_ms() - 60000);
	(void)both_redis(b, command);
	assert_int_equal(audit_run(shared_of(b->store), &recorded, &b->why), ERR_OK);
	assert_int_equal(recorded, 1);
	CHECK_REDIS(b, "EXISTS c2o:lane:new c2o:lane:new c2o:lane:old", "2");
}

/* Redis lost all: open dialogs and last replies are back, then turns are taken again. */
static void test_restore(void **state)
{
	struct both *b = *state;
	const char *epoch;
	const struct store_turn *turn;
	size_t restored;

	both_open(b, STORE_SERVICE);
	epoch = both_redis(b, "HGET c2o:meta epoch");
	assert_int_equal(strlen(epoch), 16);
	say(b, "open", "1");
	assert_int_equal(finish_as(b, take(b, "open"), "the dialog", "answer"), ERR_OK);
	say(b, "ended", "2");
	assert_int_equal(finish_as(b, take(b, "ended"), "", ""), ERR_OK);
	assert_int_equal(restore_run(shared_of(b->store), &restored, &b->why), ERR_OK);
	assert_int_equal(restored, 0);
	store_close(&b->store);
	(void)both_redis(b, "FLUSHALL");
	both_open(b, STORE_SERVICE);
	assert_int_equal(restore_run(shared_of(b->store), &restored, &b->why), ERR_OK);
	assert_int_equal(restored, 1);
	CHECK_REDIS(b, "HGET c2o:meta epoch", epoch);
	CHECK_REDIS(b, "EXISTS c2o:lane:ended", "0");
	say(b, "open", "3");
	for (int64_t until = clock_mono_ms() + PATIENCE_MS; clock_mono_ms() < until;) {
		struct store_kept kept;

		if (store_keep(b->store, &kept) == ERR_OK)
			break;
	}
	struct store_reply reply = claim(b);
	assert_true(slice_eq(reply.text, SLICE("answer")));
	assert_true(reply.doubtful);
	accepted(b, &reply);
	turn = take(b, "open");
	assert_true(slice_eq(turn->dialog, SLICE("the dialog")));
	assert_int_equal(finish_as(b, turn, "on", ""), ERR_OK);
	CHECK_SQL(b, "SELECT dialog || version FROM c2o_clients WHERE client_id = 'open'", "on2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_as_recorded),
		BOTH(test_redis_rolled_back),
		BOTH(test_redis_rolled_back_by_one),
		BOTH(test_as_recorded_after_a_doubt),
		BOTH(test_restart_keeps_what_is_held),
		BOTH(test_no_claim_before_the_audit),
		BOTH(test_postgres_rolled_back),
		BOTH(test_duplicate_of_an_older_version),
		BOTH(test_lease_lost_in_between),
		BOTH(test_lease_passed_on_in_between),
		BOTH(test_redis_away_in_between),
		BOTH(test_postgres_away),
		BOTH(test_audit),
		BOTH(test_audit_of_a_lane_in_turn),
		BOTH(test_audit_of_what_is_new),
		BOTH(test_restore),
	};

	return cmocka_run_group_tests_name("two servers", tests, both_group_begin, both_group_end);
}
