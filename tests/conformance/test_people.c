/* test_people.c - what people ask: how much waits where, orders, logs, the funnel. */
#include "base/clock.h"
#include "fixture.h"

static void test_counts_of_nothing(void **state)
{
	struct store_counts c = counts(*state), zero = { 0 };

	CHECK(memcmp(&c, &zero, sizeof c) == 0);
}

/* One message's way through all states of its lane, with a second that waits behind it. */
static void test_counts_along_the_way(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;
	struct store_counts c;

	add_new(f, "a", "1");
	sleep_ms(20);
	c = counts(f);
	CHECK_INT(c.waiting, 1);
	CHECK(c.oldest_waiting_ms >= 20 && c.oldest_waiting_ms < 5000);

	turn = take_from(f, "a");
	c = counts(f);
	CHECK_INT(c.waiting + c.in_lanes, 0);
	CHECK_INT(c.active, 1);
	CHECK_INT(c.lanes_in_turn, 1);
	CHECK_INT(c.oldest_waiting_ms, 0);

	sleep_ms(300);
	add_new(f, "a", "2");
	c = counts(f);
	CHECK_INT(c.in_lanes, 1);
	CHECK_INT(c.active, 1);
	CHECK(c.oldest_waiting_ms < 250); /* the second's age; the first is held */

	FINISH(f, turn, .dialog = "s", .dialog_id = "d", .reply = "hi");
	sleep_ms(10);
	c = counts(f);
	CHECK_INT(c.in_lanes, 1);
	CHECK_INT(c.active + c.waiting + c.lanes_in_turn, 0);
	CHECK_INT(c.lanes_speaking, 1);
	CHECK_INT(c.replies_waiting, 1);
	CHECK_INT(c.dialogs_open, 1);
	CHECK(c.oldest_reply_ms >= 10 && c.oldest_reply_ms < 5000);

	accepted(f, claim_one(f), 1);
	c = counts(f);
	CHECK_INT(c.waiting, 1);
	CHECK_INT(c.in_lanes + c.lanes_speaking + c.replies_waiting + c.replies_claimed + c.oldest_reply_ms, 0);
}

static void test_age_after_the_first_died(void **state)
{
	struct fixture *f = *state;

	f->settings.turn_attempts = 1;
	fixture_reopen(f);
	add_new(f, "a", "1");
	const struct store_turn *turn = take_from(f, "a");
	sleep_ms(300);
	add_new(f, "a", "2");
	CHECK(fail_turn(f, turn, "no"));
	CHECK_INT(counts(f).waiting, 1);
	CHECK(counts(f).oldest_waiting_ms < 250);
}

static void test_a_placed_order_is_no_open_dialog(void **state)
{
	struct fixture *f = *state;
	struct store_order_new order = { .dialog_id = SLICE("d"), .quantity = 1 };

	add_new(f, "a", "1");
	FINISH(f, take_from(f, "a"), .dialog = "completed", .dialog_id = "d", .order = &order);
	CHECK_INT(counts(f).dialogs_open, 0);
}

static void test_counts_beside(void **state)
{
	struct fixture *f = *state;
	struct store *beside = fixture_beside(f);
	struct store_counts c;

	add_new(f, "a", "1");
	CHECK_INT(store_counts(beside, &c), ERR_OK);
	CHECK_INT(c.waiting, 1);
	store_close(&beside);
}

/* ---- orders ---- */

static void place(struct fixture *f, const char *client, const char *dialog_id, const char *phone)
{
	struct store_order_new order = { .dialog_id = slice_of(dialog_id),
		.phone = slice_of(phone),
		.address = SLICE("here"),
		.fields = SLICE("{}"),
		.quantity = 2 };

	add_new(f, client, dialog_id);
	FINISH(f, take_from(f, client), .dialog = "s", .dialog_id = dialog_id, .order = &order);
}

static size_t list(
    struct fixture *f, struct store_order_filter filter, int64_t before, size_t most, struct store_order **orders)
{
	size_t n;

	CHECK_INT(store_order_list(f->s, &filter, before, most, &f->arena, orders, &n), ERR_OK);
	CHECK(n <= most);
	return n;
}

static size_t matches(struct fixture *f, struct store_order_filter filter)
{
	struct store_order *orders;

	return list(f, filter, 0, 100, &orders);
}

static void test_order_filters(void **state)
{
	struct fixture *f = *state;
	struct store_order *orders;
	int64_t middle, late;

	place(f, "a", "d1", "+491511");
	sleep_ms(5);
	middle = clock_wall_ms();
	place(f, "b", "d2", "+491522");
	late = clock_wall_ms() + 1;
	CHECK_INT(list(f, (struct store_order_filter){ 0 }, 0, 100, &orders), 2);
	CHECK_INT(store_order_status(f->s, orders[0].id, SLICE("completed")), ERR_OK);
	CHECK_INT(matches(f, (struct store_order_filter){ .status = SLICE("new") }), 1);
	CHECK_INT(matches(f, (struct store_order_filter){ .status = SLICE("completed"), .client_id = SLICE("b") }), 1);
	CHECK_INT(matches(f, (struct store_order_filter){ .status = SLICE("completed"), .client_id = SLICE("a") }), 0);
	CHECK_INT(matches(f, (struct store_order_filter){ .phone = SLICE("+491511") }), 1);
	CHECK_INT(matches(f, (struct store_order_filter){ .phone = SLICE("'") }), 0);
	CHECK_INT(matches(f, (struct store_order_filter){ .since_ms = middle }), 1);
	CHECK_INT(matches(f, (struct store_order_filter){ .until_ms = middle }), 1);
	CHECK_INT(matches(f, (struct store_order_filter){ .since_ms = middle, .until_ms = late }), 1);
	CHECK_INT(matches(f, (struct store_order_filter){ .since_ms = late }), 0);
}

static void test_order_pages(void **state)
{
	enum { ORDERS = 25 };
	struct fixture *f = *state;
	struct store_order *orders;
	int64_t before = 0;
	size_t n, seen = 0;

	for (int i = 0; i < ORDERS; i++) {
		char *id = arena_alloc(&f->arena, 16);

		(void)snprintf(id, 16, "%d", i);
		place(f, "a", id, "+49");
	}
	while ((n = list(f, (struct store_order_filter){ 0 }, before, 10, &orders)) > 0) {
		for (size_t i = 0; i < n; i++) {
			CHECK(before == 0 || orders[i].id < before);
			before = orders[i].id;
		}
		seen += n;
	}
	CHECK_INT(seen, ORDERS);
}

static void test_order_status(void **state)
{
	static const char *const statuses[] = { "processing", "completed", "cancelled", "new" };
	static const char *const wrong[] = { "", "done", "new|processing", "NEW", "ne", "w", "|", "new " };
	struct fixture *f = *state;
	struct store_order *orders, order;

	place(f, "a", "d1", "+49");
	CHECK_INT(list(f, (struct store_order_filter){ 0 }, 0, 1, &orders), 1);
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		sleep_ms(2);
		CHECK_INT(store_order_status(f->s, orders[0].id, slice_of(statuses[i])), ERR_OK);
		CHECK_INT(store_order_show(f->s, orders[0].id, &f->arena, &order), ERR_OK);
		CHECK_TEXT(order.status, statuses[i]);
		CHECK(order.updated_ms > orders[0].updated_ms);
		CHECK_INT(order.created_ms, orders[0].created_ms);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_INT(store_order_status(f->s, orders[0].id, slice_of(wrong[i])), ERR_INVALID);
	CHECK_INT(store_order_status(f->s, orders[0].id, SLICE_NONE), ERR_INVALID);
	CHECK_INT(store_order_status(f->s, orders[0].id + 1, SLICE("new")), ERR_NOT_FOUND);
	CHECK_INT(store_order_show(f->s, orders[0].id + 1, &f->arena, &order), ERR_NOT_FOUND);
	CHECK_INT(store_order_show(f->s, orders[0].id, &f->arena, &order), ERR_OK);
	CHECK_TEXT(order.status, "new");
}

/* What people set beside the service, the next turn knows. */
static void test_status_reaches_the_turn(void **state)
{
	struct fixture *f = *state;
	struct store *beside = fixture_beside(f);
	struct store_order *orders;

	place(f, "a", "d1", "+49");
	CHECK_INT(list(f, (struct store_order_filter){ 0 }, 0, 1, &orders), 1);
	CHECK_INT(store_order_status(beside, orders[0].id, SLICE("cancelled")), ERR_OK);
	store_close(&beside);
	add_new(f, "a", "where is it?");
	CHECK_TEXT(take_from(f, "a")->order_status, "cancelled");
}

struct busy {
	int64_t order, longest_ms;
	_Atomic bool done;
};

static void write_without_end(struct fixture *f, struct busy *busy)
{
	struct store *beside = fixture_beside(f);

	while (!busy->done)
		CHECK_INT(store_order_status(beside, busy->order, SLICE("processing")), ERR_OK);
	store_close(&beside);
}

static void *beside_and_service(void *context)
{
	struct crew_member *me = context;
	struct busy *busy = me->context;
	char id[16];

	if (me->number == 0) {
		write_without_end(me->f, busy);
		return NULL;
	}
	for (int i = 0; i < 100; i++) {
		int64_t began = clock_mono_ms();

		(void)snprintf(id, sizeof id, "%d", i);
		add_new(me->f, "a", id);
		if (clock_mono_ms() - began > busy->longest_ms)
			busy->longest_ms = clock_mono_ms() - began;
	}
	busy->done = true;
	return NULL;
}

/* A command that writes without a pause does not keep the service from its work. */
static void test_busy_beside(void **state)
{
	struct fixture *f = *state;
	struct busy busy = { 0 };
	struct store_order *orders;

	place(f, "a", "d1", "+49");
	CHECK_INT(list(f, (struct store_order_filter){ 0 }, 0, 1, &orders), 1);
	busy.order = orders[0].id;
	run_crew(f, 2, beside_and_service, &busy);
	print_message("the longest add took %d ms\n", (int)busy.longest_ms);
	CHECK(busy.longest_ms < 1000);
}

/* ---- logs and funnel ---- */

static size_t logs(struct fixture *f, const char *client, int64_t before, size_t most, struct store_log_row **rows)
{
	size_t n;

	CHECK_INT(store_logs(f->s, slice_of(client), before, most, &f->arena, rows, &n), ERR_OK);
	CHECK(n <= most);
	return n;
}

static void test_logs(void **state)
{
	struct fixture *f = *state;
	struct store_log_row *rows;
	int64_t before = 0, began = clock_wall_ms();
	size_t n, seen = 0;

	for (int i = 0; i < 7; i++) {
		char *id = arena_alloc(&f->arena, 16);

		(void)snprintf(id, 16, "%d", i);
		add_new(f, i % 2 == 0 ? "even" : "odd", id);
		FINISH(f, take_one(f), .dialog = "s");
	}
	while ((n = logs(f, "", before, 3, &rows)) > 0) {
		for (size_t i = 0; i < n; i++, seen++) {
			CHECK(before == 0 || rows[i].id < before);
			CHECK_INT(rows[i].message_id.p[0], '6' - (int)seen);
			CHECK(rows[i].timestamp_ms >= began && rows[i].created_ms >= rows[i].timestamp_ms);
			before = rows[i].id;
		}
	}
	CHECK_INT(seen, 7);
	CHECK_INT(logs(f, "odd", 0, 100, &rows), 3);
	CHECK_TEXT(rows[0].client_id, "odd");
	CHECK_INT(logs(f, "nobody", 0, 100, &rows), 0);
}

/* A log's time is the customer's own, where Chat2Desk gave one. */
static void test_log_times(void **state)
{
	struct fixture *f = *state;
	struct store_message m = message("a", "1", "");
	struct store_log_row *rows;
	enum store_added added;

	m.event_ms = 1765432100123;
	CHECK_INT(store_add(f->s, &m, 1, &added), ERR_OK);
	FINISH(f, take_from(f, "a"), .dialog = "s");
	CHECK_INT(logs(f, "a", 0, 10, &rows), 1);
	CHECK_INT(rows[0].timestamp_ms, m.event_ms);
}

static void test_funnel(void **state)
{
	static const struct {
		const char *dialog_id, *state;
		bool completed;
	} ends[] = {
		{ "1", "", true },
		{ "2", "WAITING_PHONE", false },
		{ "3", "WAITING_PHONE", false },
		{ "4", "WAITING_ADDRESS", false },
		{ "5", "", true },
		{ "6", "", true },
	};
	struct fixture *f = *state;
	struct store_funnel funnel;

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct store_outcome outcome = { .dialog_id = slice_of(ends[i].dialog_id),
			.dropoff_state = slice_of(ends[i].state),
			.completed = ends[i].completed };

		add_new(f, "a", ends[i].dialog_id);
		FINISH(f, take_from(f, "a"), .dialog = "s", .outcome = &outcome);
	}
	CHECK_INT(store_funnel(f->s, 0, &funnel), ERR_OK);
	CHECK_INT(funnel.completed, 3);
	CHECK_INT(funnel.dropped, 3);
	CHECK_INT(funnel.n_states, 2);
	CHECK_TEXT(slice_of(funnel.state[0].state), "WAITING_PHONE");
	CHECK_INT(funnel.state[0].dropped, 2);
	CHECK_INT(funnel.state[1].dropped, 1);
	CHECK_INT(store_funnel(f->s, clock_wall_ms() + 1000, &funnel), ERR_OK);
	CHECK_INT(funnel.completed + funnel.dropped + (int64_t)funnel.n_states, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_counts_of_nothing),
		CASE(test_counts_along_the_way),
		CASE(test_age_after_the_first_died),
		CASE(test_a_placed_order_is_no_open_dialog),
		CASE(test_counts_beside),
		CASE(test_order_filters),
		CASE(test_order_pages),
		CASE(test_order_status),
		CASE(test_status_reaches_the_turn),
		CASE(test_busy_beside),
		CASE(test_logs),
		CASE(test_log_times),
		CASE(test_funnel),
	};

	return RUN_OVER_SUBJECTS("people", tests);
}
