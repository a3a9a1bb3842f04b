/* test_failures.c - turns that fail: attempts, backoff, one message apart from its neighbours, dead letters. */
#include "base/clock.h"
#include "fixture.h"

static void add_three(struct fixture *f)
{
	add_new(f, "a", "1");
	add_new(f, "a", "2");
	add_new(f, "a", "3");
}

static void test_attempts_and_backoff(void **state)
{
	enum { BACKOFF_MS = 200 };
	struct fixture *f = *state;
	int64_t failed_ms;

	f->settings.turn_backoff_ms = BACKOFF_MS;
	fixture_reopen(f);
	add_new(f, "a", "1");
	for (unsigned attempt = 1; attempt <= 3; attempt++) {
		const struct store_turn *turn = take_from(f, "a");

		CHECK_INT(turn->attempt, attempt);
		failed_ms = clock_mono_ms();
		CHECK_INT(fail_turn(f, turn, "no"), attempt == 3);
		if (attempt == 3)
			break;
		CHECK_INT(counts(f).lanes_backing_off, 1);
		take_none(f);
		give_back(f, take_from(f, "a"));
		/* the store's clock and this one cut their milliseconds at different times */
		CHECK(clock_mono_ms() - failed_ms + 1 >= BACKOFF_MS << (attempt - 1));
	}
	take_none(f);
	CHECK_INT(counts(f).dead_messages, 1);
	CHECK_INT(counts(f).lanes_backing_off, 0);
}

static void test_attempts_outlive_a_restart(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	fixture_reopen(f);
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	fixture_reopen(f);
	CHECK_INT(take_from(f, "a")->attempt, 3);
}

static void test_attempts_start_again(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	FINISH(f, take_from(f, "a"), .dialog = "s");
	add_new(f, "a", "2");
	CHECK_INT(take_from(f, "a")->attempt, 1);
}

/* Two of three are well: they are applied, in order, and only the second is dead. */
static void test_poison_among_neighbours(void **state)
{
	struct fixture *f = *state;
	struct store_dead dead;

	add_three(f);
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	const struct store_turn *turn = take_from(f, "a");
	check_messages(turn, "1");
	FINISH(f, turn, .dialog = "after 1");
	for (int i = 0; i < 3; i++) {
		turn = take_from(f, "a");
		check_messages(turn, "2");
		CHECK_TEXT(turn->dialog, "after 1");
		CHECK_INT(fail_turn(f, turn, "two is bad"), i == 2);
	}
	turn = take_from(f, "a");
	check_messages(turn, "3");
	CHECK_INT(turn->attempt, 1);
	CHECK_TEXT(turn->dialog, "after 1");
	FINISH(f, turn, .dialog = "after 3");
	dead = last_dead(f);
	CHECK_TEXT(dead.ref, "2");
	CHECK_TEXT(dead.reason, "two is bad");
	CHECK_INT(dead.attempts, 3);
	CHECK_INT(counts(f).dead_messages, 1);
	CHECK_INT(count_logs(f, "a"), 3);
}

static void test_all_poisonous(void **state)
{
	struct fixture *f = *state;
	int failures = 0;

	add_three(f);
	while (counts(f).dead_messages < 3) {
		(void)fail_turn(f, take_from(f, "a"), "no");
		CHECK(++failures <= 10);
	}
	CHECK_INT(failures, 10);
	take_none(f);
	CHECK_INT(counts(f).waiting, 0);
}

/* Messages that come while one backs off wait in the lane, and then come after it. */
static void test_arrivals_while_backing_off(void **state)
{
	struct fixture *f = *state;

	f->settings.turn_backoff_ms = 100;
	fixture_reopen(f);
	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	add_new(f, "a", "2");
	take_none(f);
	CHECK_INT(counts(f).in_lanes, 2);
	CHECK_INT(counts(f).lanes_backing_off, 1);
	const struct store_turn *turn = take_from(f, "a");
	check_messages(turn, "1 2");
	FINISH(f, turn, .dialog = "s");
	take_none(f);
}

/* What arrives after the failure is no neighbour: it runs in a turn with others again. */
static void test_together_again(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	add_new(f, "a", "4");
	add_new(f, "a", "5");
	for (int i = 1; i <= 3; i++) {
		char id[4];
		const struct store_turn *turn = take_from(f, "a");

		(void)snprintf(id, sizeof id, "%d", i);
		check_messages(turn, id);
		FINISH(f, turn, .dialog = "s");
	}
	check_messages(take_from(f, "a"), "4 5");
}

static void test_others_do_not_wait(void **state)
{
	struct fixture *f = *state;

	f->settings.turn_backoff_ms = 600000;
	fixture_reopen(f);
	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	add_new(f, "b", "2");
	check_messages(take_from(f, "b"), "2");
}

static void test_give_back(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_three(f);
	for (int i = 0; i < 5; i++) {
		turn = take_from(f, "a");
		check_messages(turn, "1 2 3");
		CHECK_INT(turn->attempt, 1);
		give_back(f, turn);
	}
	CHECK_INT(counts(f).waiting, 3);
	CHECK_INT(counts(f).active, 0);
}

static void test_give_back_keeps_attempts(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	give_back(f, take_from(f, "a"));
	CHECK_INT(take_from(f, "a")->attempt, 2);
}

static void test_dead_letter_is_whole(void **state)
{
	struct fixture *f = *state;
	struct store_dead dead, shown;
	int64_t before = clock_wall_ms();

	add_new(f, "a", "1");
	FINISH(f, take_from(f, "a"), .dialog = "s", .dialog_id = "d1");
	int64_t id = bury(f, "a", "2");
	dead = last_dead(f);
	CHECK_INT(store_dead_show(f->s, id, &f->arena, &shown), ERR_OK);
	CHECK_INT(shown.id, dead.id);
	CHECK_INT(dead.kind, STORE_DEAD_MESSAGE);
	CHECK_TEXT(dead.client_id, "a");
	CHECK_TEXT(dead.ref, "2");
	CHECK_TEXT(dead.text, "2");
	CHECK_TEXT(dead.dialog_id, "d1");
	CHECK_TEXT(dead.transport, "telegram");
	CHECK_INT(dead.channel_id, 7);
	CHECK(dead.created_ms >= before && dead.died_ms >= dead.created_ms && dead.died_ms <= clock_wall_ms());
	CHECK_TEXT(shown.reason, "it is poisonous");
}

/* Of a long reason its beginning is kept, and no character is cut in two. */
static void test_long_reason(void **state)
{
	struct fixture *f = *state;
	char reason[1200];

	reason[0] = 'x';
	for (size_t i = 1; i + 2 < sizeof reason; i += 2)
		memcpy(reason + i, "\xc3\xa9", 3);
	add_new(f, "a", "1");
	while (!fail_turn(f, take_from(f, "a"), reason))
		;
	struct slice kept = last_dead(f).reason;
	CHECK(kept.n > STORE_REASON_MAX - 4 && kept.n <= STORE_REASON_MAX);
	CHECK(slice_is_utf8(kept) && memcmp(kept.p, reason, kept.n) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_attempts_and_backoff),
		CASE(test_attempts_outlive_a_restart),
		CASE(test_attempts_start_again),
		CASE(test_poison_among_neighbours),
		CASE(test_all_poisonous),
		CASE(test_arrivals_while_backing_off),
		CASE(test_together_again),
		CASE(test_others_do_not_wait),
		CASE(test_give_back),
		CASE(test_give_back_keeps_attempts),
		CASE(test_dead_letter_is_whole),
		CASE(test_long_reason),
	};

	return RUN_OVER_SUBJECTS("failures", tests);
}
