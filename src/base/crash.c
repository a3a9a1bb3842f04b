/* crash.c - dies at the point that the environment names. */
#include "base/crash.h"

#ifdef CHAT2ORDER_CRASH_POINTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

static void die(void)
{
	(void)raise(SIGKILL);
}

void crash_point(const char *name)
{
	static _Atomic long passed;
	const char *at = getenv("CRASH_AT");
	size_t n = strlen(name);
	long which = 1;

	if (at == NULL || strncmp(at, name, n) != 0 || (at[n] != '\0' && at[n] != ':'))
		return;
	if (at[n] == ':')
		which = strtol(at + n + 1, NULL, 10);
	if (atomic_fetch_add(&passed, 1) + 1 == which)
		die();
}

void crash_point_text(struct slice text)
{
	const char *words = getenv("CRASH_ON_TEXT");

	if (words != NULL && text.n > 0 && memmem(text.p, text.n, words, strlen(words)) != NULL)
		die();
}
#else
typedef int crash_points_are_off; /* a translation unit must not be empty */
#endif
