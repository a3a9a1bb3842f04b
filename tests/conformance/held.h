/* held.h - turns and replies that a test was given: they live as long as its fixture. */
#ifndef CONFORMANCE_HELD_H
#define CONFORMANCE_HELD_H

#include "fixture.h"

struct held {
	struct store_turns turns;
	struct store_replies replies;
	struct store_order_new order; /* and what it gave itself */
	char text[48];
	struct held *next;
};

struct held *held_new(struct fixture *f); /* any thread */
void held_free(struct fixture *f);

#endif
