/* test_clock.c - times read and written. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void reads_what_chat2desk_writes(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "2025-04-03T11:50:06.984494Z", 1743681006984 },
		{ "2025-04-03T11:50:06Z", 1743681006000 },
		{ "2025-04-03T11:50:06z", 1743681006000 },
		{ "2025-04-03T17:50:06+06:00", 1743681006000 },
		{ "2025-04-03T17:50:06+0600", 1743681006000 },
		{ "2025-04-03T06:20:06.5-05:30", 1743681006500 },
		{ "2025-04-03 11:50:06 UTC", 1743681006000 },
		{ "2025-04-03T11:50:06 UTC", 1743681006000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "1970-01-01T00:00:00.001Z", 1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = -1;

		if (!clock_parse(slice_of(cases[i].text), &ms) || ms != cases[i].ms)
			fail_msg("%s is %lld, not %lld", cases[i].text, (long long)ms, (long long)cases[i].ms);
	}
}

static void refuses_what_is_no_time(void **state)
{
	static const char *const cases[] = { "", "2025", "2025-04-03", "2025-04-03T11:50:06", "2025-13-03T11:50:06Z",
		"2025-00-03T11:50:06Z", "2025-04-32T11:50:06Z", "2025-04-03T24:50:06Z", "2025-04-03T11:60:06Z",
		"2025-04-03T11:50:06.Z", "2025-04-03T11:50:06+24:00", "2025-04-03T11:50:06+6", "1969-12-31T23:59:59Z",
		"2025-04-03T11:50:06Zx", " 2025-04-03T11:50:06Z", "2025/04/03T11:50:06Z", "+025-04-03T11:50:06Z" };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = 7;

		if (clock_parse(slice_of(cases[i]), &ms))
			fail_msg("\"%s\" was taken for a time", cases[i]);
		assert_int_equal(ms, 7);
	}
}

static void writes_what_it_reads(void **state)
{
	static const int64_t cases[] = { 1, 999, 1743681006984, 951782400000, 4102444800000, 253402300799999 };
	char text[CLOCK_TEXT_SIZE];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = 0;

		assert_true(clock_parse(slice_of(clock_format(cases[i], text)), &ms));
		assert_int_equal(ms, cases[i]);
	}
	assert_string_equal(clock_format(1743681006984, text), "2025-04-03T11:50:06.984Z");
	assert_string_equal(clock_format(-1, text), "");
	assert_string_equal(clock_format(INT64_MAX, text), "");
}

static void runs_forward(void **state)
{
	int64_t us = clock_mono_us(), ms = clock_mono_ms();

	assert_true(clock_mono_us() >= us);
	assert_true(clock_mono_ms() >= ms);
	assert_true(clock_wall_ms() > 1700000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_chat2desk_writes),
		cmocka_unit_test(refuses_what_is_no_time),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(runs_forward),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
