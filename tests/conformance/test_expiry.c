/* test_expiry.c - a dialog silent for DIALOG_TTL_S is closed in a turn of its own, and its empty lane goes. */
#include "base/clock.h"
#include "fixture.h"

enum { TTL_MS = 1000, SLACK_MS = 8000 };

static void keep(struct fixture *f)
{
	struct store_kept kept;

	CHECK_INT(store_keep(f->s, &kept), ERR_OK);
	CHECK_INT(kept.writable, ERR_OK);
	CHECK_INT(kept.clock_jump_ms, 0);
}

static void with_short_dialogs(struct fixture *f)
{
	f->settings.dialog_ttl_s = TTL_MS / 1000;
	fixture_reopen(f);
}

static void open_dialog(struct fixture *f, const char *client, const char *id)
{
	add_new(f, client, id);
	FINISH(f, take_from(f, client), .dialog = "s", .dialog_id = id, .profile = "p");
}

/* Rounds of the keeper until a turn is due; NULL when none came in time. */
static const struct store_turn *next_turn(struct fixture *f, int64_t wait_ms)
{
	int64_t until = clock_mono_ms() + wait_ms;

	do {
		keep(f);
		struct store_turns *turns = take(f, 1, 20);
		if (turns->n > 0)
			return &turns->turn[0];
	} while (clock_mono_ms() < until);
	return NULL;
}

static const struct store_turn *expired_turn(struct fixture *f)
{
	const struct store_turn *turn = next_turn(f, TTL_MS + SLACK_MS);

	CHECK(turn != NULL && turn->expired);
	CHECK_INT(turn->n_messages, 0);
	return turn;
}

static void drop(struct fixture *f, const struct store_turn *turn, const char *reply)
{
	struct store_outcome outcome = { .dialog_id = turn->dialog_id, .dropoff_state = SLICE("WAITING_ADDRESS") };

	FINISH(f, turn, .dialog = "", .dialog_id = "", .outcome = &outcome, .reply = reply);
}

static void test_expires(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;
	struct store_funnel funnel;
	int64_t opened_ms;

	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	opened_ms = clock_mono_ms();
	CHECK_INT(counts(f).dialogs_open, 1);
	turn = expired_turn(f);
	CHECK(clock_mono_ms() - opened_ms >= TTL_MS - 50);
	CHECK_TEXT(turn->dialog, "s");
	CHECK_TEXT(turn->dialog_id, "1");
	CHECK_TEXT(turn->profile, "p");
	CHECK_INT(counts(f).lanes_in_turn, 1);
	CHECK_INT(counts(f).active, 0);
	drop(f, turn, "");
	CHECK_INT(counts(f).dialogs_open, 0);
	CHECK_INT(store_funnel(f->s, 0, &funnel), ERR_OK);
	CHECK_INT(funnel.dropped, 1);
	add_new(f, "a", "2");
	turn = take_from(f, "a");
	CHECK(!turn->expired);
	CHECK_INT(turn->dialog.n, 0);
	CHECK_TEXT(turn->profile, "p");
}

static void test_not_before_its_time(void **state)
{
	struct fixture *f = *state;

	f->settings.dialog_ttl_s = 3600;
	fixture_reopen(f);
	open_dialog(f, "a", "1");
	CHECK(next_turn(f, 1500) == NULL);
}

/* The later of last message and shown_at counts; what is waiting or unsent keeps it open. */
static void test_kept_open(void **state)
{
	struct fixture *f = *state;
	const struct store_reply *reply;
	const struct store_turn *turn;
	int64_t accepted_ms;

	with_short_dialogs(f);
	add_new(f, "a", "1");
	FINISH(f, take_from(f, "a"), .dialog = "s", .dialog_id = "d", .question = "q", .reply = "?");
	reply = claim_one(f);
	CHECK(next_turn(f, TTL_MS + 500) == NULL);
	accepted(f, reply, clock_wall_ms());
	accepted_ms = clock_mono_ms();
	CHECK(next_turn(f, 700) == NULL);
	turn = expired_turn(f);
	CHECK_INT(turn->shown_ms != 0, true);
	CHECK(clock_mono_ms() - accepted_ms >= TTL_MS - 50);
}

/* What was said in time counts, however late it is taken. */
static void test_said_in_time(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	sleep_ms(TTL_MS / 2);
	add_new(f, "a", "2");
	sleep_ms(TTL_MS);
	for (int i = 0; i < 3; i++)
		keep(f);
	turn = take_from(f, "a");
	CHECK(!turn->expired);
	check_messages(turn, "2");
	CHECK_TEXT(turn->dialog, "s");
}

static void test_message_comes_after(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	turn = expired_turn(f);
	add_new(f, "a", "2");
	take_none(f);
	drop(f, turn, "Your order was not finished.");
	take_none(f);
	accepted(f, claim_one(f), 1);
	turn = take_from(f, "a");
	check_messages(turn, "2");
	CHECK(!turn->expired);
}

static void test_given_back(void **state)
{
	struct fixture *f = *state;

	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	give_back(f, expired_turn(f));
	drop(f, expired_turn(f), "");
	take_none(f);
}

static void test_failed(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	f->settings.turn_backoff_ms = 2; /* times 1024: the keeper looks at the lane meanwhile */
	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	CHECK(!fail_turn(f, expired_turn(f), "the form is broken"));
	CHECK_INT(counts(f).lanes_backing_off, 1);
	CHECK_INT(counts(f).dead_messages, 0);
	turn = expired_turn(f);
	CHECK_TEXT(turn->dialog_id, "1");
	drop(f, turn, "");
}

static void hold_an_expired_one(struct fixture *f)
{
	(void)expired_turn(f);
}

static void test_crashed(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	fixture_crash(f, hold_an_expired_one);
	turn = expired_turn(f);
	CHECK(turn->alone);
	drop(f, turn, "");
	add_new(f, "a", "2");
	CHECK(!take_from(f, "a")->alone);
}

/* A lane without a dialog goes; a message that comes then is no older than any other. */
static void test_lane_goes(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	with_short_dialogs(f);
	open_dialog(f, "a", "1");
	turn = expired_turn(f);
	struct store_result result = result_of(f, turn, &(struct finish_with){ .dialog = "", .last_event_ms = 777 });
	result.dialog_id = SLICE("");
	CHECK_INT(store_finish(f->s, &result, 1, 0, NULL), ERR_OK);
	add_new(f, "a", "2");
	turn = take_from(f, "a");
	CHECK_INT(turn->last_event_ms, 777);
	FINISH(f, turn, .dialog = "", .dialog_id = "", .last_event_ms = 777);
	for (int64_t until = clock_mono_ms() + TTL_MS + 500; clock_mono_ms() < until; sleep_ms(50))
		keep(f);
	add_new(f, "a", "3");
	turn = take_from(f, "a");
	CHECK_INT(turn->last_event_ms, 0);
	CHECK_TEXT(turn->profile, "p");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_expires),
		CASE(test_not_before_its_time),
		CASE(test_kept_open),
		CASE(test_said_in_time),
		CASE(test_message_comes_after),
		CASE(test_given_back),
		CASE(test_failed),
		CASE(test_crashed),
		CASE(test_lane_goes),
	};

	return RUN_OVER_SUBJECTS("expiry", tests);
}
