/* random.c - the kernel's random numbers. */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

uint64_t random_u64(void)
{
	uint64_t value;
	ssize_t n;

	do {
		n = getrandom(&value, sizeof value, 0);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof value)
		abort();
	return value;
}

int64_t random_jitter(int64_t value)
{
	int64_t span = value / 5;

	if (span <= 0)
		return value;
	return value - span + (int64_t)(random_u64() % (uint64_t)(2 * span + 1));
}
