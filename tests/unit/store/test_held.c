/* test_held.c - the local fence. */
#include "store/shared/held.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void put(struct held *h, uint64_t counter, const char *client)
{
	struct slice jobs[] = { SLICE("m-1"), SLICE("m-2") };
	struct held_turn turn = { .counter = counter,
		.client_id = slice_of(client),
		.version = (int64_t)counter + 100,
		.job_ids = jobs,
		.n_jobs = COUNT_OF(jobs),
		.taken_ms = 7 };

	held_put(h, &turn);
}

static bool begins(struct held *h, uint64_t counter)
{
	struct arena arena = { 0 };
	struct held_turn turn;
	bool begun = held_begin(h, counter, &arena, &turn);

	arena_free(&arena);
	return begun;
}

static void test_once(void **state)
{
	struct held *h = held_new();
	struct arena arena = { 0 };
	struct held_turn turn;

	assert_false(begins(h, 1));
	put(h, 1, "anna");
	put(h, 1 + 1024, "boris"); /* the same bucket */
	assert_int_equal(held_count(h), 2);
	assert_true(held_begin(h, 1, &arena, &turn));
	assert_false(begins(h, 1)); /* named twice */
	held_end(h, 1, HELD_GONE);
	assert_false(begins(h, 1));
	/* what was begun is a copy */
	assert_true(slice_eq(turn.client_id, SLICE("anna")));
	assert_int_equal(turn.version, 101);
	assert_int_equal(turn.n_jobs, 2);
	assert_true(slice_eq(turn.job_ids[1], SLICE("m-2")));
	assert_int_equal(turn.taken_ms, 7);
	assert_true(begins(h, 1025));
	assert_int_equal(held_count(h), 1);
	arena_free(&arena);
	held_free(&h);
	assert_null(h);
}

static void test_client_is_there_once(void **state)
{
	struct held *h = held_new();

	put(h, 1, "anna");
	put(h, 2, "boris");
	assert_true(begins(h, 1));
	put(h, 3, "anna");
	assert_int_equal(held_count(h), 2);
	held_end(h, 1, HELD_WAITING); /* of a turn that is not there any more */
	assert_false(begins(h, 1));
	assert_true(begins(h, 3));
	assert_true(begins(h, 2));
	held_free(&h);
}

static void test_waiting(void **state)
{
	struct held *h = held_new();
	struct arena arena = { 0 };
	struct slice *clients;

	put(h, 1, "anna");
	put(h, 2, "boris");
	assert_int_equal(held_waiting(h, &arena, &clients), 0);
	assert_true(begins(h, 2));
	held_end(h, 2, HELD_WAITING);
	assert_int_equal(held_waiting(h, &arena, &clients), 1);
	assert_true(slice_eq(clients[0], SLICE("boris")));
	assert_true(begins(h, 2)); /* tried again, still waiting */
	assert_int_equal(held_waiting(h, &arena, &clients), 1);
	held_end(h, 2, HELD_GONE);
	assert_int_equal(held_waiting(h, &arena, &clients), 0);
	arena_free(&arena);
	held_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_client_is_there_once),
		cmocka_unit_test(test_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
