/* test_turn.c - the rules of a turn: what fills, what counts only when shown, what an order needs. */
#include "check.h"
#include "talk.h"

#include "dialog/table.h"

#include <pthread.h>
#include <stdlib.h>

static struct dialog_form *form, *richer;

static int load_forms(void **state)
{
	struct why why = { "" };

	if (dialog_form_load(NULL, &form, &why) == ERR_OK && dialog_form_load(EXAMPLE_FORM, &richer, &why) == ERR_OK)
		return 0;
	print_error("%s\n", why.text);
	return -1;
}

static int free_forms(void **state)
{
	dialog_form_free(&form);
	dialog_form_free(&richer);
	return 0;
}

static void expect_state(const struct talk *t, const char *name)
{
	CHECK(slice_eq(talk_state(t), slice_of(name)), "the state is %.*s, not %s; the reply:\n%.*s\n",
	    SLICE_PRINT(talk_state(t)), name, SLICE_PRINT(t->result.reply));
}

static void expect_reply(const struct talk *t, const char *part)
{
	CHECK(talk_replied(t, part), "the reply lacks \"%s\":\n%.*s\n", part, SLICE_PRINT(t->result.reply));
}

/* A talk that stands at the summary, which was shown. */
static void at_summary(struct talk *t)
{
	talk_begin(t, form);
	talk_burst(t, "hello|12 Main street 4|+14155552671|3");
	expect_state(t, "WAITING_CONFIRMATION");
}

static void ordered(struct talk *t)
{
	at_summary(t);
	talk_say(t, "yes");
	expect_state(t, "COMPLETED");
}

static void test_table_has_no_empty_cell(void **state)
{
	for (size_t step = 0; step < STEP_KIND_COUNT; step++)
		for (size_t event = 0; event < EVENT_COUNT; event++)
			CHECK(
			    step_table[step][event].act != NULL, "step %zu, event %zu: nothing is done\n", step, event);
}

static void test_step_by_step(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	talk_say(&t, "Hi");
	expect_state(&t, "WAITING_ADDRESS");
	assert_string_equal(t.marks[0].state, "INITIAL");
	talk_say(&t, "Chuy avenue 125");
	expect_state(&t, "WAITING_PHONE");
	talk_say(&t, "+996 700 123 456");
	expect_state(&t, "WAITING_QUANTITY");
	talk_say(&t, "two bottles");
	expect_state(&t, "WAITING_CONFIRMATION");
	assert_int_equal(t.n_orders, 0);
	talk_say(&t, "Yes");
	expect_state(&t, "COMPLETED");
	assert_int_equal(t.n_orders, 1);
	assert_true(slice_eq(t.result.order.address, SLICE("Chuy avenue 125")));
	assert_true(slice_eq(t.result.order.phone, SLICE("+996700123456")));
	assert_int_equal(t.result.order.quantity, 2);
	assert_true(slice_eq(t.result.order.fields,
	    SLICE("{\"address\":\"Chuy avenue 125\",\"phone\":\"+996700123456\",\"quantity\":2}")));
	assert_true(slice_eq(t.result.order.dialog_id, SLICE("turn1")));
	assert_int_equal(t.result.n_outcomes, 1);
	assert_true(t.result.outcomes[0].completed);
	assert_int_equal(t.result.outcomes[0].total_messages, 5);
	assert_int_equal(t.result.outcomes[0].duration_s, 12);
	assert_non_null(memchr(t.result.reply.p, DIALOG_ORDER_MARK, t.result.reply.n));
	talk_end(&t);
}

static void test_all_at_once(void **state)
{
	static const char *const bursts[] = {
		"hello|12 Main street 4|+14155552671|3",
		"hello|I want to order|12 Main street 4|+14155552671|3",
		"hello|12 Main street 4|+14155552671|3|thank you",
		"hello|12 Main street 4|+14155552671|3|yes",
		"hello|12 Main street 4|+14155552671|3|yes|yes",
		"hello|12 Main street 4|+14155552671|3|please|yes",
		"12 Main street 4|+14155552671|3",
		"hello|hello|hello|12 Main street 4|please|+14155552671|quickly|3",
		"I want 2 bottles|12 Main street 4|+14155552671|3",
		"3 bottles|12 Main street 4|+14155552671|3",
		"hello 17|Do you deliver to 5th avenue?|12 Main street 4|+14155552671|3",
	};

	for (size_t i = 0; i < COUNT_OF(bursts); i++) {
		struct talk t;

		talk_begin(&t, form);
		talk_burst(&t, bursts[i]);
		expect_state(&t, "WAITING_CONFIRMATION");
		expect_reply(&t, "1. Address: 12 Main street 4\n2. Phone: +14155552671\n3. Quantity: 3\n");
		CHECK(t.n_orders == 0, "%s places an order\n", bursts[i]);
		CHECK(t.result.reply.p[t.result.reply.n - 1] == ')', "%s: the question is not last\n", bursts[i]);
		talk_say(&t, "yes");
		CHECK(t.n_orders == 1, "%s: no order after the yes\n", bursts[i]);
		talk_end(&t);
	}
}

static void test_no_order_before_the_summary_was_shown(void **state)
{
	struct talk t;
	struct dialog_message yes = { .kind = KIND_TEXT, .text = SLICE("yes") };

	talk_begin(&t, form);
	talk_burst(&t, "hello|12 Main street 4|+14155552671");
	t.undelivered = true;
	talk_say(&t, "3");
	expect_state(&t, "WAITING_CONFIRMATION");
	talk_say(&t, "yes");
	assert_int_equal(t.n_orders, 0);
	assert_false(t.marks[0].applied);
	assert_string_equal(t.marks[0].reason, "said before the question was shown");
	expect_reply(&t, "Is everything correct? (Yes / No)");
	talk_say(&t, "no");
	expect_state(&t, "WAITING_CONFIRMATION");
	talk_say(&t, "2");
	expect_state(&t, "WAITING_CONFIRMATION");
	t.undelivered = false;
	talk_say(&t, "yes");
	assert_int_equal(t.n_orders, 0);
	yes.said_ms = t.shown_ms;
	talk_turn(&t, &yes, 1);
	assert_int_equal(t.n_orders, 0);
	yes.said_ms = t.shown_ms + 1;
	talk_turn(&t, &yes, 1);
	assert_int_equal(t.n_orders, 1);
	talk_end(&t);
}

static void test_a_changed_field_must_be_shown_again(void **state)
{
	struct talk t;
	char before[512], after[512];

	at_summary(&t);
	assert_true(slice_to_buffer(t.question, before, sizeof before));
	talk_burst(&t, "3|5|yes");
	assert_int_equal(t.n_orders, 0);
	expect_reply(&t, "3. Quantity: 5");
	assert_true(slice_to_buffer(t.question, after, sizeof after));
	assert_string_not_equal(before, after);
	talk_say(&t, "help");
	assert_true(slice_eq(t.question, slice_of(after)));
	expect_reply(&t, "Is everything correct?");
	talk_say(&t, "yes");
	assert_int_equal(t.n_orders, 1);
	assert_int_equal(t.result.order.quantity, 5);
	talk_end(&t);
}

static void test_one_order_a_dialog(void **state)
{
	struct talk t;

	at_summary(&t);
	talk_burst(&t, "yes|yes|yes");
	assert_int_equal(t.n_orders, 1);
	expect_state(&t, "COMPLETED");
	talk_say(&t, "yes");
	expect_reply(&t, "no. 42 is already placed");
	talk_burst(&t, "new order|yes|yes|4|yes");
	assert_int_equal(t.n_orders, 1);
	expect_state(&t, "WAITING_ADDRESS");
	talk_end(&t);
}

static const char *const never_yes[] = { "not ok", "no, not correct", "Why is it so expensive?", "yesterday",
	"second one", "yes no", "not yet", "is it ok?", "yes?", "ok?", "right?", "correct ?!", "да？", "yes? yes",
	"thanks", "hello", "+14155552671", "", "...", "3.5" };

static void test_what_is_no_yes(void **state)
{
	for (size_t i = 0; i < COUNT_OF(never_yes); i++) {
		struct talk t;

		at_summary(&t);
		talk_say(&t, never_yes[i]);
		CHECK(t.n_orders == 0, "\"%s\" placed an order\n", never_yes[i]);
		expect_state(&t, "WAITING_CONFIRMATION");
		expect_reply(&t, "1. Address: 12 Main street 4");
		talk_end(&t);
	}
}

static const struct {
	const char *says, *state;
} at_summary_rows[] = {
	{ "no", "INITIAL" },
	{ "нет", "INITIAL" },
	{ "cancel", "INITIAL" },
	{ "1", "WAITING_ADDRESS" },
	{ "2.", "WAITING_PHONE" },
	{ "phone", "WAITING_PHONE" },
	{ "Change quantity", "WAITING_QUANTITY" },
	{ "change my address please", "WAITING_ADDRESS" },
	{ "номер телефона", "WAITING_PHONE" },
	{ "change 3", "WAITING_QUANTITY" },
	{ "4", "WAITING_CONFIRMATION" },
	{ "change", "WAITING_CONFIRMATION" },
	{ "back", "WAITING_QUANTITY" },
	{ "restart", "WAITING_ADDRESS" },
	{ "operator", "WAITING_CONFIRMATION" },
	{ "status", "WAITING_CONFIRMATION" },
	{ "yes please", "COMPLETED" },
	{ "ооба", "COMPLETED" },
	{ "👍🏽", "COMPLETED" },
};

static void test_answers_at_the_summary(void **state)
{
	for (size_t i = 0; i < COUNT_OF(at_summary_rows); i++) {
		struct talk t;

		at_summary(&t);
		talk_say(&t, at_summary_rows[i].says);
		CHECK(slice_eq(talk_state(&t), slice_of(at_summary_rows[i].state)), "\"%s\" leads to %.*s\n",
		    at_summary_rows[i].says, SLICE_PRINT(talk_state(&t)));
		talk_end(&t);
	}
}

/* Commands by their own words need nothing shown. */
static void test_commands_before_shown(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	t.undelivered = true;
	talk_burst(&t, "hello|12 Main street 4|+14155552671|3|back|back|help");
	expect_state(&t, "WAITING_PHONE");
	expect_reply(&t, "You can always write");
	talk_burst(&t, "cancel|I found another shop");
	expect_state(&t, "INITIAL");
	expect_reply(&t, "The order is cancelled");
	assert_false(t.marks[1].applied);
	assert_int_equal(t.result.n_outcomes, 1);
	assert_false(t.result.outcomes[0].completed);
	assert_true(slice_eq(t.result.outcomes[0].dropoff_state, SLICE("WAITING_PHONE")));
	assert_int_equal(t.result.outcomes[0].total_messages, 8);
	assert_int_equal(t.result.state.n + t.result.dialog_id.n + t.result.question.n, 0);
	talk_end(&t);
}

static void test_dialogs_of_one_turn_have_their_own_ids(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	talk_burst(&t, "hello|cancel|hello|cancel|hello");
	assert_true(slice_eq(t.result.dialog_id, SLICE("turn1-3")));
	assert_int_equal(t.result.n_outcomes, 2);
	assert_true(slice_eq(t.result.outcomes[0].dialog_id, SLICE("turn1")));
	assert_true(slice_eq(t.result.outcomes[1].dialog_id, SLICE("turn1-2")));
	talk_end(&t);
}

static void test_no_address(void **state)
{
	static const char *const says[] = { "yes", "no", "ok", "Hello", "thanks", "abcd", "+14155552671",
		"How much is it?", "......", "status", "👍", "" };

	for (size_t i = 0; i < COUNT_OF(says); i++) {
		struct talk t;

		talk_begin(&t, form);
		talk_say(&t, "hello");
		talk_say(&t, says[i]);
		CHECK(slice_eq(talk_state(&t), SLICE("WAITING_ADDRESS")), "\"%s\" was taken as an address\n", says[i]);
		CHECK(t.result.reply.n > 0, "\"%s\" is not answered\n", says[i]);
		talk_end(&t);
	}
}

/* What sounds like something else is asked about, and taken when it is said again. */
static void test_a_doubtful_address_is_asked_about(void **state)
{
	static const struct {
		const char *says, *then, *state;
	} rows[] = {
		{ "Hi-Tech Park, building A", "Hi-Tech Park, building A", "WAITING_PHONE" },
		{ "Hi-Tech Park", "Hi-Tech park, building A", "WAITING_PHONE" },
		{ "I want water", "12 Main street 4", "WAITING_PHONE" },
		{ "I want water", "How much is 5 litres?", "WAITING_ADDRESS" },
		{ "I want 5 bottles", "5 bottles", "WAITING_ADDRESS" },
		{ "100 bottles", "Chuy avenue 125", "WAITING_PHONE" },
		{ "Do you deliver to 5th avenue?", "Do you deliver to 5th avenue", "WAITING_PHONE" },
		{ "Do you deliver to 5th avenue?", "Do you deliver today?", "WAITING_ADDRESS" },
		{ "Chuy avenue 125, is that near?", "Chuy avenue 125", "WAITING_PHONE" },
		{ "Is Chuy avenue near? I live there", "Chuy avenue 125", "WAITING_PHONE" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct talk t;

		talk_begin(&t, form);
		talk_say(&t, "hello");
		talk_say(&t, rows[i].says);
		CHECK(slice_eq(talk_state(&t), SLICE("WAITING_ADDRESS")), "\"%s\" was taken as an address\n",
		    rows[i].says);
		expect_reply(&t, "I cannot use \"");
		talk_say(&t, rows[i].then);
		CHECK(slice_eq(talk_state(&t), slice_of(rows[i].state)), "\"%s\", then \"%s\" leads to %.*s\n",
		    rows[i].says, rows[i].then, SLICE_PRINT(talk_state(&t)));
		talk_end(&t);
	}
}

/* Twice in one turn is not again: he has seen no hint. */
static void test_a_doubtful_address_sent_twice_at_once(void **state)
{
	struct talk t;
	struct dialog_message photo = { .kind = KIND_PHOTO };

	talk_begin(&t, form);
	talk_say(&t, "hello");
	talk_turn(&t, &photo, 1);
	talk_burst(&t, "Do you deliver to 5th avenue?|Do you deliver to 5th avenue?");
	expect_state(&t, "WAITING_ADDRESS");
	talk_end(&t);
}

static void test_late_messages_only_fill(void **state)
{
	struct talk t;
	struct dialog_message late = { .kind = KIND_TEXT, .late = true };

	at_summary(&t);
	talk_say(&t, "3");
	late.text = SLICE("7"); /* a field under change is not open */
	talk_turn(&t, &late, 1);
	expect_state(&t, "WAITING_QUANTITY");
	talk_end(&t);

	talk_begin(&t, form);
	talk_burst(&t, "hello|12 Main street 4");
	late.text = SLICE("+14155552671");
	talk_turn(&t, &late, 1);
	expect_state(&t, "WAITING_QUANTITY");
	late.text = SLICE("what");
	talk_turn(&t, &late, 1);
	assert_string_equal(t.marks[0].reason, "late");
	expect_reply(&t, "How many do you want?");
	talk_end(&t);
}

/* A late message does nothing, but the customer is told what is still open. */
static void test_late_messages_repeat_the_question(void **state)
{
	static const char *const says[] = { "yes", "no", "cancel", "help", "operator", "change", "restart", "back", "3",
		"hello", "thanks", "" };

	for (size_t i = 0; i < COUNT_OF(says); i++) {
		struct talk t;
		struct dialog_message late[] = {
			{ .kind = KIND_TEXT, .late = true, .text = slice_of(says[i]) },
			{ .kind = KIND_TEXT, .late = true, .text = slice_of(says[i]) },
		};
		char asked[512];

		at_summary(&t);
		talk_say(&t, "back");
		talk_say(&t, "3");
		assert_true(slice_to_buffer(t.result.reply, asked, sizeof asked));
		talk_turn(&t, late, COUNT_OF(late));
		CHECK(!t.marks[0].applied && strcmp(t.marks[0].reason, "late") == 0, "a late \"%s\" counts\n", says[i]);
		CHECK(slice_eq(t.result.reply, slice_of(asked)), "a late \"%s\" is answered by:\n%.*s\n", says[i],
		    SLICE_PRINT(t.result.reply));
		assert_int_equal(t.n_orders + t.result.n_outcomes, 0);
		expect_state(&t, "WAITING_CONFIRMATION");
		talk_end(&t);
	}
}

/* No question is open: nothing to repeat. */
static void test_late_messages_without_a_question(void **state)
{
	struct talk t;
	struct dialog_message late = { .kind = KIND_TEXT, .late = true, .text = SLICE("yes") };

	talk_begin(&t, form);
	talk_turn(&t, &late, 1);
	assert_int_equal(t.result.reply.n, 0);
	expect_state(&t, "INITIAL");
	talk_end(&t);
	ordered(&t);
	talk_turn(&t, &late, 1);
	assert_int_equal(t.result.reply.n, 0);
	talk_end(&t);
}

static void test_hints_change_and_offer_a_person(void **state)
{
	struct talk t;
	char first[1024], second[1024];

	talk_begin(&t, form);
	talk_burst(&t, "hello|12 Main street 4|+14155552671");
	talk_say(&t, "2 or 3");
	expect_reply(&t, "more than one number in \"2 or 3\"");
	assert_true(slice_to_buffer(t.result.reply, first, sizeof first));
	talk_say(&t, "2 or 3");
	assert_true(slice_to_buffer(t.result.reply, second, sizeof second));
	assert_string_not_equal(first, second);
	talk_say(&t, "2 or 3");
	expect_reply(&t, "\"operator\"");
	talk_say(&t, "operator");
	expect_reply(&t, "A person of our team will read this chat");
	talk_say(&t, "100");
	expect_reply(&t, "I understood 100, but it must be from 1 to 50");
	talk_say(&t, "3");
	expect_state(&t, "WAITING_CONFIRMATION");
	talk_end(&t);
}

static void test_every_kind_is_answered(void **state)
{
	static const struct {
		enum kind kind;
		const char *reply;
	} kinds[] = {
		{ KIND_PHOTO, "pictures" },
		{ KIND_VOICE, "voice" },
		{ KIND_VIDEO, "videos" },
		{ KIND_FILE, "files" },
		{ KIND_LOCATION, "text and locations" },
		{ KIND_EMPTY, "text and locations" },
		{ KIND_TEXT, "text and locations" },
	};

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct talk t;
		struct dialog_message message = { .kind = kinds[i].kind };

		talk_begin(&t, form);
		talk_turn(&t, &message, 1);
		expect_state(&t, "WAITING_ADDRESS");
		talk_turn(&t, &message, 1);
		expect_reply(&t, kinds[i].reply);
		expect_state(&t, "WAITING_ADDRESS");
		message.text = SLICE("12 Main street 4");
		talk_turn(&t, &message, 1);
		expect_state(&t, "WAITING_PHONE");
		talk_end(&t);
	}
}

static void test_location_is_an_address(void **state)
{
	struct talk t;
	struct dialog_message place = { .kind = KIND_LOCATION, .coordinates = SLICE("42.8746, 74.5698") };

	talk_begin(&t, form);
	talk_turn(&t, &place, 1);
	expect_state(&t, "WAITING_PHONE");
	talk_turn(&t, &place, 1);
	expect_state(&t, "WAITING_PHONE");
	talk_burst(&t, "+14155552671|3");
	expect_reply(&t, "Location 42.8746, 74.5698");
	talk_end(&t);
}

static void test_known_number_is_offered(void **state)
{
	static const struct {
		const char *known, *offered;
	} rows[] = {
		{ "+996700123456", "+996700123456" },
		{ "996700123456", "+996700123456" },
		{ "[tg] 807892", NULL },
		{ "[chat] 5f3a99670012345", NULL },
		{ "12345", NULL },
		{ "unknown", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct talk t;

		talk_begin(&t, form);
		t.client_phone = slice_of(rows[i].known);
		talk_burst(&t, "hello|12 Main street 4");
		if (rows[i].offered == NULL) {
			CHECK(!talk_replied(&t, "Shall we use"), "\"%s\" is offered\n", rows[i].known);
		} else {
			expect_reply(&t, rows[i].offered);
			talk_burst(&t, "yes|3");
			expect_reply(&t, rows[i].offered);
			expect_state(&t, "WAITING_CONFIRMATION");
		}
		talk_end(&t);
	}
}

static void test_an_offer_can_be_declined(void **state)
{
	struct talk t;

	ordered(&t);
	talk_say(&t, "new order");
	expect_reply(&t, "Shall we deliver to 12 Main street 4 again?");
	talk_say(&t, "no");
	expect_state(&t, "WAITING_ADDRESS");
	CHECK(!talk_replied(&t, "again?"), "what he declined is offered again\n");
	talk_say(&t, "Chuy avenue 125");
	expect_reply(&t, "Shall we use +14155552671");
	talk_say(&t, "+996700123456");
	talk_say(&t, "4");
	expect_reply(&t, "1. Address: Chuy avenue 125\n2. Phone: +996700123456\n3. Quantity: 4");
	talk_end(&t);
}

static void test_an_offer_is_not_taken_by_a_question(void **state)
{
	static const char *const says[] = { "yes?", "ok?", "right?", "correct?", "да？" };

	for (size_t i = 0; i < COUNT_OF(says); i++) {
		struct talk t;

		ordered(&t);
		talk_say(&t, "new order");
		talk_say(&t, says[i]);
		expect_state(&t, "WAITING_ADDRESS");
		expect_reply(&t, "Shall we deliver to 12 Main street 4 again?");
		talk_say(&t, "yes");
		expect_state(&t, "WAITING_PHONE");
		talk_end(&t);
	}
}

static void test_an_offer_must_be_shown(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	t.client_phone = SLICE("+996700123456");
	t.undelivered = true;
	talk_burst(&t, "hello|12 Main street 4");
	talk_say(&t, "yes");
	expect_state(&t, "WAITING_PHONE");
	assert_false(t.marks[0].applied);
	t.undelivered = false;
	talk_say(&t, "help");
	talk_say(&t, "yes");
	expect_state(&t, "WAITING_QUANTITY");
	talk_end(&t);
}

static void test_unusual_numbers(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	talk_burst(&t, "hello|12 Main street 4|+12001234567");
	expect_state(&t, "WAITING_PHONE");
	expect_reply(&t, "The number +12001234567 looks unusual");
	talk_say(&t, "+12001234567");
	expect_state(&t, "WAITING_QUANTITY");
	talk_say(&t, "back");
	talk_say(&t, "+12001234567");
	expect_reply(&t, "looks unusual");
	talk_say(&t, "yes");
	expect_state(&t, "WAITING_QUANTITY");
	talk_say(&t, "back");
	talk_say(&t, "996700123456");
	expect_reply(&t, "Did you mean +996700123456?");
	talk_say(&t, "no");
	expect_state(&t, "WAITING_PHONE");
	talk_say(&t, "996700123456");
	talk_say(&t, "yes");
	expect_state(&t, "WAITING_QUANTITY");
	talk_say(&t, "back");
	talk_say(&t, "996700123456");
	talk_say(&t, "996 700 123 456");
	expect_state(&t, "WAITING_QUANTITY");
	talk_end(&t);
}

static void test_after_the_order(void **state)
{
	static const struct {
		const char *says, *status, *reply, *state;
	} rows[] = {
		{ "Thanks", "new", "You are welcome", "COMPLETED" },
		{ "ok thanks", "new", "already placed", "COMPLETED" },
		{ "status", "new", "waits to be prepared", "COMPLETED" },
		{ "status", "processing", "being prepared", "COMPLETED" },
		{ "status", "completed", "is completed", "COMPLETED" },
		{ "status", "cancelled", "was cancelled", "COMPLETED" },
		{ "change", "new", "person of our team", "COMPLETED" },
		{ "cancel", "new", "person of our team", "COMPLETED" },
		{ "hello", "new", "order no. 42", "COMPLETED" },
		{ "no", "new", "order no. 42", "COMPLETED" },
		{ "12 Main street 4", "new", "order no. 42", "COMPLETED" },
		{ "operator", "new", "A person", "COMPLETED" },
		{ "help", "new", "You can always write", "COMPLETED" },
		{ "new order", "new", "Shall we deliver to", "WAITING_ADDRESS" },
		{ "restart", "new", "Shall we deliver to", "WAITING_ADDRESS" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct talk t;

		ordered(&t);
		t.order_status = slice_of(rows[i].status);
		talk_say(&t, rows[i].says);
		expect_reply(&t, rows[i].reply);
		expect_state(&t, rows[i].state);
		assert_int_equal(t.n_orders, 1);
		assert_int_equal(t.result.n_outcomes, 0);
		talk_end(&t);
	}
}

/* What is to be changed is asked for, thanked for once, and then all is as before. */
static void test_a_change_after_the_order(void **state)
{
	static const char *const ways[] = { "change", "cancel", "change|status", "change|thanks" };
	static const char noted[] = "A person of our team reads this chat";

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct talk t;

		ordered(&t);
		talk_burst(&t, ways[i]);
		expect_reply(&t, "Write here what is to be changed");
		CHECK(!talk_replied(&t, noted), "\"%s\" is taken for what is to be changed\n", ways[i]);
		talk_burst(&t, "five bottles instead of three|and please ring twice");
		expect_reply(&t, noted);
		CHECK(!talk_replied(&t, "Write \"status\""), "behind \"%s\" it goes in a circle\n", ways[i]);
		assert_int_equal(t.n_orders, 1);
		talk_say(&t, "five bottles");
		expect_reply(&t, "\"change\" if something is wrong");
		CHECK(!talk_replied(&t, noted), "behind \"%s\" all is thanked for\n", ways[i]);
		talk_end(&t);
	}
}

/* The order goes on without a wish: a new dialog has none. */
static void test_a_wish_ends_with_its_dialog(void **state)
{
	struct talk t;

	ordered(&t);
	talk_burst(&t, "change|new order");
	talk_say(&t, "yes");
	talk_burst(&t, "+14155552671|2");
	talk_say(&t, "yes");
	assert_int_equal(t.n_orders, 2);
	talk_say(&t, "lovely water");
	expect_reply(&t, "\"change\" if something is wrong");
	talk_end(&t);
}

static void test_expiry(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	talk_expire(&t);
	assert_int_equal(t.result.n_outcomes, 0);
	talk_burst(&t, "hello|12 Main street 4");
	talk_expire(&t);
	assert_int_equal(t.result.n_outcomes, 1);
	assert_true(slice_eq(t.result.outcomes[0].dropoff_state, SLICE("WAITING_PHONE")));
	assert_int_equal(t.result.reply.n + t.result.state.n, 0);
	talk_end(&t);

	ordered(&t);
	talk_expire(&t);
	assert_int_equal(t.result.n_outcomes, 0);
	assert_int_equal(t.result.reply.n + t.result.state.n, 0);
	talk_say(&t, "thanks");
	expect_state(&t, "INITIAL");
	expect_reply(&t, "You are welcome");
	talk_end(&t);
}

static void test_states_written_elsewhere(void **state)
{
	static const struct {
		const char *json, *says, *state;
	} rows[] = {
		{ "{\"clientId\":\"1\",\"state\":\"WAITING_PHONE\",\"data\":{\"address\":\"12 Main street 4\"},\"createdAt\":1,\"updatedAt\":2}",
		    "+14155552671", "WAITING_QUANTITY" },
		{ "{\"state\":\"WAITING_CONFIRMATION\",\"data\":{\"address\":\"12 Main street 4\",\"phone\":\"+14155552671\",\"quantity\":3}}",
		    "yes", "WAITING_CONFIRMATION" },
		{ "{\"state\":\"WAITING_CONFIRMATION\",\"data\":{\"address\":\"12 Main street 4\",\"quantity\":3}}",
		    "hm", "WAITING_PHONE" },
		{ "{\"state\":\"WAITING_PAYMENT\",\"data\":{\"address\":\"12 Main street 4\",\"phone\":\"+14155552671\"}}",
		    "3", "WAITING_QUANTITY" },
		{ "{\"state\":\"WAITING_PAYMENT\",\"data\":{\"address\":7,\"phone\":\"0700\",\"quantity\":\"3\"}}", "3",
		    "WAITING_ADDRESS" },
		{ "{\"state\":\"INITIAL\",\"data\":{}}", "hello", "WAITING_ADDRESS" },
		{ "{\"state\":\"COMPLETED\",\"data\":{}}", "thanks", "COMPLETED" },
		{ "{\"state\":7}", "hello", "WAITING_ADDRESS" },
		{ "{\"state\":\"WAITING_QUANTITY\",\"data\":{\"quantity\":51}}", "51", "WAITING_QUANTITY" },
		{ "[]", "hello", "WAITING_ADDRESS" },
		{ "not JSON", "hello", "WAITING_ADDRESS" },
		{ "{\"state\":\"WAITING_PHONE\"", "hello", "WAITING_ADDRESS" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct talk t;

		talk_begin(&t, form);
		t.state = slice_of(rows[i].json);
		t.profile = SLICE("{\"broken\":");
		t.shown_ms = t.now_ms;
		talk_say(&t, rows[i].says);
		CHECK(slice_eq(talk_state(&t), slice_of(rows[i].state)), "%s leads to %.*s\n", rows[i].json,
		    SLICE_PRINT(talk_state(&t)));
		assert_int_equal(t.n_orders, 0);
		CHECK(t.result.reply.n > 0, "%s is not answered\n", rows[i].json);
		talk_end(&t);
	}
}

/* The state's times lie ahead when the clock was set back; what was said since the question was shown still counts. */
static void test_clock_set_back(void **state)
{
	static const char ahead[] = "{\"state\":\"WAITING_ADDRESS\",\"data\":{},\"dialog_id\":\"d\","
				    "\"createdAt\":1800000000000,\"updatedAt\":1800000000000,\"shown\":1800000000000}";
	struct dialog_message message = { .kind = KIND_TEXT, .text = SLICE("Chuy avenue") };
	struct talk t;

	talk_begin(&t, form);
	t.state = slice_of(ahead);
	t.shown_ms = t.now_ms - 2000;
	message.said_ms = t.now_ms - 1000;
	talk_turn(&t, &message, 1);
	expect_state(&t, "WAITING_PHONE");
	CHECK(
	    memmem(t.state.p, t.state.n, "18000000", 8) == NULL, "a time ahead is kept: %.*s\n", SLICE_PRINT(t.state));
	talk_end(&t);
}

static void test_another_form_takes_over(void **state)
{
	struct talk t;

	at_summary(&t);
	t.form = richer;
	talk_say(&t, "yes");
	expect_state(&t, "WAITING_NAME");
	assert_int_equal(t.n_orders, 0);
	talk_burst(&t, "Aizada|cash|today at 18:00");
	expect_reply(&t,
	    "1. Name: Aizada\n2. Address: 12 Main street 4\n3. Phone: +14155552671\n4. Quantity: 3\n5. Payment: Cash to the courier");
	talk_say(&t, "yes");
	assert_int_equal(t.n_orders, 1);
	talk_end(&t);
}

static void test_choices(void **state)
{
	static const struct {
		const char *says, *state;
	} rows[] = {
		{ "1", "WAITING_DELIVERY_TIME" },
		{ "2.", "WAITING_DELIVERY_TIME" },
		{ "three", "WAITING_DELIVERY_TIME" },
		{ "CASH!", "WAITING_DELIVERY_TIME" },
		{ "cash please", "WAITING_DELIVERY_TIME" },
		{ "Bank transfer", "WAITING_DELIVERY_TIME" },
		{ "наличные", "WAITING_DELIVERY_TIME" },
		{ "4", "WAITING_PAYMENT" },
		{ "0", "WAITING_PAYMENT" },
		{ "bitcoin", "WAITING_PAYMENT" },
		{ "not cash", "WAITING_PAYMENT" },
		{ "yes", "WAITING_PAYMENT" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct talk t;

		talk_begin(&t, richer);
		talk_say(&t, "hello");
		talk_burst(&t, "Aizada|12 Main street 4|0700123456|2 bottles of 19 l");
		expect_state(&t, "WAITING_PAYMENT");
		expect_reply(&t, "1. Cash to the courier\n2. Card to the courier\n3. Bank transfer");
		talk_say(&t, rows[i].says);
		CHECK(slice_eq(talk_state(&t), slice_of(rows[i].state)), "\"%s\" leads to %.*s\n", rows[i].says,
		    SLICE_PRINT(talk_state(&t)));
		talk_end(&t);
	}
}

static void test_choice_numbers_must_be_shown(void **state)
{
	struct talk t;

	talk_begin(&t, richer);
	talk_say(&t, "hello");
	talk_burst(&t, "Aizada|12 Main street 4|0700123456|2|1");
	expect_state(&t, "WAITING_PAYMENT");
	assert_false(t.marks[4].applied);
	talk_burst(&t, "back|2|cash");
	expect_state(&t, "WAITING_DELIVERY_TIME");
	talk_end(&t);
}

static void test_replies_stay_within_the_limit(void **state)
{
	struct talk t;
	char address[200 * 25 + 2] = "";
	struct slice s;

	for (size_t i = 0; i < 200; i++)
		strcat(address, "👨‍👩‍👧‍👦");
	talk_begin(&t, form);
	talk_say(&t, "hello");
	talk_say(&t, address);
	expect_state(&t, "WAITING_PHONE");
	talk_burst(&t, "+14155552671|3|help|operator|status|back|3|nonsense");
	expect_state(&t, "WAITING_CONFIRMATION");
	s = t.result.reply;
	assert_true(slice_is_utf8(s));
	assert_non_null(memmem(s.p, s.n, address, strlen(address)));
	talk_say(&t, "change address");
	strcat(address, "a");
	talk_say(&t, address);
	expect_state(&t, "WAITING_ADDRESS");
	expect_reply(&t, "too long (201 of at most 200");
	talk_end(&t);
}

static void test_profile_outlives_the_dialog(void **state)
{
	struct talk t;

	at_summary(&t);
	assert_false(t.result.profile_changed);
	talk_say(&t, "yes");
	assert_true(t.result.profile_changed);
	assert_true(slice_eq(t.profile,
	    SLICE("{\"language\":\"en\",\"address\":\"12 Main street 4\",\"phone\":\"+14155552671\","
		  "\"last\":{\"address\":\"12 Main street 4\",\"phone\":\"+14155552671\",\"quantity\":3}}")));
	talk_expire(&t);
	assert_false(t.result.profile_changed);
	talk_say(&t, "hello");
	expect_reply(&t, "Shall we deliver to 12 Main street 4 again?");
	talk_end(&t);
}

/* Nothing a customer writes can stand where the store puts the order's number. */
static void test_customers_cannot_write_the_order_mark(void **state)
{
	struct talk t;

	talk_begin(&t, form);
	talk_say(&t, "hello");
	talk_say(&t, "12 Main\x1a street 4");
	talk_burst(&t, "+14155552671|3 \x1a \x1a?|3");
	assert_null(memchr(t.result.reply.p, DIALOG_ORDER_MARK, t.result.reply.n));
	assert_null(memchr(t.state.p, DIALOG_ORDER_MARK, t.state.n));
	talk_end(&t);
}

static void test_same_input_same_result(void **state)
{
	static const char *const turns[] = { "hello|hello", "12 Main street 4|2", "14155552671", "yes", "2 or 3|5|yes",
		"2|back", "yes", "thanks|new order", "yes|cancel|status" };
	struct talk a, b;

	talk_begin(&a, richer);
	talk_begin(&b, richer);
	for (size_t i = 0; i < COUNT_OF(turns); i++) {
		talk_burst(&a, turns[i]);
		talk_burst(&b, turns[i]);
		assert_true(slice_eq(a.result.reply, b.result.reply));
		assert_true(slice_eq(a.result.state, b.result.state));
		assert_true(slice_eq(a.result.question, b.result.question));
		assert_true(slice_eq(a.result.profile, b.result.profile));
		assert_int_equal(a.result.n_outcomes, b.result.n_outcomes);
	}
	talk_end(&a);
	talk_end(&b);
}

static void *talk_alone(void *unused)
{
	size_t *orders = mem_alloc(sizeof *orders);

	for (unsigned i = 0; i < 20; i++) {
		struct talk t;

		ordered(&t);
		*orders += t.n_orders;
		talk_end(&t);
	}
	return orders;
}

static void test_threads_share_a_form(void **state)
{
	pthread_t threads[4];

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, talk_alone, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		void *orders = NULL;

		assert_int_equal(pthread_join(threads[i], &orders), 0);
		assert_int_equal(*(size_t *)orders, 20);
		free(orders);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_has_no_empty_cell),
		cmocka_unit_test(test_step_by_step),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_no_order_before_the_summary_was_shown),
		cmocka_unit_test(test_a_changed_field_must_be_shown_again),
		cmocka_unit_test(test_one_order_a_dialog),
		cmocka_unit_test(test_what_is_no_yes),
		cmocka_unit_test(test_answers_at_the_summary),
		cmocka_unit_test(test_commands_before_shown),
		cmocka_unit_test(test_dialogs_of_one_turn_have_their_own_ids),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_a_doubtful_address_is_asked_about),
		cmocka_unit_test(test_a_doubtful_address_sent_twice_at_once),
		cmocka_unit_test(test_late_messages_only_fill),
		cmocka_unit_test(test_late_messages_repeat_the_question),
		cmocka_unit_test(test_late_messages_without_a_question),
		cmocka_unit_test(test_hints_change_and_offer_a_person),
		cmocka_unit_test(test_every_kind_is_answered),
		cmocka_unit_test(test_location_is_an_address),
		cmocka_unit_test(test_known_number_is_offered),
		cmocka_unit_test(test_an_offer_can_be_declined),
		cmocka_unit_test(test_an_offer_is_not_taken_by_a_question),
		cmocka_unit_test(test_an_offer_must_be_shown),
		cmocka_unit_test(test_unusual_numbers),
		cmocka_unit_test(test_after_the_order),
		cmocka_unit_test(test_a_change_after_the_order),
		cmocka_unit_test(test_a_wish_ends_with_its_dialog),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_states_written_elsewhere),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_another_form_takes_over),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_choice_numbers_must_be_shown),
		cmocka_unit_test(test_replies_stay_within_the_limit),
		cmocka_unit_test(test_profile_outlives_the_dialog),
		cmocka_unit_test(test_customers_cannot_write_the_order_mark),
		cmocka_unit_test(test_same_input_same_result),
		cmocka_unit_test(test_threads_share_a_form),
	};

	return cmocka_run_group_tests_name("turn", tests, load_forms, free_forms);
}
