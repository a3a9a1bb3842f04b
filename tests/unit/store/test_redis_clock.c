/* test_redis_clock.c - Redis' time out of its answers. */
#include "base/clock.h"
#include "store/shared/redis/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SLACK_MS = 500 /* for a machine that is busy */ };

/* An answer that came just now, of a clock that is so much ahead of the wall clock. */
static void note(struct shared *s, int64_t ahead_ms, int64_t trip_ms)
{
	int64_t boot_ms = clock_boot_ms();

	redis_clock_note(s->clock, clock_wall_ms() + ahead_ms - trip_ms / 2, boot_ms - trip_ms, boot_ms);
}

static void check_ahead(struct shared *s, int64_t ahead_ms)
{
	int64_t is_ms = redis_now_ms(s) - clock_wall_ms();

	if (llabs(is_ms - ahead_ms) > SLACK_MS)
		fail_msg("%lld ms ahead, wanted %lld", (long long)is_ms, (long long)ahead_ms);
	is_ms = redis_from_wall_ms(s, 1000000) - 1000000;
	if (llabs(is_ms - ahead_ms) > SLACK_MS)
		fail_msg("%lld ms ahead of wall, wanted %lld", (long long)is_ms, (long long)ahead_ms);
}

static void test_unknown(void **state)
{
	struct shared s = { .clock = redis_clock_new() };

	check_ahead(&s, 0);
	assert_int_equal(redis_from_wall_ms(&s, 4321), 4321);
	assert_int_equal(redis_clock_jump_ms(&s), 0);
	redis_clock_free(&s.clock);
	assert_null(s.clock);
}

static void test_ahead_and_behind(void **state)
{
	static const int64_t aheads[] = { 5000, -5000, 86400000, -86400000 };

	for (size_t i = 0; i < COUNT_OF(aheads); i++) {
		struct shared s = { .clock = redis_clock_new() };

		note(&s, aheads[i], 0);
		check_ahead(&s, aheads[i]);
		assert_int_equal(redis_clock_jump_ms(&s), 0); /* nothing was known before */
		redis_clock_free(&s.clock);
	}
}

/* What measuring makes is no difference. */
static void test_agreeing_clocks(void **state)
{
	for (int64_t trip_ms = 0; trip_ms < 100; trip_ms++) {
		struct shared s = { .clock = redis_clock_new() };
		int64_t boot_ms = clock_boot_ms(), wall_ms = clock_wall_ms();

		redis_clock_note(s.clock, wall_ms, boot_ms - trip_ms, boot_ms); /* all of the trip was the way there */
		assert_int_equal(redis_from_wall_ms(&s, 4321), 4321);
		redis_clock_free(&s.clock);
	}
}

static void test_shortest_trip_counts(void **state)
{
	struct shared s = { .clock = redis_clock_new() };
	int64_t boot_ms = clock_boot_ms();

	note(&s, 60000, 10);
	/* an answer that took 20 s on its way back */
	redis_clock_note(s.clock, clock_wall_ms() + 40000, boot_ms - 20000, boot_ms);
	check_ahead(&s, 60000);
	assert_int_equal(redis_clock_jump_ms(&s), 0);
	note(&s, 60900, 10); /* as short, and newer */
	check_ahead(&s, 60900);
	redis_clock_free(&s.clock);
}

static void test_old_sample_goes(void **state)
{
	struct shared s = { .clock = redis_clock_new() };
	int64_t boot_ms = clock_boot_ms(), wall_ms = clock_wall_ms();

	redis_clock_note(s.clock, wall_ms - 120000 + 3000, boot_ms - 120000, boot_ms - 120000);
	redis_clock_note(s.clock, wall_ms + 4500, boot_ms - 100, boot_ms);
	check_ahead(&s, 4550);
	assert_int_equal(redis_clock_jump_ms(&s), 0); /* less than 2 s */
	redis_clock_free(&s.clock);
}

static void test_jumps(void **state)
{
	struct shared s = { .clock = redis_clock_new() };

	note(&s, 0, 5);
	note(&s, 1500, 5);
	assert_int_equal(redis_clock_jump_ms(&s), 0);
	note(&s, 3600000, 300); /* too slow to be believed */
	assert_int_equal(redis_clock_jump_ms(&s), 0);
	note(&s, 3600000, 50); /* slower than the best, and believed */
	assert_true(llabs(redis_clock_jump_ms(&s) - 3598500) <= SLACK_MS);
	check_ahead(&s, 3600000);
	assert_int_equal(redis_clock_jump_ms(&s), 0); /* told once */
	note(&s, 0, 5);
	assert_true(llabs(redis_clock_jump_ms(&s) + 3600000) <= SLACK_MS);
	redis_clock_free(&s.clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_ahead_and_behind),
		cmocka_unit_test(test_agreeing_clocks),
		cmocka_unit_test(test_shortest_trip_counts),
		cmocka_unit_test(test_old_sample_goes),
		cmocka_unit_test(test_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
