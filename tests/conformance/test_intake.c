/* test_intake.c - what is added is there, whole, once, and in the order of its arrival. */
#include "base/clock.h"
#include "fixture.h"

#include <semaphore.h>

enum { DAY_MS = 86400000 };

static void check_same(const struct store_message *have, const struct store_message *want)
{
	CHECK(slice_eq(have->message_id, want->message_id));
	CHECK(slice_eq(have->client_id, want->client_id));
	CHECK(slice_eq(have->text, want->text));
	CHECK(slice_eq(have->coordinates, want->coordinates));
	CHECK(slice_eq(have->transport, want->transport));
	CHECK(slice_eq(have->client_phone, want->client_phone));
	CHECK_INT(have->kind, want->kind);
	CHECK_INT(have->channel_id, want->channel_id);
	CHECK_INT(have->event_ms, want->event_ms);
}

static const struct store_message shapes[] = {
	{ .message_id = SLICE("1"), .client_id = SLICE("c"), .kind = KIND_TEXT, .text = SLICE("hello") },
	{ .message_id = SLICE("18446744073709551617"),
	    .client_id = SLICE("c"),
	    .kind = KIND_LOCATION,
	    .coordinates = SLICE("55.75,37.61"),
	    .transport = SLICE("whatsapp"),
	    .client_phone = SLICE("+4915112345678"),
	    .channel_id = INT64_MAX,
	    .event_ms = 1765432100123 },
	{ .message_id = SLICE("m'\"%;--"), .client_id = SLICE("c"), .kind = KIND_EMPTY },
	{ .message_id = SLICE("nul"), .client_id = SLICE("c"), .kind = KIND_FILE, .text = SLICE("a\0b\x1a\n") },
	{ .message_id = SLICE("emoji \xf0\x9f\x8d\x95"),
	    .client_id = SLICE("c"),
	    .kind = KIND_VOICE,
	    .text = SLICE(
		"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9 \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82") },
};

static void test_whole(void **state)
{
	struct fixture *f = *state;
	enum store_added ret[COUNT_OF(shapes)];
	const struct store_turn *turn;
	int64_t before = clock_wall_ms();

	CHECK_INT(store_add(f->s, shapes, COUNT_OF(shapes), ret), ERR_OK);
	turn = take_from(f, "c");
	CHECK_INT(turn->n_messages, COUNT_OF(shapes));
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		const struct store_message *m = &turn->messages[i];

		CHECK_INT(ret[i], STORE_ADDED);
		check_same(m, &shapes[i]);
		CHECK(m->arrived_ms >= before && m->arrived_ms <= clock_wall_ms());
		CHECK(m->said_ms <= m->arrived_ms);
		CHECK(!m->late && !m->forced);
	}
}

static void test_long_text(void **state)
{
	enum { LENGTH = 250000 };
	struct fixture *f = *state;
	char *text = arena_alloc(&f->arena, LENGTH + 1);
	const struct store_turn *turn;
	struct store_message m;
	enum store_added ret;

	memset(text, 'x', LENGTH);
	m = message("c", "long", text);
	CHECK_INT(store_add(f->s, &m, 1, &ret), ERR_OK);
	turn = take_from(f, "c");
	CHECK(slice_eq(turn->messages[0].text, m.text));
}

static void test_nothing(void **state)
{
	struct fixture *f = *state;

	CHECK_INT(store_add(f->s, NULL, 0, NULL), ERR_OK);
	take_none(f);
}

static void test_order_of_arrival(void **state)
{
	struct fixture *f = *state;
	struct store_message batch[] = { message("a", "1", ""), message("b", "2", ""), message("a", "3", "") };
	enum store_added ret[COUNT_OF(batch)];
	struct store_turns *turns;

	CHECK_INT(store_add(f->s, batch, COUNT_OF(batch), ret), ERR_OK);
	add_new(f, "b", "4");
	add_new(f, "a", "0");
	turns = take(f, 10, 1000);
	CHECK_INT(turns->n, 2);
	for (size_t i = 0; i < turns->n; i++)
		check_messages(&turns->turn[i], slice_eq(turns->turn[i].client_id, SLICE("a")) ? "1 3 0" : "2 4");
}

static void test_duplicates(void **state)
{
	struct fixture *f = *state;
	struct store_message batch[] = { message("c", "1", "first"), message("c", "1", "second"), message("c", "2", ""),
		message("other", "1", "another client") };
	enum store_added ret[COUNT_OF(batch)];

	CHECK_INT(store_add(f->s, batch, COUNT_OF(batch), ret), ERR_OK);
	CHECK_INT(ret[0], STORE_ADDED);
	CHECK_INT(ret[1], STORE_DUPLICATE);
	CHECK_INT(ret[2], STORE_ADDED);
	CHECK_INT(ret[3], STORE_DUPLICATE);
	CHECK_INT(add(f, "c", "2"), STORE_DUPLICATE);
	check_messages(take_from(f, "c"), "1 2");
	take_none(f);
}

static void add_and_die(struct fixture *f)
{
	add_new(f, "c", "crash");
}

static void test_ids_that_look_alike(void **state)
{
	static const char *const ids[] = { "7", "07", "+7", "-7", " 7", "7 ", "7.0", "7e0", "0", "00",
		"9223372036854775807", "9223372036854775808", "09223372036854775807", "18446744073709551623" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(ids); i++)
		add_new(f, "c", ids[i]);
	fixture_reopen(f);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		CHECK_INT(add(f, "c", ids[i]), STORE_DUPLICATE);
}

/* An id stays known whatever became of its message. */
static void test_duplicates_of_old(void **state)
{
	struct fixture *f = *state;

	add_new(f, "c", "done");
	FINISH(f, take_from(f, "c"), .dialog = "d");
	(void)bury(f, "c", "dead");
	add_new(f, "c", "held");
	(void)take_from(f, "c");
	fixture_crash(f, add_and_die);
	CHECK_INT(add(f, "c", "done"), STORE_DUPLICATE);
	CHECK_INT(add(f, "c", "dead"), STORE_DUPLICATE);
	CHECK_INT(add(f, "c", "held"), STORE_DUPLICATE);
	CHECK_INT(add(f, "c", "crash"), STORE_DUPLICATE);
	check_messages(take_from(f, "c"), "held");
}

struct race {
	pthread_barrier_t start;
	_Atomic int added, duplicates;
};

static void *add_the_same(void *context)
{
	struct crew_member *me = context;
	struct race *race = me->context;

	(void)pthread_barrier_wait(&race->start);
	if (add(me->f, "c", "the one") == STORE_ADDED)
		race->added++;
	else
		race->duplicates++;
	return NULL;
}

static void test_one_of_fifty(void **state)
{
	enum { THREADS = 50 };
	struct fixture *f = *state;
	struct race race = { 0 };

	CHECK(pthread_barrier_init(&race.start, NULL, THREADS) == 0);
	run_crew(f, THREADS, add_the_same, &race);
	(void)pthread_barrier_destroy(&race.start);
	CHECK_INT(race.added, 1);
	CHECK_INT(race.duplicates, THREADS - 1);
	check_messages(take_from(f, "c"), "the one");
}

static int64_t said_before_arrival(struct fixture *f, const char *id, int64_t event_ms)
{
	struct store_message m = message(id, id, "");
	const struct store_turn *turn;
	enum store_added ret;

	m.event_ms = event_ms;
	CHECK_INT(store_add(f->s, &m, 1, &ret), ERR_OK);
	turn = take_from(f, id);
	FINISH(f, turn, .dialog = "d");
	CHECK(turn->messages[0].said_ms <= turn->messages[0].arrived_ms);
	return turn->messages[0].arrived_ms - turn->messages[0].said_ms;
}

/* Chat2Desk's clock is an hour ahead, or a day behind: said is on ours all the same, once eight offsets are known. */
static void check_said(struct fixture *f, int64_t their_clock_ahead)
{
	const int64_t slack = 500; /* ms that a slow machine may take between two messages */
	char id[32];

	for (int i = 0; i < 8; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		CHECK_INT(said_before_arrival(f, id, clock_wall_ms() + their_clock_ahead), 0);
	}
	CHECK(said_before_arrival(f, "now", clock_wall_ms() + their_clock_ahead) < slack);
	int64_t earlier = said_before_arrival(f, "earlier", clock_wall_ms() + their_clock_ahead - 60000);
	CHECK(earlier > 60000 - slack && earlier < 60000 + slack);
	CHECK_INT(said_before_arrival(f, "future", clock_wall_ms() + their_clock_ahead + 3600000), 0);
	CHECK_INT(said_before_arrival(f, "none", 0), 0);
	fixture_reopen(f);
	earlier = said_before_arrival(f, "after reopening", clock_wall_ms() + their_clock_ahead - 60000);
	CHECK(earlier > 60000 - slack && earlier < 60000 + slack);
}

static void test_said_behind(void **state)
{
	check_said(*state, -DAY_MS);
}

static void test_said_ahead(void **state)
{
	check_said(*state, 3600000);
}

static void test_said_needs_eight(void **state)
{
	struct fixture *f = *state;
	char id[32];

	for (int i = 0; i < 8; i++) {
		(void)snprintf(id, sizeof id, "%d", i);
		CHECK_INT(said_before_arrival(f, id, clock_wall_ms() - i * 1000), 0);
	}
	CHECK(said_before_arrival(f, "ninth", clock_wall_ms() - 60000) > 0);
}

/* ---- adds that nobody waits for ---- */

/* An add that was begun, and what was told of it. */
struct begun {
	struct store_adding adding; /* first: a struct store_adding * is a struct begun * */
	struct store_message messages[2];
	enum store_added ret[2];
	struct fixture *f;
	struct begun *then; /* begun when this one is told of; NULL: none */
	enum err err;
	sem_t told;
};

static void begin(struct begun *b)
{
	store_add_begin(b->f->s, &b->adding);
}

static void tell(struct store_adding *adding, enum err err)
{
	struct begun *b = (struct begun *)(void *)adding;

	b->err = err;
	if (b->then != NULL)
		begin(b->then);
	(void)sem_post(&b->told);
}

static void prepare(struct begun *b, struct fixture *f, const char *first, const char *second)
{
	*b = (struct begun){ .f = f, .messages = { message("a", first, ""), message("a", second, "") } };
	b->adding = (struct store_adding){ .messages = b->messages, .n = 2, .ret = b->ret, .added = tell };
	CHECK(sem_init(&b->told, 0, 0) == 0);
}

static void check_told(struct begun *b, enum err err)
{
	CHECK(sem_wait(&b->told) == 0);
	CHECK(sem_destroy(&b->told) == 0);
	CHECK_INT(b->err, err);
}

/* Their order is that of the begins. */
static void test_begun(void **state)
{
	struct fixture *f = *state;
	struct begun b[3];

	prepare(&b[0], f, "1", "2");
	prepare(&b[1], f, "3", "1");
	prepare(&b[2], f, "3", "4");
	for (size_t i = 0; i < COUNT_OF(b); i++)
		begin(&b[i]);
	for (size_t i = 0; i < COUNT_OF(b); i++)
		check_told(&b[i], ERR_OK);
	CHECK(b[0].ret[0] == STORE_ADDED && b[0].ret[1] == STORE_ADDED);
	CHECK(b[1].ret[0] == STORE_ADDED && b[1].ret[1] == STORE_DUPLICATE);
	CHECK(b[2].ret[0] == STORE_DUPLICATE && b[2].ret[1] == STORE_ADDED);
	check_messages(take_from(f, "a"), "1 2 3 4");
}

/* Who is told may begin the next. */
static void test_begun_when_told(void **state)
{
	struct fixture *f = *state;
	struct begun first, second;

	prepare(&first, f, "1", "2");
	prepare(&second, f, "3", "4");
	first.then = &second;
	begin(&first);
	check_told(&first, ERR_OK);
	check_told(&second, ERR_OK);
	check_messages(take_from(f, "a"), "1 2 3 4");
}

static void test_begun_of_none(void **state)
{
	struct begun b;

	prepare(&b, *state, "1", "2");
	b.adding.n = 0;
	begin(&b);
	check_told(&b, ERR_OK);
	take_none(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_whole),
		CASE(test_begun),
		CASE(test_begun_when_told),
		CASE(test_begun_of_none),
		CASE(test_long_text),
		CASE(test_nothing),
		CASE(test_order_of_arrival),
		CASE(test_duplicates),
		CASE(test_ids_that_look_alike),
		CASE(test_duplicates_of_old),
		CASE(test_one_of_fifty),
		CASE(test_said_behind),
		CASE(test_said_ahead),
		CASE(test_said_needs_eight),
	};

	return RUN_OVER_SUBJECTS("intake", tests);
}
