/* test_outbox.c - replies: claimed within the rate window, one outstanding a client, and all that may become of one. */
#include "base/clock.h"
#include "fixture.h"

static enum err retry(struct fixture *f, const struct store_reply *reply, int64_t delay_ms)
{
	return report(f,
	    (struct store_sent){ .reply = reply, .how = STORE_SENT_RETRY, .delay_ms = delay_ms, .reason = "HTTP 500" });
}

static enum err back(struct fixture *f, const struct store_reply *reply, int64_t delay_ms, bool unused)
{
	return report(f,
	    (struct store_sent){
		.reply = reply, .how = STORE_SENT_BACK, .delay_ms = delay_ms, .unused = unused, .reason = "API away" });
}

static enum err dead(struct fixture *f, const struct store_reply *reply)
{
	return report(f, (struct store_sent){ .reply = reply, .how = STORE_SENT_DEAD, .reason = "HTTP 400" });
}

static void limit_rate(struct fixture *f, int64_t calls)
{
	f->settings.rate_limit = calls;
	fixture_reopen(f);
}

/* Clients "0", "1", ... each with a reply that waits, in this order. */
static void replies_of(struct fixture *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *client = arena_alloc(&f->arena, 16);

		(void)snprintf(client, 16, "%zu", i);
		(void)talk(f, client, client, client);
		sleep_ms(2); /* due times are of whole milliseconds */
	}
}

static void test_speaking(void **state)
{
	struct fixture *f = *state;
	const struct store_reply *reply;

	(void)talk(f, "a", "1", "hi");
	CHECK_INT(counts(f).lanes_speaking, 1);
	CHECK_INT(counts(f).replies_waiting, 1);
	reply = claim_one(f);
	claim_none(f);
	CHECK_INT(counts(f).replies_claimed, 1);
	CHECK_INT(counts(f).replies_waiting, 0);
	add_new(f, "a", "2");
	add_new(f, "a", "3");
	take_none(f);
	CHECK_INT(counts(f).in_lanes, 2);
	accepted(f, reply, 1);
	CHECK_INT(counts(f).lanes_speaking, 0);
	check_messages(take_from(f, "a"), "2 3");
}

static void test_oldest_first(void **state)
{
	struct fixture *f = *state;

	replies_of(f, 4);
	struct store_replies *first = claim(f, 3, 1000);
	CHECK_INT(first->n, 3);
	for (size_t i = 0; i < 3; i++)
		CHECK_INT(first->reply[i].text.p[0], '0' + (int)i);
	CHECK_TEXT(claim_one(f)->text, "3");
}

/* What is given back is behind all others, however quickly that went. */
static void test_back_to_the_end(void **state)
{
	struct fixture *f = *state;
	struct store_message batch[8];
	enum store_added added[8];
	struct store_result results[8];
	struct store_turns *turns;
	bool met[8] = { false };
	char clients[8][2];

	for (size_t i = 0; i < 8; i++) {
		(void)snprintf(clients[i], sizeof clients[i], "%zu", i);
		batch[i] = message(clients[i], clients[i], "");
	}
	CHECK_INT(store_add(f->s, batch, 8, added), ERR_OK);
	turns = take(f, 8, 1000);
	CHECK_INT(turns->n, 8);
	for (size_t i = 0; i < 8; i++)
		results[i] = result_of(f, &turns->turn[i], &(struct finish_with){ .reply = "hi" });
	CHECK_INT(store_finish(f->s, results, 8, 0, NULL), ERR_OK);
	for (size_t i = 0; i < 8; i++) {
		const struct store_reply *reply = claim_one(f);
		size_t client = (size_t)(reply->client_id.p[0] - '0');

		CHECK(!met[client]);
		CHECK_INT(reply->attempt, 1);
		met[client] = true;
		CHECK_INT(back(f, reply, 0, true), ERR_OK);
	}
}

static void test_retry_with_delay(void **state)
{
	struct fixture *f = *state;
	int64_t began = 0;

	(void)talk(f, "a", "1", "hi");
	for (unsigned attempt = 1; attempt <= 3; attempt++) {
		const struct store_reply *reply = claim_one(f);

		CHECK_INT(reply->attempt, attempt);
		CHECK(!reply->doubtful);
		CHECK(attempt == 1 || clock_mono_ms() - began >= 149);
		began = clock_mono_ms();
		CHECK_INT(retry(f, reply, 150), ERR_OK);
		claim_none(f);
	}
	fixture_reopen(f);
	CHECK_INT(claim_one(f)->attempt, 4);
}

static void test_back_with_delay(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_mono_ms();

	(void)talk(f, "a", "1", "hi");
	CHECK_INT(back(f, claim_one(f), 150, false), ERR_OK);
	claim_none(f);
	CHECK_INT(claim_one(f)->attempt, 1);
	CHECK(clock_mono_ms() - began >= 149);
}

static void test_doubtful(void **state)
{
	struct fixture *f = *state;
	const struct store_reply *reply;

	(void)talk(f, "a", "1", "hi");
	CHECK_INT(report(f,
		      (struct store_sent){
			  .reply = claim_one(f), .how = STORE_SENT_RETRY, .doubtful = true, .reason = "timeout" }),
	    ERR_OK);
	reply = claim_one(f);
	CHECK(reply->doubtful);
	CHECK_INT(retry(f, reply, 0), ERR_OK);
	CHECK(claim_one(f)->doubtful);
}

static void test_new_message_hastens(void **state)
{
	struct fixture *f = *state;

	(void)talk(f, "a", "1", "hi");
	CHECK_INT(retry(f, claim_one(f), 3600000), ERR_OK);
	(void)talk(f, "b", "2", "ho");
	CHECK_INT(retry(f, claim_one(f), 3600000), ERR_OK);
	claim_none(f);
	add_new(f, "a", "3");
	CHECK_TEXT(claim_one(f)->client_id, "a");
	claim_none(f);
	CHECK_INT(add(f, "b", "3"), STORE_DUPLICATE);
	claim_none(f);
}

static void test_dead_reply(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;
	struct store_dead letter;

	turn = talk(f, "a", "1", "hi");
	add_new(f, "a", "2");
	CHECK_INT(retry(f, claim_one(f), 0), ERR_OK);
	CHECK_INT(dead(f, claim_one(f)), ERR_OK);
	letter = last_dead(f);
	CHECK_INT(letter.kind, STORE_DEAD_REPLY);
	CHECK_TEXT(letter.ref, turn->turn_id);
	CHECK_TEXT(letter.client_id, "a");
	CHECK_TEXT(letter.text, "hi");
	CHECK_TEXT(letter.reason, "HTTP 400");
	CHECK_TEXT(letter.transport, "telegram");
	CHECK_INT(letter.channel_id, 7);
	CHECK_INT(letter.attempts, 2);
	CHECK_INT(counts(f).dead_replies, 1);
	check_messages(take_from(f, "a"), "2");
}

static void check_stale(struct fixture *f, const struct store_reply *old)
{
	CHECK_INT(report(f, (struct store_sent){ .reply = old, .how = STORE_SENT_ACCEPTED, .posted_ms = 1 }),
	    ERR_STALE_LEASE);
	CHECK_INT(retry(f, old, 0), ERR_STALE_LEASE);
	CHECK_INT(back(f, old, 0, true), ERR_STALE_LEASE);
	CHECK_INT(dead(f, old), ERR_STALE_LEASE);
	CHECK_INT(counts(f).dead_replies, 0);
}

static void test_stale(void **state)
{
	struct fixture *f = *state;
	const struct store_reply *old, *new;

	(void)talk(f, "a", "1", "hi");
	old = claim_one(f);
	CHECK_INT(back(f, old, 0, false), ERR_OK);
	check_stale(f, old);
	new = claim_one(f);
	check_stale(f, old);
	accepted(f, new, 1);
	check_stale(f, new);
	check_stale(f, old);
}

/* The next reply, while the keeper makes its rounds. */
static const struct store_reply *claim_kept(struct fixture *f)
{
	struct store_replies *replies;
	struct store_kept kept;

	do {
		CHECK_INT(store_keep(f->s, &kept), ERR_OK);
		replies = claim(f, 1, 200);
	} while (replies->n == 0);
	return &replies->reply[0];
}

/* Nobody reported on it: its lease ends, another sender gets it, and the POST of the first may have been accepted. */
static void test_lease_ends(void **state)
{
	struct fixture *f = *state;
	const struct store_reply *old, *new;
	int64_t began;

	(void)talk(f, "a", "1", "hi");
	old = claim_one(f);
	began = clock_mono_ms();
	new = claim_kept(f);
	CHECK(clock_mono_ms() - began >= f->settings.lease_ms);
	CHECK(new->doubtful);
	CHECK_INT(new->attempt, 1);
	check_stale(f, old);
	accepted(f, new, 1);
}

static void test_rate_window(void **state)
{
	struct fixture *f = *state;

	limit_rate(f, 3);
	replies_of(f, 5);
	CHECK_INT(claim(f, 2, 1000)->n, 2);
	CHECK_INT(claim(f, 100, 1000)->n, 1);
	claim_none(f);
	CHECK_INT(claim(f, 1, 100)->n, 0);
	CHECK_INT(store_rate(f->s), ERR_AGAIN);
	fixture_reopen(f);
	claim_none(f); /* a restart makes no calls undone */
}

static void test_rate_of_other_calls(void **state)
{
	struct fixture *f = *state;

	limit_rate(f, 3);
	replies_of(f, 5);
	CHECK_INT(store_rate(f->s), ERR_OK);
	CHECK_INT(store_rate(f->s), ERR_OK);
	CHECK_INT(claim(f, 100, 1000)->n, 1);
	CHECK_INT(store_rate(f->s), ERR_AGAIN);
}

static void test_rate_slot_returned(void **state)
{
	struct fixture *f = *state;
	const struct store_reply *reply;

	limit_rate(f, 1);
	replies_of(f, 2);
	reply = claim_one(f);
	claim_none(f);
	CHECK_INT(back(f, reply, 0, true), ERR_OK);
	CHECK_INT(back(f, reply, 0, true), ERR_STALE_LEASE); /* and returns nothing */
	CHECK_TEXT(claim_one(f)->text, "1");
	claim_none(f);
}

static void test_rate_slot_spent(void **state)
{
	struct fixture *f = *state;

	limit_rate(f, 1);
	replies_of(f, 1);
	CHECK_INT(back(f, claim_one(f), 0, false), ERR_OK);
	claim_none(f);
	CHECK_INT(store_rate(f->s), ERR_AGAIN);
}

static void test_rate_off(void **state)
{
	enum { MANY = 1000 };
	struct fixture *f = *state;

	for (int i = 0; i < MANY; i++)
		CHECK_INT(store_rate(f->s), ERR_OK);
}

/* A finish claims only as many replies as it also got slots for, and spends none for what was not claimed. */
static void test_rate_at_finish(void **state)
{
	struct fixture *f = *state;
	struct store_replies claimed = { 0 };
	struct store_result results[3];
	static const char *const clients[] = { "a", "b", "c" };

	limit_rate(f, 4);
	CHECK_INT(store_rate(f->s), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		add_new(f, clients[i], clients[i]);
		results[i] = result_of(f, take_from(f, clients[i]), &(struct finish_with){ .reply = "hi" });
	}
	give_back(f, results[0].turn);
	CHECK_INT(store_finish(f->s, results, 3, 10, &claimed), ERR_OK);
	CHECK_INT(results[0].err, ERR_STALE_LEASE);
	CHECK_INT(claimed.n, 2);
	FINISH(f, take_from(f, "a"), .reply = "hi");
	CHECK_INT(claim(f, 10, 1000)->n, 1);
	CHECK_INT(store_rate(f->s), ERR_AGAIN);
	(void)talk(f, "d", "d", "hi");
	claim_none(f);
	store_replies_free(&claimed);
}

static void test_rate_short_at_finish(void **state)
{
	struct fixture *f = *state;
	struct store_replies claimed = { 0 };
	struct store_result results[3];
	static const char *const clients[] = { "a", "b", "c" };

	limit_rate(f, 2);
	for (size_t i = 0; i < 3; i++) {
		add_new(f, clients[i], clients[i]);
		results[i] = result_of(f, take_from(f, clients[i]), &(struct finish_with){ .reply = "hi" });
	}
	CHECK_INT(store_finish(f->s, results, 3, 10, &claimed), ERR_OK);
	CHECK_INT(claimed.n, 2);
	claim_none(f);
	CHECK_INT(counts(f).replies_waiting, 1);
	CHECK_INT(back(f, &claimed.reply[0], 60000, true), ERR_OK);
	CHECK_TEXT(claim_one(f)->client_id, "c");
	store_replies_free(&claimed);
}

static void *finish_soon(void *context)
{
	struct crew_member *me = context;

	if (me->number == 0) {
		CHECK_TEXT(claim_one(me->f)->text, "hi");
		return NULL;
	}
	sleep_ms(100);
	(void)talk(me->f, "a", "1", "hi");
	return NULL;
}

static void test_claim_is_woken(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_mono_ms();

	run_crew(f, 2, finish_soon, NULL);
	CHECK(clock_mono_ms() - began >= 100 && clock_mono_ms() - began < 2000);
}

/* ---- a batch of all kinds ---- */

static void test_mixed_batch(void **state)
{
	struct fixture *f = *state;
	struct store_replies *replies;
	struct store_sent sent[5];

	replies_of(f, 5);
	replies = claim(f, 5, 1000);
	for (size_t i = 0; i < 5; i++)
		sent[i] = (struct store_sent){ .reply = &replies->reply[i], .posted_ms = 1, .reason = "r" };
	sent[1].how = STORE_SENT_RETRY;
	sent[2].how = STORE_SENT_DEAD;
	sent[3].how = STORE_SENT_BACK;
	sent[4].reply = sent[0].reply;
	CHECK_INT(store_sent(f->s, sent, 5), ERR_OK);
	for (size_t i = 0; i < 4; i++)
		CHECK_INT(sent[i].err, ERR_OK);
	CHECK_INT(sent[4].err, ERR_STALE_LEASE);
	CHECK_INT(counts(f).replies_waiting, 2);
	CHECK_INT(counts(f).replies_claimed, 1);
	CHECK_INT(counts(f).dead_replies, 1);
	CHECK_INT(counts(f).lanes_speaking, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_speaking),
		CASE(test_oldest_first),
		CASE(test_back_to_the_end),
		CASE(test_retry_with_delay),
		CASE(test_back_with_delay),
		CASE(test_doubtful),
		CASE(test_new_message_hastens),
		CASE(test_dead_reply),
		CASE(test_stale),
		CASE(test_lease_ends),
		CASE(test_rate_window),
		CASE(test_rate_of_other_calls),
		CASE(test_rate_slot_returned),
		CASE(test_rate_slot_spent),
		CASE(test_rate_off),
		CASE(test_rate_at_finish),
		CASE(test_rate_short_at_finish),
		CASE(test_claim_is_woken),
		CASE(test_mixed_batch),
	};

	return RUN_OVER_SUBJECTS("outbox", tests);
}
