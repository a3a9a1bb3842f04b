/* nearest.h - "did you mean": the word of a list that a mistyped one most likely stands for. Any thread. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include "base/slice.h"

/* Feed candidates one by one; a zeroed struct with .typed set is a new search. */
struct nearest {
	struct slice typed;
	const char *word; /* the best so far, NULL while none is near enough */
	size_t distance;  /* edits (ASCII case apart) from typed to word */
};

void nearest_offer(struct nearest *n, const char *candidate);

#endif
