/* test_dead.c - dead letters: put back within their dialog, into another, or not at all; and replies without overtaking. */
#include "base/clock.h"
#include "fixture.h"

static enum store_dead_retried retry(struct fixture *f, int64_t id, bool force)
{
	enum store_dead_retried ret = STORE_DEAD_GONE;

	CHECK_INT(store_dead_retry(f->s, &id, 1, force, &ret), ERR_OK);
	return ret;
}

static int64_t bury_reply(struct fixture *f, const char *client, const char *id)
{
	(void)talk(f, client, id, id);
	CHECK_INT(report(f, (struct store_sent){ .reply = claim_one(f), .how = STORE_SENT_DEAD, .reason = "HTTP 400" }),
	    ERR_OK);
	return last_dead(f).id;
}

/* The client's dialog is this one; no message of his waits. */
static void in_dialog(struct fixture *f, const char *client, const char *message_id, const char *dialog_id)
{
	add_new(f, client, message_id);
	FINISH(f, take_from(f, client), .dialog = dialog_id, .dialog_id = dialog_id);
}

static void test_same_dialog_is_late(void **state)
{
	struct fixture *f = *state;
	struct store_message m = message("a", "2", "two");
	const struct store_turn *turn;
	enum store_added added;
	int64_t id;

	in_dialog(f, "a", "1", "d1");
	m.event_ms = 1765432100123;
	m.kind = KIND_LOCATION;
	m.coordinates = SLICE("1,2");
	m.client_phone = SLICE("+491511");
	CHECK_INT(store_add(f->s, &m, 1, &added), ERR_OK);
	while (!fail_turn(f, take_from(f, "a"), "no"))
		;
	id = last_dead(f).id;
	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	CHECK_INT(retry(f, id, false), STORE_DEAD_GONE);
	turn = take_from(f, "a");
	CHECK_INT(turn->n_messages, 1);
	CHECK_INT(turn->attempt, 1);
	CHECK_INT(turn->messages[0].event_ms, 1765432100123);
	CHECK_INT(turn->messages[0].kind, KIND_LOCATION);
	CHECK_TEXT(turn->messages[0].coordinates, "1,2");
	CHECK_TEXT(turn->messages[0].client_phone, "+491511");
	CHECK_TEXT(turn->messages[0].message_id, "2");
	CHECK_TEXT(turn->messages[0].text, "two");
	CHECK_TEXT(turn->messages[0].transport, "telegram");
	CHECK_INT(turn->messages[0].channel_id, 7);
	CHECK(turn->messages[0].late && !turn->messages[0].forced);
	CHECK_INT(counts(f).dead_messages, 0);
}

static void test_other_dialog(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;
	int64_t id, before;

	in_dialog(f, "a", "1", "d1");
	id = bury(f, "a", "2");
	in_dialog(f, "a", "3", "d2");
	CHECK_INT(retry(f, id, false), STORE_DEAD_OTHER_DIALOG);
	CHECK_INT(counts(f).dead_messages, 1);
	take_none(f);
	before = clock_wall_ms();
	CHECK_INT(retry(f, id, true), STORE_DEAD_RETRIED);
	turn = take_from(f, "a");
	check_messages(turn, "2");
	CHECK(turn->messages[0].forced && !turn->messages[0].late);
	CHECK(turn->messages[0].arrived_ms >= before && turn->messages[0].said_ms >= before);
}

/* The first message of a client dies before any dialog is open: put back, it is a new arrival, not late for nothing. */
static void test_before_any_dialog(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;
	int64_t id = bury(f, "a", "1");

	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	turn = take_from(f, "a");
	check_messages(turn, "1");
	CHECK(turn->messages[0].forced && !turn->messages[0].late);
}

/* Forced within its own dialog, it is a new arrival too. */
static void test_forced_in_same_dialog(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;
	int64_t id;

	in_dialog(f, "a", "1", "d1");
	id = bury(f, "a", "2");
	CHECK_INT(retry(f, id, true), STORE_DEAD_RETRIED);
	turn = take_from(f, "a");
	CHECK(turn->messages[0].forced && !turn->messages[0].late);
}

/* Put back, it comes after all that has arrived. */
static void test_to_the_end_of_the_lane(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury(f, "a", "1");
	const struct store_turn *turn;

	add_new(f, "a", "2");
	turn = take_from(f, "a");
	add_new(f, "a", "3");
	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	take_none(f);
	FINISH(f, turn, .dialog = "s");
	add_new(f, "a", "4");
	check_messages(take_from(f, "a"), "3 1 4");
}

static void test_dies_again(void **state)
{
	struct fixture *f = *state;
	int64_t first = bury(f, "a", "1"), second;

	CHECK_INT(retry(f, first, false), STORE_DEAD_RETRIED);
	while (!fail_turn(f, take_from(f, "a"), "again"))
		;
	second = last_dead(f).id;
	CHECK(second > first);
	CHECK_TEXT(last_dead(f).reason, "again");
	CHECK_INT(retry(f, first, false), STORE_DEAD_GONE);
	CHECK_INT(count_logs(f, "a"), 1);
}

static void test_after_a_restart(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury(f, "a", "1");

	fixture_reopen(f);
	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	fixture_reopen(f);
	check_messages(take_from(f, "a"), "1");
}

static void test_reply_again(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury_reply(f, "a", "1");
	const struct store_reply *reply;

	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	CHECK_INT(retry(f, id, false), STORE_DEAD_GONE);
	CHECK_INT(counts(f).lanes_speaking, 1);
	CHECK_INT(counts(f).dead_replies, 0);
	reply = claim_one(f);
	CHECK_TEXT(reply->text, "1");
	CHECK_TEXT(reply->client_id, "a");
	CHECK_TEXT(reply->transport, "telegram");
	CHECK_INT(reply->channel_id, 7);
	CHECK_INT(reply->attempt, 1);
	add_new(f, "a", "2");
	take_none(f);
	accepted(f, reply, 1);
	check_messages(take_from(f, "a"), "2");
}

/* While the lane speaks or is in turn, the reply put back waits: never two outstanding. */
static void test_reply_while_speaking(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury_reply(f, "a", "old");
	const struct store_reply *reply;

	(void)talk(f, "a", "new", "new");
	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	CHECK_INT(counts(f).replies_waiting, 2);
	reply = claim_one(f);
	CHECK_TEXT(reply->text, "new");
	claim_none(f);
	add_new(f, "a", "waits");
	claim_none(f);
	accepted(f, reply, 1);
	reply = claim_one(f);
	CHECK_TEXT(reply->text, "old");
	take_none(f);
	accepted(f, reply, 1);
	check_messages(take_from(f, "a"), "waits");
}

static void test_reply_while_in_turn(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury_reply(f, "a", "old");
	const struct store_turn *turn;

	add_new(f, "a", "1");
	turn = take_from(f, "a");
	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	claim_none(f);
	FINISH(f, turn, .dialog = "s");
	accepted(f, claim_one(f), 1);
	CHECK_INT(counts(f).lanes_speaking, 0);
}

static void test_reply_while_backing_off(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury_reply(f, "a", "old");

	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	CHECK_INT(retry(f, id, false), STORE_DEAD_RETRIED);
	claim_none(f);
	while (!fail_turn(f, take_from(f, "a"), "no"))
		;
	CHECK_TEXT(claim_one(f)->text, "old");
}

/* Several put back at once are sent one by one, oldest first. */
static void test_replies_in_order(void **state)
{
	struct fixture *f = *state;
	enum store_dead_retried ret[3];
	int64_t ids[3];

	for (size_t i = 0; i < 3; i++) {
		char id[2] = { (char)('x' - (char)i), '\0' };

		ids[i] = bury_reply(f, "a", arena_copy(&f->arena, id, 1));
		sleep_ms(2); /* their age is in whole milliseconds */
	}
	int64_t reverse[] = { ids[2], ids[1], ids[0] };
	add_new(f, "a", "in turn");
	const struct store_turn *turn = take_from(f, "a");
	CHECK_INT(store_dead_retry(f->s, reverse, 3, false, ret), ERR_OK);
	FINISH(f, turn, .dialog = "s");
	for (size_t i = 0; i < 3; i++) {
		struct store_replies *replies = claim(f, 10, 1000);

		CHECK_INT(ret[i], STORE_DEAD_RETRIED);
		CHECK_INT(replies->n, 1);
		CHECK_INT(replies->reply[0].text.p[0], 'x' - (int)i);
		accepted(f, &replies->reply[0], 1);
	}
	claim_none(f);
}

/* An accepted POST that nobody could know of stays possible, also by way of the dead letters. */
static void test_reply_stays_doubtful(void **state)
{
	struct fixture *f = *state;

	(void)talk(f, "a", "1", "hi");
	CHECK_INT(report(f,
		      (struct store_sent){
			  .reply = claim_one(f), .how = STORE_SENT_RETRY, .doubtful = true, .reason = "timeout" }),
	    ERR_OK);
	CHECK_INT(report(f, (struct store_sent){ .reply = claim_one(f), .how = STORE_SENT_DEAD, .reason = "HTTP 400" }),
	    ERR_OK);
	CHECK_INT(retry(f, last_dead(f).id, false), STORE_DEAD_RETRIED);
	CHECK(claim_one(f)->doubtful);
}

static void test_unknown(void **state)
{
	struct fixture *f = *state;
	struct store_dead dead;
	int64_t id = bury(f, "a", "1"), ids[] = { 0, -1, id + 1, id };
	enum store_dead_retried ret[4];
	size_t removed;

	CHECK_INT(store_dead_show(f->s, id + 1, &f->arena, &dead), ERR_NOT_FOUND);
	CHECK_INT(store_dead_retry(f->s, ids, 3, false, ret), ERR_OK);
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(ret[i], STORE_DEAD_GONE);
	CHECK_INT(store_dead_remove(f->s, ids, 4, &removed), ERR_OK);
	CHECK_INT(removed, 1);
	CHECK_INT(counts(f).dead_messages, 0);
	CHECK_INT(store_dead_retry(f->s, &id, 1, true, ret), ERR_OK);
	CHECK_INT(ret[0], STORE_DEAD_GONE);
}

/* ---- lists ---- */

enum { MANY = 120 };

static void bury_many(struct fixture *f)
{
	for (int i = 0; i < MANY; i++) {
		char *id = arena_alloc(&f->arena, 16);

		(void)snprintf(id, 16, "%d", i);
		(void)bury(f, i % 2 == 0 ? "even" : "odd", id);
	}
}

static size_t list(
    struct fixture *f, const struct store_dead_filter *filter, int64_t after, size_t most, struct store_dead **dead)
{
	size_t n;

	CHECK_INT(store_dead_list(f->s, filter, after, most, &f->arena, dead, &n), ERR_OK);
	CHECK(n <= most);
	return n;
}

static size_t matches(struct fixture *f, struct store_dead_filter filter)
{
	struct store_dead *dead;

	return list(f, &filter, 0, 1000, &dead);
}

static void test_pages(void **state)
{
	struct fixture *f = *state;
	struct store_dead_filter all = { 0 };
	struct store_dead *dead;
	int64_t after = 0;
	size_t n, seen = 0;

	f->settings.turn_attempts = 1;
	fixture_reopen(f);
	bury_many(f);
	while ((n = list(f, &all, after, 50, &dead)) > 0) {
		for (size_t i = 0; i < n; i++) {
			CHECK(dead[i].id > after);
			after = dead[i].id;
		}
		seen += n;
	}
	CHECK_INT(seen, MANY);
}

static void test_filters(void **state)
{
	struct fixture *f = *state;
	int64_t middle, late;

	(void)bury(f, "a", "1");
	sleep_ms(5);
	middle = clock_wall_ms();
	(void)bury_reply(f, "b", "2");
	late = clock_wall_ms() + 1;
	CHECK_INT(matches(f, (struct store_dead_filter){ 0 }), 2);
	CHECK_INT(matches(f, (struct store_dead_filter){ .kind = STORE_DEAD_MESSAGE }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .kind = STORE_DEAD_REPLY }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .client_id = SLICE("b") }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .client_id = SLICE("c") }), 0);
	CHECK_INT(matches(f, (struct store_dead_filter){ .reason = SLICE("poison") }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .reason = SLICE("http 4") }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .reason = SLICE("%") }), 0);
	CHECK_INT(matches(f, (struct store_dead_filter){ .since_ms = middle }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .until_ms = middle }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .since_ms = middle, .until_ms = late }), 1);
	CHECK_INT(matches(f, (struct store_dead_filter){ .since_ms = late }), 0);
	CHECK_INT(matches(f, (struct store_dead_filter){ .kind = STORE_DEAD_REPLY, .until_ms = middle }), 0);
}

static void test_many_at_once(void **state)
{
	struct fixture *f = *state;
	enum store_dead_retried ret[MANY];
	struct store_dead_filter all = { 0 };
	struct store_dead *dead;
	int64_t ids[MANY];
	size_t removed;

	f->settings.turn_attempts = 1;
	fixture_reopen(f);
	bury_many(f);
	CHECK_INT(list(f, &all, 0, 1000, &dead), MANY);
	for (size_t i = 0; i < MANY; i++)
		ids[i] = dead[i].id;
	CHECK_INT(store_dead_remove(f->s, ids, 60, &removed), ERR_OK);
	CHECK_INT(removed, 60);
	CHECK_INT(store_dead_retry(f->s, ids, MANY, false, ret), ERR_OK);
	for (size_t i = 0; i < MANY; i++)
		CHECK_INT(ret[i], i < 60 ? STORE_DEAD_GONE : STORE_DEAD_RETRIED);
	CHECK_INT(counts(f).waiting, MANY - 60);
	CHECK_INT(take(f, 10, 1000)->n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_same_dialog_is_late),
		CASE(test_other_dialog),
		CASE(test_before_any_dialog),
		CASE(test_forced_in_same_dialog),
		CASE(test_to_the_end_of_the_lane),
		CASE(test_dies_again),
		CASE(test_after_a_restart),
		CASE(test_reply_again),
		CASE(test_reply_while_speaking),
		CASE(test_reply_while_in_turn),
		CASE(test_reply_while_backing_off),
		CASE(test_replies_in_order),
		CASE(test_reply_stays_doubtful),
		CASE(test_unknown),
		CASE(test_pages),
		CASE(test_filters),
		CASE(test_many_at_once),
	};

	return RUN_OVER_SUBJECTS("dead letters", tests);
}
