/* backoff.c - quick at first, for a hiccup; then slow and slower, for a long trouble. */
#include "service/backoff.h"

enum { QUICK_ATTEMPTS = 3, QUICK_MS = 1000, SLOW_MS = 60 * 1000, LONGEST_MS = 60 * 60 * 1000 };

int64_t backoff_ms(unsigned attempt)
{
	unsigned doublings;
	int64_t wait;

	if (attempt <= QUICK_ATTEMPTS)
		return attempt == 0 ? QUICK_MS : (int64_t)QUICK_MS << (attempt - 1);
	doublings = attempt - QUICK_ATTEMPTS - 1;
	wait = doublings < 16 ? (int64_t)SLOW_MS << doublings : LONGEST_MS;
	return wait < LONGEST_MS ? wait : LONGEST_MS;
}
