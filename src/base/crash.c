/* crash.c - dies or stops at the point that the environment names. */
#include "base/crash.h"

#ifdef CHAT2ORDER_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Whether this passage of the point is the one meant by "name" or "name:N". */
static bool is_meant(const char *at, const char *name, _Atomic long *passed)
{
	size_t n = strlen(name);
	long which = 1;

	if (at == NULL || strncmp(at, name, n) != 0 || (at[n] != '\0' && at[n] != ':'))
		return false;
	if (at[n] == ':')
		which = strtol(at + n + 1, NULL, 10);
	return atomic_fetch_add(passed, 1) + 1 == which;
}

void crash_point(const char *name)
{
	static _Atomic long passed_to_die, passed_to_stop;

	if (is_meant(getenv("STOP_AT"), name, &passed_to_stop))
		(void)raise(SIGSTOP);
	if (is_meant(getenv("CRASH_AT"), name, &passed_to_die))
		(void)raise(SIGKILL);
}

void crash_point_text(struct slice text)
{
	const char *words = getenv("CRASH_ON_TEXT");

	if (words != NULL && text.n > 0 && memmem(text.p, text.n, words, strlen(words)) != NULL)
		(void)raise(SIGKILL);
}
#else
typedef int crash_points_are_off; /* a translation unit must not be empty */
#endif
