/* test_turn.c - late, stale and on time; and a turn from store to dialog and back. */
#include "service/lateness.h"
#include "service/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MINUTES(n) ((n)*60000)

static const struct {
	const char *name;
	int64_t event, last, arrived;
	bool late, forced;
	enum lateness expected;
	int64_t advanced;
} cases[] = {
	{ "the first of a lane", 1000, 0, 1000, false, false, LATENESS_ON_TIME, 1000 },
	{ "later than the last", 2000, 1000, 2000, false, false, LATENESS_ON_TIME, 2000 },
	{ "in the same second", 1000, 1000, 2000, false, false, LATENESS_ON_TIME, 1000 },
	{ "the retry after 10 seconds", 1000, 11000, 12000, false, false, LATENESS_LATE, 11000 },
	{ "10 minutes are late", 1000, 1000 + MINUTES(10), MINUTES(20), false, false, LATENESS_LATE,
	    1000 + MINUTES(10) },
	{ "more is stale", 1000, 1001 + MINUTES(10), MINUTES(20), false, false, LATENESS_STALE, 1001 + MINUTES(10) },
	{ "the retry after 2 hours", 1000, MINUTES(120), MINUTES(121), false, false, LATENESS_STALE, MINUTES(120) },
	{ "without an event time", 0, 5000, 9000, false, false, LATENESS_ON_TIME, 5000 },
	{ "an event time in the far future moves nothing", MINUTES(60), 5000, 9000, false, false, LATENESS_ON_TIME,
	    5000 },
	{ "ahead by the skew of two clocks", 5000 + 30000, 5000, 5000, false, false, LATENESS_ON_TIME, 35000 },
	{ "an event time of the near future moves little", MINUTES(9), 5000, 9000, false, false, LATENESS_ON_TIME,
	    39000 },
	{ "the next message of that client is on time", 9000 + MINUTES(1), 39000, 9000 + MINUTES(1), false, false,
	    LATENESS_ON_TIME, 9000 + MINUTES(1) },
	{ "a dead letter retried is late, never stale", 1000, MINUTES(120), MINUTES(121), true, false, LATENESS_LATE,
	    MINUTES(120) },
	{ "a dead letter forced is a new arrival", 1000, MINUTES(120), MINUTES(121), false, true, LATENESS_ON_TIME,
	    MINUTES(120) },
};

static void test_lateness(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct store_message m = { .event_ms = cases[i].event,
			.arrived_ms = cases[i].arrived,
			.late = cases[i].late,
			.forced = cases[i].forced };

		print_message("%s\n", cases[i].name);
		assert_int_equal(lateness_of(&m, cases[i].last), cases[i].expected);
		assert_int_equal(lateness_advance(&m, cases[i].last), cases[i].advanced);
	}
}

static struct dialog_form *form(void)
{
	struct dialog_form *f;
	struct why why;

	assert_int_equal(dialog_form_load(NULL, &f, &why), ERR_OK);
	return f;
}

static void test_stale_message_is_logged_and_changes_nothing(void **state)
{
	struct dialog_form *f = form();
	struct arena arena = { 0 };
	struct store_message messages[] = {
		{ .message_id = SLICE("1"),
		    .text = SLICE("12 Main street"),
		    .event_ms = MINUTES(100),
		    .arrived_ms = MINUTES(100),
		    .said_ms = MINUTES(100),
		    .transport = SLICE("telegram"),
		    .channel_id = 7 },
		{ .message_id = SLICE("2"),
		    .text = SLICE("99 Old street"),
		    .event_ms = MINUTES(1),
		    .arrived_ms = MINUTES(101),
		    .said_ms = MINUTES(1),
		    .transport = SLICE("whatsapp"),
		    .channel_id = 8 },
	};
	const struct store_turn turn = {
		.turn_id = "t-1", .client_id = SLICE("5"), .messages = messages, .n_messages = 2
	};
	struct store_result r;

	(void)state;
	turn_run(&turn, f, MINUTES(101), &arena, &r);
	assert_true(r.logs[0].success);
	assert_false(r.logs[1].success);
	assert_non_null(strstr(r.logs[1].reason, "stale"));
	assert_non_null(memmem(r.dialog.p, r.dialog.n, "12 Main street", 14));
	assert_null(memmem(r.dialog.p, r.dialog.n, "99 Old street", 13));
	assert_int_equal(r.last_event_ms, MINUTES(100));
	assert_true(slice_eq(r.reply_transport, SLICE("whatsapp")));
	assert_int_equal(r.reply_channel_id, 8);
	arena_free(&arena);
	dialog_form_free(&f);
}

static void test_expired_turn_drops_the_dialog_without_a_word(void **state)
{
	struct dialog_form *f = form();
	struct arena arena = { 0 };
	struct store_message hello = {
		.message_id = SLICE("1"), .text = SLICE("hello"), .arrived_ms = 1, .said_ms = 1
	};
	const struct store_turn first = {
		.turn_id = "t-1", .client_id = SLICE("5"), .messages = &hello, .n_messages = 1
	};
	struct store_turn last = { .turn_id = "t-2", .client_id = SLICE("5"), .expired = true };
	struct store_result r;

	(void)state;
	turn_run(&first, f, 1, &arena, &r);
	assert_true(r.reply.n > 0);
	last.dialog = r.dialog;
	last.dialog_id = r.dialog_id;
	turn_run(&last, f, MINUTES(1441), &arena, &r);
	assert_int_equal(r.reply.n, 0);
	assert_int_equal(r.dialog.n, 0);
	assert_int_equal(r.n_outcomes, 1);
	assert_false(r.outcomes[0].completed);
	assert_true(slice_eq(r.outcomes[0].dropoff_state, SLICE("WAITING_ADDRESS")));
	arena_free(&arena);
	dialog_form_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lateness),
		cmocka_unit_test(test_stale_message_is_logged_and_changes_nothing),
		cmocka_unit_test(test_expired_turn_drops_the_dialog_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
