/* given.h - turns and replies that a test was given: they live as long as its fixture. */
#ifndef CONFORMANCE_GIVEN_H
#define CONFORMANCE_GIVEN_H

#include "fixture.h"

struct given {
	struct store_turns turns;
	struct store_replies replies;
	struct store_order_new order; /* and what it gave itself */
	char text[48];
	struct given *next;
};

struct given *given_new(struct fixture *f); /* any thread */
void given_free(struct fixture *f);

#endif
