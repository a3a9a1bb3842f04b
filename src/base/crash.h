/* crash.h - named points at which a test may kill the process, as a power cut would, or stop it.
 *
 * Only in builds with -Dcrash_points=true; elsewhere they are nothing. CRASH_AT=name kills at the first
 * passage of that point, CRASH_AT=name:N at the Nth; STOP_AT=name in the same way stops the process (SIGSTOP) until
 * SIGCONT. CRASH_ON_TEXT=words kills wherever a point that carries
 * a text meets one that contains the words: a poisonous message. */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include "base/slice.h"

#ifdef CHAT2ORDER_CRASH_POINTS
void crash_point(const char *name);
void crash_point_text(struct slice text);
#else
static inline void crash_point(const char *name)
{
	(void)name;
}
static inline void crash_point_text(struct slice text)
{
	(void)text;
}
#endif

#endif
