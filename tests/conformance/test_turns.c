/* test_turns.c - taking turns: one a lane at a time, whole, in order, woken by whatever makes one due. */
#include "base/clock.h"
#include "fixture.h"

static void test_waits(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_mono_ms();

	CHECK_INT(take(f, 5, 200)->n, 0);
	CHECK(clock_mono_ms() - began >= 200);
	CHECK(clock_mono_ms() - began < 2000);
}

struct waiting {
	int64_t took_ms;
	_Atomic bool ready;
	const struct store_turn *turn;
};

static void *wait_for_turn(void *context)
{
	struct crew_member *me = context;
	struct waiting *w = me->context;
	int64_t began = clock_mono_ms();

	w->ready = true;
	w->turn = take_one(me->f);
	w->took_ms = clock_mono_ms() - began;
	return NULL;
}

/* A take waits; after 100 ms the given thing happens elsewhere; how long it took from then on. */
static const struct store_turn *woken_by(struct fixture *f, void (*event)(struct fixture *f), int64_t most_ms)
{
	struct waiting w = { 0 };
	struct crew_member me = { f, 0, &w };
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, wait_for_turn, &me) == 0);
	while (!w.ready)
		sleep_ms(1);
	sleep_ms(100);
	event(f);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(w.took_ms >= 90 && w.took_ms < 100 + most_ms);
	return w.turn;
}

static void add_a(struct fixture *f)
{
	add_new(f, "a", "1");
}

static void test_woken_by_add(void **state)
{
	check_messages(woken_by(*state, add_a, 1000), "1");
}

static void nothing(struct fixture *f)
{
	(void)f;
}

static void test_woken_by_time(void **state)
{
	struct fixture *f = *state;

	f->settings.turn_backoff_ms = 300;
	fixture_reopen(f);
	add_new(f, "a", "1");
	CHECK(!fail_turn(f, take_from(f, "a"), "no"));
	CHECK_INT(woken_by(f, nothing, 1000)->attempt, 2);
}

static void retry_beside(struct fixture *f)
{
	struct store *beside = fixture_beside(f);
	int64_t id = last_dead(f).id;
	enum store_dead_retried ret;

	CHECK_INT(store_dead_retry(beside, &id, 1, false, &ret), ERR_OK);
	CHECK_INT(ret, STORE_DEAD_RETRIED);
	store_close(&beside);
}

static void test_woken_by_command_beside(void **state)
{
	struct fixture *f = *state;

	(void)bury(f, "a", "1");
	check_messages(woken_by(f, retry_beside, 1000), "1");
}

static void test_one_turn_a_lane(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	turn = take_from(f, "a");
	add_new(f, "a", "2");
	add_new(f, "a", "3");
	take_none(f);
	CHECK_INT(counts(f).in_lanes, 2);
	FINISH(f, turn, .dialog = "d");
	check_messages(take_from(f, "a"), "2 3");
	take_none(f);
}

static void test_other_lanes_go_on(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	(void)take_from(f, "a");
	add_new(f, "b", "2");
	check_messages(take_from(f, "b"), "2");
}

static void test_thirty_two(void **state)
{
	enum { MORE = STORE_TURN_MESSAGES_MAX + 5 };
	struct fixture *f = *state;
	const struct store_turn *turn;
	char id[32];

	for (int i = 0; i < MORE; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		add_new(f, "a", id);
	}
	turn = take_from(f, "a");
	CHECK_INT(turn->n_messages, STORE_TURN_MESSAGES_MAX);
	CHECK_TEXT(turn->messages[31].message_id, "31");
	FINISH(f, turn, .dialog = "d");
	check_messages(take_from(f, "a"), "32 33 34 35 36");
}

static void test_most_and_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct store_turns *turns;

	for (int i = 0; i < 5; i++) {
		char id[2] = { (char)('a' + i), '\0' };

		add_new(f, id, id);
		sleep_ms(2); /* arrival times are of whole milliseconds */
	}
	turns = take(f, 3, 1000);
	CHECK_INT(turns->n, 3);
	CHECK_TEXT(turns->turn[0].client_id, "a");
	CHECK_TEXT(turns->turn[2].client_id, "c");
	turns = take(f, 3, 1000);
	CHECK_INT(turns->n, 2);
	CHECK_TEXT(turns->turn[1].client_id, "e");
}

enum { TAKERS = 16, LANES = 64 };

struct crowd {
	pthread_mutex_t lock;
	size_t n;
	struct store_turn seen[LANES];
};

static void *take_some(void *context)
{
	struct crew_member *me = context;
	struct crowd *crowd = me->context;

	for (bool all = false; !all;) {
		struct store_turns *turns = take(me->f, 1, 20);

		(void)pthread_mutex_lock(&crowd->lock);
		for (size_t i = 0; i < turns->n; i++)
			crowd->seen[crowd->n++] = turns->turn[i];
		all = crowd->n == LANES;
		(void)pthread_mutex_unlock(&crowd->lock);
	}
	return NULL;
}

static void *add_lanes(struct fixture *f)
{
	struct store_message batch[LANES];
	enum store_added ret[LANES];

	for (size_t i = 0; i < LANES; i++) {
		char *id = arena_alloc(&f->arena, 16);

		(void)snprintf(id, 16, "%zu", i);
		batch[i] = message(id, id, "");
	}
	CHECK_INT(store_add(f->s, batch, LANES, ret), ERR_OK);
	return NULL;
}

/* Turns taken by many threads at once have ids and leases of their own. */
static void test_turns_are_unique(void **state)
{
	struct fixture *f = *state;
	struct crowd crowd = { .n = 0 };

	(void)pthread_mutex_init(&crowd.lock, NULL);
	add_lanes(f);
	run_crew(f, TAKERS, take_some, &crowd);
	for (size_t i = 0; i < LANES; i++) {
		for (size_t k = 0; k < i; k++) {
			CHECK(strcmp(crowd.seen[i].turn_id, crowd.seen[k].turn_id) != 0);
			CHECK(!slice_eq(crowd.seen[i].client_id, crowd.seen[k].client_id));
		}
		FINISH(f, &crowd.seen[i], .reply = "thanks");
	}
	CHECK_INT(claim(f, LANES, 1000)->n, LANES);
	(void)pthread_mutex_destroy(&crowd.lock);
}

/* A thousand clients at once: one call a verb. */
static void test_large_batches(void **state)
{
	enum { MANY = 1000 };
	struct fixture *f = *state;
	struct store_message *batch = arena_alloc(&f->arena, MANY * sizeof *batch);
	struct store_result *results = arena_alloc(&f->arena, MANY * sizeof *results);
	struct store_sent *sent = arena_alloc(&f->arena, MANY * sizeof *sent);
	enum store_added *added = arena_alloc(&f->arena, MANY * sizeof *added);
	struct store_turns *turns;
	struct store_replies *replies;

	for (size_t i = 0; i < MANY; i++) {
		char *id = arena_alloc(&f->arena, 16);

		(void)snprintf(id, 16, "%zu", i);
		batch[i] = message(id, id, id);
	}
	CHECK_INT(store_add(f->s, batch, MANY, added), ERR_OK);
	turns = take(f, MANY, 1000);
	CHECK_INT(turns->n, MANY);
	for (size_t i = 0; i < MANY; i++)
		results[i] = result_of(f, &turns->turn[i], &(struct finish_with){ .dialog = "s", .reply = "hi" });
	CHECK_INT(store_finish(f->s, results, MANY, 0, NULL), ERR_OK);
	replies = claim(f, MANY, 1000);
	CHECK_INT(replies->n, MANY);
	for (size_t i = 0; i < MANY; i++) {
		CHECK_INT(results[i].err, ERR_OK);
		sent[i] =
		    (struct store_sent){ .reply = &replies->reply[i], .how = STORE_SENT_ACCEPTED, .posted_ms = 1 };
	}
	CHECK_INT(store_sent(f->s, sent, MANY), ERR_OK);
	for (size_t i = 0; i < MANY; i++)
		CHECK_INT(sent[i].err, ERR_OK);
	CHECK_INT(counts(f).lanes_speaking, 0);
}

/* A struct that was used before is emptied, also where nothing is due. */
static void test_used_again(void **state)
{
	struct fixture *f = *state;
	struct store_turns turns = { 0 };
	struct store_replies replies = { 0 };

	add_new(f, "a", "1");
	CHECK_INT(store_take(f->s, 4, 1000, &turns), ERR_OK);
	CHECK_INT(turns.n, 1);
	FINISH(f, &turns.turn[0], .reply = "hi");
	CHECK_INT(store_take(f->s, 4, 30, &turns), ERR_OK);
	CHECK_INT(turns.n, 0);
	CHECK_INT(store_claim(f->s, 4, 1000, &replies), ERR_OK);
	CHECK_INT(replies.n, 1);
	CHECK_INT(store_claim(f->s, 4, 30, &replies), ERR_OK);
	CHECK_INT(replies.n, 0);
	store_turns_free(&turns);
	store_replies_free(&replies);
	CHECK(turns.n == 0 && turns.turn == NULL && replies.n == 0 && replies.reply == NULL);
}

/* What a turn knows of its client comes from former finishes, also after a restart. */
static void test_knows_its_client(void **state)
{
	struct fixture *f = *state;
	const struct store_turn *turn;

	add_new(f, "a", "1");
	turn = take_from(f, "a");
	CHECK_INT(turn->dialog.n + turn->dialog_id.n + turn->profile.n, 0);
	CHECK_INT(turn->shown_ms + turn->last_event_ms + turn->order_number, 0);
	CHECK_INT(turn->attempt, 1);
	CHECK(!turn->alone && !turn->expired);
	CHECK(turn->oldest_arrived_us > 0 && turn->oldest_arrived_us <= clock_mono_us());
	FINISH(f, turn, .dialog = "state", .dialog_id = "d1", .profile = "lang=en", .last_event_ms = 12345);
	fixture_reopen(f);
	add_new(f, "a", "2");
	turn = take_from(f, "a");
	CHECK_TEXT(turn->dialog, "state");
	CHECK_TEXT(turn->dialog_id, "d1");
	CHECK_TEXT(turn->profile, "lang=en");
	CHECK_INT(turn->last_event_ms, 12345);
}

/* Latency is measured only where the clock of the message's arrival is our own. */
static void test_arrival_of_another_process(void **state)
{
	struct fixture *f = *state;

	add_new(f, "a", "1");
	fixture_reopen(f);
	CHECK_INT(take_from(f, "a")->oldest_arrived_us, 0);
}

static void *wait_until_stopped(void *context)
{
	struct crew_member *me = context;
	struct store_turns turns = { 0 };
	struct store_replies replies = { 0 };

	if (me->number % 2 == 0)
		CHECK_INT(store_take(me->f->s, 1, 60000, &turns), ERR_STOPPED);
	else
		CHECK_INT(store_claim(me->f->s, 1, 60000, &replies), ERR_STOPPED);
	CHECK_INT(turns.n + replies.n, 0);
	store_turns_free(&turns);
	store_replies_free(&replies);
	return NULL;
}

static void *stop_soon(void *context)
{
	struct crew_member *me = context;

	if (me->number != 0)
		return wait_until_stopped(context);
	sleep_ms(100);
	store_stop_waiting(me->f->s);
	return NULL;
}

static void *add_or_take_in_vain(void *context)
{
	struct crew_member *me = context;
	struct store_turns turns = { 0 };
	char id[16];

	for (int i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof id, "more %d", i);
		if (me->number == 0)
			add_new(me->f, id, id);
		else
			CHECK_INT(store_take(me->f->s, 4, 0, &turns), ERR_STOPPED);
		CHECK_INT(turns.n, 0);
	}
	store_turns_free(&turns);
	return NULL;
}

/* The verbs that wait do no more; all that is under way can be brought to its end. */
static void test_stop_waiting(void **state)
{
	struct fixture *f = *state;
	struct store_turns turns = { 0 };
	const struct store_turn *held;
	int64_t began = clock_mono_ms();

	add_new(f, "a", "1");
	held = take_from(f, "a");
	run_crew(f, 8, stop_soon, NULL);
	CHECK(clock_mono_ms() - began < 5000);
	add_new(f, "b", "2");
	FINISH(f, held, .reply = "hi");
	CHECK_INT(store_take(f->s, 4, 0, &turns), ERR_STOPPED);
	CHECK_INT(turns.n, 0);
	run_crew(f, 2, add_or_take_in_vain, NULL);
	CHECK_INT(counts(f).waiting, 101);
	CHECK_INT(counts(f).replies_waiting, 1);
	store_turns_free(&turns);
}

/* A thread that hangs for long loses its turn; no minute here, but longer than a lease. */
static void test_hung(void **state)
{
	enum { HUNG_MS = 2000, ROUND_MS = 100, PATIENCE_MS = 15000 };
	struct fixture *f = *state;
	const struct store_turn *hung;
	struct store_kept kept;
	size_t ended = 0;

	f->settings.hung_ms = HUNG_MS;
	fixture_reopen(f);
	add_new(f, "a", "1");
	hung = take_from(f, "a");
	for (int64_t until = clock_mono_ms() + PATIENCE_MS; ended == 0; sleep_ms(ROUND_MS)) {
		CHECK(clock_mono_ms() < until);
		CHECK_INT(store_keep(f->s, &kept), ERR_OK);
		ended += kept.leases_ended;
	}
	CHECK(clock_wall_ms() - hung->taken_ms >= HUNG_MS - f->subject->clock_error_ms);
	CHECK_INT(ended, 1);
	CHECK_INT(take_from(f, "a")->attempt, 2);
	struct store_result late = result_of(f, hung, &(struct finish_with){ .dialog = "s" });
	CHECK_INT(store_finish(f->s, &late, 1, 0, NULL), ERR_OK);
	CHECK_INT(late.err, ERR_STALE_LEASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_waits),
		CASE(test_woken_by_add),
		CASE(test_woken_by_time),
		CASE(test_woken_by_command_beside),
		CASE(test_one_turn_a_lane),
		CASE(test_other_lanes_go_on),
		CASE(test_thirty_two),
		CASE(test_most_and_oldest_first),
		CASE(test_turns_are_unique),
		CASE(test_large_batches),
		CASE(test_used_again),
		CASE(test_knows_its_client),
		CASE(test_arrival_of_another_process),
		CASE(test_stop_waiting),
		CASE(test_hung),
	};

	return RUN_OVER_SUBJECTS("turns", tests);
}
