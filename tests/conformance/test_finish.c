/* test_finish.c - a finish makes all of a turn's result true, once, or nothing of it. */
#include "base/clock.h"
#include "fixture.h"

static const struct store_order_new an_order = {
	.dialog_id = SLICE("d1"),
	.address = SLICE("Main St 1"),
	.phone = SLICE("+4915112345678"),
	.fields = SLICE("{\"note\":\"\xc3\xa9\"}"),
	.quantity = 3,
};

static struct store_order only_order(struct fixture *f)
{
	struct store_order_filter all = { 0 };
	struct store_order *orders;
	size_t n;

	CHECK_INT(store_order_list(f->s, &all, 0, 10, &f->arena, &orders, &n), ERR_OK);
	CHECK_INT(n, 1);
	return orders[0];
}

static size_t count_orders(struct fixture *f)
{
	struct store_order_filter all = { 0 };
	struct store_order *orders;
	size_t n;

	CHECK_INT(store_order_list(f->s, &all, 0, 100, &f->arena, &orders, &n), ERR_OK);
	return n;
}

static struct store_log_row log_at(struct fixture *f, const char *client, size_t i, size_t of)
{
	struct store_log_row *rows;
	size_t n;

	CHECK_INT(store_logs(f->s, slice_of(client), 0, 100, &f->arena, &rows, &n), ERR_OK);
	CHECK_INT(n, of);
	return rows[i];
}

/* A turn of the client with one new message. */
static const struct store_turn *turn_of(struct fixture *f, const char *client, const char *id)
{
	add_new(f, client, id);
	return take_from(f, client);
}

static void test_every_effect(void **state)
{
	struct fixture *f = *state;
	struct store_outcome outcome = {
		.dialog_id = SLICE("d1"), .completed = true, .total_messages = 5, .duration_s = 60
	};
	int64_t before = clock_wall_ms();
	const struct store_turn *turn;
	const struct store_reply *reply;
	struct store_result result;
	struct store_order order;
	struct store_log_row row;
	struct store_funnel funnel;

	turn = turn_of(f, "a", "1");
	result = FINISH(f, turn, .dialog = "state", .dialog_id = "d1", .profile = "lang=en", .question = "q",
	    .reply = "order \x1a is placed, \x1a!", .order = &an_order, .outcome = &outcome, .state = "COMPLETED");
	CHECK(result.order_number > 0);

	order = only_order(f);
	CHECK_INT(order.id, result.order_number);
	CHECK_TEXT(order.client_id, "a");
	CHECK_TEXT(order.client_phone, "+4915112345678");
	CHECK_TEXT(order.delivery_address, "Main St 1");
	CHECK_TEXT(order.fields, "{\"note\":\"\xc3\xa9\"}");
	CHECK_TEXT(order.dialog_id, "d1");
	CHECK_TEXT(order.status, "new");
	CHECK_INT(order.quantity, 3);
	CHECK(order.created_ms >= before && order.created_ms <= clock_wall_ms());

	row = log_at(f, "a", 0, 1);
	CHECK_TEXT(row.message_id, "1");
	CHECK_TEXT(row.text, "1");
	CHECK_TEXT(row.dialog_state, "COMPLETED");
	CHECK(row.success && row.error_reason.n == 0);

	CHECK_INT(store_funnel(f->s, 0, &funnel), ERR_OK);
	CHECK_INT(funnel.completed, 1);

	reply = claim_one(f);
	CHECK_TEXT(reply->client_id, "a");
	CHECK_TEXT(slice_of(reply->reply_id), turn->turn_id);
	CHECK_TEXT(reply->transport, "telegram");
	CHECK_INT(reply->channel_id, 7);
	CHECK_INT(reply->attempt, 1);
	CHECK(!reply->doubtful);
	char wanted[64];
	(void)snprintf(wanted, sizeof wanted, "order %d is placed, %d!", (int)order.id, (int)order.id);
	CHECK_TEXT(reply->text, wanted);
	accepted(f, reply, clock_wall_ms());

	turn = turn_of(f, "a", "2");
	CHECK_TEXT(turn->dialog, "state");
	CHECK_TEXT(turn->profile, "lang=en");
	CHECK_INT(turn->order_number, order.id);
	CHECK_TEXT(turn->order_status, "new");
}

/* A mark without an order placed in this turn is the customer's own byte. */
static void test_mark_without_order(void **state)
{
	struct fixture *f = *state;

	FINISH(f, turn_of(f, "a", "1"), .reply = "x\x1ay");
	CHECK_TEXT(claim_one(f)->text, "x\x1ay");
}

static void test_order_of_other_dialog(void **state)
{
	struct fixture *f = *state;

	FINISH(f, turn_of(f, "a", "1"), .dialog = "s", .dialog_id = "d1", .order = &an_order);
	FINISH(f, turn_of(f, "a", "2"), .dialog = "s", .dialog_id = "d2");
	CHECK_INT(turn_of(f, "a", "3")->order_number, 0);
}

static void test_order_once_a_dialog(void **state)
{
	struct fixture *f = *state;
	struct store_order_new again = an_order;
	int64_t first, second;

	again.quantity = 50;
	first = FINISH(f, turn_of(f, "a", "1"), .dialog = "s", .dialog_id = "d1", .order = &an_order).order_number;
	fixture_reopen(f);
	second = FINISH(f, turn_of(f, "a", "2"), .dialog = "s", .dialog_id = "d1", .order = &again).order_number;
	CHECK_INT(second, first);
	CHECK_INT(only_order(f).quantity, 3);
}

static void test_outcome_once_a_dialog(void **state)
{
	struct fixture *f = *state;
	struct store_outcome dropped = { .dialog_id = SLICE("d1"), .dropoff_state = SLICE("WAITING_PHONE") };
	struct store_outcome done = { .dialog_id = SLICE("d1"), .completed = true };
	struct store_funnel funnel;

	FINISH(f, turn_of(f, "a", "1"), .dialog_id = "d1", .outcome = &dropped);
	FINISH(f, turn_of(f, "a", "2"), .dialog_id = "d1", .outcome = &done);
	CHECK_INT(store_funnel(f->s, 0, &funnel), ERR_OK);
	CHECK_INT(funnel.completed, 0);
	CHECK_INT(funnel.dropped, 1);
	CHECK_INT(funnel.n_states, 1);
	CHECK_TEXT(slice_of(funnel.state[0].state), "WAITING_PHONE");
}

static void test_profile_outlives(void **state)
{
	struct fixture *f = *state;

	FINISH(f, turn_of(f, "a", "1"), .dialog = "s", .profile = "one");
	FINISH(f, turn_of(f, "a", "2"), .dialog = "s");
	FINISH(f, turn_of(f, "a", "3"), .dialog = "", .dialog_id = "");
	CHECK_TEXT(turn_of(f, "a", "4")->profile, "one");
}

static void test_logs_of_each_message(void **state)
{
	struct fixture *f = *state;
	struct store_log logs[] = { { "FIRST", true, NULL }, { "SECOND", false, "stale: said before" } };
	struct store_result result;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	add_new(f, "a", "2");
	turn = take_from(f, "a");
	result = result_of(f, turn, &(struct finish_with){ .dialog = "s" });
	result.logs = logs;
	CHECK_INT(store_finish(f->s, &result, 1, 0, NULL), ERR_OK);
	CHECK_INT(result.err, ERR_OK);
	CHECK_TEXT(log_at(f, "a", 0, 2).dialog_state, "SECOND");
	CHECK_TEXT(log_at(f, "a", 0, 2).error_reason, "stale: said before");
	CHECK(!log_at(f, "a", 0, 2).success);
	CHECK_TEXT(log_at(f, "a", 1, 2).message_id, "1");
	CHECK(log_at(f, "a", 1, 2).success);
}

static void test_log_replaced_after_retry(void **state)
{
	struct fixture *f = *state;
	int64_t id = bury(f, "a", "1");
	enum store_dead_retried ret;

	CHECK(!log_at(f, "a", 0, 1).success);
	CHECK_TEXT(log_at(f, "a", 0, 1).error_reason, "it is poisonous");
	CHECK_INT(store_dead_retry(f->s, &id, 1, false, &ret), ERR_OK);
	FINISH(f, take_from(f, "a"), .dialog = "s", .state = "NEXT");
	CHECK(log_at(f, "a", 0, 1).success);
	CHECK_INT(log_at(f, "a", 0, 1).error_reason.n, 0);
	CHECK_TEXT(log_at(f, "a", 0, 1).dialog_state, "NEXT");
}

/* ---- the open question ---- */

static void ask(struct fixture *f, const char *id, const char *question)
{
	FINISH(f, turn_of(f, "a", id), .dialog = "s", .dialog_id = "d", .question = question, .reply = "?");
}

static int64_t shown(struct fixture *f)
{
	static int n;
	char id[32];
	const struct store_turn *turn;

	(void)snprintf(id, sizeof id, "look %d", n++);
	turn = turn_of(f, "a", id);
	give_back(f, turn);
	return turn->shown_ms;
}

static void test_shown_when_accepted(void **state)
{
	struct fixture *f = *state;

	ask(f, "1", "q1");
	accepted(f, claim_one(f), 1111);
	CHECK_TIME(f, shown(f), 1111);
}

/* A POST in the future is one before the clock was set back: a yes said now must count all the same. */
static void test_shown_not_in_the_future(void **state)
{
	struct fixture *f = *state;
	int64_t seen;

	ask(f, "1", "q1");
	accepted(f, claim_one(f), clock_wall_ms() + 3600000);
	seen = shown(f);
	CHECK(seen > 0 && seen <= clock_wall_ms());
}

static void test_shown_kept_for_the_same(void **state)
{
	struct fixture *f = *state;

	ask(f, "1", "q1");
	accepted(f, claim_one(f), 1111);
	ask(f, "2", "q1");
	accepted(f, claim_one(f), 2222);
	CHECK_TIME(f, shown(f), 1111);
}

static void test_shown_unset_for_another(void **state)
{
	struct fixture *f = *state;

	ask(f, "1", "q1");
	accepted(f, claim_one(f), 1111);
	ask(f, "2", "q2");
	add_new(f, "a", "meanwhile");
	take_none(f);
	CHECK_INT(report(f, (struct store_sent){ .reply = claim_one(f), .how = STORE_SENT_DEAD, .reason = "refused" }),
	    ERR_OK);
	CHECK_INT(shown(f), 0);
}

static void test_shown_by_the_second(void **state)
{
	struct fixture *f = *state;

	ask(f, "1", "q1");
	CHECK_INT(report(f, (struct store_sent){ .reply = claim_one(f), .how = STORE_SENT_DEAD, .reason = "refused" }),
	    ERR_OK);
	CHECK_INT(shown(f), 0);
	FINISH(f, take_from(f, "a"), .dialog = "s", .dialog_id = "d", .question = "q1", .reply = "?");
	accepted(f, claim_one(f), 2222);
	CHECK_TIME(f, shown(f), 2222);
}

static void test_shown_not_by_an_old_reply(void **state)
{
	struct fixture *f = *state;
	enum store_dead_retried ret;
	int64_t id;

	ask(f, "1", "q1");
	CHECK_INT(report(f, (struct store_sent){ .reply = claim_one(f), .how = STORE_SENT_DEAD, .reason = "refused" }),
	    ERR_OK);
	id = last_dead(f).id;
	FINISH(f, turn_of(f, "a", "2"), .dialog = "s", .dialog_id = "d", .question = "q2");
	CHECK_INT(store_dead_retry(f->s, &id, 1, false, &ret), ERR_OK);
	accepted(f, claim_one(f), 3333);
	CHECK_INT(shown(f), 0);
}

static void test_shown_not_without_question(void **state)
{
	struct fixture *f = *state;

	ask(f, "1", "");
	accepted(f, claim_one(f), 1111);
	CHECK_INT(shown(f), 0);
	FINISH(f, take_from(f, "a"), .dialog = "s", .reply = "bye");
	accepted(f, claim_one(f), 2222);
	CHECK_INT(shown(f), 0);
}

/* ---- refused, in part or whole ---- */

static void check_stale(struct fixture *f, const struct store_turn *turn)
{
	struct store_result result = result_of(f, turn,
	    &(struct finish_with){
		.dialog = "wrong", .dialog_id = "d1", .reply = "wrong", .profile = "wrong", .order = &an_order });
	struct store_failure failure = { .turn = turn, .reason = "too late" };

	CHECK_INT(store_finish(f->s, &result, 1, 0, NULL), ERR_OK);
	CHECK_INT(result.err, ERR_STALE_LEASE);
	CHECK_INT(result.order_number, 0);
	CHECK_INT(store_fail(f->s, &failure, 1), ERR_OK);
	CHECK_INT(failure.err, ERR_STALE_LEASE);
	failure.give_back = true;
	CHECK_INT(store_fail(f->s, &failure, 1), ERR_OK);
	CHECK_INT(failure.err, ERR_STALE_LEASE);
	CHECK_INT(count_orders(f), 0);
	CHECK_INT(count_logs(f, "a"), 0);
	claim_none(f);
}

static void test_stale_after_give_back(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *old = turn_of(f, "a", "1"), *new;

	give_back(f, old);
	check_stale(f, old);
	new = take_from(f, "a");
	CHECK(strcmp(old->turn_id, new->turn_id) != 0);
	check_stale(f, old);
	CHECK_INT(new->dialog.n + new->profile.n, 0);
	FINISH(f, new, .dialog = "right");
	CHECK_TEXT(turn_of(f, "a", "2")->dialog, "right");
}

static void test_stale_after_restart(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *old = turn_of(f, "a", "1");

	fixture_reopen(f);
	check_stale(f, old);
	check_messages(take_from(f, "a"), "1");
	check_stale(f, old);
}

static void test_finished_only_once(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn = turn_of(f, "a", "1");
	struct store_result twice[2] = { result_of(f, turn, &(struct finish_with){ .reply = "one" }),
		result_of(f, turn, &(struct finish_with){ .reply = "two" }) };

	CHECK_INT(store_finish(f->s, twice, 2, 0, NULL), ERR_OK);
	CHECK_INT(twice[0].err, ERR_OK);
	CHECK_INT(twice[1].err, ERR_STALE_LEASE);
	CHECK_TEXT(claim_one(f)->text, "one");
	claim_none(f);
	CHECK_INT(count_logs(f, "a"), 1);
}

/* A result that the store cannot hold is its turn's own failure; its neighbours of the batch are true. */
static void test_own_failure_in_a_batch(void **state)
{
	struct fixture *f = *state;
	struct store_order_new impossible = an_order;
	const struct store_turn *good, *bad, *stale, *last;
	struct store_replies claimed = { 0 };
	struct store_result results[4];

	impossible.quantity = -1;
	good = turn_of(f, "good", "1");
	bad = turn_of(f, "a", "2");
	stale = turn_of(f, "stale", "3");
	last = turn_of(f, "last", "4");
	give_back(f, stale);
	results[0] = result_of(f, good, &(struct finish_with){ .dialog = "s", .reply = "good" });
	results[1] = result_of(
	    f, bad, &(struct finish_with){ .dialog = "s", .dialog_id = "d1", .reply = "bad", .order = &impossible });
	results[2] = result_of(f, stale, &(struct finish_with){ .dialog = "s", .reply = "stale" });
	results[3] = result_of(f, last, &(struct finish_with){ .dialog = "s", .reply = "last" });
	CHECK_INT(store_finish(f->s, results, 4, 10, &claimed), ERR_OK);
	CHECK_INT(results[0].err, ERR_OK);
	CHECK_INT(results[1].err, ERR_FAILED);
	CHECK_INT(results[2].err, ERR_STALE_LEASE);
	CHECK_INT(results[3].err, ERR_OK);
	CHECK_INT(claimed.n, 2);
	CHECK_TEXT(claimed.reply[0].text, "good");
	CHECK_TEXT(claimed.reply[1].text, "last");
	CHECK_INT(count_orders(f), 0);
	CHECK_INT(count_logs(f, "a"), 0);
	CHECK(!fail_turn(f, bad, "the store refused it"));
	store_replies_free(&claimed);
}

/* ---- replies claimed by the finish itself ---- */

static void test_claims_at_finish(void **state)
{
	struct fixture *f = *state;
	struct store_replies claimed = { 0 };
	struct store_result results[3];
	static const char *const clients[] = { "a", "b", "c" };

	for (size_t i = 0; i < 3; i++)
		results[i] = result_of(f, turn_of(f, clients[i], clients[i]),
		    &(struct finish_with){ .dialog = "s", .question = "q", .reply = i == 1 ? "" : clients[i] });
	CHECK_INT(store_finish(f->s, results, 3, 1, &claimed), ERR_OK);
	CHECK_INT(claimed.n, 1);
	CHECK_TEXT(claimed.reply[0].text, "a");
	CHECK_TEXT(slice_of(claimed.reply[0].reply_id), results[0].turn->turn_id);
	CHECK_INT(claimed.reply[0].attempt, 1);
	CHECK_INT(claimed.reply[0].channel_id, 7);
	CHECK_TEXT(claim_one(f)->text, "c");
	claim_none(f);
	accepted(f, &claimed.reply[0], 1234);
	CHECK_TIME(f, turn_of(f, "a", "next")->shown_ms, 1234);
	store_replies_free(&claimed);
}

/* Older replies that wait for a slot go first. */
static void test_no_claim_before_older(void **state)
{
	struct fixture *f = *state;
	struct store_replies claimed = { 0 };
	struct store_result result;

	(void)talk(f, "old", "1", "old");
	result = result_of(f, turn_of(f, "new", "2"), &(struct finish_with){ .reply = "new" });
	CHECK_INT(store_finish(f->s, &result, 1, 10, &claimed), ERR_OK);
	CHECK_INT(claimed.n, 0);
	CHECK_TEXT(claim_one(f)->text, "old");
	CHECK_TEXT(claim_one(f)->text, "new");
	store_replies_free(&claimed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_every_effect),
		CASE(test_mark_without_order),
		CASE(test_order_of_other_dialog),
		CASE(test_order_once_a_dialog),
		CASE(test_outcome_once_a_dialog),
		CASE(test_profile_outlives),
		CASE(test_logs_of_each_message),
		CASE(test_log_replaced_after_retry),
		CASE(test_shown_when_accepted),
		CASE(test_shown_not_in_the_future),
		CASE(test_shown_kept_for_the_same),
		CASE(test_shown_unset_for_another),
		CASE(test_shown_by_the_second),
		CASE(test_shown_not_by_an_old_reply),
		CASE(test_shown_not_without_question),
		CASE(test_stale_after_give_back),
		CASE(test_stale_after_restart),
		CASE(test_finished_only_once),
		CASE(test_own_failure_in_a_batch),
		CASE(test_claims_at_finish),
		CASE(test_no_claim_before_older),
	};

	return RUN_OVER_SUBJECTS("finish", tests);
}
