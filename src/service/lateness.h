/* lateness.h - was a message said before one that has been applied already? Pure; any thread.
 *
 * Chat2Desk's retries come 10 s, 5 min and 2 h after the first attempt, so a message can arrive behind later
 * ones. Raw event times are compared; docs/architecture.md, "Lanes". */
#ifndef SERVICE_LATENESS_H
#define SERVICE_LATENESS_H

#include "store/store.h"

enum lateness {
	LATENESS_ON_TIME,
	LATENESS_LATE, /* may fill an open field, no more */
	LATENESS_STALE /* recorded, not applied */
};

enum {
	LATENESS_STALE_MS = 600000,  /* later than this is stale */
	LATENESS_FUTURE_MS = 600000, /* an event time so far after its arrival is wrong, and is not believed */
	LATENESS_SKEW_MS = 30000     /* by so much Chat2Desk's clock may be ahead of ours */
};

/* last_event_ms: the largest event time applied in this lane; 0: none. */
enum lateness lateness_of(const struct store_message *message, int64_t last_event_ms);
/* The new largest event time once this message was applied. A time after the message's arrival counts as arrival
 * plus LATENESS_SKEW_MS at most: one wrong time makes later messages late for no longer than that. */
int64_t lateness_advance(const struct store_message *message, int64_t last_event_ms);

#endif
