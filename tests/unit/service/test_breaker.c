/* test_breaker.c - stories of outcomes, and what the breaker makes of each. */
#include "service/backoff.h"
#include "service/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { INFO = 1, PROBE = 2 };

/* One outcome and what is expected after it; times in seconds from the start. */
struct step {
	int64_t at_s;
	const char *client; /* NULL: the end */
	enum c2d_verdict verdict;
	int flags;
	int64_t pause_s;
	enum breaker_fate fate;
	enum breaker_state state;
	bool suspecting;
	int64_t probe_at_s;
};

static const struct story {
	const char *name;
	struct step step[12];
} stories[] = {
	{ "unreachable is away at once, probes slow down, any success ends it",
	    { { 0, "a", C2D_AWAY, 0, 0, BREAKER_BACK, BREAKER_AWAY, false, 2 },
		{ 0, "b", C2D_AWAY, 0, 0, BREAKER_BACK, BREAKER_AWAY, false, 2 },
		{ 2, "b", C2D_AWAY, PROBE, 0, BREAKER_BACK, BREAKER_AWAY, false, 5 },
		{ 5, "c", C2D_MAYBE_AWAY, PROBE, 0, BREAKER_BACK, BREAKER_AWAY, false, 9 },
		{ 9, "d", C2D_TOKEN, PROBE, 0, BREAKER_BACK, BREAKER_AWAY, false, 14 },
		{ 14, "e", C2D_AWAY, PROBE, 0, BREAKER_BACK, BREAKER_AWAY, false, 19 },
		{ 19, "f", C2D_ACCEPTED, PROBE, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 },
		{ 20, "a", C2D_AWAY, 0, 0, BREAKER_BACK, BREAKER_AWAY, false, 22 } } },
	{ "a success of one under way ends it too, a refusal as well",
	    { { 0, "a", C2D_AWAY, 0, 0, BREAKER_BACK, BREAKER_AWAY, false, 2 },
		{ 1, "b", C2D_REJECTED, 0, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 } } },
	{ "a second client confirms a time-out",
	    { { 0, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
		{ 1, "b", C2D_MAYBE_AWAY, 0, 0, BREAKER_BACK, BREAKER_AWAY, false, 3 } } },
	{ "a refused token confirms a 500: either is trouble",
	    { { 0, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
		{ 1, "b", C2D_TOKEN, 0, 0, BREAKER_BACK, BREAKER_AWAY, false, 3 } } },
	{ "another client's success clears the suspicion",
	    { { 0, "a", C2D_TOKEN, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
		{ 1, "b", C2D_ACCEPTED, 0, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 } } },
	{ "the suspect's own second failure confirms nothing",
	    { { 0, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
		{ 1, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_OWN, BREAKER_WORKING, true, 0 } } },
	{ "api_info confirms", { { 0, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
				   { 1, "", C2D_TOKEN, INFO, 0, BREAKER_BACK, BREAKER_AWAY, false, 3 } } },
	{ "api_info clears; asked too late it changes nothing",
	    { { 0, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
		{ 1, "", C2D_ACCEPTED, INFO, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 },
		{ 2, "", C2D_AWAY, INFO, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 } } },
	{ "a failure of its own is no trouble",
	    { { 0, "a", C2D_RETRY, 0, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 },
		{ 0, "b", C2D_RETRY, 0, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 } } },
	{ "429: those under way change nothing, failed probes double the pause",
	    { { 0, "a", C2D_LIMITED, 0, 0, BREAKER_BACK, BREAKER_LIMITED, false, 5 },
		{ 0, "b", C2D_LIMITED, 0, 0, BREAKER_BACK, BREAKER_LIMITED, false, 5 },
		{ 0, "c", C2D_ACCEPTED, 0, 0, BREAKER_OWN, BREAKER_LIMITED, false, 5 },
		{ 0, "c", C2D_MAYBE_AWAY, 0, 0, BREAKER_BACK, BREAKER_LIMITED, false, 5 },
		{ 5, "d", C2D_LIMITED, PROBE, 0, BREAKER_BACK, BREAKER_LIMITED, false, 15 },
		{ 15, "d", C2D_LIMITED, PROBE, 0, BREAKER_BACK, BREAKER_LIMITED, false, 35 },
		{ 35, "d", C2D_LIMITED, PROBE, 0, BREAKER_BACK, BREAKER_LIMITED, false, 75 },
		{ 75, "d", C2D_LIMITED, PROBE, 0, BREAKER_BACK, BREAKER_LIMITED, false, 135 },
		{ 135, "d", C2D_LIMITED, PROBE, 0, BREAKER_BACK, BREAKER_LIMITED, false, 195 },
		{ 195, "d", C2D_ACCEPTED, PROBE, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 },
		{ 200, "d", C2D_LIMITED, 0, 0, BREAKER_BACK, BREAKER_LIMITED, false, 205 } } },
	{ "Retry-After is obeyed, within an hour",
	    { { 0, "a", C2D_LIMITED, 0, 7, BREAKER_BACK, BREAKER_LIMITED, false, 7 },
		{ 7, "b", C2D_LIMITED, PROBE, 99999, BREAKER_BACK, BREAKER_LIMITED, false, 3607 } } },
	{ "the month's quota is asked for every five minutes",
	    { { 0, "a", C2D_QUOTA, 0, 0, BREAKER_BACK, BREAKER_QUOTA, false, 300 },
		{ 300, "b", C2D_QUOTA, PROBE, 0, BREAKER_BACK, BREAKER_QUOTA, false, 600 },
		{ 600, "b", C2D_AWAY, PROBE, 0, BREAKER_BACK, BREAKER_AWAY, false, 602 },
		{ 602, "b", C2D_QUOTA, PROBE, 0, BREAKER_BACK, BREAKER_QUOTA, false, 902 },
		{ 902, "b", C2D_REJECTED, PROBE, 0, BREAKER_OWN, BREAKER_WORKING, false, 0 } } },
	{ "a limit ends a suspicion", { { 0, "a", C2D_MAYBE_AWAY, 0, 0, BREAKER_HELD, BREAKER_WORKING, true, 0 },
					  { 1, "b", C2D_LIMITED, 0, 0, BREAKER_BACK, BREAKER_LIMITED, false, 6 } } },
};

static void play(const struct story *story)
{
	struct breaker b = { 0 };

	for (size_t i = 0; i < COUNT_OF(story->step) && story->step[i].client != NULL; i++) {
		const struct step *s = &story->step[i];
		struct c2d_judgement j = { .verdict = s->verdict, .pause_ms = s->pause_s * 1000 };
		enum breaker_fate fate = s->fate;

		if (s->flags == INFO)
			breaker_confirmed(&b, &j, s->at_s * 1000);
		else
			fate = breaker_judged(&b, &j, slice_of(s->client), s->flags == PROBE, s->at_s * 1000);
		if (fate != s->fate || b.state != s->state || b.suspecting != s->suspecting ||
		    breaker_wait_ms(&b, 0) != s->probe_at_s * 1000)
			fail_msg("%s, step %zu: fate %d, state %d, suspecting %d, probe at %lld", story->name, i,
			    (int)fate, (int)b.state, b.suspecting, (long long)breaker_wait_ms(&b, 0));
	}
}

static void test_stories(void **state)
{
	for (size_t i = 0; i < COUNT_OF(stories); i++)
		play(&stories[i]);
}

static void test_unsuspect(void **state)
{
	struct breaker b = { 0 };
	struct c2d_judgement j = { .verdict = C2D_MAYBE_AWAY, .cause = "no answer" };

	breaker_judged(&b, &j, SLICE("a"), false, 5);
	assert_true(b.suspecting);
	assert_int_equal(b.suspected_ms, 5);
	breaker_unsuspect(&b);
	assert_false(b.suspecting);
	assert_string_equal(b.reason, "");
}

static void test_backoff(void **state)
{
	static const int64_t seconds[] = { 1, 2, 4, 60, 120, 240, 480, 960, 1920, 3600, 3600 };

	for (unsigned i = 0; i < COUNT_OF(seconds); i++)
		assert_int_equal(backoff_ms(i + 1), seconds[i] * 1000);
	assert_int_equal(backoff_ms(50), 3600 * 1000);
	assert_int_equal(backoff_ms(1000000), 3600 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_unsuspect),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
