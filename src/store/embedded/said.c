/* said.c - the middle of the last offsets between Chat2Desk's clock and ours: one wrong event time moves nothing. */
#include "store/embedded/embedded.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t said_median(const struct said *said, bool *ret_known)
{
	int64_t sorted[SAID_OFFSETS];

	*ret_known = said->n >= SAID_LEAST;
	if (!*ret_known)
		return 0;
	memcpy(sorted, said->offset, said->n * sizeof sorted[0]);
	qsort(sorted, said->n, sizeof sorted[0], by_value);
	return sorted[said->n / 2];
}

void said_note(struct said *said, int64_t offset)
{
	said->offset[said->next] = offset;
	said->next = (said->next + 1) % SAID_OFFSETS;
	if (said->n < SAID_OFFSETS)
		said->n++;
}
