/* test_crash.c - kill -9 at every stage: nothing accepted is lost, nothing done is done again, poison is found. */
#include "base/clock.h"
#include "fixture.h"

static void hold(struct fixture *f, size_t most)
{
	CHECK_INT(take(f, most, 1000)->n, most);
}

static void hold_one(struct fixture *f)
{
	hold(f, 1);
}

static void hold_three(struct fixture *f)
{
	hold(f, 3);
}

static void only_open(struct fixture *f)
{
	(void)f;
}

static void add_lanes(struct fixture *f, const char *clients)
{
	for (; *clients != '\0'; clients++) {
		char *id = arena_copy(&f->arena, clients, 1);

		add_new(f, id, id);
		sleep_ms(2); /* arrival times are of whole milliseconds */
	}
}

static void test_held_is_free_again(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	add_new(f, "a", "2");
	fixture_crash(f, hold_one);
	CHECK_INT(counts(f).waiting, 2);
	CHECK_INT(counts(f).active, 0);
	turn = take_from(f, "a");
	check_messages(turn, "1");
	CHECK(turn->alone);
	CHECK_INT(turn->attempt, 1);
	FINISH(f, turn, .dialog = "s");
	turn = take_from(f, "a");
	check_messages(turn, "2");
	CHECK(turn->alone);
	FINISH(f, turn, .dialog = "s");
	add_new(f, "a", "3");
	add_new(f, "a", "4");
	turn = take_from(f, "a");
	check_messages(turn, "3 4");
	CHECK(!turn->alone);
}

/* A turn that a crash may be the fault of runs when no other turn is held, and none is given beside it. */
static void test_alone(void **state)
{
	struct fixture *f = *state;
	struct store_turns *turns;
	const struct store_turn *turn;

	add_lanes(f, "abc");
	fixture_crash(f, hold_three);
	add_lanes(f, "xyz");
	for (size_t i = 0; i < 3; i++) {
		turns = take(f, 10, 1000);
		CHECK_INT(turns->n, 1);
		CHECK(turns->turn[0].alone);
		CHECK_INT(turns->turn[0].client_id.p[0], "abc"[i]);
		take_none(f);
		FINISH(f, &turns->turn[0], .dialog = "s");
	}
	turns = take(f, 10, 1000);
	CHECK_INT(turns->n, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK(!turns->turn[i].alone);
	turn = &turns->turn[0];
	FINISH(f, turn, .dialog = "s");
}

/* It waits until those that were taken before it are finished; and those that come later wait for it. */
static void test_alone_waits_for_others(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *other;

	f->settings.turn_backoff_ms = 200;
	add_new(f, "a", "1");
	fixture_crash(f, hold_one);
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	add_new(f, "b", "2");
	other = take_from(f, "b");
	CHECK(!other->alone);
	CHECK_INT(take(f, 10, 400)->n, 0);
	add_new(f, "c", "3");
	take_none(f);
	FINISH(f, other, .dialog = "s");
	CHECK(take_from(f, "a")->alone);
	take_none(f);
}

struct alone {
	_Atomic int held;
	_Atomic int finished;
};

static void *run_alone(void *context)
{
	struct crew_member *me = context;
	struct alone *all = me->context;

	while (all->finished < 8) {
		struct store_turns *turns = take(me->f, 4, 10);

		for (size_t i = 0; i < turns->n; i++) {
			all->held++;
			CHECK(!turns->turn[i].alone || turns->n == 1);
		}
		if (turns->n == 1 && turns->turn[0].alone) {
			sleep_ms(3);
			CHECK_INT(all->held, 1);
		}
		for (size_t i = 0; i < turns->n; i++) {
			all->held--;
			FINISH(me->f, &turns->turn[i], .dialog = "s");
			all->finished++;
		}
	}
	return NULL;
}

static void hold_four(struct fixture *f)
{
	hold(f, 4);
}

static void test_alone_among_threads(void **state)
{
	struct fixture *f = *state;
	struct alone all = { 0 };

	add_lanes(f, "abcd");
	fixture_crash(f, hold_four);
	add_lanes(f, "wxyz");
	run_crew(f, 8, run_alone, &all);
	CHECK_INT(all.finished, 8);
}

/* Those that were held without harm are not to blame: only crashes while alone count, and three of them are enough. */
static void test_crash_three_times_alone(void **state)
{
	struct fixture *f = *state;
	struct store_dead dead;

	add_lanes(f, "ab");
	fixture_crash(f, hold_one);
	for (int alone = 1; alone <= 3; alone++) {
		CHECK_INT(counts(f).dead_messages, 0);
		fixture_crash(f, hold_one);
	}
	CHECK_INT(counts(f).dead_messages, 1);
	dead = last_dead(f);
	CHECK_TEXT(dead.ref, "a");
	CHECK(dead.reason.n > 0);
	const struct store_turn *turn = take_from(f, "b");
	CHECK(!turn->alone);
	CHECK_INT(add(f, "a", "a"), STORE_DUPLICATE);
	add_new(f, "a", "next");
	turn = take_from(f, "a");
	check_messages(turn, "next");
	CHECK(!turn->alone);
}

static void test_crash_of_several_messages(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	add_new(f, "a", "2");
	for (int i = 0; i < 4; i++)
		fixture_crash(f, hold_one);
	CHECK_INT(counts(f).dead_messages, 1);
	CHECK_TEXT(last_dead(f).ref, "1");
	turn = take_from(f, "a");
	check_messages(turn, "2");
	CHECK(turn->alone);
	FINISH(f, turn, .dialog = "s");
	add_new(f, "a", "3");
	CHECK(!take_from(f, "a")->alone);
}

static void hold_and_give_back(struct fixture *f)
{
	give_back(f, take_one(f));
}

static void test_given_back_is_no_crash(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	fixture_crash(f, hold_one);
	for (int i = 0; i < 5; i++)
		fixture_crash(f, hold_and_give_back);
	CHECK_INT(counts(f).dead_messages, 0);
	fixture_crash(f, hold_one);
	fixture_crash(f, hold_one);
	CHECK_INT(counts(f).dead_messages, 0);
	fixture_crash(f, hold_one);
	CHECK_INT(counts(f).dead_messages, 1);
}

static void fail_alone(struct fixture *f)
{
	const struct store_turn *turn = take_one(f);

	CHECK(turn->alone);
	CHECK(!fail_turn(f, turn, "no"));
}

/* Attempts are one thing, crashes another. */
static void test_crash_spends_no_attempt(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	fixture_crash(f, hold_one);
	fixture_crash(f, hold_one);
	CHECK_INT(take_from(f, "a")->attempt, 1);
	fixture_reopen(f);
	fixture_crash(f, fail_alone);
	CHECK_INT(take_from(f, "a")->attempt, 2);
}

static void finish_two(struct fixture *f)
{
	static const struct store_order_new order = { .dialog_id = SLICE("d"), .quantity = 1 };
	const struct store_turn *turn = take_from(f, "a");
	struct store_replies *replies;

	FINISH(f, turn, .dialog = "s", .dialog_id = "d", .question = "q", .reply = "number \x1a", .order = &order);
	FINISH(f, take_from(f, "b"), .dialog = "s", .reply = "to b");
	replies = claim(f, 2, 1000);
	CHECK_INT(replies->n, 2);
	accepted(f, &replies->reply[0], 4321);
}

/* What was finished, accepted and claimed before the crash is so after it. */
static void test_done_is_done(void **state)
{
	struct fixture *f = *state;
	struct store_order_filter all = { 0 };
	const struct store_reply *reply;
	const struct store_turn *turn;
	struct store_order *orders;
	size_t n;

	add_lanes(f, "ab");
	fixture_crash(f, finish_two);
	take_none(f);
	CHECK_INT(store_order_list(f->s, &all, 0, 10, &f->arena, &orders, &n), ERR_OK);
	CHECK_INT(n, 1);
	CHECK_INT(counts(f).lanes_speaking, 1);
	reply = claim_one(f);
	CHECK_TEXT(reply->text, "to b");
	CHECK(reply->doubtful);
	CHECK_INT(reply->attempt, 1);
	claim_none(f);
	add_new(f, "a", "2");
	turn = take_from(f, "a");
	CHECK_TIME(f, turn->shown_ms, 4321);
	CHECK_INT(turn->order_number, orders[0].id);
	accepted(f, reply, 1);
}

static void test_waiting_replies_are_not_doubtful(void **state)
{
	struct fixture *f = *state;

	(void)talk(f, "a", "1", "hi");
	fixture_crash(f, only_open);
	CHECK(!claim_one(f)->doubtful);
}

static void fail_for_long(struct fixture *f)
{
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	(void)talk(f, "b", "2", "hi");
	CHECK_INT(
	    report(f, (struct store_sent){ .reply = claim_one(f), .how = STORE_SENT_RETRY, .delay_ms = 400 }), ERR_OK);
}

/* Retries that wait for their time wait on after a crash. */
static void test_backoffs_go_on(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	f->settings.turn_backoff_ms = 400;
	add_new(f, "a", "1");
	fixture_crash(f, fail_for_long);
	CHECK_INT(counts(f).lanes_backing_off, 1);
	turn = take_from(f, "a");
	CHECK_INT(turn->attempt, 2);
	CHECK(!turn->alone);
	CHECK_INT(claim_one(f)->attempt, 2);
}

static void add_many(struct fixture *f)
{
	char id[16];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		add_new(f, "a", id);
	}
}

static void test_every_acknowledged_message(void **state)
{
	struct fixture *f = *state;
	char id[16];

	fixture_crash(f, add_many);
	for (int i = 0; i < 300;) {
		const struct store_turn *turn = take_from(f, "a");

		for (size_t k = 0; k < turn->n_messages; k++, i++) {
			(void)snprintf(id, sizeof id, "%d", i);
			CHECK_TEXT(turn->messages[k].message_id, id);
		}
		FINISH(f, turn, .dialog = "s");
	}
	take_none(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_held_is_free_again),
		CASE(test_alone),
		CASE(test_alone_waits_for_others),
		CASE(test_alone_among_threads),
		CASE(test_crash_three_times_alone),
		CASE(test_crash_of_several_messages),
		CASE(test_given_back_is_no_crash),
		CASE(test_crash_spends_no_attempt),
		CASE(test_done_is_done),
		CASE(test_waiting_replies_are_not_doubtful),
		CASE(test_backoffs_go_on),
		CASE(test_every_acknowledged_message),
	};

	return RUN_OVER_SUBJECTS("crashes", tests);
}
