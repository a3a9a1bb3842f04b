/* fake_outbox.h - the sender's three store verbs over a list in memory, with what tests want to know. */
#ifndef TESTS_FAKE_OUTBOX_H
#define TESTS_FAKE_OUTBOX_H

#include "store/store.h"

#include <pthread.h>

enum { OUTBOX_MAX = 512 };

/* One reply and what became of it. */
struct outbox_row {
	char reply_id[STORE_TURN_ID_SIZE], client_id[32], text[64], message_id[32];
	enum outbox_state { OUTBOX_WAITING, OUTBOX_CLAIMED, OUTBOX_ACCEPTED, OUTBOX_DEAD } state;
	unsigned attempt;
	bool doubtful;
	int64_t due_ms, posted_ms, order; /* monotonic; its place in the line */
	unsigned accepted, retried, back, back_unused;
	int64_t last_delay_ms;
	char reason[256];
};

struct store {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct outbox_row row[OUTBOX_MAX];
	size_t n;
	int64_t next_order;
	unsigned claims, claimed_most, sent_calls, rate_calls;
	unsigned fail_sent; /* that many store_sent calls fail first */
	enum err rate;      /* what store_rate says */
	enum err claim;     /* what store_claim says; when not OK it gives nothing */
	bool stopped;
};

void outbox_open(struct store *s);
void outbox_close(struct store *s);
void outbox_put(struct store *s, const char *client_id, const char *text);
/* Waits for all replies to be accepted or dead; fails the test after 20 s. */
void outbox_wait_settled(struct store *s);
struct outbox_row outbox_row(struct store *s, size_t i);

#endif
