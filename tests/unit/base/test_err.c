/* test_err.c - the table of outcomes is whole. */
#include "base/err.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_outcome_has_text_and_name(void **state)
{
	for (int e = 0; e < ERR_COUNT; e++) {
		assert_true(strlen(err_text((enum err)e)) > 1);
		assert_true(strlen(err_name((enum err)e)) > 1);
	}
	assert_string_equal(err_name(ERR_NO_SPACE), "NO_SPACE");
	assert_int_equal(err_verdict(ERR_DUPLICATE), VERDICT_ACK);
	assert_int_equal(err_verdict(ERR_IO), VERDICT_RETRY);
	assert_int_equal(err_verdict(ERR_MALFORMED), VERDICT_BURY);
	assert_int_equal(err_verdict(ERR_STALE_LEASE), VERDICT_REFUSE);
}

static void why_keeps_the_sentence(void **state)
{
	struct why why;

	assert_int_equal(why_fail(&why, ERR_IO, "cannot read %s", "x"), ERR_IO);
	assert_string_equal(why.text, "cannot read x");
	assert_int_equal(why_fail(NULL, ERR_IO, "nobody listens"), ERR_IO);
	why_set(&why, "%0600d", 1);
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

static void jitter_stays_within_a_fifth(void **state)
{
	int64_t least = INT64_MAX, most = 0;

	for (int i = 0; i < 10000; i++) {
		int64_t value = random_jitter(1000);

		least = value < least ? value : least;
		most = value > most ? value : most;
	}
	assert_in_range(least, 800, 820);
	assert_in_range(most, 1180, 1200);
	assert_int_equal(random_jitter(4), 4);
	assert_true(random_u64() != random_u64());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_has_text_and_name),
		cmocka_unit_test(why_keeps_the_sentence),
		cmocka_unit_test(jitter_stays_within_a_fifth),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
