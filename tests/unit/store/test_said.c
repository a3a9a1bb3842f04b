/* test_said.c - the middle of the last offsets: what moves it, and what does not. */
#include "store/embedded/embedded.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int64_t median_of(const struct said *said)
{
	bool known = false;
	int64_t median = said_median(said, &known);

	assert_true(known);
	return median;
}

static void test_needs_some(void **state)
{
	struct said said = { 0 };
	bool known = true;

	assert_int_equal(said_median(&said, &known), 0);
	assert_false(known);
	for (int i = 1; i < SAID_LEAST; i++)
		said_note(&said, 1000);
	(void)said_median(&said, &known);
	assert_false(known);
	said_note(&said, 1000);
	assert_int_equal(median_of(&said), 1000);
}

static void test_one_bad_time_moves_nothing(void **state)
{
	struct said said = { 0 };

	for (int i = 0; i < SAID_LEAST; i++)
		said_note(&said, 500);
	said_note(&said, INT64_MAX);
	said_note(&said, INT64_MIN);
	assert_int_equal(median_of(&said), 500);
}

static void test_order_does_not_matter(void **state)
{
	struct said up = { 0 }, down = { 0 };

	for (int i = 0; i < 33; i++) {
		said_note(&up, i);
		said_note(&down, 32 - i);
	}
	assert_int_equal(median_of(&up), 16);
	assert_int_equal(median_of(&down), 16);
}

/* Only the last ones count, so that a clock put right is followed. */
static void test_forgets(void **state)
{
	struct said said = { 0 };

	for (int i = 0; i < 1000; i++)
		said_note(&said, -3600000);
	assert_int_equal(said.n, SAID_OFFSETS);
	for (int i = 0; i < SAID_OFFSETS / 2; i++)
		said_note(&said, 100);
	said_note(&said, 100);
	assert_int_equal(median_of(&said), 100);
	for (int i = 0; i < SAID_OFFSETS; i++)
		said_note(&said, i);
	for (int i = 0; i < SAID_OFFSETS; i++)
		assert_true(said.offset[i] >= 0 && said.offset[i] < SAID_OFFSETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs_some),
		cmocka_unit_test(test_one_bad_time_moves_nothing),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
